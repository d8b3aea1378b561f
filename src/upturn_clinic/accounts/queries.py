"""Reading people and facilities, always of one facility or of one person."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db.models import F, QuerySet

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import EmergencyAccess, Facility, Invitation, Membership, PasswordLink, User
from upturn_clinic.accounts.permissions import EMERGENCY, ROLES, Permission, Role, may_break_glass

__all__ = [
    "Colleague", "actor_at", "administrators_at", "could_ever", "email_is_taken", "emergencies_at", "facilities_of",
    "has_second_factor", "keys_of", "open_invitations", "open_password_links", "roles_anywhere", "staff_at",
    "user_with_email", "works_at",
]  # fmt: skip


@dataclass(frozen=True)
class Colleague:
    """A person and their present roles at one facility."""

    user: User
    memberships: Sequence[Membership]


def actor_at(user: User, slug: str, *, at: datetime) -> Actor | None:
    """Find what a person is at a facility: by role, or because glass was broken; None for a stranger."""
    memberships = list(
        Membership.objects.filter(user=user, facility__slug=slug, ended_at=None).select_related("facility")
    )
    emergency = _open_emergencies(user, at).filter(facility__slug=slug).select_related("facility").first()
    place = memberships[0] if memberships else emergency
    if place is None:
        return None
    return Actor(user, place.facility, frozenset(Role(each.role) for each in memberships), emergency)


def could_ever(user: User, facility: Facility, permissions: Set[Permission], *, until: datetime) -> bool:
    """Tell whether somebody was ever allowed one of some things at a facility: by a role, or because glass was broken.

    A rater who once saw sessions has seen them.
    """
    held = Membership.objects.filter(user=user, facility=facility, began_at__lte=until)
    if any(permissions & ROLES[Role(role)] for role in held.values_list("role", flat=True)):
        return True
    broken = EmergencyAccess.objects.filter(user=user, facility=facility, opened_at__lte=until)
    return bool(permissions & EMERGENCY) and broken.exists()


def facilities_of(user: User, *, at: datetime) -> QuerySet[Facility]:
    """Where a person works now, and where glass is broken."""
    ids = set(Membership.objects.filter(user=user, ended_at=None).values_list("facility", flat=True))
    ids |= set(_open_emergencies(user, at).values_list("facility", flat=True))
    return Facility.objects.filter(pk__in=ids)


def _open_emergencies(user: User, at: datetime) -> QuerySet[EmergencyAccess]:
    """Glass that is broken now; whoever has lost the role that let them break it has lost this as well."""
    found = EmergencyAccess.objects.filter(user=user, ends_at__gt=at)
    return found if found and may_break_glass(roles_anywhere(user)) else found.none()


def roles_anywhere(user: User) -> frozenset[Role]:
    """All roles of a person, at whatever facility."""
    found = Membership.objects.filter(user=user, ended_at=None).values_list("role", flat=True)
    return frozenset(Role(role) for role in found)


def has_second_factor(user: User) -> bool:
    """Tell whether a person has set up a code app."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def keys_of(user: User) -> frozenset[tuple[str, int]]:
    """Tell the second factors of a person apart, without their secrets: kind and number."""
    return frozenset(Authenticator.objects.filter(user=user).values_list("type", "pk"))


def staff_at(facility: Facility) -> Sequence[Colleague]:
    """The people of a facility and their roles, by name; participants are not staff."""
    people: dict[User, list[Membership]] = {}
    present = Membership.objects.filter(facility=facility, ended_at=None).exclude(role=Role.PARTICIPANT)
    for membership in present.select_related("user").order_by("user__name", "role"):
        people.setdefault(membership.user, []).append(membership)
    return [Colleague(user, memberships) for user, memberships in people.items()]


def works_at(facility: Facility, key: UUID) -> User | None:
    """Find somebody who works here; a participant does not."""
    return next((each.user for each in staff_at(facility) if each.user.pk == key), None)


def administrators_at(facility: Facility) -> int:
    """Count the administrators who can log in, and hold them: of two that leave at once, the second one waits."""
    held = Membership.objects.select_for_update().filter(facility=facility, role=Role.ADMINISTRATOR, ended_at=None)
    return sum(membership.user.is_active for membership in held)


def open_invitations(facility: Facility, *, at: datetime) -> QuerySet[Invitation]:
    """Letters that still open something."""
    return Invitation.objects.filter(facility=facility, accepted_at=None, withdrawn_at=None, expires_at__gt=at)


def open_password_links(user: User, *, at: datetime) -> QuerySet[PasswordLink]:
    """Ways back to a password that still open something."""
    return PasswordLink.objects.filter(user=user, used_at=None, withdrawn_at=None, expires_at__gt=at)


def emergencies_at(facility: Facility) -> QuerySet[EmergencyAccess]:
    """Glass that was broken here; what nobody has looked into comes first."""
    return (
        EmergencyAccess.objects.filter(facility=facility)
        .select_related("user", "reviewed_by")
        .order_by(F("reviewed_at").desc(nulls_first=True), "-opened_at")
    )


def user_with_email(email: str) -> User | None:
    """Find a person by address, whatever its capitals."""
    return User.objects.filter(email__iexact=email).first()


def email_is_taken(email: str) -> bool:
    """Tell whether an address belongs to somebody already."""
    return bool(EmailAddress.objects.filter(email__iexact=email).exists())
