"""The three kinds of table from outside, and what stands in each column.

What lives here: names and kinds of columns. What does not: reading a file (``cells``) and what a row says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["KINDS", "Column", "Kind", "kind_of"]

Kind = Literal["timecourse", "contrasts", "durability"]
Holds = Literal["text", "number", "positive", "count", "people", "percent", "time", "number or words"]


@dataclass(frozen=True)
class Column:
    """A column, what it holds, and whether a table can do without it."""

    name: str
    holds: Holds = "text"
    optional: bool = False


_TREATMENT = tuple(Column(name) for name in ("population", "drug", "route", "regimen"))
_BOOKS = tuple(Column(name, optional=True) for name in ("source_url", "seen", "memory_fields", "note", "split"))
KINDS: dict[Kind, tuple[Column, ...]] = {
    "timecourse": (
        Column("study_id"),
        Column("arm_id"),
        Column("first_author", optional=True),
        Column("year", "number", optional=True),
        Column("doi_or_nct", optional=True),
        *_TREATMENT,
        Column("dose"),
        Column("dose_unit"),
        Column("n_arm", "people"),
        Column("time_hours_from_first_dose", "time"),
        Column("outcome"),
        Column("baseline_mean", "number"),
        Column("baseline_sd", "positive"),
        Column("mean", "number"),
        Column("sd", "positive"),
        Column("change_mean", "number"),
        Column("change_se_or_sd", "positive"),
        Column("change_err_type"),
        Column("responders_n", "count"),
        Column("responders_pct", "percent"),
        Column("remission_pct", "percent"),
        *_BOOKS,
    ),
    "contrasts": (
        Column("study_id"),
        Column("contrast"),
        Column("population"),
        Column("route"),
        Column("dose"),
        Column("control_type"),
        Column("time_hours", "time"),
        Column("outcome"),
        Column("effect_measure"),
        Column("estimate", "number"),
        Column("se", "positive"),
        Column("ci_low", "number"),
        Column("ci_high", "number"),
        *_BOOKS,
    ),
    "durability": (
        Column("study_id"),
        Column("arm_id"),
        *_TREATMENT,
        Column("at_risk_definition"),
        Column("relapse_definition"),
        Column("n_at_risk", "people"),
        Column("metric"),
        Column("value", "number or words"),
        Column("ci_or_iqr"),
        Column("unit"),
        Column("time_days", "time"),
        *_BOOKS,
    ),
}


def kind_of(header: list[str]) -> Kind | None:
    """Give the kind of table that a header belongs to; nothing where it fits none.

    Examples
    --------
    >>> kind_of(["study_id", "contrast", "control_type", "estimate", "se"])
    'contrasts'
    """

    def own(kind: Kind) -> set[str]:
        shared = {column.name for other in KINDS if other != kind for column in KINDS[other]}
        return {column.name for column in KINDS[kind]} - shared

    score = {kind: len(own(kind) & set(header)) for kind in KINDS}
    best = max(KINDS, key=lambda kind: score[kind])
    return best if score[best] > 2 else None
