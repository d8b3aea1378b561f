"""What the model expects of trials that nobody has run: the quantities that popular claims are set beside.

What lives here: the hypothetical arms, and what is asked of them. What does not: the claims, and verdicts (``claims``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from upturn.evidence import Arm
from upturn.inference.observations import Catalogue
from upturn.inference.predict import expectations
from upturn.inference.quantities import Chance
from upturn.inference.session import hours_until_dissociation_is_gone
from upturn.pharmacology import Given
from upturn.protocol import load

__all__ = ["Estimate", "days_until_lost", "estimates"]

Draws = Mapping[str, Float[np.ndarray, " draws"]]
# The arms of the hypothetical trials; amounts and times as in the trials that the claims lean on.
TRIAL = "a new trial"
TABLETS = "a new trial of tablets"
OVER_H = 40 / 60
SIX_H = (0.0, 48.0, 96.0, 168.0, 216.0, 264.0)
DAY_H, WEEK_H = 24.0, 168.0
# How many days after one dose a difference is followed, and the part of its size at 24 h that counts as lost.
FOLLOWED_DAYS, LOST = 90, 1 / 3
PEOPLE = 1000


@dataclass(frozen=True)
class Estimate:
    """One quantity of the model.

    Parameters
    ----------
    name
        As a claim names it.
    text
        What it is, and what is compared, in plain words.
    unit
        ``points``, ``fraction``, ``days`` or ``h``.
    median, low, high
        Middle and 90 % interval: over new trials, or over people where the text says so.
    beside
        Further numbers that belong to it.
    """

    name: str
    text: str
    unit: str
    median: float
    low: float
    high: float
    beside: tuple[Estimate, ...] = ()

    def in_words(self) -> str:
        """Write the median and the interval with the unit.

        Examples
        --------
        >>> Estimate("share", "", "fraction", 0.4, 0.25, 0.6).in_words()
        '40 % (90 % interval 25 to 60 %)'
        """
        if self.unit == "fraction":
            median, low, high = (f"{100 * x:.0f}" for x in (self.median, self.low, self.high))
            return f"{median} % (90 % interval {low} to {high} %)"
        return f"{self.median:.1f} {self.unit} (90 % interval {self.low:.1f} to {self.high:.1f})"


def estimates(posterior: Draws, *, seed: int = 1) -> dict[str, Estimate]:
    """Give every quantity of the model that a claim names.

    Parameters
    ----------
    posterior
        Draws of the calibrated numbers.
    seed
        Random seed.

    Returns
    -------
    dict
        By name. Each is that of a new trial of very many people: uncertain numbers and differences between trials
        are in it. At single times, groups lie as far from the model as groups do; in courses of time and their
        ratios they lie on it.
    """
    found = (*_single_times(posterior, seed), *_courses(posterior, seed), _side_effects(seed))
    return {each.name: each for each in found}


def _arms() -> dict[tuple[str, str], Arm]:
    resistant, usual = "treatment-resistant depression", "major depression"
    infused = ("intravenous", OVER_H)
    groups = (
        _arm(TRIAL, "infusion", resistant, "ketamine", *infused, 0.5, "mg/kg"),
        _arm(TRIAL, "midazolam", resistant, "midazolam", *infused, 0.045, "mg/kg"),
        _arm(TRIAL, "nasal", resistant, "esketamine", "intranasal", 0.0, 84.0, "mg"),
        _arm(TRIAL, "nasal placebo", resistant, "placebo", "intranasal"),
        _arm(TRIAL, "oral", resistant, "ketamine", "oral", 0.0, 1.0, "mg/kg"),
        _arm(TRIAL, "oral placebo", resistant, "placebo", "oral"),
        replace(_arm(TRIAL, "six infusions", resistant, "ketamine", *infused, 0.5, "mg/kg"), doses_h=SIX_H),
        replace(_arm(TABLETS, "escitalopram", usual, "escitalopram", "oral", 0.0, 10.0, "mg"), daily=True),
        replace(_arm(TABLETS, "tablet placebo", usual, "placebo", "oral"), daily=True),
    )
    return {(arm.trial, arm.arm): arm for arm in groups}


def _arm(
    trial: str, name: str, condition: str, drug: str, route: str, over_h: float = 0.0, amount: float | None = None,
    unit: str = "",
) -> Arm:  # fmt: skip
    return Arm(
        trial, name, condition, drug, route, amount, unit, flexible=False, over_h=over_h, doses_h=(0.0,), daily=False,
        background="none", open_label=False, design="parallel",
    )  # fmt: skip


class _Questions:
    """Readings and chances of the hypothetical trials, asked together."""

    def __init__(self) -> None:
        self.book = Catalogue(_arms())

    def at(self, arm: str, time_h: float) -> int:
        key = (self._course(arm), time_h)
        if key not in self.book.readings:
            self.book.readings.append(key)
        return self.book.readings.index(key)

    def relapse_by(self, arm: str, weeks: int) -> int:
        """Ask for the share of responders, a day after the last dose, who relapse by weekly ratings."""
        course = self._course(arm)
        last_h = self.book.arms[self.book.courses[course]].doses_h[-1]
        visits = tuple(last_h + WEEK_H * week for week in range(1, weeks + 1))
        return self.book.chance(Chance(course, last_h + DAY_H, "response", visits, "relapse", consecutive=2))

    def _course(self, arm: str) -> int:
        trial = next(trial for trial, name in self.book.arms if name == arm)
        return self.book.course(trial, arm)


def _single_times(posterior: Draws, seed: int) -> tuple[Estimate, ...]:
    ask = _Questions()
    pairs = (("infusion", "midazolam"), ("nasal", "nasal placebo"), ("oral", "oral placebo"))
    at_4h = {drug: (ask.at(drug, 4.0), ask.at(control, 4.0)) for drug, control in pairs}
    at_24h = {arm: ask.at(arm, DAY_H) for arm in ("infusion", "midazolam", "nasal", "nasal placebo")}
    relapsed = {weeks: ask.relapse_by("six infusions", weeks) for weeks in (3, 6, 13)}
    found = expectations(ask.book, posterior, {}, seed)

    def difference(drug: int, control: int) -> Float[np.ndarray, " draws"]:
        return found["fall"][:, control] - found["fall"][:, drug]

    named = {
        "infusion": "ketamine, 0.5 mg/kg into a vein over 40 min, less midazolam",
        "nasal": "nasal esketamine, 84 mg, less nasal placebo",
        "oral": "ketamine, 1 mg/kg by mouth, less placebo by mouth",
    }
    routes = {
        drug: _estimate("", f"{named[drug]}: difference in mean MADRS 4 h after the start", "points", difference(*pair))
        for drug, pair in at_4h.items()
    }
    responders = {
        arm: _estimate("", f"responders in MADRS 24 h after one dose: {words}", "fraction", found["response"][:, at])
        for (arm, at), words in zip(
            at_24h.items(),
            ("ketamine, 0.5 mg/kg into a vein", "midazolam", "nasal esketamine, 84 mg", "nasal placebo"),
            strict=True,
        )
    }
    after_six = {
        weeks: _estimate(
            "",
            f"responders a day after the last of six infusions who have relapsed {weeks} weeks after it, no further "
            "dose given (MADRS 22 or more at two weekly ratings in a row)",
            "fraction",
            found["chance"][:, number],
        )
        for weeks, number in relapsed.items()
    }
    return (
        replace(routes["infusion"], name="difference_at_4h"),
        replace(
            responders["infusion"],
            name="response_share_at_24h",
            beside=tuple(responders[arm] for arm in ("midazolam", "nasal", "nasal placebo")),
        ),
        _estimate(
            "difference_at_24h",
            f"{named['infusion']}: difference in mean MADRS 24 h after the start",
            "points",
            difference(at_24h["infusion"], at_24h["midazolam"]),
        ),
        _estimate(
            "difference_at_4h_by_route",
            "one trial of infusion and nasal spray, each with its own control: by how much the difference from control "
            "is larger with the infusion 4 h after the start (negative: larger with the infusion)",
            "points",
            difference(*at_4h["infusion"]) - difference(*at_4h["nasal"]),
            beside=tuple(routes.values()),
        ),
        replace(after_six[3], name="relapsed_share_between_boosters", beside=(after_six[6],)),
        replace(after_six[13], name="relapsed_share_three_months_after_a_course"),
    )


def _courses(posterior: Draws, seed: int) -> tuple[Estimate, ...]:
    ask = _Questions()
    days = np.arange(1, FOLLOWED_DAYS + 1)
    infusion, midazolam = ([ask.at(arm, DAY_H * day) for day in days] for arm in ("infusion", "midazolam"))
    weeks = [[ask.at(arm, WEEK_H * week) for week in (1, 6)] for arm in ("escitalopram", "tablet placebo")]
    # Of a course of time the model's own shape is wanted, not that of groups that each lie somewhere beside it.
    on_it = {name: np.zeros_like(draws) if name == "between_groups" else draws for name, draws in posterior.items()}
    fall = expectations(ask.book, on_it, {}, seed)["fall"]
    tablets = fall[:, weeks[0]] - fall[:, weeks[1]]
    return (
        _estimate(
            "days_until_difference_is_lost",
            "days after one infusion of 0.5 mg/kg until the mean difference from midazolam is below one third of what "
            f"it was at 24 h (followed for {FOLLOWED_DAYS} days)",
            "days",
            days_until_lost(fall[:, infusion] - fall[:, midazolam], days),
        ),
        _estimate(
            "share_of_six_week_difference_at_week_1",
            "mean difference between escitalopram and placebo tablets at week 1, as a part of that at week 6, when "
            "some people have no further to fall; the prior of its speed was derived from the published third",
            "fraction",
            tablets[:, 0] / tablets[:, 1],
        ),
    )


def days_until_lost(
    difference: Float[np.ndarray, "draws days"], days: Float[np.ndarray, " days"]
) -> Float[np.ndarray, " draws"]:
    """Give the first time at which a positive difference is below :data:`LOST` of its first value; else the last day.

    Examples
    --------
    >>> float(days_until_lost(np.array([[9.0, 5.0, 1.0]]), np.array([1.0, 2.0, 3.0]))[0])
    2.5
    """
    limit = LOST * difference[:, :1]
    below = difference < limit
    is_lost = below.any(axis=1)
    rows, first = np.arange(len(difference)), np.where(is_lost, below.argmax(axis=1), 1)
    before, after = difference[rows, first - 1], difference[rows, first]
    part = (before - limit[:, 0]) / np.where(is_lost, before - after, 1.0)
    return np.where(is_lost, days[first - 1] + part * (days[first] - days[first - 1]), days[-1])


def _side_effects(seed: int) -> Estimate:
    hours = hours_until_dissociation_is_gone(
        Given("ketamine", "intravenous", OVER_H), 0.5, load("six-infusions").population, people=PEOPLE, seed=seed
    )
    return _estimate(
        "hours_until_side_effects_are_gone",
        "hours from the end of an infusion of ketamine, 0.5 mg/kg over 40 min, until the rise of CADSS is below 5 "
        "points; median and range of 90 % of people. Other side effects are not in it",
        "h",
        hours,
    )


def _estimate(
    name: str, text: str, unit: str, draws: Float[np.ndarray, " draws"], beside: tuple[Estimate, ...] = ()
) -> Estimate:
    low, median, high = (float(q) for q in np.quantile(draws, [0.05, 0.5, 0.95]))
    return Estimate(name, text, unit, median, low, high, beside)
