"""Reading the shelf: lots and balances, the register of a lot, counts, the reconciliation of a period.

Always of one facility and never more than a reader may know. What was drawn for a dose: ``stock.queries``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import CharField, Func, OuterRef, QuerySet, Subquery, Sum, Window

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ledger.models import Entry
from upturn_clinic.ledger.queries import changes_in
from upturn_clinic.stock.amounts import NOTHING, exact, written
from upturn_clinic.stock.models import Draw, Lot, Movement
from upturn_clinic.stock.queries import began_at
from upturn_clinic.stock.seals import seal_of

__all__ = [
    "Balance", "LotRow", "Sheet", "SheetRow", "balance_of", "broken_seals", "can_be_taken_back", "changed_since",
    "fitting_lots", "held", "is_given_from", "last_count", "lot_rows", "lots_at", "open_difference", "reconciliation",
    "register_of", "rows_within", "same_lot",
]  # fmt: skip

KIND = Movement.Kind
# Where the parts of a key begin without hyphens, and how long they are.
_PARTS_OF_A_KEY = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))


@dataclass(frozen=True)
class Balance:
    """What must be on the shelf, and what is drawn and not yet accounted for; in the lot's unit."""

    shelf: Decimal
    drawn: Decimal


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
    return Balance(exact(found["shelf"]), exact(found["drawn"]))


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
        count = (self.balance.shelf / self.lot.amount_each).quantize(Decimal("0.01"))
        return ("" if count * self.lot.amount_each == self.balance.shelf else "about ") + written(count)


def lot_rows(facility: Facility, reader: Actor, *, today: date, all_of_them: bool = False) -> list[LotRow]:
    """List the lots of a facility with their balances: two queries, however many lots.

    Parameters
    ----------
    all_of_them
        Also those of which nothing is left.
    """
    sums = {
        each["lot"]: Balance(exact(each["shelf"]), exact(each["drawn"]))
        for each in Movement.objects.filter(facility=facility).order_by().values("lot")
        .annotate(shelf=Sum("shelf"), drawn=Sum("drawn"))
    }  # fmt: skip
    rows = [
        LotRow(lot, sums.get(lot.pk, Balance(NOTHING, NOTHING)), lot.expires_on < today, (lot.expires_on - today).days)
        for lot in lots_at(facility, reader)
    ]
    return [row for row in rows if all_of_them or row.balance.shelf or row.balance.drawn]


class _KeyInTrail(Func):
    """A row's key as the trail writes it; SQLite keeps keys without their hyphens."""

    template = "CAST(%(expressions)s AS varchar)"
    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        parts = "||'-'||".join(f"substr(%(expressions)s, {first}, {length})" for first, length in _PARTS_OF_A_KEY)
        return self.as_sql(compiler, connection, template=parts, **context)


def register_of(lot: Lot) -> QuerySet[Movement]:
    """All rows of a lot, newest first, each with what had to be on the shelf after it (``after``).

    Rows of one instant stand as they were written: the trail alone knows that (``written``).
    """
    of_the_row = Entry.objects.filter(object_type=Movement._meta.label, object_id=_KeyInTrail(OuterRef("pk")))
    return (
        Movement.objects.filter(lot=lot)
        .annotate(written=Subquery(of_the_row.order_by("sequence").values("sequence")[:1]))
        .annotate(after=Window(Sum("shelf"), order_by=["at", "written"]))
        .select_related(
            "by", "witness", "draw__checked_by", "draw__dose__plan__participant", "takes_back", "taken_back_by"
        )
        .prefetch_related("draw__dose__sessions")
        .order_by("-at", "-written")
    )


def is_given_from(draw: Draw | None) -> bool:
    """Tell whether a dose runs or ran on a draw: no dose begins with what nobody checked."""
    return draw is not None and draw.is_checked and began_at(draw.dose) is not None


def can_be_taken_back(row: Movement) -> bool:
    """Tell whether a row can be righted by one against it (one of ``register_of``)."""
    is_open = not hasattr(row, "taken_back_by") and row.kind not in (KIND.TAKEN_BACK, KIND.GIVEN)
    return is_open and not (row.kind == KIND.DRAWN and is_given_from(row.draw))


def fitting_lots(facility: Facility, reader: Actor, *, drug: str, masked: bool, today: date) -> list[LotRow]:
    """List the lots from which a dose can be drawn now, the one that expires first at the top."""
    rows = [row for row in lot_rows(facility, reader, today=today) if row.lot.drug == drug and row.balance.shelf > 0]
    return sorted((row for row in rows if row.lot.is_masked == masked), key=lambda row: row.lot.expires_on)


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


def changed_since(lot: Lot, count: Movement) -> bool:
    """Tell whether anything came to the shelf or left it after a count: then the count says nothing any more."""
    return Movement.objects.filter(lot=lot, at__gt=count.at).exclude(shelf=0).exists()


def open_difference(lot: Lot) -> Decimal | None:
    """Give by how much the last count differs from the register; None where it does not, or the shelf changed since."""
    last = last_count(lot)
    if last is None or last.counted is None or changed_since(lot, last):
        return None
    return (last.counted - balance_of(lot).shelf) or None


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
