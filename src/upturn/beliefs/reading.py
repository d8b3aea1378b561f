"""From the records of a study to the answers that fits read, and the names of what could not be used.

What lives here: which rows count. What does not: the records' own rules (``records.validation``), scores (``scores``),
other people's tables (``interchange``). One odd answer never stops a study: it is set aside by name, with what it can
still be used for, and the rest is analysed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from upturn.beliefs.answers import Answers
from upturn.errors import RecordsError
from upturn.parameters import read
from upturn.records import Records

__all__ = ["Reason", "SetAside", "answers"]

_SESSION = ("participant", "visit")
_KEY = (*_SESSION, "event")
_OWN = ("first_estimate", "second_estimate")
_SEEN = ("base_rate", *_OWN, "other_estimate", "trust")


class Reason(StrEnum):
    """Why something is set aside, in a reader's words."""

    NO_ANSWERS = "no answers to the task"
    ONE_VISIT = "answers at one visit only"
    NO_BASE_RATES = "no base rate at the whole visit"
    NO_TRIALS = "no complete trial at the visit"
    CONTRADICTED = "an event twice with different answers"
    REPEATED = "a row repeated"
    NO_BASE_RATE = "no base rate where others saw one"
    CERTAIN = "a base rate of 0 or 100 %"
    NO_FIRST = "no first estimate"
    NO_SECOND = "no second estimate"
    OUT_OF_RANGE = "an own estimate out of range"
    OTHER_OUT_OF_RANGE = "an estimate for another person out of range"
    NO_NEWS = "a first estimate equal to the base rate"
    FEW_GOOD = "too few trials with good news"
    FEW_BAD = "too few trials with bad news"


# In the order in which they are told; a row is set aside for the first that holds.
_OF_ROWS = (
    Reason.CONTRADICTED, Reason.REPEATED, Reason.NO_BASE_RATE, Reason.CERTAIN, Reason.NO_FIRST, Reason.NO_SECOND,
    Reason.OUT_OF_RANGE,
)  # fmt: skip
_USED_FOR = {
    Reason.ONE_VISIT: "fits and scores of that visit, no change between visits",
    Reason.REPEATED: "its first copy is used",
    Reason.OTHER_OUT_OF_RANGE: "the trial without that estimate",
    Reason.NO_NEWS: "fits, not scores by good and bad news",
    Reason.FEW_GOOD: "fits, not the update bias",
    Reason.FEW_BAD: "fits, not the update bias",
}
_NOTHING = "nothing"


@dataclass(frozen=True)
class SetAside:
    """One thing that is not used, or not for everything.

    Parameters
    ----------
    participant
        Whom it is about.
    visit
        At which visit; none where it is about the person.
    what
        Why.
    count
        How many rows of ``updates`` it is about.
    used_for
        What they are still used for; ``nothing`` where they are left out.

    Examples
    --------
    >>> print(SetAside("p07", "week", Reason.NO_SECOND, 3))
    p07, week: no second estimate (3 rows); used for: nothing
    """

    participant: str
    visit: str | None
    what: Reason
    count: int

    @property
    def used_for(self) -> str:
        """What the rows are still used for."""
        return _USED_FOR.get(self.what, _NOTHING)

    def __str__(self) -> str:
        who = self.participant if self.visit is None else f"{self.participant}, {self.visit}"
        rows = "1 row" if self.count == 1 else f"{self.count} rows"
        return f"{who}: {self.what} ({rows}); used for: {self.used_for}"


