"""What a participant's own page shows: when they are expected, and which questionnaires wait for them. No writing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from upturn.units import DAY_H
from upturn_clinic.assessments.links.queries import links_of
from upturn_clinic.assessments.models import SelfRatingLink
from upturn_clinic.participants.models import Consent, Participant
from upturn_clinic.participants.queries import arm_of, consent_of, is_masked
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.programmes.sheet import arm_of_sheet, sheet
from upturn_clinic.treatments.models import Dose, Visit

__all__ = ["Expected", "Own", "own_page"]

# So many appointments stand on the page; of the others only the number.
SHOWN = 8


@dataclass(frozen=True)
class Expected:
    """When somebody is expected, and for what, in words."""

    at: datetime
    what: str
    is_treatment: bool


@dataclass(frozen=True)
class Own:
    """What the page shows.

    Parameters
    ----------
    expected, more
        The next appointments; and how many there are beside them.
    home
        How to get home after a treatment, in the words of the sheet; nothing where no treatment is planned.
    links
        Open links with something to answer.
    consent
        The newest consent, withdrawn or not.
    arm
        For the sheet; empty where the participant is not to know it, or has none yet.
    """

    expected: tuple[Expected, ...]
    more: int
    home: tuple[str, ...]
    links: tuple[SelfRatingLink, ...]
    consent: Consent | None
    arm: str


def own_page(person: Participant, *, now: datetime) -> Own:
    """Gather it: appointments from today on by the facility's clock, and links that are open and not answered yet."""
    today = now.astimezone(person.facility.zone).date()
    expected = [] if person.has_ended else _expected(person, today)
    waiting = [
        each for each in links_of(person)
        if each.is_open(now) and any(asked.sent_at is None for asked in each.questionnaires.all())
    ]  # fmt: skip
    arm = "" if is_masked(person) else arm_of(person)
    treats = any(each.is_treatment for each in expected)
    return Own(
        tuple(expected[:SHOWN]), max(0, len(expected) - SHOWN), _way_home(person, arm) if treats else (),
        tuple(waiting), consent_of(person), arm,
    )  # fmt: skip


def _way_home(person: Participant, arm: str) -> tuple[str, ...]:
    protocol = protocol_of(person.protocol_version)
    of_sheet = arm_of_sheet(protocol, arm)
    return tuple(sheet(protocol, of_sheet, None).home) if of_sheet else ()


def _expected(person: Participant, today: date) -> list[Expected]:
    """List what is still planned; what falls on one minute is one appointment."""
    begin = datetime.combine(today, time.min, tzinfo=person.facility.zone)
    still = {"plan__participant": person, "state": "planned", "planned_at__gte": begin}
    doses = {each.planned_at: each for each in Dose.objects.filter(**still)}
    visits = {each.planned_at: each for each in Visit.objects.filter(**still)}
    return [
        Expected(at, _words(doses.get(at), visits.get(at)), at in doses and not doses[at].is_home_course)
        for at in sorted({*doses, *visits})
    ]


def _words(dose: Dose | None, visit: Visit | None) -> str:
    if dose is None:
        day = round(visit.offset_h / DAY_H) if visit else 0
        return f"Visit, {day} day{'' if day == 1 else 's'} after your first treatment" if day > 0 else "Visit"
    return "Your medicine at home begins" if dose.is_home_course else f"Treatment {dose.number}"
