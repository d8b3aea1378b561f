"""What a published number is: the arm it is about, the finding itself, and the refusal of what cannot be used.

What lives here: the typed rows of every table of the room. What does not: reading (``reading`` for tables from
outside, ``shelf`` for the package's own).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

__all__ = [
    "AdverseEvent",
    "Arm",
    "Claim",
    "Condition",
    "Evidence",
    "Fact",
    "Finding",
    "NotUsed",
    "Pooled",
    "Refusal",
    "digest_of",
]


@dataclass(frozen=True)
class Arm:
    """What was given to a group of people.

    Parameters
    ----------
    trial, arm
        The study and the group, such as ``SYNAPSE_2018`` and ``P1_esk84``. A suffix that names an analysis
        (``_LOCF``, ``_onset``) is no part of it: one group is one arm.
    condition
        What the people have: ``treatment-resistant depression``, ``major depression``, ``bipolar depression``,
        ``depression with suicidal ideation``, ``post-traumatic stress disorder``, ``social anxiety disorder`` or
        ``anxiety disorders``.
    drug
        ``ketamine`` (racemic), ``esketamine``, ``midazolam``, ``saline``, ``placebo``, ``ECT``,
        ``dextromethorphan-bupropion``, ``bupropion``, ``escitalopram``, ``citalopram``, ``antidepressant``
        (conventional, not named) or ``none``.
    route
        As in a protocol; ``electric`` for ECT, ``none`` for no treatment.
    amount
        Per dose, in ``unit``; the middle of a flexible range; of a combination the first component. None where
        it was not read.
    unit
        ``mg``, ``mg/kg`` or nothing.
    flexible
        Whether the amount was a range.
    over_h
        Duration of an infusion [h]; 0 by every other route.
    doses_h
        Times of all doses after the first [h], 0 first.
    daily
        Whether tablets are taken every day; ``doses_h`` is then ``(0.0,)``.
    background
        ``none``, ``ongoing antidepressant``, ``new antidepressant`` or ``standard of care``.
    open_label
        Whether everybody knew what was given.
    design
        ``parallel``, ``crossover``, ``single arm``, ``randomised withdrawal`` or ``pooled``.
    assumed
        What was not written and had to be assumed, such as ``regimen: single dose``.
    regimen
        The schedule in the words that ``doses_h`` was read from.
    participants
        People in the arm, where read.
    baseline_mean, baseline_sd
        MADRS before the first dose [points], where read.
    first_author, year, doi, registration
        Where it was published.
    within
        The arm of the same trial that this group is a part of; its people are counted there too.
    age_low, age_high
        Ages [y], where the people were chosen by age.
    """

    trial: str
    arm: str
    condition: str
    drug: str
    route: str
    amount: float | None
    unit: str
    flexible: bool
    over_h: float
    doses_h: tuple[float, ...]
    daily: bool
    background: str
    open_label: bool
    design: str
    assumed: tuple[str, ...] = ()
    regimen: str = ""
    participants: int | None = None
    baseline_mean: float | None = None
    baseline_sd: float | None = None
    first_author: str = ""
    year: int | None = None
    doi: str = ""
    registration: str = ""
    within: str = ""
    age_low: float | None = None
    age_high: float | None = None


@dataclass(frozen=True)
class Finding:
    """One published number.

    Parameters
    ----------
    row
        Data row, from 1, of the table it came from.
    table
        ``timecourse``, ``contrasts`` or ``durability``.
    trial, arm, versus
        The study, the arm, and the control arm of a difference or ratio.
    time_h
        When [h]; counted as ``since`` says. None where the print gives none (hazard ratios, variable follow-up).
    instrument
        ``MADRS``, ``HAM-D17``, ``HAM-D6``, ``HAM-D``, ``QIDS-SR16``, ``PHQ-9``, ``SSI``, ``CAPS-5``, ``PCL-5``,
        ``LSAS``, …
    measure
        ``change``, ``response``, ``remission_10``, ``remission_12``, ``remission`` (no cut-off said),
        ``sustained_response``, ``difference``, ``standardised_difference``, ``hazard_ratio``, ``relapsed``,
        ``not_relapsed``, ``responding``, ``remitted_by`` (reached by then, treatment ended with it),
        ``median_relapse_h`` or ``other`` (``definition`` says what).
    value
        Changes and differences: negative is improvement [points or SD]; shares from 0 to 1; times [h].
    unit
        ``points``, ``fraction``, ``SD``, ``h`` or ``ratio``.
    error, error_type
        ``SE`` or ``SD`` in the unit of the value; ``CI95`` (ratios: only the interval), ``IQR``, ``binomial`` or
        ``none`` come without a number. The SE of a difference that is printed with an interval alone is half its
        width over 1.96, with ``error_status`` *derived*.
    low, high
        The printed interval, if any.
    n, n_versus
        People analysed, and in the control arm.
    baseline, baseline_sd
        Score before the first dose [points].
    analysis
        ``observed``, ``LOCF``, ``MMRM`` or ``unknown``.
    at_risk
        Durability: ``responders``, ``remitters``, ``stable remitters``, ``stable responders``, ``all`` or nothing.
    definition
        Durability: what relapse is, such as ``MADRS>=22 twice``; elsewhere what the value is, where the measure
        does not say it.
    source
        Where the number was read.
    split
        ``calibration`` (fit to these), ``validation`` (never fitted) or ``duplicate`` (a subset of another).
    missing
        Fields that the table says are recalled and that are therefore not used.
    event_h
        Durability: when the group at risk was defined, or the last dose given [h after the first dose].
    since
        What ``time_h`` counts from: ``first dose``; or ``event``, where ``event_h`` is not known or variable.
    assumed
        What had to be assumed about the arms, such as ``regimen: single dose``.
    n_status, error_status
        ``seen``, ``derived`` or ``assumed``.
    """

    row: int
    table: str
    trial: str
    arm: str
    versus: str | None
    time_h: float | None
    instrument: str
    measure: str
    value: float | None
    unit: str
    error: float | None
    error_type: str
    low: float | None
    high: float | None
    n: int | None
    n_versus: int | None
    baseline: float | None
    baseline_sd: float | None
    analysis: str
    at_risk: str
    definition: str
    source: str
    split: str
    missing: tuple[str, ...]
    event_h: float | None
    since: str = "first dose"
    assumed: tuple[str, ...] = ()
    n_status: str = "seen"
    error_status: str = "seen"


@dataclass(frozen=True)
class Refusal:
    """A row that cannot be used, with the reason in one sentence."""

    row: int
    table: str
    trial: str
    arm: str
    reason: str


@dataclass(frozen=True)
class Evidence:
    """A table, read: the arms, what was found, what could not be used, and a digest of all of it."""

    arms: Mapping[tuple[str, str], Arm]
    findings: tuple[Finding, ...]
    refusals: tuple[Refusal, ...]
    digest: str = field(repr=False)


def digest_of(arms: Mapping[tuple[str, str], Arm], findings: Sequence[Finding], refusals: Sequence[Refusal]) -> str:
    """Give the SHA-256 of the canonical content; the same rows, the same digest, in whatever order the arms come."""
    content = {
        "arms": [asdict(arms[key]) for key in sorted(arms)],
        "findings": [asdict(each) for each in findings],
        "refusals": [asdict(each) for each in refusals],
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class Pooled:
    """A result of a published meta-analysis or pooled analysis; kept for comparison, not among the findings.

    Differences are negative where the drug is better, whatever way they were printed.
    """

    id: str
    quantity: str
    value: float
    error: float | None
    low: float | None
    high: float | None
    unit: str
    k: int | None
    n: int | None
    time_h: float | None
    source: str
    caution: str


@dataclass(frozen=True)
class AdverseEvent:
    """How many people of an arm had an event; ``share`` is a fraction of ``n``, at least so where ``at_least``."""

    trial: str
    arm: str
    drug: str
    route: str
    dose: str
    n: int
    event: str
    events: int | None
    share: float | None
    at_least: bool
    period: str
    peak: str
    resolved: str
    source: str
    split: str


@dataclass(frozen=True)
class Fact:
    """A number that a verdict rests on, in words, with where it was read."""

    text: str
    source: str


@dataclass(frozen=True)
class Claim:
    """What the press or clinics say, and what the published numbers say to it.

    Parameters
    ----------
    id, claim
        A letter, and the claim in our words.
    verdict
        ``supported``, ``overstated``, ``contradicted`` or ``not established``.
    reason
        Why.
    facts
        The numbers it rests on.
    quantity, thresholds
        Name of the model's quantity that can be set beside it, and the limits that decide; nothing where none can.
    """

    id: str
    claim: str
    verdict: str
    reason: str
    facts: tuple[Fact, ...]
    quantity: str
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class Condition:
    """What is known for a condition, or for ages, beside depression of adults.

    Parameters
    ----------
    id, title
        Its name, short and in words.
    calibrated
        Whether any number of the model rests on it.
    scope
        What is known and what is not.
    findings
        What was published.
    age_from, age_below
        Ages in years that it is about: this and more, less than this; None where it is about a condition.
    """

    id: str
    title: str
    calibrated: bool
    scope: str
    findings: tuple[Fact, ...]
    age_from: float | None = None
    age_below: float | None = None


@dataclass(frozen=True)
class NotUsed:
    """A published result that is not among the findings, and why."""

    trial: str
    arm: str
    what: str
    why: str
    source: str