def answers(records: Records, *, bounds: tuple[float, float] | None = None) -> tuple[Answers, tuple[SetAside, ...]]:
    """Lay out the answers of a study, and name what is set aside.

    A row without a base rate is a filler event when nobody in the study saw a base rate for that event; otherwise its
    base rate is missing. An event that a person has twice at one visit is used once where both rows say the same, and
    not at all where they differ: nothing tells which of them was meant.

    Parameters
    ----------
    records
        Sound records; ``updates`` and ``participants`` are read.
    bounds
        Lowest and highest answer that people were told [percent]; 3 and 77 when not given.

    Returns
    -------
    Answers
        One row per session with at least one complete trial; people in the order of ``participants``, a person's visits
        in the order of their time. ``group`` is the arm.
    tuple of SetAside
        Whom and what was left out, or used only in part; people and visits in the same order.

    Raises
    ------
    RecordsError
        No session has a complete trial.

    Examples
    --------
    >>> people = pl.DataFrame({"participant": ["p1"], "arm": ["ketamine"], "age_y": [None], "sex": [None],
    ...                        "weight_kg": [None], "height_cm": [None]})
    >>> trials = {"participant": "p1", "visit": "before", "time_h": -24.0, "event": ["burglary", "migraine"],
    ...           "base_rate": [39.0, 26.0], "first_estimate": [50.0, 90.0], "second_estimate": [45.0, 40.0],
    ...           "other_estimate": None, "trust": None}
    >>> found, set_aside = answers(Records(participants=people, updates=pl.DataFrame(trials)))
    >>> int(found.answered.sum()), found.visit
    (1, ('before',))
    >>> for each in set_aside:
    ...     print(each)
    p1, before: an own estimate out of range (1 row); used for: nothing
    p1, before: too few trials with good news (1 row); used for: fits, not the update bias
    p1, before: too few trials with bad news (0 rows); used for: fits, not the update bias
    """
    limits = read("upturn.beliefs", "task").value
    lowest, highest = bounds or (limits("lowest_estimate"), limits("highest_estimate"))
    rows = _judged(_in_order(records), lowest=lowest, highest=highest)
    sessions = _sessions(rows, fewest=read("upturn.beliefs", "scoring").value("fewest_per_side"))
    used = sessions.filter(pl.col("trials") > 0).with_row_index("session")
    if used.is_empty():
        raise RecordsError(
            "There is no complete trial of the belief-updating task.",
            expected=f"rows with base_rate and, from {lowest:g} to {highest:g}, first_estimate and second_estimate",
            came=f"{records.updates.height} rows",
            where="table updates",
        )
    told = (*_without_answers(records), *_of_sessions(sessions), *_of_rows(rows, sessions))
    place = {name: number for number, name in enumerate(records.participants["participant"])}
    visit = {key: number for number, key in enumerate(sessions.select(_SESSION).iter_rows())}
    order = {reason: number for number, reason in enumerate(Reason)}

    def in_order(each: SetAside) -> tuple[int, int, int]:
        return place[each.participant], visit.get((each.participant, each.visit), -1), order[each.what]

    return _laid_out(rows.join(used.select("session", *_SESSION), on=_SESSION, maintain_order="left"), used), tuple(
        sorted(told, key=in_order)
    )


def _in_order(records: Records) -> pl.DataFrame:
    """Put the rows in the order of people, visits in time, and trials as they stand."""
    people = records.participants.select("participant", pl.col("arm").alias("group")).with_row_index("person")
    return (
        records.updates.select(*_KEY, "time_h", *(pl.col(name).cast(pl.Float64) for name in _SEEN))
        .with_row_index("row")
        .join(people, on="participant")
        .with_columns(start_h=pl.col("time_h").min().over(_SESSION))
        .sort("person", "start_h", "visit", "row")
    )


def _judged(rows: pl.DataFrame, *, lowest: float, highest: float) -> pl.DataFrame:
    """Say for each row whether it is a filler, why it is set aside if it is, and how its news was."""
    is_filler = pl.col("base_rate").is_null().all().over("event")
    copies = pl.struct(_SEEN).n_unique().over(_KEY)
    broken = {
        Reason.CONTRADICTED: copies > 1,
        Reason.REPEATED: pl.col("row") > pl.col("row").min().over(_KEY),
        Reason.NO_BASE_RATE: pl.col("base_rate").is_null() & ~is_filler,
        Reason.CERTAIN: pl.col("base_rate").is_in([0.0, 100.0]).fill_null(value=False),
        Reason.NO_FIRST: pl.col("first_estimate").is_null(),
        Reason.NO_SECOND: pl.col("second_estimate").is_null(),
        Reason.OUT_OF_RANGE: pl.any_horizontal(~pl.col(name).is_between(lowest, highest) for name in _OWN),
    }
    why = pl.coalesce(pl.when(broken[reason]).then(pl.lit(reason.value)) for reason in _OF_ROWS)
    is_sound = pl.col("why").is_null()
    is_trial = is_sound & ~pl.col("is_filler")
    return (
        rows.with_columns(
            is_filler=is_filler, why=why, other_is_far=~pl.col("other_estimate").is_between(lowest, highest)
        )
        .with_columns(
            is_sound=is_sound,
            is_trial=is_trial,
            other_is_far=pl.col("other_is_far").fill_null(value=False) & is_trial,
            error=pl.when(is_trial).then(pl.col("first_estimate") - pl.col("base_rate")),
        )
        .with_columns(other_estimate=pl.when(~pl.col("other_is_far")).then(pl.col("other_estimate")))
    )


def _sessions(rows: pl.DataFrame, *, fewest: float) -> pl.DataFrame:
    """Count what each session has, in the order of people and visits."""
    return (
        rows.group_by("person", *_SESSION, "group", maintain_order=True)
        .agg(
            rows=pl.len(),
            base_rates=pl.col("base_rate").is_not_null().sum(),
            trials=pl.col("is_trial").sum(),
            good=(pl.col("error") > 0).sum(),
            bad=(pl.col("error") < 0).sum(),
            no_news=(pl.col("error") == 0).sum(),
            other_is_far=pl.col("other_is_far").sum(),
        )
        .with_columns(
            visits=(pl.col("trials") > 0).sum().over("participant"),
            few_good=pl.col("good") < fewest,
            few_bad=pl.col("bad") < fewest,
        )
    )


