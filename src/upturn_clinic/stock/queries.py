"""Reading the register, always of one facility and never more than a reader may know; and what must be there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet, Sum

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.queries import actor_at, staff_at
from upturn_clinic.ledger.models import Entry
from upturn_clinic.ledger.queries import changes_in
from upturn_clinic.participants.queries import arm_shown, is_masked
from upturn_clinic.stock.amounts import DRUGS, base_mg, rounded, written
from upturn_clinic.stock.models import Draw, Lot, Movement
from upturn_clinic.stock.seals import seal_of
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.models import Dose

__all__ = [
    "Balance", "DrawShown", "LotRow", "Preparation", "Sheet", "SheetRow", "ToPrepare", "actor_of", "balance_of",
    "broken_seals", "draws_for", "fitting_lots", "gone_until", "held", "is_masked_dose", "last_count", "left_of",
    "lot_rows", "lots_at", "may_know", "needs_draw", "open_draws", "people_who_may", "preparation_of", "reconciliation",
    "register_of", "same_lot", "to_prepare", "usable_of",
]  # fmt: skip

NOTHING = Decimal(0)
KIND = Movement.Kind
_NOT_GIVEN = (KIND.WASTED, KIND.PUT_BACK)


@dataclass(frozen=True)
class Balance:
    """What must be on the shelf, and what is drawn and not yet accounted for; in the lot's unit."""

    shelf: Decimal
    drawn: Decimal


def may_know(reader: Actor, dose: Dose) -> bool:
    """Tell whether somebody may know what a dose holds: an open arm, or one that is not masked to them."""
    return arm_shown(dose.plan.participant, reader) is not None


def lots_at(facility: Facility, reader: Actor) -> QuerySet[Lot]:
    """The lots of a facility; those kept for masked doses only for who may know arms."""
    found = Lot.objects.filter(facility=facility)
    return found if reader.may(Permission.SEE_ARM) else found.filter(is_masked=False)


def held(lot: Lot) -> Lot:
    """Hold a lot until the transaction ends: of two who draw the last of it at once, the second one waits."""
    return Lot.objects.select_for_update(of=("self",)).select_related("facility").get(pk=lot.pk)


def balance_of(lot: Lot, *, before: datetime | None = None) -> Balance:
    """Add up the register of a lot: all of it, or what was written before a time."""
    rows = Movement.objects.filter(lot=lot)
    if before is not None:
        rows = rows.filter(at__lt=before)
    found = rows.aggregate(shelf=Sum("shelf"), drawn=Sum("drawn"))
    return Balance(_exact(found["shelf"]), _exact(found["drawn"]))


def left_of(draw: Draw) -> Decimal:
    """Give what of a draw is not yet accounted for: neither given nor wasted nor put back."""
    return _exact(Movement.objects.filter(draw=draw).aggregate(left=Sum("drawn"))["left"])


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


def _exact(total: Decimal | None) -> Decimal:
    """Give a sum of the database in whole thousandths: SQLite adds decimals as floating numbers."""
    return NOTHING if total is None else rounded(total)


def same_lot(lot: Lot) -> Lot | None:
    """Find the lot that a new delivery belongs to: same drug, number, strength and use."""
    return Lot.objects.filter(
        facility=lot.facility, drug=lot.drug, form=lot.form, number=lot.number, unit=lot.unit,
        amount_each=lot.amount_each, mg_per_ml=lot.mg_per_ml, basis=lot.basis, is_masked=lot.is_masked,
        expires_on=lot.expires_on,
    ).first()  # fmt: skip


@dataclass(frozen=True)
class LotRow:
    """A lot with what must be there."""

    lot: Lot
    balance: Balance
    is_expired: bool
    days_left: int

    @property
    def containers(self) -> str:
        """How many of it are on the shelf; a part is one that was opened."""
        return written((self.balance.shelf / self.lot.amount_each).quantize(Decimal("0.01")))


def lot_rows(facility: Facility, reader: Actor, *, today: date, all_of_them: bool = False) -> list[LotRow]:
    """List the lots of a facility with their balances: two queries, however many lots.

    Parameters
    ----------
    all_of_them
        Also those of which nothing is left.
    """
    sums = {
        each["lot"]: Balance(_exact(each["shelf"]), _exact(each["drawn"]))
        for each in Movement.objects.filter(facility=facility).order_by().values("lot")
        .annotate(shelf=Sum("shelf"), drawn=Sum("drawn"))
    }  # fmt: skip
    rows = [
        LotRow(lot, sums.get(lot.pk, Balance(NOTHING, NOTHING)), lot.expires_on < today, (lot.expires_on - today).days)
        for lot in lots_at(facility, reader)
    ]
    return [row for row in rows if all_of_them or row.balance.shelf or row.balance.drawn]


