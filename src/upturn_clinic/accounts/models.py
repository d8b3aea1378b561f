"""People, facilities and who may do what where. Nothing here is ever deleted: it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.classification import Classified
from upturn_clinic.ground.versioned import Versioned

if TYPE_CHECKING:
    from upturn_clinic.accounts.sessions import SessionStore

__all__ = ["EmergencyAccess", "Facility", "Invitation", "Membership", "OpenSession", "PasswordLink", "User", "Users"]

# As long as the field of a session that holds it.
LONGEST_ROOM = 40
ROLE_CHOICES = [(role.value, role.value) for role in Role]


class Users(BaseUserManager["User"]):
    """Finds people; makes none: that is the actions' work."""


class User(AbstractBaseUser, Versioned):
    """A person who logs in."""

    email = models.EmailField(unique=True, verbose_name="email address")
    name = models.CharField(max_length=120, verbose_name="name as printed under a signature")
    is_active = models.BooleanField(default=True)

    objects: ClassVar[Users] = Users()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    classified: ClassVar = Classified(
        identifying=("email", "name"),
        operational=("id", "version", "is_active", "last_login"),
        secret=("password",),
    )

    def __str__(self) -> str:
        return self.name or self.email


def real_time_zone(name: str) -> None:
    """Refuse a name that is not in the IANA time zone database."""
    if name not in available_timezones():
        raise ValidationError("%(name)s is not a time zone. Write it as in Europe/Copenhagen.", params={"name": name})


def short_rooms(lines: str) -> None:
    """Refuse a room whose name is too long for a board."""
    if any(len(each.strip()) > LONGEST_ROOM for each in lines.splitlines()):
        raise ValidationError("A room has at most %(most)s letters.", params={"most": LONGEST_ROOM})


class Facility(Versioned):
    """A place where a programme runs, with its own clock."""

    slug = models.SlugField(max_length=40, unique=True, verbose_name="short name in addresses")
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=64, validators=[real_time_zone])
    country = models.CharField(
        max_length=2, blank=True, validators=[RegexValidator("^[A-Z]{2}$", "Two capital letters, such as NZ.")]
    )
    crisis_help = models.TextField(blank=True, max_length=2000)
    # Of the team: for participants on their sheets, for helpers in an emergency.
    phone = models.CharField(max_length=40, blank=True, verbose_name="telephone of the team")
    address = models.CharField(max_length=200, blank=True)
    # One name per line, in the order in which the floor shows them.
    rooms = models.TextField(blank=True, max_length=1000, verbose_name="rooms for sessions", validators=[short_rooms])

    classified: ClassVar = Classified(
        operational=(
            "id", "version", "slug", "name", "time_zone", "country", "phone", "address", "crisis_help", "rooms",
        )
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def room_names(self) -> tuple[str, ...]:
        r"""The rooms for sessions, in order, each once.

        Examples
        --------
        >>> Facility(rooms="Room 1\n Room 2 \n\nRoom 1").room_names
        ('Room 1', 'Room 2')
        """
        return tuple(dict.fromkeys(each.strip() for each in self.rooms.splitlines() if each.strip()))

    @property
    def zone(self) -> ZoneInfo:
        """The facility's clock."""
        return ZoneInfo(self.time_zone)


class Membership(Versioned):
    """A role of a person at a facility, until it ends."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=ROLE_CHOICES)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(operational=("id", "version", "user", "facility", "role", "began_at", "ended_at"))

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "facility", "role"], condition=models.Q(ended_at=None), name="one_role_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} at {self.facility}"


class Invitation(Versioned):
    """A letter to somebody who shall work here; its link is signed and opens once."""

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="invitations")
    email = models.EmailField(verbose_name="email address")
    role = models.CharField(max_length=20, choices=ROLE_CHOICES)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        identifying=("email",),
        operational=("id", "version", "facility", "role", "expires_at", "accepted_at", "withdrawn_at"),
    )

    class Meta:
        ordering: ClassVar = ["-expires_at"]

    def __str__(self) -> str:
        return f"{self.email} as {self.role} at {self.facility}"


class PasswordLink(Versioned):
    """A way back for a participant who forgot the password; its link is signed, handed over and opens once."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        operational=("id", "version", "user", "facility", "expires_at", "used_at", "withdrawn_at")
    )

    class Meta:
        verbose_name = "link to a new password"
        ordering: ClassVar = ["-expires_at"]

    def __str__(self) -> str:
        return f"a link for {self.user}"


class OpenSession(AbstractBaseSession):
    """A browser in which somebody is logged in, or may be: the row opens, and goes when it ends. No record of ours."""

    # So that a person's sessions can be found; the rest stands in the data (see ``sessions.py``).
    person = models.UUIDField(null=True, db_index=True)

    classified: ClassVar = Classified(operational=("person", "expire_date"), secret=("session_key", "session_data"))

    class Meta(AbstractBaseSession.Meta):
        verbose_name = "open session"

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        """What reads and writes these rows."""
        from upturn_clinic.accounts.sessions import SessionStore  # noqa: PLC0415  (it needs this model)

        return SessionStore


class EmergencyAccess(Versioned):
    """Glass that was broken: who opened a facility's records, why, until when, and who looked into it since."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+")
    reason = models.TextField()
    opened_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    finding = models.TextField(blank=True)

    classified: ClassVar = Classified(
        # A reason is free text about care: whoever writes it may name a person.
        identifying=("reason", "finding"),
        operational=("id", "version", "user", "facility", "opened_at", "ends_at", "reviewed_at", "reviewed_by"),
    )

    class Meta:
        ordering: ClassVar = ["-opened_at"]

    def __str__(self) -> str:
        return f"{self.user} at {self.facility} from {self.opened_at:%Y-%m-%d %H:%M} UTC"
