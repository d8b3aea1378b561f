"""Erasing, and the way back to a forgotten password. Each action: who may, one transaction, rows in the ledger."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import PasswordLink
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.actions import sign
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.operation import SHORTEST_REASON
from upturn_clinic.participants.erasure.queries import account_of, what_tells
from upturn_clinic.participants.models import Identity, Participant
from upturn_clinic.participants.queries import held, identity_of

__all__ = ["ERASED", "erase_identity", "offer_new_password"]

ERASED = "I erase who this participant was. I have checked that nothing obliges us to keep it."
# What stands beside the emptied fields; the reason that a person wrote stands in the row that destroys the key.
EMPTIED = "erased for good"


@transaction.atomic
def offer_new_password(*, participant: Participant, by: Actor, at: datetime) -> PasswordLink:
    """Make a link by which a participant who forgot the password sets a new one. It is handed over, never sent.

    Raises
    ------
    Refused
        There is no account, or it is closed.
    """
    by.must(Permission.CHANGE_IDENTITY)
    person = held(participant, by)
    account = account_of(person)
    if account is None:
        raise Refused("There is no account yet.", remedy="make an account first")
    return accounts.offer_new_password(user=account, facility=person.facility, by=by, at=at)


@transaction.atomic
def erase_identity(*, participant: Participant, version: int, reason: str, proof: Proof, by: Actor, at: datetime
                   ) -> Identity:  # fmt: skip
    """Erase who a participant was, everywhere: in the tables, and in the trail by destroying the key of that part.

    What was done and found stays, under the pseudonym. The trail says who erased, when and why, and its chain holds.
    It cannot be undone; copies in backups end with the backups.

    Parameters
    ----------
    version
        Of the identity that was on screen.
    reason
        Who asked, and why nothing obliges to keep it. It stays readable: it names nobody.

    Raises
    ------
    Refused
        The participant has not ended, the reason says nothing, it names the person, it was done already, or the proof
        does not hold.
    Conflict
        Somebody changed the identity first.
    """
    by.must(Permission.ERASE_IDENTITY)
    person = held(participant, by)
    identity = identity_of(person)
    if not person.has_ended:
        raise Refused("Somebody who takes part cannot be erased.", remedy="withdraw the participant first")
    if identity.erased_at:
        raise Refused("This was erased already.")
    if len(reason.strip()) < SHORTEST_REASON:
        raise Refused("The reason is too short.", expected=f"at least {SHORTEST_REASON} characters")
    if any(part.casefold() in reason.casefold() for part in identity.full_name.split() if len(part) > 1):
        raise Refused("The reason names the person: it would stay.", remedy=f"write {person.pseudonym} instead")
    for record, empty in what_tells(person):
        if isinstance(record, Identity):
            emptied = writing.change(
                record, action="erased who it was", by=by, at=at, reason=EMPTIED, version=version, erased_at=at, **empty
            )
        else:
            writing.change(record, action="erased who it was", by=by, at=at, reason=EMPTIED, **empty)
    account = account_of(person)
    if account is not None:
        accounts.close_account(user=account, reason=EMPTIED, by=by, at=at)
    people = [person.pk] + ([account.pk] if account else [])
    sign(thing=person, meaning=ERASED, permission=Permission.ERASE_IDENTITY, proof=proof, by=by, at=at)
    writing.forget(people, action="erased who the participant was", by=by, at=at, about=person, reason=reason)
    return emptied
