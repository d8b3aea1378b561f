"""Who plays in the demo: staff of every role, and names for virtual people that nobody could take for real ones."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from allauth.mfa.totp.internal.auth import TOTP

from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.letters import NO_ADDRESS
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.participants import actions as participants
from upturn_clinic.participants.models import Participant

__all__ = [
    "ADDRESS", "Keys", "Staff", "address_of", "hire", "identity", "new_keys", "participants_address", "take_part",
]  # fmt: skip

# A name that the standard for domain names reserves for examples.
ADDRESS = "demo.example"
TREES = (
    "Alder", "Ash", "Aspen", "Beech", "Birch", "Cedar", "Cherry", "Cypress", "Elder", "Elm", "Fir", "Hawthorn", "Hazel",
    "Hemlock", "Holly", "Hornbeam", "Juniper", "Larch", "Linden", "Maple", "Oak", "Pine", "Poplar", "Rowan", "Spruce",
    "Sycamore", "Walnut", "Willow", "Yew",
)  # fmt: skip
SECRET_BYTES = 20
PASSWORD_BYTES = 12


@dataclass(frozen=True)
class Keys:
    """What everybody in the demo logs in with: one password, and one secret for the code app."""

    password: str
    secret: str


@dataclass(frozen=True)
class Staff:
    """The demo's people as they act."""

    by_role: Mapping[Role, Actor]

    def __getitem__(self, role: Role) -> Actor:
        return self.by_role[role]


def new_keys() -> Keys:
    """Draw new keys: a demo that stands open by mistake is not opened by what everybody knows."""
    return Keys(secrets.token_urlsafe(PASSWORD_BYTES), base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode())


def address_of(role: Role) -> str:
    """Give the address with which a role logs in.

    Examples
    --------
    >>> address_of(Role.SESSION_NURSE)
    'session-nurse@demo.example'
    """
    return f"{role.value.replace(' ', '-')}@{ADDRESS}"


def hire(here: Facility, keys: Keys, *, at: datetime) -> Staff:
    """Make an account with a code app for every role but the participant's: that one belongs to a virtual person."""
    return Staff({role: _hired(role, here, keys, at) for role in Role if role is not Role.PARTICIPANT})


def take_part(person: Participant, keys: Keys, *, by: Actor, at: datetime) -> User:
    """Let a virtual person have an account of their own, by the link that the clinic hands over."""
    letter = participants.invite(participant=person, by=by, at=at)
    return actions.accept(invitation=letter, user=None, name=person.pseudonym, password=keys.password, at=at)


def participants_address() -> str:
    """Give the name with which the virtual person with an account logs in."""
    found = User.objects.filter(memberships__role=Role.PARTICIPANT, email__endswith=NO_ADDRESS).order_by("email")
    return found.values_list("email", flat=True)[0]


def _hired(role: Role, here: Facility, keys: Keys, at: datetime) -> Actor:
    by = system(here)
    name = f"Demo {role.value.capitalize()}"
    user = actions.create_person(email=address_of(role), name=name, password=keys.password, by=by, at=at)
    actions.give_role(user=user, role=role, facility=here, by=by, at=at)
    TOTP.activate(user, keys.secret)
    actions.note_event(action="set up a code app", by=by, at=at, about=user, facts={})
    return Actor(user, here, frozenset({role}))


def identity(place: int, *, age_y: int, at: datetime) -> dict[str, object]:
    """Invent who somebody is; the telephone numbers are those that are given to nobody."""
    tree = TREES[place % len(TREES)]
    born = date(at.year - age_y - 1, 12, 1 + place % 28)
    return {
        "full_name": f"Demo {tree}", "date_of_birth": born, "phone": f"555 01{place:02}",
        "email": f"{tree.lower()}@{ADDRESS}", "address": f"{place + 1} Invented Street, Nowhere",
        "emergency_contact": f"Invented friend of {tree}", "emergency_phone": "555 0199",
    }  # fmt: skip
