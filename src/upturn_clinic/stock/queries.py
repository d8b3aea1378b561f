"""Reading what was drawn for doses: what of it there is to give, who checked it, how far each preparation is.

Always of one facility and never more than a reader may know. The shelf itself: ``stock.shelf.queries``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet, Sum

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.queries import actor_at, staff_at
from upturn_clinic.ground.dates import day
from upturn_clinic.participants.queries import arm_shown, is_masked
from upturn_clinic.stock.amounts import DRUGS, NOTHING, base_mg, exact, with_ml
from upturn_clinic.stock.models import Draw, Lot, Movement
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.models import Dose

__all__ = [
    "DrawShown", "Preparation", "ToPrepare", "actor_of", "began_at", "changed_after", "draws_for", "gone_until",
    "is_masked_dose", "is_rest_unknown", "is_running", "left_of", "may_know", "needs_draw", "open_draws",
    "people_who_may", "preparation_of", "to_prepare", "usable_of", "with_rest",
]  # fmt: skip

KIND = Movement.Kind
_NOT_GIVEN = (KIND.WASTED, KIND.PUT_BACK)


def may_know(reader: Actor, dose: Dose) -> bool:
    """Tell whether somebody may know what a dose holds: an open arm, or one that is not masked to them."""
    return arm_shown(dose.plan.participant, reader) is not None


def left_of(draw: Draw) -> Decimal:
    """Give what of a draw is not yet accounted for: neither given nor wasted nor put back."""
    return exact(Movement.objects.filter(draw=draw).aggregate(left=Sum("drawn"))["left"])


def with_rest(draws: Sequence[Draw]) -> set[UUID]:
    """Tell of which draws something is left: one question, however many draws."""
    return {key for key, account in _accounts(draws).items() if account.left > 0}


def usable_of(draw: Draw, *, until: datetime | None = None) -> Decimal:
    """Give how much of a draw there is to give: what was taken, without what was wasted or put back.

    Parameters
    ----------
    until
        What was wasted or put back from then on was there to give (``gone_until``); all of it is gone unless given.
    """
    return _accounts([draw], until=until)[draw.pk].usable


def gone_until(draws: Iterable[Draw], *, began_at: datetime, ended_at: datetime | None) -> datetime:
    """Say until when what is wasted or put back was not there to give: until the dose began.

    Where something was drawn after that, in the place of a device that fell, say, it is until the giving ended.
    """
    is_replaced = ended_at is not None and any(each.taken_at > began_at for each in draws)
    return ended_at if is_replaced and ended_at is not None else began_at


@dataclass
class _Account:
    """Of a draw: what there is to give, what is left, and whether its check holds for what there is."""

    usable: Decimal
    left: Decimal
    is_checked: bool


def _accounts(
    draws: Sequence[Draw], *, began_at: datetime | None = None, until: datetime | None = None
) -> dict[UUID, _Account]:
    """Account for each draw: one question, however many draws. What changed before the dose began is checked anew."""
    checks = {each.pk: each.checked_at for each in draws}
    found = {each.pk: _Account(each.taken, NOTHING, each.is_checked) for each in draws}
    rows = Movement.objects.filter(draw__in=draws).select_related("takes_back")
    for row in rows:
        assert row.draw_id is not None  # noqa: S101  (asked for above)
        account, checked_at, righted = found[row.draw_id], checks[row.draw_id], row.takes_back or row
        account.left += row.drawn
        if righted.kind not in _NOT_GIVEN:
            continue
        if until is None or righted.at < until:
            account.usable += row.drawn
        if checked_at is not None and checked_at < row.at and (began_at is None or row.at < began_at):
            account.is_checked = False
    return found


def draws_for(dose: Dose) -> QuerySet[Draw]:
    """What was drawn for a dose, in order, without what was taken back. A page asks ``preparation_of``."""
    return (
        Draw.objects.filter(dose=dose)
        .exclude(pk__in=_taken_back())
        .select_related("lot", "by", "checked_by", "dose__plan__participant", "facility")
        .order_by("taken_at", "id")
    )


def _taken_back() -> QuerySet[Movement, dict[str, object]]:
    """Draws that were never made: the very row of drawing was taken back, not what was given of it."""
    return Movement.objects.filter(kind=KIND.DRAWN, taken_back_by__isnull=False).values("draw")  # type: ignore[return-value]


def changed_after(dose: Dose, since: datetime, *, until: datetime | None = None) -> datetime | None:
    """Tell when what was drawn for a dose changed last after a time; None where it is what it was then.

    What is drawn, wasted, put back or taken back changes it; what is given does not.

    Parameters
    ----------
    until
        Changes after this time are left out.
    """
    rows = Movement.objects.filter(draw__dose=dose, at__gt=since).select_related("takes_back").order_by("at")
    changes: dict[UUID | None, Decimal] = {}
    last: dict[UUID | None, datetime] = {}
    for row in rows if until is None else rows.filter(at__lte=until):
        if (row.takes_back or row).kind != KIND.GIVEN:
            changes[row.draw_id] = changes.get(row.draw_id, NOTHING) + row.drawn
            last[row.draw_id] = row.at
    return max((last[draw] for draw, change in changes.items() if change), default=None)


def open_draws(facility: Facility, reader: Actor) -> list[tuple[Draw, str]]:
    """What was drawn at a facility, with how much of it is not accounted for, oldest first; masked ones for who may."""
    sums = (
        Movement.objects.filter(facility=facility, draw__isnull=False).order_by().values("draw")
        .annotate(left=Sum("drawn"))
    )  # fmt: skip
    lefts = {each["draw"]: exact(each["left"]) for each in sums}
    found = Draw.objects.filter(pk__in=[key for key, left in lefts.items() if left > 0])
    if not reader.may(Permission.SEE_ARM):
        found = found.filter(lot__is_masked=False)
    draws = found.select_related("lot", "by", "dose__plan__participant").order_by("taken_at")
    return [(each, with_ml(each.lot, lefts[each.pk])) for each in draws]


@dataclass(frozen=True)
class ToPrepare:
    """A dose of today, and how far its preparation is."""

    dose: Dose
    state: str


def to_prepare(facility: Facility, *, begin: datetime, end: datetime) -> list[ToPrepare]:
    """List the doses that are planned here between two instants, with how far each is prepared; no drug, no lot."""
    doses = list(
        Dose.objects.filter(
            facility=facility, state=Dose.State.PLANNED, planned_at__gte=begin, planned_at__lt=end,
            is_home_course=False, plan__participant__status="enrolled",
        ).select_related("plan__participant").prefetch_related("sessions").order_by("planned_at")
    )  # fmt: skip
    draws = list(Draw.objects.filter(dose__in=doses).exclude(pk__in=_taken_back()))
    accounts, drawn = _accounts(draws), dict[UUID, list[bool]]()
    for each in draws:
        if accounts[each.pk].usable:
            drawn.setdefault(each.dose_id, []).append(accounts[each.pk].is_checked)
    states = {True: "prepared and checked", False: "to be checked"}
    return [
        ToPrepare(dose, "being given now" if is_running(dose)
                  else states[all(drawn[dose.pk])] if dose.pk in drawn else "to be drawn")
        for dose in doses
    ]  # fmt: skip


# The sessions stand in a room above this one, which hangs them on the dose.
def began_at(dose: Dose) -> datetime | None:
    """Tell when a dose began: by its plan, where it is written once it has ended, else by its session."""
    begun = (each.began_at for each in dose.sessions.all() if each.began_at and not each.cancelled_at)
    return dose.given_at or max(begun, default=None)


def is_running(dose: Dose) -> bool:
    """Tell whether a dose has begun and has not ended."""
    return any(each.began_at and not each.dosed_until and not each.cancelled_at for each in dose.sessions.all())


def is_rest_unknown(draw: Draw) -> bool:
    """Tell whether nobody knows yet how much of a draw will be left: its dose runs out of a syringe or bag."""
    return draw.lot.form == Lot.Form.VIAL and is_running(draw.dose)


def needs_draw(course: Course, dose: Dose) -> bool:
    """Tell whether a dose is drawn from the register: not what is taken at home, nor what needs no register."""
    return not dose.is_home_course and course.entry(dose).drug in DRUGS


@dataclass(frozen=True)
class DrawShown:
    """A draw as somebody may see it who may know the arm.

    Parameters
    ----------
    amount
        What was taken, in words: with millilitres where the lot has a strength.
    usable
        How much of it can be given: without what was wasted or put back; in the lot's unit.
    mg
        That in milligrams of the drug itself.
    left
        What is not yet accounted for.
    """

    draw: Draw
    lot_words: str
    amount: str
    usable: Decimal
    mg: Decimal
    left: Decimal


@dataclass(frozen=True)
class Preparation:
    """How far the preparation of a dose is. ``draws`` is empty for a reader to whom the arm is masked."""

    state: str
    words: str
    draws: tuple[DrawShown, ...] = ()
    rest: bool = False
    # Since when all of it is checked.
    checked_since: datetime | None = None

    @property
    def is_ready(self) -> bool:
        """Whether all that was drawn is checked, and there is something to give."""
        return self.state == "checked"

    @property
    def mg(self) -> Decimal:
        """All that can be given, in milligrams of the drug itself."""
        return sum((each.mg for each in self.draws), NOTHING)


def preparation_of(dose: Dose, reader: Actor, *, began_at: datetime | None = None) -> Preparation:
    """Say how far the preparation of a dose is, as far as a reader may know: of a masked dose no drug and no lot.

    Parameters
    ----------
    began_at
        When the dose began, where it is not written to the plan yet: what is wasted after it undoes no check.
    """
    draws = list(draws_for(dose))
    if not draws:
        return Preparation("not prepared", "Not prepared yet.")
    accounts = _accounts(draws, began_at=dose.given_at or began_at, until=_gone_until(dose, draws))
    usables = {key: each.usable for key, each in accounts.items()}
    unchecked = [each for each in draws if not accounts[each.pk].is_checked and usables[each.pk]]
    lefts = {key: each.left for key, each in accounts.items()}
    shown: tuple[DrawShown, ...] = ()
    if may_know(reader, dose):
        shown = tuple(
            DrawShown(
                each, f"{each.lot}, {each.lot.strength}, expires {day(each.lot.expires_on)}",
                with_ml(each.lot, each.taken), usables[each.pk], base_mg(each.lot, usables[each.pk]),
                lefts[each.pk],
            )
            for each in draws
        )  # fmt: skip
    rest = any(left > 0 for left in lefts.values())
    zone = dose.plan.facility.zone
    if not any(usables.values()):
        return Preparation("not prepared", "Not prepared: all that was drawn was wasted or put back.", shown, rest)
    if unchecked:
        names = _names(each.by for each in unchecked)
        never = any(not each.is_checked for each in unchecked)
        words = "not checked by a second person yet" if never else "changed since it was checked: it is checked again"
        return Preparation("drawn", f"Prepared by {names}; {words}.", shown, rest)
    there = [each for each in draws if usables[each.pk]]
    checks = [each.checked_at for each in there if each.checked_at]
    when = max(checks).astimezone(zone)
    names, others = _names(each.by for each in there), _names(each.checked_by for each in there)
    words = f"Prepared by {names} and checked by {others} at {when:%H:%M} on {day(when)}."
    return Preparation("checked", words, shown, rest, min(checks))


def _gone_until(dose: Dose, draws: Sequence[Draw]) -> datetime | None:
    if dose.given_at is None:
        return None
    ended_at = dose.given_at + timedelta(minutes=float(dose.duration_min or 0))
    return gone_until(draws, began_at=dose.given_at, ended_at=ended_at)


def _names(people: object) -> str:
    found = dict.fromkeys(each.name for each in people if isinstance(each, User))  # type: ignore[attr-defined]
    return " and ".join(found) or "the system"


def actor_of(user: User, facility: Facility, *, at: datetime) -> Actor | None:
    """Find what somebody is at a facility, to ask what they may do there."""
    return actor_at(user, facility.slug, at=at)


def people_who_may(
    facility: Facility, permission: Permission, *, but: UUID | None, at: datetime, knows: Dose | None = None
) -> list[User]:
    """List the people of a facility who may do something: a second checker, a witness; never the one named in ``but``.

    Parameters
    ----------
    knows
        Only people who may know what this dose holds.
    """
    found: list[User] = []
    for colleague in staff_at(facility):
        actor = actor_of(colleague.user, facility, at=at)
        if colleague.user.pk == but or actor is None or not actor.may(permission) or not colleague.user.is_active:
            continue
        if knows is None or may_know(actor, knows):
            found.append(colleague.user)
    return found


def is_masked_dose(dose: Dose) -> bool:
    """Tell whether the arm of a dose is masked to who treats."""
    return is_masked(dose.plan.participant)
