"""The shape of an answer: what the report shows and ``--json`` prints.

Changes and differences are in MADRS points (minus is better), parts are improvements (plus is better), times in
hours, shares between 0 and 1. An interval without numbers was not reached, or makes no sense for that arm.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from upturn.trials.numbers import Number
from upturn.trials.observed import Observed
from upturn.trials.summary import Interval

__all__ = [
    "Acute",
    "Answer",
    "ArmAnswer",
    "AtTime",
    "ContrastAnswer",
    "Difference",
    "Moderator",
    "Relapse",
]


@dataclass(frozen=True)
class AtTime:
    """One arm at one time. Changes and parts in MADRS points; a fall is negative, a part is an improvement."""

    time_h: float
    mean_change: Interval
    person_change: Interval
    parts: dict[str, Interval]
    response: Interval
    response_leavers_failed: Interval
    remission: dict[str, Interval]
    suicidal_ideation_change: Interval | None


@dataclass(frozen=True)
class Relapse:
    """After the last planned dose, among those in response then."""

    in_response: Interval
    median_h: Interval
    time_h: list[float]
    still_well: list[Interval]


@dataclass(frozen=True)
class Acute:
    """The first session of an arm: over people, peaks and times until back to baseline."""

    model: str
    site: str
    time_h: list[float]
    curves: dict[str, list[Interval]]
    peak: dict[str, Interval]
    peak_h: dict[str, Interval]
    back_h: dict[str, Interval]


@dataclass(frozen=True)
class ArmAnswer:
    """One arm."""

    id: str
    title: str
    role: str
    at: list[AtTime]
    time_to_response_h: Interval
    ever_responded: Interval
    time_to_sustained_response_h: Interval | None
    sustained_by: Interval | None
    relapse: Relapse | None
    boosters: Interval
    left: Interval
    last_planned_dose_h: float | None
    acute: Acute | None
    curves: dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """A contrast at one time, for the same people: change in the arm less change in the control (minus is better)."""

    time_h: float
    new_trial: Interval
    one_person: Interval
    parts: dict[str, Interval]
    response: Interval


@dataclass(frozen=True)
class ContrastAnswer:
    """One contrast of the protocol."""

    arm: str
    control: str
    at: list[Difference]
    curve_time_h: list[float]
    curve: list[Interval]


@dataclass(frozen=True)
class Moderator:
    """A covariate: by how much the drug effect may change per standard deviation (a ratio), and what is known."""

    covariate: str
    ratio_per_sd: Interval
    evidence: str
    verdict: str


@dataclass(frozen=True)
class Calibration:
    """What the numbers were fitted to, and whether the people of the protocol were among them.

    Parameters
    ----------
    findings, trials
        How many published numbers of how many trials.
    evidence, posterior
        Digests of the published numbers and of the draws.
    version, seed
        Code and random seed of the fit.
    beyond
        Empty where trials in such people were fitted; else what is known for their condition or ages and what is not.
    """

    findings: int
    trials: int
    evidence: str
    posterior: str
    version: str
    seed: int
    beyond: str


@dataclass(frozen=True)
class OtherCondition:
    """What is known beside unipolar depression of adults: whether any number rests on it, and what was found."""

    title: str
    calibrated: bool
    scope: str
    findings: list[dict[str, str]]


@dataclass(frozen=True)
class Answer:
    """The whole answer; :meth:`as_dict` is what ``--json`` prints and what the report shows."""

    protocol: dict[str, Any]
    version: str
    seed: int
    patients: int
    trials: int
    notice: str
    calibration: Calibration
    conditions: list[OtherCondition]
    times_h: list[float]
    arms: list[ArmAnswer]
    contrasts: list[ContrastAnswer]
    who: list[Moderator]
    numbers: list[Number]
    observed: Observed | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the answer as plain data; what was observed only where there are records."""
        plain = asdict(self)
        if self.observed is None:
            del plain["observed"]
        return plain
