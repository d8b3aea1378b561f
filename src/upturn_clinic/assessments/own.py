"""What a participant's own page shows: when they are expected, and which questionnaires wait for them. No writing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from upturn_clinic.assessments.links.queries import links_of
from upturn_clinic.assessments.models import SelfRatingLink
from upturn_clinic.assessments.queries import first_given_at
from upturn_clinic.participants.models import Consent, Participant
from upturn_clinic.participants.queries import arm_of, consent_of, is_masked
from upturn_clinic.programmes.queries import arms_to_have, protocol_of
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
    of_sheet = arm_of_sheet(protocol, arm, among=arms_to_have(person.protocol_version))
    return tuple(sheet(protocol, of_sheet, None).home) if of_sheet else ()


def _expected(person: Participant, today: date) -> list[Expected]:
    """List what is still planned; what falls on one minute is one appointment."""
    begin = datetime.combine(today, time.min, tzinfo=person.facility.zone)
    still = {"plan__participant": person, "state": "planned"}
    open_doses = {each.planned_at: each for each in Dose.objects.filter(**still)}
    # The first one may still be open from yesterday: days are counted from it all the same.
    first = first_given_at(person) or min(open_doses, default=None)
    doses = {at: each for at, each in open_doses.items() if at >= begin}
    visits = set(Visit.objects.filter(**still, planned_at__gte=begin).values_list("planned_at", flat=True))
    begun = first.astimezone(person.facility.zone).date() if first else None
    return [
        Expected(
            at, _words(doses[at]) if at in doses else _of_visit(at.astimezone(person.facility.zone).date(), begun),
            at in doses and not doses[at].is_home_course,
        )
        for at in sorted({*doses, *visits})
    ]  # fmt: skip


def _words(dose: Dose) -> str:
    return "Your medicine at home begins" if dose.is_home_course else f"Treatment {dose.number}"


def _of_visit(on: date, begun: date | None) -> str:
    """Count days as they are now: a visit may have been moved, or follow the last treatment."""
    day = (on - begun).days if begun else 0
    return f"Visit, {day} day{'' if day == 1 else 's'} after your first treatment" if day > 0 else "Visit"
