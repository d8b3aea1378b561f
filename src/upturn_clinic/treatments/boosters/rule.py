"""Whether a booster's rule holds: relapse as the protocol defines it, from the ratings that were recorded. No database.

The same rule as in the simulation of the protocol: after a response, so many ratings in a row at or above the limit;
after a booster the count starts anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from upturn.protocol import Dose, Endpoints, Relapse
from upturn_clinic.treatments.schedule import shifted

__all__ = ["Finding", "Rating", "judge", "next_candidate"]


@dataclass(frozen=True)
class Rating:
    """A total score of the scale that the definition rests on, and when it was rated."""

    at: datetime
    value: float


@dataclass(frozen=True)
class Finding:
    """What the rule says, and why, in sentences for the team."""

    relapsed: bool
    sentences: tuple[str, ...]


def judge(
    ratings: Sequence[Rating], *, baseline: float | None, endpoints: Endpoints, boosters: Sequence[datetime] = ()
) -> Finding:
    """Judge from recorded ratings whether there is a relapse.

    Parameters
    ----------
    ratings
        Scores since the first dose, in any order; the scale is that of ``endpoints.relapse``.
    baseline
        The score before the first dose, on the same scale; None when none was recorded.
    endpoints
        The protocol's definitions.
    boosters
        When boosters were given: ratings before the last of them no longer count towards a relapse.

    Returns
    -------
    Whether there is a relapse now, and the reasons.
    """
    rule = endpoints.relapse
    if rule is None:
        return Finding(relapsed=False, sentences=("The protocol does not say what a relapse is.",))
    line = _line_of_response(rule, baseline, endpoints)
    if line is None:
        return Finding(
            relapsed=False,
            sentences=(f"There is no {rule.instrument} from before the first dose to judge a {rule.after} by.",),
        )
    last_booster = max(boosters, default=None)
    responded_at, row = None, list[Rating]()
    for rating in sorted(ratings, key=lambda each: each.at):
        if responded_at is None and rating.value <= line:
            responded_at = rating.at
        high = responded_at is not None and rating.value >= rule.at_least
        if last_booster is not None and rating.at <= last_booster:
            high = False
        row = [*row, rating] if high else []
    return Finding(len(row) >= rule.consecutive, tuple(_reasons(rule, line, responded_at, row, ratings)))


def _line_of_response(rule: Relapse, baseline: float | None, endpoints: Endpoints) -> float | None:
    if rule.after == "remission":
        limits = [each.at_most for each in endpoints.remission if each.instrument == rule.instrument]
        return max(limits, default=None)
    if baseline is None or endpoints.response.instrument != rule.instrument:
        return None
    return (1 - endpoints.response.fall) * baseline


def _reasons(
    rule: Relapse, line: float, responded_at: datetime | None, row: Sequence[Rating], ratings: Sequence[Rating]
) -> list[str]:
    asked = (
        f"The protocol calls it a relapse when the {rule.instrument} is {rule.at_least:g} or more at "
        f"{rule.consecutive} ratings in a row after a {rule.after} ({rule.instrument} of {line:g} or less)."
    )
    if not ratings:
        return [asked, f"No {rule.instrument} has been recorded since the first dose."]
    if responded_at is None:
        return [asked, f"A {rule.after} has not been recorded yet."]
    return [asked, f"Now: {len(row)} in a row{_listed(row)}."]


def _listed(row: Sequence[Rating]) -> str:
    return f" ({', '.join(f'{each.value:g}' for each in row)})" if row else ""


def next_candidate(dose: Dose, *, first: datetime, now: datetime, zone: ZoneInfo) -> tuple[datetime, float] | None:
    """Give the next day on which a booster may be given by rule, and its planned time after the first dose [h].

    Parameters
    ----------
    dose
        The entry of the protocol, with ``not_sooner_than``, ``until`` and ``every``.
    first
        When the first dose was given; the time of day is that of the appointments.

    Returns
    -------
    None when the last candidate day is over.
    """
    today = now.astimezone(zone).date()
    for offset_h in dose.candidate_times_h:
        at = shifted(first, offset_h, zone=zone)
        if at.astimezone(zone).date() >= today:
            return at, offset_h
    return None