def _without_answers(records: Records) -> Iterator[SetAside]:
    silent = records.participants.join(records.updates, on="participant", how="anti")
    for name in silent["participant"]:
        yield SetAside(name, None, Reason.NO_ANSWERS, 0)


def _of_sessions(sessions: pl.DataFrame) -> Iterator[SetAside]:
    several = sessions.filter(pl.col("trials") > 0)["visit"].n_unique() > 1
    for each in sessions.iter_rows(named=True):
        who, visit = each["participant"], each["visit"]
        if not each["base_rates"]:
            yield SetAside(who, visit, Reason.NO_BASE_RATES, each["rows"])
        elif not each["trials"]:
            yield SetAside(who, visit, Reason.NO_TRIALS, each["rows"])
        else:
            if several and each["visits"] == 1:
                yield SetAside(who, None, Reason.ONE_VISIT, each["trials"])
            if each["other_is_far"]:
                yield SetAside(who, visit, Reason.OTHER_OUT_OF_RANGE, each["other_is_far"])
            if each["no_news"]:
                yield SetAside(who, visit, Reason.NO_NEWS, each["no_news"])
            if each["few_good"]:
                yield SetAside(who, visit, Reason.FEW_GOOD, each["good"])
            if each["few_bad"]:
                yield SetAside(who, visit, Reason.FEW_BAD, each["bad"])


def _of_rows(rows: pl.DataFrame, sessions: pl.DataFrame) -> Iterator[SetAside]:
    # Where the whole visit has no base rate this is said once, not row by row.
    with_rates = sessions.filter(pl.col("base_rates") > 0).select(_SESSION)
    told = rows.filter(~pl.col("is_sound")).join(with_rates, on=_SESSION).group_by(*_SESSION, "why").len()
    for who, visit, why, count in told.iter_rows():
        yield SetAside(who, visit, Reason(why), count)


def _laid_out(rows: pl.DataFrame, sessions: pl.DataFrame) -> Answers:
    events = tuple(sorted(rows["event"].unique()))
    codes = pl.DataFrame({"event": events, "code": np.arange(len(events))})
    shown = rows.filter(pl.col("why").is_null() | (pl.col("why") != Reason.REPEATED.value)).join(
        codes, on="event", maintain_order="left"
    )
    trials = _Grid.of(shown.filter(~pl.col("is_filler")), sessions.height)
    fillers = _Grid.of(shown.filter(pl.col("is_filler")), sessions.height)
    return Answers(
        participant=tuple(sessions["participant"]),
        group=tuple(sessions["group"]),
        visit=tuple(sessions["visit"]),
        events=events,
        event=trials.codes(),
        base_rate=trials.column("base_rate"),
        first=trials.column("first_estimate"),
        other=trials.column("other_estimate"),
        second=trials.column("second_estimate"),
        trust=trials.column("trust"),
        answered=trials.answered(),
        filler_event=fillers.codes(),
        filler_first=fillers.column("first_estimate"),
        filler_second=fillers.column("second_estimate"),
        filler_answered=fillers.answered(),
    )


@dataclass(frozen=True)
class _Grid:
    """Rows with their place in an array of sessions by trials."""

    rows: pl.DataFrame
    shape: tuple[int, int]

    @classmethod
    def of(cls, rows: pl.DataFrame, sessions: int) -> _Grid:
        placed = rows.with_columns(slot=pl.int_range(pl.len()).over("session"))
        slots = placed["slot"].to_numpy()
        return cls(placed, (sessions, int(slots.max()) + 1 if slots.size else 0))

    def _place(self) -> tuple[np.ndarray, np.ndarray]:
        return self.rows["session"].to_numpy(), self.rows["slot"].to_numpy()

    def codes(self) -> Int[np.ndarray, "session trial"]:
        grid = np.zeros(self.shape, dtype=np.int64)
        grid[self._place()] = self.rows["code"].to_numpy()
        return grid

    def answered(self) -> Bool[np.ndarray, "session trial"]:
        grid = np.zeros(self.shape, dtype=bool)
        grid[self._place()] = self.rows["is_sound"].to_numpy()
        return grid

    def column(self, name: str) -> Float[np.ndarray, "session trial"]:
        grid = np.full(self.shape, np.nan)
        seen = self.rows.select(pl.when(pl.col("is_sound")).then(pl.col(name)).cast(pl.Float64)).to_series()
        grid[self._place()] = seen.fill_null(np.nan).to_numpy()
        return grid
