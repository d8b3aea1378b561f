"""All that is written about people and facilities. Each action: who may, one transaction, one row in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied
from django.db import transaction

from upturn_clinic.accounts import queries
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import EmergencyAccess, Facility, Invitation, Membership, PasswordLink, User
from upturn_clinic.accounts.permissions import Permission, Role, may_break_glass
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.accounts.refusals import Refusal, Written, written
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.ledger.queries import has_note
from upturn_clinic.operation import (
    EMERGENCY_ACCESS,
    EMERGENCY_NOTED,
    INVITATION_VALID,
    PASSWORD_LINK_VALID,
    SHORTEST_REASON,
)

__all__ = [
    "accept", "change_facility", "close_account", "create_facility", "create_person", "end_emergency_access",
    "end_role", "give_role", "invite", "note_emergency_reading", "note_event", "note_refusal", "offer_new_password",
    "open_emergency_access", "set_new_password", "withdraw_invitation",
]  # fmt: skip

READ = "read in an emergency"
NEEDED_NO_MORE = "not needed any more"


def create_facility(*, slug: str, name: str, time_zone: str, by: Actor, at: datetime) -> Facility:
    """Open a facility. Only at the server's own terminal: a new site is a decision outside any site."""
    by.must(Permission.CHANGE_FACILITY)
    here = Facility(slug=slug, name=name, time_zone=time_zone)
    # The row belongs to the new facility's own history.
    return writing.insert(here, action="opened the facility", by=Actor(by.user, here), at=at)


@transaction.atomic
def create_person(*, email: str, name: str, password: str, by: Actor, at: datetime) -> User:
    """Make an account for somebody whose address is proven: by an invitation, or at the server's own terminal.

    Raises
    ------
    Refused
        The address belongs to somebody already.
    """
    by.must(Permission.MANAGE_STAFF)
    if queries.email_is_taken(email):
        raise Refused("This email address has an account already.", remedy="log in with it, or reset its password")
    user = User(email=email.lower(), name=name)
    user.set_password(password)
    writing.insert(user, action="made the account", by=by, at=at)
    address = EmailAddress(user=user, email=user.email, verified=True, primary=True)
    writing.insert(address, action="took the email address", by=by, at=at)
    return user


def change_facility(
    *, facility: Facility, version: int, values: Mapping[str, str], reason: str, by: Actor, at: datetime
) -> Facility:
    """Change name, time zone, country or crisis help.

    Raises
    ------
    Conflict
        Somebody saved another version first.
    """
    by.must(Permission.CHANGE_FACILITY)
    return writing.change(
        facility, action="changed the facility", by=by, at=at, reason=reason, version=version, **values
    )


@transaction.atomic
def invite(*, email: str, role: Role, facility: Facility, by: Actor, at: datetime) -> Invitation:
    """Invite somebody to work here. An earlier open letter to the same address in the same role is withdrawn.

    Raises
    ------
    Refused
        It is oneself, and another administrator could give the role.
    """
    _manages(facility, by)
    if by.user is not None and by.user.email.lower() == email.lower():
        _not_to_oneself(facility)
    for earlier in queries.open_invitations(facility, at=at).filter(email__iexact=email, role=role):
        withdraw_invitation(invitation=earlier, reason="a new letter was written", by=by, at=at)
    letter = Invitation(facility=facility, email=email.lower(), role=role, expires_at=at + INVITATION_VALID)
    return writing.insert(letter, action="invited", by=by, at=at)


def withdraw_invitation(*, invitation: Invitation, reason: str, by: Actor, at: datetime) -> Invitation:
    """Make a letter worthless."""
    _manages(invitation.facility, by)
    return writing.change(invitation, action="withdrew the invitation", by=by, at=at, reason=reason, withdrawn_at=at)