def register_of(lot: Lot) -> QuerySet[Movement]:
    """All rows of a lot, newest first."""
    return (
        Movement.objects.filter(lot=lot)
        .select_related("by", "witness", "draw__dose__plan__participant", "takes_back", "taken_back_by")
        .order_by("-at", "-id")
    )


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


def open_draws(facility: Facility, reader: Actor) -> list[Draw]:
    """What was drawn at a facility and is not wholly accounted for, oldest first; masked ones only for who may know."""
    sums = (
        Movement.objects.filter(facility=facility, draw__isnull=False).order_by().values("draw")
        .annotate(left=Sum("drawn"))
    )  # fmt: skip
    found = Draw.objects.filter(pk__in=[each["draw"] for each in sums if _exact(each["left"]) > 0])
    if not reader.may(Permission.SEE_ARM):
        found = found.filter(lot__is_masked=False)
    return list(found.select_related("lot", "by", "dose__plan__participant").order_by("taken_at"))


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
        ).select_related("plan__participant").order_by("planned_at")
    )  # fmt: skip
    draws = list(Draw.objects.filter(dose__in=doses).exclude(pk__in=_taken_back()))
    accounts, drawn = _accounts(draws), dict[UUID, list[bool]]()
    for each in draws:
        if accounts[each.pk].usable:
            drawn.setdefault(each.dose_id, []).append(accounts[each.pk].is_checked)
    states = {True: "prepared and checked", False: "to be checked"}
    return [ToPrepare(dose, states[all(drawn[dose.pk])] if dose.pk in drawn else "to be drawn") for dose in doses]


def needs_draw(course: Course, dose: Dose) -> bool:
    """Tell whether a dose is drawn from the register: not what is taken at home, nor what needs no register."""
    return not dose.is_home_course and course.entry(dose).drug in DRUGS


