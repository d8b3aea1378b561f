"""All that is written about people and facilities. Each action: who may, one transaction, one row in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from upturn_clinic.accounts import queries
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import EmergencyAccess, Facility, Invitation, Membership, User
from upturn_clinic.accounts.permissions import Permission, Role, may_break_glass
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.operation import EMERGENCY_ACCESS, INVITATION_VALID, SHORTEST_REASON

__all__ = [
    "accept", "change_facility", "create_facility", "create_person", "end_role", "give_role", "invite",
    "note_emergency_reading", "note_event", "open_emergency_access", "withdraw_invitation",
]  # fmt: skip


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
    """Invite somebody to work here. An earlier open letter to the same address in the same role is withdrawn."""
    by.must(Permission.MANAGE_STAFF)
    for earlier in queries.open_invitations(facility, at=at).filter(email__iexact=email, role=role):
        withdraw_invitation(invitation=earlier, reason="a new letter was written", by=by, at=at)
    letter = Invitation(facility=facility, email=email.lower(), role=role, expires_at=at + INVITATION_VALID)
    return writing.insert(letter, action="invited", by=by, at=at)


def withdraw_invitation(*, invitation: Invitation, reason: str, by: Actor, at: datetime) -> Invitation:
    """Make a letter worthless."""
    by.must(Permission.MANAGE_STAFF)
    return writing.change(invitation, action="withdrew the invitation", by=by, at=at, reason=reason, withdrawn_at=at)


@transaction.atomic
def accept(*, invitation: Invitation, user: User | None, name: str, password: str, at: datetime) -> User:
    """Accept a letter, with the account at hand or a new one. Whoever holds the signed link is the invited person.

    Raises
    ------
    Refused
        The letter was used, withdrawn or has expired; or the account is not of the invited address.
    """
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


def give_role(*, user: User, role: Role, facility: Facility, by: Actor, at: datetime) -> Membership:
    """Give somebody a role; one that they have already stays as it is."""
    by.must(Permission.MANAGE_STAFF)
    present = Membership.objects.filter(user=user, facility=facility, role=role, ended_at=None).first()
    if present:
        return present
    return writing.insert(
        Membership(user=user, facility=facility, role=role, began_at=at), action="gave the role", by=by, at=at
    )


@transaction.atomic
def end_role(*, membership: Membership, reason: str, by: Actor, at: datetime) -> Membership:
    """End somebody's role here.

    Raises
    ------
    Refused
        It is the last administrator's: nobody could invite another one.
    """
    by.must(Permission.MANAGE_STAFF)
    if membership.role == Role.ADMINISTRATOR and queries.administrators_at(membership.facility) == 1:
        raise Refused("The last administrator stays.", remedy="make somebody else administrator first")
    return writing.change(membership, action="ended the role", by=by, at=at, reason=reason, ended_at=at)


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


def note_emergency_reading(*, access: EmergencyAccess, page: str, by: Actor, at: datetime) -> None:
    """Write down that a page was opened only because glass was broken."""
    writing.note(action="read in an emergency", by=by, at=at, about=access, facts={"page": page})


def note_event(*, action: str, by: Actor, at: datetime, about: User | None = None, facts: Mapping[str, str]) -> None:
    """Write down what the log-in machinery did: logged in, failed, changed a password, set up a code app."""
    writing.note(action=action, by=by, at=at, about=about, facts=facts)