@transaction.atomic
def accept(*, invitation: Invitation, user: User | None, name: str, password: str, at: datetime) -> User:
    """Accept a letter, with the account at hand or a new one. Whoever holds the signed link is the invited person.

    Raises
    ------
    Refused
        The letter was used, withdrawn or has expired; or the account is not of the invited address.
    """
    # Held: of two that come at once, the second one waits and finds it used.
    invitation = Invitation.objects.select_for_update(of=("self",)).select_related("facility").get(pk=invitation.pk)
    if invitation.accepted_at or invitation.withdrawn_at or invitation.expires_at <= at:
        raise Refused("This invitation no longer opens anything.", remedy="ask for a new one")
    by = system(invitation.facility)
    if user is None:
        user = create_person(email=invitation.email, name=name, password=password, by=by, at=at)
    elif user.email.lower() != invitation.email.lower():
        raise Refused("This invitation is for another address.", remedy="log out, then open the link again")
    writing.change(
        invitation, action="accepted the invitation", by=Actor(user, invitation.facility), at=at,
        reason="the invited person followed the link", accepted_at=at,
    )  # fmt: skip
    give_role(user=user, role=Role(invitation.role), facility=invitation.facility, by=by, at=at)
    return user


@transaction.atomic
def give_role(*, user: User, role: Role, facility: Facility, by: Actor, at: datetime) -> Membership:
    """Give somebody a role; one that they have already stays as it is.

    Raises
    ------
    Refused
        It is one's own, and another administrator could give it.
    """
    _manages(facility, by)
    if by.user_id == user.pk:
        _not_to_oneself(facility)
    present = Membership.objects.filter(user=user, facility=facility, role=role, ended_at=None).first()
    if present:
        return present
    return writing.insert(
        Membership(user=user, facility=facility, role=role, began_at=at), action="gave the role", by=by, at=at
    )


def _manages(facility: Facility, by: Actor) -> None:
    by.must(Permission.MANAGE_STAFF)
    if by.user is not None and by.facility_id != facility.pk:
        raise PermissionDenied("Only administrators of a facility say who works there.")


def _not_to_oneself(facility: Facility) -> None:
    if queries.administrators_at(facility) > 1:
        raise Refused("Nobody gives themselves a role.", remedy="ask another administrator")


@transaction.atomic
def end_role(*, membership: Membership, reason: str, by: Actor, at: datetime) -> Membership:
    """End somebody's role here.

    Raises
    ------
    Refused
        It is the last administrator's: nobody could invite another one.
    """
    _manages(membership.facility, by)
    if membership.role == Role.ADMINISTRATOR and queries.administrators_at(membership.facility) == 1:
        raise Refused("The last administrator stays.", remedy="make somebody else administrator first")
    return writing.change(membership, action="ended the role", by=by, at=at, reason=reason, ended_at=at)


@transaction.atomic
def offer_new_password(*, user: User, facility: Facility, by: Actor, at: datetime) -> PasswordLink:
    """Make a link by which a participant sets a new password; an earlier one that is still open opens nothing more.

    Staff have no such link: they get a letter, and their second factor stands besides.

    Raises
    ------
    Refused
        The account is closed, or is not a participant's.
    """
    by.must(Permission.CHANGE_IDENTITY)
    if not user.is_active or queries.roles_anywhere(user) != {Role.PARTICIPANT}:
        raise Refused("There is no open account of a participant here.", remedy="make an account first")
    for earlier in queries.open_password_links(user, at=at):
        writing.change(earlier, action="withdrew the link", by=by, at=at, reason="a new link was made", withdrawn_at=at)
    link = PasswordLink(user=user, facility=facility, expires_at=at + PASSWORD_LINK_VALID)
    return writing.insert(link, action="made a link to a new password", by=by, at=at)


@transaction.atomic
def set_new_password(*, link: PasswordLink, password: str, by: Actor, at: datetime) -> User:
    """Set a new password; whoever holds the signed link is the person. Wherever they were logged in, it ends.

    Raises
    ------
    Refused
        The link was used, withdrawn or has expired, or the account is closed.
    """
    person = link.user
    if by.user_id != person.pk or link.used_at or link.withdrawn_at or link.expires_at <= at or not person.is_active:
        raise Refused("This link no longer opens anything.", remedy="ask the clinic for a new one")
    why = "the participant followed the link"
    writing.change(link, action="used the link to a new password", by=by, at=at, reason=why, used_at=at)
    return writing.change(
        person, action="set a new password", by=by, at=at, reason=why, password=make_password(password)
    )