@dataclass(frozen=True)
class DrawShown:
    """A draw as somebody may see it who may know the arm.

    Parameters
    ----------
    amount
        What was taken, in words.
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
                each, f"{each.lot}, {each.lot.strength}, expires {each.lot.expires_on:%Y-%m-%d}",
                f"{written(each.taken)} {each.lot.unit}", usables[each.pk], base_mg(each.lot, usables[each.pk]),
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
    words = f"Prepared by {names} and checked by {others} at {when:%H:%M} on {when.day} {when:%b %Y}."
    return Preparation("checked", words, shown, rest, min(checks))


def _gone_until(dose: Dose, draws: Sequence[Draw]) -> datetime | None:
    if dose.given_at is None:
        return None
    ended_at = dose.given_at + timedelta(minutes=float(dose.duration_min or 0))
    return gone_until(draws, began_at=dose.given_at, ended_at=ended_at)


def _names(people: object) -> str:
    found = dict.fromkeys(each.name for each in people if isinstance(each, User))  # type: ignore[attr-defined]
    return " and ".join(found) or "the system"


def fitting_lots(facility: Facility, reader: Actor, *, drug: str, masked: bool, today: date) -> list[LotRow]:
    """List the lots from which a dose can be drawn now, the one that expires first at the top."""
    rows = [row for row in lot_rows(facility, reader, today=today) if row.lot.drug == drug and row.balance.shelf > 0]
    return sorted((row for row in rows if row.lot.is_masked == masked), key=lambda row: row.lot.expires_on)


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


@dataclass(frozen=True)
class SheetRow:
    """One lot in a period: what was there, what came, what went, what must be there, what was counted."""

    lot: Lot
    opening: Decimal
    received: Decimal
    put_back: Decimal
    drawn: Decimal
    wasted: Decimal
    destroyed: Decimal
    sent_back: Decimal
    righted: Decimal
    closing: Decimal
    given: Decimal
    wasted_after_drawing: Decimal
    not_accounted: Decimal
    counted: Decimal | None
    counted_at: datetime | None
    difference: Decimal | None


@dataclass(frozen=True)
class Sheet:
    """The reconciliation of a period: from its first instant to just before the last."""

    begin: datetime
    end: datetime
    rows: tuple[SheetRow, ...]
    leaves_out_masked: bool

    @property
    def has_differences(self) -> bool:
        """Whether a count differs from the register anywhere."""
        return any(row.difference for row in self.rows)


def reconciliation(facility: Facility, reader: Actor, *, begin: datetime, end: datetime) -> Sheet:
    """Reconcile every lot of a facility for a period. The columns add up: opening, plus in, minus out, is closing."""
    rows: dict[UUID, list[Movement]] = {}
    for each in Movement.objects.filter(facility=facility, at__lt=end).select_related("takes_back").order_by("at"):
        rows.setdefault(each.lot_id, []).append(each)
    sheet = (_sheet_row(lot, rows.get(lot.pk, []), begin) for lot in lots_at(facility, reader))
    told = tuple(row for row in sheet if row.opening or row.closing or any(
        each.at >= begin for each in rows.get(row.lot.pk, ())))  # fmt: skip
    return Sheet(begin, end, told, leaves_out_masked=not reader.may(Permission.SEE_ARM))


def _sheet_row(lot: Lot, rows: Sequence[Movement], begin: datetime) -> SheetRow:
    within = [each for each in rows if each.at >= begin]

    def shelf(*kinds: str) -> Decimal:
        return sum((each.shelf for each in within if each.kind in kinds), NOTHING)

    def drawn(kind: str) -> Decimal:
        return -sum((each.drawn for each in within if each.kind == kind), NOTHING)

    # What is taken back of drawing, giving and wasting is told where it belongs, so that "given" is what was given.
    undone = {kind: sum((each.drawn for each in within if each.takes_back and each.takes_back.kind == kind), NOTHING)
              for kind in (KIND.GIVEN, KIND.WASTED)}  # fmt: skip
    count = next((each for each in reversed(within) if each.counted is not None and not _is_undone(each, rows)), None)
    expected = sum((each.shelf for each in rows if count and _is_before(each, count)), NOTHING)
    return SheetRow(
        lot=lot,
        opening=sum((each.shelf for each in rows if each.at < begin), NOTHING),
        received=shelf(KIND.RECEIVED),
        put_back=shelf(KIND.PUT_BACK),
        drawn=-shelf(KIND.DRAWN),
        wasted=-shelf(KIND.WASTED),
        destroyed=-shelf(KIND.DESTROYED),
        sent_back=-shelf(KIND.SENT_BACK),
        righted=shelf(KIND.DIFFERENCE, KIND.TAKEN_BACK),
        closing=sum((each.shelf for each in rows), NOTHING),
        given=drawn(KIND.GIVEN) - undone[KIND.GIVEN],
        wasted_after_drawing=drawn(KIND.WASTED) - undone[KIND.WASTED],
        not_accounted=sum((each.drawn for each in rows), NOTHING),
        counted=count.counted if count else None,
        counted_at=count.at if count else None,
        difference=None if count is None or count.counted is None else count.counted - expected,
    )


def _is_undone(row: Movement, rows: Sequence[Movement]) -> bool:
    return any(each.takes_back_id == row.pk for each in rows)


def _is_before(row: Movement, count: Movement) -> bool:
    return row.at < count.at or (row.at == count.at and row.pk != count.pk)


def last_count(lot: Lot) -> Movement | None:
    """Find the newest count of a lot that was not taken back."""
    return (
        Movement.objects.filter(lot=lot, kind=KIND.COUNTED, taken_back_by__isnull=True).order_by("-at").first()
    )  # fmt: skip


def is_masked_dose(dose: Dose) -> bool:
    """Tell whether the arm of a dose is masked to who treats."""
    return is_masked(dose.plan.participant)


def broken_seals(rows: Iterable[Movement]) -> list[Movement]:
    """Find rows of the register that are not what the trail sealed: changed behind the clinic's back."""
    looked_at = list(rows)
    sealed: dict[str, str] = {}
    about = Entry.objects.filter(object_type=Movement._meta.label, object_id__in=[str(row.pk) for row in looked_at])
    for entry in about:
        for change in changes_in(entry):
            if change.field == "seal" and change.old is None:
                sealed[entry.object_id] = str(change.new)
    return [row for row in looked_at if not row.seal == seal_of(row) == sealed.get(str(row.pk))]


def rows_within(facility: Facility, reader: Actor, *, begin: datetime, end: datetime) -> QuerySet[Movement]:
    """The rows of the register of a period, as far as a reader may see them."""
    return Movement.objects.filter(lot__in=lots_at(facility, reader), at__gte=begin, at__lt=end)
