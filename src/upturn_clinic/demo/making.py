"""Making the demo: facility, staff, programme, virtual people; all in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from upturn.errors import InputError
from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import system
from upturn_clinic.accounts.letters import NO_ADDRESS
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.demo import masked
from upturn_clinic.demo.cast import ADDRESS, Keys, Staff, hire, take_part
from upturn_clinic.demo.course import Stage, VirtualCourse
from upturn_clinic.demo.records import virtual_people
from upturn_clinic.demo.sessions import PAST_LOT, shelf_with
from upturn_clinic.demo.today import today
from upturn_clinic.demo.worries import worry
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.screening.actions import publish_consent_document
from upturn_clinic.programmes import actions as programmes
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.queries import examples_of, protocol_of
from upturn_clinic.programmes.reading import shipped_document

__all__ = ["STAGES", "is_there", "make"]

PROTOCOL, ARM = "six-infusions", "ketamine"
SEED = 24
# Vials for all doses of the demo's past, one for each.
PAST_VIALS = 200
DAY = timedelta(days=1)
# The house opens before the first person comes, who has the longest way behind them.
OPENED = 230 * DAY
# Somebody at each stage, so that every page has something on it; of some, a session is due today.
STAGES = (
    *(Stage(days) for days in (200, 190, 176, 150, 121, 98, 77, 56, 40, 30, 23, 16, 11, 9, 7, 4, 2, 0, 0)),
    Stage(-3, "enrolled"), Stage(-5, "concluded"), Stage(-6, "consented"), Stage(-9, "registered"),
    Stage(-10, "registered"), Stage(-11, "registered"),
)  # fmt: skip
CONSENT = """You are asked whether you want to take part in an invented programme.

This text stands here so that the pages of the demo have something to show. It is no consent form.
Nobody takes part in this programme: its people are simulated.
"""


def is_there() -> bool:
    """Tell whether the demo was made in this database already.

    Raises
    ------
    InputError
        The database holds people who are not of a demo: nothing is written into a real clinic.
    """
    everybody = User.objects.all()
    if everybody.exclude(email__endswith=f"@{ADDRESS}").exclude(email__endswith=NO_ADDRESS).exists():
        raise InputError(
            "This database belongs to a real clinic; the demo is not made in it.", expected="an empty database",
            came="accounts of people", remedy="choose another folder with --data",
        )  # fmt: skip
    return everybody.exists()


@transaction.atomic
def make(
    keys: Keys, *, now: datetime, say: Callable[[str], object], stages: Sequence[Stage] = STAGES
) -> ProtocolVersion:
    """Make the demo.

    Parameters
    ----------
    keys
        What its people log in with.
    now
        The present; the demo's past ends with the night before.
    say
        Tells how far it is.
    stages
        How far each virtual person is.

    Returns
    -------
    The protocol version that is in force.
    """
    say(f"Simulating {len(stages)} virtual people …")
    virtual = virtual_people(PROTOCOL, ARM, count=len(stages), seed=SEED)
    opened = now - OPENED
    here = accounts.create_facility(
        slug="demo", name="Demo clinic (nobody here is real)", time_zone="Europe/Copenhagen", by=system(), at=opened
    )
    staff = hire(here, keys, at=opened)
    purpose = "An invented programme for low mood that did not lift."
    version = _programme(staff, opened, name="Six infusions", purpose=purpose)
    document = publish_consent_document(
        programme=version.programme, title="Consent (invented)", text=CONSENT, by=staff[Role.COORDINATOR], at=opened
    )
    shelf_with(staff, here, number=PAST_LOT, containers=PAST_VIALS, at=opened)
    say("Living through the months since then …")
    courses = [
        VirtualCourse(place, person, stage, staff=staff, version=version, document=document, today=now)
        for place, (person, stage) in enumerate(zip(virtual, stages, strict=True))
    ]
    study = "An invented study: nobody who treats sees the arm."
    courses += masked.masked_courses(
        _programme(staff, opened, name="Masked comparison", purpose=study),
        virtual, staff=staff, consent=CONSENT, first_place=len(stages), today=now, opened=opened,
    )  # fmt: skip
    _live(courses, here, now)
    _look_in_an_emergency(staff, here, now)
    _account(keys, staff, version, now)
    say("Playing the sessions of today …")
    today(staff, here, now)
    worry(staff, version, now)
    return version


def _account(keys: Keys, staff: Staff, version: ProtocolVersion, at: datetime) -> None:
    """Give an account to the one who has been in the programme longest, so that there is most to see."""
    there = Participant.objects.filter(protocol_version=version).select_related("facility")
    person = there.filter(status=Participant.Status.ENROLLED).order_by("registered_at").first()
    take_part(person or there.earliest("registered_at"), keys, by=staff[Role.COORDINATOR], at=at)


def _programme(staff: Staff, at: datetime, *, name: str, purpose: str) -> ProtocolVersion:
    by = staff[Role.CLINICIAN]
    programme = programmes.create_programme(name=name, purpose=purpose, by=by, at=at)
    document, file = shipped_document(PROTOCOL)
    draft = programmes.add_version(programme=programme, document=document, file=file, by=by, at=at)
    assert by.user is not None  # noqa: S101  (staff are people)
    # An invented clinic takes on every example, so that a visitor sees them at work; a real one reads them first.
    taken_on = {each.key for each in examples_of(protocol_of(draft))}
    return programmes.put_into_force(
        protocol_version=draft, version=draft.version, proof=Proof(by.user, at), by=by, at=at, taken_on=taken_on
    )


def _live(courses: list[VirtualCourse], here: Facility, now: datetime) -> None:
    """Let all of them go on day by day, so that the trail reads as it would have grown."""
    # What is due today stays undone: it is the visitor's.
    last = now.astimezone(here.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    day = min(course.begins_at for course in courses)
    while day < last:
        day = min(day + DAY, last)
        for course in courses:
            course.advance(day)


def _look_in_an_emergency(staff: Staff, here: Facility, now: datetime) -> None:
    nurse = staff[Role.SESSION_NURSE]
    assert nurse.user is not None  # noqa: S101  (staff are people)
    accounts.open_emergency_access(
        facility=here, reason="An invented emergency, so that its review has something to look at.",
        proof=Proof(nurse.user, now - DAY), by=nurse, at=now - DAY,
    )  # fmt: skip