@transaction.atomic
def close_account(*, user: User, reason: str, by: Actor, at: datetime) -> User:
    """Close a participant's account for good: nobody logs in with it any more, and who is logged in is out."""
    by.must(Permission.ERASE_IDENTITY)
    for membership in Membership.objects.filter(user=user, ended_at=None).select_related("facility"):
        writing.change(membership, action="ended the role", by=by, at=at, reason=reason, ended_at=at)
    return writing.change(user, action="closed the account", by=by, at=at, reason=reason, is_active=False)


def open_emergency_access(*, facility: Facility, reason: str, proof: Proof, by: Actor, at: datetime) -> EmergencyAccess:
    """Break the glass: open a facility's records for a limited time, with a reason that will be reviewed.

    Raises
    ------
    Refused
        The person is not in a role that cares for people, the reason says nothing, or the proof does not hold.
    """
    if by.user is None or not may_break_glass(queries.roles_anywhere(by.user)):
        raise Refused("Only people in a role that cares for participants can open records in an emergency.")
    if len(reason.strip()) < SHORTEST_REASON:
        raise Refused("The reason is too short to be reviewed.", expected=f"at least {SHORTEST_REASON} characters")
    proof.must_be(by.user, at=at)
    access = EmergencyAccess(
        user=by.user, facility=facility, reason=reason.strip(), opened_at=at, ends_at=at + EMERGENCY_ACCESS
    )
    here = Actor(by.user, facility)
    return writing.insert(access, action="opened records in an emergency", by=here, at=at, reason=reason)


@transaction.atomic
def end_emergency_access(*, access: EmergencyAccess, by: Actor, at: datetime) -> None:
    """Close what one opened at a facility in an emergency, all of it and before its time: it is not needed any more.

    Raises
    ------
    Refused
        Somebody else opened it, or it has ended already.
    """
    if access.user_id != by.user_id:
        raise Refused("Only who opened records in an emergency can close them.", remedy="review it when it has ended")
    opened = EmergencyAccess.objects.select_for_update(of=("self",)).filter(
        user=access.user, facility=access.facility, ends_at__gt=at
    )
    if not opened:
        raise Refused("This emergency access has ended already.")
    here = Actor(access.user, access.facility)
    for each in opened:
        writing.change(each, action="ended the emergency access", by=here, at=at, reason=NEEDED_NO_MORE, ends_at=at)


def note_emergency_reading(*, access: EmergencyAccess, page: str, is_renewal: bool, by: Actor, at: datetime) -> None:
    """Write down that a page was opened only because glass was broken.

    Parameters
    ----------
    is_renewal
        The page asked by itself for what it shows: written down once, and again only after ``EMERGENCY_NOTED``. Whoever
        claims this for a page that they open is written down all the same.
    """
    facts = {"page": page}
    if is_renewal and has_note(READ, about=access, facts=facts, since=at - EMERGENCY_NOTED):
        return
    writing.note(action=READ, by=by, at=at, about=access, facts=facts)


def note_event(
    *, action: str, by: Actor, at: datetime, about: User | None = None, facts: Mapping[str, str], address: str = ""
) -> None:
    """Write down what the log-in machinery did: logged in, failed, changed a password, set up a code app.

    Parameters
    ----------
    address
        Of the computer it came from: sealed where it is about a person, plain where nobody is known by that name.
    """
    known = {"address": address} if address else {}
    writing.note(
        action=action, by=by, at=at, about=about, facts={**facts, **({} if about else known)},
        identifying=known if about else None,
    )  # fmt: skip


def note_refusal(
    *, kind: Refusal, by: Actor, at: datetime, facts: Mapping[str, str], address: str = "", about: User | None = None
) -> None:
    """Write down what somebody was refused, unless as much of it was written in this hour already.

    Parameters
    ----------
    address
        Of the computer it came from: tells strangers apart, and is written for them.
    about
        Whose password and code were not right, at a second signature somebody else's than who is logged in.
    """
    told = written(kind, who=str(by.user_id or address), is_known=by.user is not None, at=at)
    if told is Written.NO:
        return
    more = {"not all written": "more of this in this hour is left out"} if told is Written.AS_THE_LAST else {}
    note_event(action=kind, by=by, at=at, about=about, facts={**facts, **more}, address="" if by.user else address)
