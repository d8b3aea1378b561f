"""Somebody who acts: a person at a facility with their permissions, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied

from upturn_clinic.accounts.models import EmergencyAccess, Facility, User
from upturn_clinic.accounts.permissions import EMERGENCY, ROLES, Permission, Role

__all__ = ["Actor", "system"]


@dataclass(frozen=True)
class Actor:
    """Who acts, where, and what they may do there.

    Parameters
    ----------
    user
        The person; None for the system.
    facility
        Where; None on pages that belong to no facility.
    roles
        The person's roles at that facility.
    emergency
        The open emergency access at that facility, if any.
    """

    user: User | None
    facility: Facility | None = None
    roles: frozenset[Role] = frozenset()
    emergency: EmergencyAccess | None = None

    @property
    def user_id(self) -> UUID | None:
        """The person's key."""
        return self.user.pk if self.user else None

    @property
    def facility_id(self) -> UUID | None:
        """The facility's key."""
        return self.facility.pk if self.facility else None

    @property
    def by_role(self) -> frozenset[Permission]:
        """What the person's roles allow."""
        return frozenset().union(*(ROLES[role] for role in self.roles))

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the person may do here now: by role, or because glass was broken."""
        return self.by_role | EMERGENCY if self.emergency else self.by_role

    def may(self, permission: Permission) -> bool:
        """Tell whether something is allowed; the system may do everything."""
        return self.user is None or permission in self.permissions

    def must(self, permission: Permission) -> None:
        """Refuse what is not allowed. The first line of an action: a page's gate may be forgotten, this one is not.

        Raises
        ------
        PermissionDenied
            The person may not do this here.
        """
        if not self.may(permission):
            raise PermissionDenied(f"Only people who may {permission} can do this.")


def system(facility: Facility | None = None) -> Actor:
    """The system as actor: the first administrator, a command at the server's own terminal."""
    return Actor(user=None, facility=facility)
