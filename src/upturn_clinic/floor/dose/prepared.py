"""What must be there before a dose begins: drawn, checked, for this weight, in a known volume. It only reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.asked import Asked
from upturn_clinic.floor.counting import filling_ml, newest_filling
from upturn_clinic.floor.entries.shapes import Entry
from upturn_clinic.floor.giving import Giving, minutes_in_all
from upturn_clinic.floor.limits import FAR_OFF_PACE
from upturn_clinic.floor.models import Session, amount
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.models import Measure
from upturn_clinic.stock.queries import changed_after, preparation_of
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.dosing import DEVIATION

__all__ = ["must_be_prepared", "must_hold", "must_keep_pace", "span_words"]

WEIGHT = "weight"


def must_keep_pace(session: Session, asked: Asked, state: Giving, entry: Entry) -> None:
    """Ask why an infusion is to run far longer or shorter than the protocol says: a decimal point may have slipped."""
    planned, filling, rate = asked.manner.over_min, filling_ml(session), entry.values["rate_ml_h"]
    if not planned or not filling or entry.values["because"]:
        return
    in_all = minutes_in_all(replace(state, is_running=True, rate_ml_h=float(rate)), filling_ml=filling)
    if in_all is None or planned / FAR_OFF_PACE <= in_all <= planned * FAR_OFF_PACE:
        return
    raise Refused(
        f"At {amount(rate, 'ml/h')} all of it has run in after {in_all:.0f} min; the protocol says {planned:g} min.",
        remedy="look at rate and volume, or write why it runs so",
    )


def must_hold(session: Session, entry: Entry) -> None:
    """Ask for the volume of syringe or bag, and anew where what was drawn has changed since it was told."""
    filling = newest_filling(session)
    if filling is None:
        raise Refused(
            "How much syringe or bag hold is missing.", expected="millilitres", remedy="enter the volume first"
        )
    changed_at = changed_after(session.dose, filling.at, until=entry.at)
    if changed_at is not None:
        raise Refused(
            f"What was drawn changed at {changed_at.astimezone(session.facility.zone):%H:%M}, after the volume was "
            "entered.", expected="what syringe or bag hold now", came=str(filling), remedy="enter the volume anew",
        )  # fmt: skip


def must_be_prepared(session: Session, course: Course, asked: Asked, entry: Entry, by: Actor) -> None:
    """Refuse what nobody has drawn or checked, a check that is too old, and a dose for another weight."""
    found = preparation_of(session.dose, by, began_at=entry.at)
    if not found.is_ready or found.checked_since is None:
        raise Refused(
            "What was drawn for this dose is not prepared and checked by a second person yet.",
            remedy="prepare it, and have it checked",
        )
    if found.checked_since > entry.at:
        raise Refused("What was drawn was checked only after that time.", remedy="look at the time")
    if entry.at - found.checked_since > asked.fresh.check:
        raise Refused(
            f"The second check is older than {span_words(asked.fresh.check)}.", came=found.words,
            remedy="have it checked again",
        )  # fmt: skip
    if not entry.values["because"]:
        _must_be_for_this_weight(session, course, found.checked_since, entry)


def _must_be_for_this_weight(session: Session, course: Course, checked_at: datetime, entry: Entry) -> None:
    """Refuse where who drew and checked the dose knew another weight. It asks the same of every arm: it tells none."""
    alike = (each for arm in course.protocol.arms.values() for each in arm.doses if each.id == session.dose.dose)
    if not any(each.amount.per_kg for each in alike):
        return
    weighed = Measure.objects.filter(participant=session.participant, instrument=WEIGHT, struck_at=None)
    new = [each.at for each in session.readings.all() if each.instrument == WEIGHT and each.noted_at > checked_at]
    known = weighed.filter(at__lte=checked_at).exclude(at__in=new).first()
    now = weighed.filter(at__lte=entry.at).first()
    if known is None or now is None or abs(now.value - known.value) <= Decimal(str(DEVIATION)) * known.value:
        return
    raise Refused(
        "The weight has changed since the dose was drawn and checked.", expected=known.reading, came=now.reading,
        remedy="look at the amount and have it checked again, or write why it is given all the same",
    )  # fmt: skip


def span_words(span: timedelta) -> str:
    """Write a stretch of time in hours, where it is whole hours, else in minutes.

    Examples
    --------
    >>> span_words(timedelta(hours=4)), span_words(timedelta(minutes=30))
    ('4 hours', '30 minutes')
    """
    hours, rest = divmod(span, timedelta(hours=1))
    if rest:
        return f"{span / timedelta(minutes=1):g} minutes"
    return "1 hour" if hours == 1 else f"{hours} hours"
