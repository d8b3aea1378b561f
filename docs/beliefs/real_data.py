"""Look at other people's open data with this project's models, and write ``docs/beliefs/real-data.md``.

Run from the root of the repository: ``python docs/beliefs/real_data.py FOLDER``, where FOLDER holds
``sunstein_climate_2017``, ``gagne_2022_social_beliefs`` and ``kuper_smith_covid_risk_2021`` (their sources stand in the
page). What lives here: arithmetic and tables. What does not: any word (``real-data.template.md``), any data;
only results are kept.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from scipy.optimize import least_squares

from upturn.beliefs.reading import answers
from upturn.interchange.belief_tables import read_belief_table
from upturn.parameters import read

HERE = Path(__file__).parent
PAGE = HERE / "real-data.md"
DRAWS = 2000
Array = np.ndarray

CLIMATE = """
columns: {group: condition, base_rate: evidence_max, first_estimate: first_estimate, second_estimate: second_estimate}
constants: {visit: only, time_h: 0, event: warming}
one_row_per_person: true
words: {group: {0: lower, 1: higher}}
leave_out: all
"""
BELIEVERS = {1: "weak", 2: "moderate", 3: "strong"}
# First column (from 1) of the own estimates and of those for an average person; four horizons each.
RISKS = {"infection": (8, 12), "broken bone": (60, 68), "influenza": (72, 76), "sexually transmitted": (56, 64)}
LIFETIME = 3


def folder() -> Path:
    return Path(sys.argv[1])


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def interval(draws: Array, digits: int = 2) -> str:
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{low:.{digits}f} to {high:.{digits}f}"


def resampled(statistic: Callable[[Array], float], people: int, seed: int = 1) -> Array:
    """Give a statistic of people drawn again and again with replacement; it is handed their numbers."""
    random = np.random.default_rng(seed)
    return np.array([statistic(random.integers(0, people, people)) for _ in range(DRAWS)])


def correlation(x: Array, y: Array) -> str:
    """Write Pearson's r with Fisher's interval."""
    r = float(np.corrcoef(x, y)[0, 1])
    low, high = np.tanh(np.arctanh(r) + np.array([-1.96, 1.96]) / np.sqrt(len(x) - 3))
    return f"{r:.2f} ({low:.2f} to {high:.2f})"


def scaling_and_asymmetry(error: Array, sign: Array, update: Array) -> tuple[Array, Array]:
    """Fit update = (S + A·sign)·error by least squares; give S and A with their standard errors."""
    design = np.column_stack([error, sign * error])
    found, *_ = np.linalg.lstsq(design, update, rcond=None)
    left = update - design @ found
    return found, np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * (left @ left) / (len(left) - 2))


# One update each: climate -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Climate:
    """People of one group of believers: what they said before and after, and what they were told."""

    first: Array
    second: Array
    told: Array

    def __getitem__(self, which: Array) -> Climate:
        return Climate(self.first[which], self.second[which], self.told[which])

    def naive(self) -> tuple[float, float]:
        """Give S and A of a delta rule towards what was told, over people."""
        error = self.first - self.told
        found, _ = scaling_and_asymmetry(error, np.sign(error), self.first - self.second)
        return float(found[0]), float(found[1])

    def randomised(self) -> tuple[float, float]:
        """Give the weight of what was told, from the randomised contrast, and the slope on the first answer."""
        design = np.column_stack([np.ones_like(self.first), self.first, self.told])
        (_, slope, weight), *_ = np.linalg.lstsq(design, self.second, rcond=None)
        return float(weight), float(slope)

    def without_asymmetry(self, reliability: float, seed: int = 2) -> Array:
        """Give the naive A of people who learn as strongly from good as from bad news, drawn again and again."""
        random, found = np.random.default_rng(seed), []
        weight = self.randomised()[0]
        centre, noise = self.first.mean(), self.first.std() * np.sqrt(1 - reliability)
        for _ in range(DRAWS // 4):
            who = random.integers(0, len(self.first), len(self.first))
            belief = centre + (self.first[who] - centre) * np.sqrt(reliability)
            first, second = (
                (each + random.normal(0, noise, len(who)) if noise else each).round().clip(0, 12)
                for each in (belief, belief - weight * (belief - self.told[who]))
            )
            found.append(Climate(first, second, self.told[who]).naive()[1])
        return np.array(found)


@cache
def climate() -> dict[int, Climate]:
    source = folder() / "sunstein_climate_2017" / "data.csv"
    with TemporaryDirectory() as place:
        mapping = Path(place, "map.yaml")
        mapping.write_text(CLIMATE, encoding="utf-8")
        records = read_belief_table(source, mapping=mapping)
    found, _ = answers(records, bounds=(0, 12))
    group = pl.read_csv(source, quote_char="'")["allBeliefs_3groups"].to_numpy()
    # Participants are the numbers of the rows.
    group = group[np.array([int(name) - 1 for name in found.participant])]
    everyone = Climate(found.first[:, 0], found.second[:, 0], found.base_rate[:, 0])
    return {each: everyone[group == each] for each in BELIEVERS}


def climate_moves() -> str:
    rows = []
    for each, name in BELIEVERS.items():
        people = climate()[each]
        for told, word in ((5.0, "lower"), (11.0, "higher")):
            some = people[people.told == told]
            move = some.second - some.first
            draws = resampled(lambda who, move=move: float(move[who].mean()), len(move))
            rows.append(
                (name, word, len(move), f"{some.first.mean():.1f} ({some.first.std(ddof=1):.1f})",
                 f"{some.second.mean():.1f}", f"{move.mean():+.2f} ({interval(draws)})")
            )  # fmt: skip
    return table(["belief", "told", "people", "first (SD) [°F]", "second [°F]", "moved (95 %) [°F]"], rows)


def climate_fits() -> str:
    rows = []
    for each, name in BELIEVERS.items():
        people = climate()[each]
        n, error = len(people.first), people.first - people.told
        weight, slope = people.randomised()
        both = np.array([people[who].randomised() for who in np.random.default_rng(3).integers(0, n, (DRAWS, n))])
        naive = resampled(lambda who, people=people: people[who].naive()[1], n)
        null = [people.without_asymmetry(reliability) for reliability in (1.0, 0.8, 0.6)]
        rows.append(
            (name, f"{(error > 0).sum()} / {(error < 0).sum()}", f"{weight:.2f} ({interval(both[:, 0])})",
             f"{slope:.2f}", f"{weight + slope:.2f} ({interval(both.sum(axis=1))})",
             f"{people.naive()[1]:+.2f} ({interval(naive)})",
             *(f"{draws.mean():+.2f} ({interval(draws)})" for draws in null))
        )  # fmt: skip
    head = ["belief", "good / bad news", "weight of what was told", "slope on the first answer", "sum of both",
            "naive A", "same if A = 0, no noise", "reliability .8", "reliability .6"]  # fmt: skip
    return table(head, rows)


def climate_higher() -> str:
    """Give the share of the distance to 11 °F that people moved, over means: noise in a first answer averages out."""
    parts = []
    for each, name in BELIEVERS.items():
        people = climate()[each]
        some = people[people.told > people.told.min()]
        move, distance = some.second - some.first, some.told - some.first

        def share(who: Array, move: Array = move, distance: Array = distance) -> float:
            return float(move[who].mean() / distance[who].mean())

        n = len(move)
        parts.append(f"{name} {share(np.arange(n)):.2f} ({interval(resampled(share, n))}; n = {n})")
    return ", ".join(parts) + "."


# Twenty updates each: am I in the top half? -----------------------------------------------------------------------


@dataclass(frozen=True)
class Sequences:
    """Estimates of being in the top half [percent], and what people were told: 100 chosen, 0 not chosen."""

    people: tuple[int, ...]
    estimate: Array
    told: Array

    def fits(self, which: slice = slice(None)) -> tuple[Array, Array]:
        """Give S and A of each person with standard errors, learning from the estimate last reported."""
        before, after, told = self.estimate[:, :-1], self.estimate[:, 1:], self.told
        found = [
            scaling_and_asymmetry(b[which] - t[which], np.where(t[which] > 0, 1.0, -1.0), b[which] - a[which])
            for b, a, t in zip(before, after, told, strict=True)
        ]
        return np.array([each for each, _ in found]), np.array([error for _, error in found])

    def hidden(self) -> Array:
        """Give S and A of each person whose belief runs on unseen, with all noise in the reports."""
        found = []
        for estimate, told, start in zip(self.estimate, self.told, self.fits()[0], strict=True):

            def misses(guess: Array, estimate: Array = estimate, told: Array = told) -> Array:
                belief = [guess[0]]
                for each in told:
                    rate = guess[1] + guess[2] if each > 0 else guess[1] - guess[2]
                    belief.append(belief[-1] + rate * (each - belief[-1]))
                return np.array(belief) - estimate

            found.append(least_squares(misses, [estimate[0], *start]).x[1:])
        return np.array(found)


@cache
def sequences(target: str) -> Sequences:
    seen = pl.read_csv(folder() / "gagne_2022_social_beliefs" / "session3_beliefs.csv")
    seen = seen.filter(pl.col("target") == target).sort("subject", "trial")
    # Half of the people were asked for the bottom half.
    top = pl.when(pl.col("cb") == 1).then(pl.col("estimate")).otherwise(100 - pl.col("estimate"))
    people = tuple(seen["subject"].unique(maintain_order=True))
    trials = seen.height // len(people)
    estimate = seen.select(top.cast(pl.Float64)).to_series().to_numpy().reshape(-1, trials)
    told = 100 * seen["feedback"].fill_null(0).to_numpy().reshape(-1, trials)[:, 1:]
    return Sequences(people, estimate, told)


@cache
def clinical() -> dict[int, Array]:
    seen = pl.read_csv(folder() / "gagne_2022_social_beliefs" / "items_clinical.omega2.csv")
    return dict(zip(seen["MID"], seen.select("g", "F1.", "F2.").to_numpy(), strict=True))


def halves(data: Sequences) -> tuple[Array, Array]:
    # Blocks, not odd and even trials: neighbouring updates share a report, so their noise is of opposite sign.
    middle = data.told.shape[1] // 2
    return data.fits(slice(None, middle))[0], data.fits(slice(middle, None))[0]


def whole(r: float) -> float:
    """Give the reliability of twice as many trials (Spearman-Brown)."""
    return 2 * r / (1 + r)


def sequence_fits() -> str:
    rows = []
    for target in ("self", "other"):
        data = sequences(target)
        found, error = data.fits()
        hidden = data.hidden()
        first, second = halves(data)
        for column, name in enumerate(("S", "A")):
            values = found[:, column]
            mean = resampled(lambda who, values=values: float(values[who].mean()), len(values))
            sizes = np.column_stack([first[:, column], second[:, column]])
            r = resampled(lambda who, sizes=sizes: whole(float(np.corrcoef(sizes[who].T)[0, 1])), len(sizes))
            reliability = whole(float(np.corrcoef(sizes.T)[0, 1]))
            rows.append(
                (target, name, len(values), f"{values.mean():.3f} ({interval(mean, 3)})", f"{values.std(ddof=1):.3f}",
                 f"{np.sqrt((error[:, column] ** 2).mean()):.3f}", f"{hidden[:, column].mean():.3f}",
                 f"{np.corrcoef(values, hidden[:, column])[0, 1]:.2f}", f"{reliability:.2f} ({interval(r)})")
            )  # fmt: skip
    head = ["about", "", "people", "mean (95 %)", "SD of people", "SE of one person", "mean, hidden belief",
            "r of both fits", "reliability (95 %)"]  # fmt: skip
    return table(head, rows)


def sequence_links() -> str:
    rows = []
    for target in ("self", "other"):
        data = sequences(target)
        found = data.fits()[0]
        first, second = halves(data)
        with_scores = [place for place, who in enumerate(data.people) if who in clinical()]
        scores = np.array([clinical()[data.people[place]] for place in with_scores])
        level = data.estimate.mean(axis=1)
        for name, values, reliability in (
            ("S", found[:, 0], whole(float(np.corrcoef(first[:, 0], second[:, 0])[0, 1]))),
            ("A", found[:, 1], whole(float(np.corrcoef(first[:, 1], second[:, 1])[0, 1]))),
            ("mean estimate", level, None),
        ):
            cells = [correlation(values[with_scores], scores[:, column]) for column in range(3)]
            ceiling = "" if reliability is None else f"{np.sqrt(reliability):.2f}"
            rows.append((target, name, *cells, ceiling))
    return table(["about", "", "general factor", "specific factor 1", "specific factor 2", "ceiling"], rows)


def with_scores() -> str:
    return str(sum(who in clinical() for who in sequences("self").people))


def self_and_other() -> str:
    own, other = (sequences(target).fits()[0] for target in ("self", "other"))
    return f"S {correlation(own[:, 0], other[:, 0])}, A {correlation(own[:, 1], other[:, 1])}"


def level_and_asymmetry() -> str:
    parts = []
    for target in ("self", "other"):
        data = sequences(target)
        found = data.fits()[0]
        implied = found[:, 0] * (data.estimate.mean(axis=1) / 50 - 1)
        parts.append(f"{target} {correlation(found[:, 1], implied)}")
    return "; ".join(parts)


# Own risk and that of others --------------------------------------------------------------------------------------


@cache
def risks() -> dict[str, Array]:
    """Give estimates [percent] by event: own or other, wave, person, horizon."""
    found = {}
    waves = [
        np.genfromtxt(folder() / "kuper_smith_covid_risk_2021" / f"COVID_within_T{wave}.csv", delimiter=",")
        for wave in (1, 2, 3)
    ]
    for name, starts in RISKS.items():
        # They are stored from 1 to 101.
        found[name] = np.array([[wave[:, start - 1 : start + 3] - 1 for wave in waves] for start in starts])
    return found


def log_odds(percent: Array) -> Array:
    """Give log-odds of answers held to the task's 3 to 77 %, so that no answer is infinite."""
    held = percent.clip(3, 77) / 100
    return np.log(held / (1 - held))


def optimism(name: str, horizon: int = LIFETIME) -> Array:
    own, other = risks()[name][:, 0, :, horizon]
    return log_odds(own) - log_odds(other)


def own_and_other() -> str:
    rows = []
    for name, both in risks().items():
        own, other = both[:, 0, :, LIFETIME]
        size = optimism(name)
        draws = resampled(lambda who, size=size: float(size[who].mean()), len(size))
        again = both[0, :, :, LIFETIME]
        rows.append(
            (name, f"{own.mean():.1f}", f"{other.mean():.1f}", f"{size.mean():+.2f} ({interval(draws)})",
             f"{size.std(ddof=1):.2f}", f"{np.mean([optimism(name, h).mean() for h in range(4)]):+.2f}",
             f"{np.corrcoef(own, other)[0, 1]:.2f}", f"{(own == other).mean():.0%}",
             f"{np.corrcoef(again[0], again[1])[0, 1]:.2f}", f"{(again[1] - again[0]).std(ddof=1) / np.sqrt(2):.1f}")
        )  # fmt: skip
    head = ["event, in a lifetime", "own [%]", "average person [%]", "log-odds own − other (95 %)", "its SD",
            "mean of four horizons", "r", "the same", "r of own, waves 1 and 2", "SD of change / √2"]  # fmt: skip
    return table(head, rows)


def people_of_risks() -> str:
    return str(next(iter(risks().values())).shape[2])


def simulated_optimism() -> str:
    """Give what the simulator assumes."""
    value = read("upturn.beliefs", "people").value
    return (
        f"mean {value('optimism'):+.2f}, SD between people {value('optimism_sd'):.2f}, between events "
        f"{value('optimism_spread'):.2f}"
    )


def optimism_spread() -> str:
    """Split the log-odds difference into people and what is left, without the event that has a floor."""
    size = np.column_stack([optimism(name) for name in RISKS if name != "sexually transmitted"])
    centred = size - size.mean(axis=0)
    people, events = centred.shape
    left = centred - centred.mean(axis=1, keepdims=True)
    residual = (left**2).sum() / ((people - 1) * (events - 1))
    between = max(0.0, float(events * centred.mean(axis=1).var(ddof=1) - residual) / events)
    return (
        f"mean {size.mean():+.2f}, SD between people {np.sqrt(between):.2f}, SD left between the events of one person "
        f"{np.sqrt(residual):.2f}"
    )


PARTS = {
    each.__name__: each
    for each in (
        climate_moves, climate_fits, climate_higher, sequence_fits, sequence_links, with_scores, self_and_other,
        level_and_asymmetry, own_and_other, people_of_risks, optimism_spread,
        simulated_optimism,
    )
}  # fmt: skip


def page() -> str:
    """Write the whole page: the words of the template, its ``{{...}}`` filled in."""
    words = (HERE / "real-data.template.md").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda asked: PARTS[asked[1]](), words)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not folder().is_dir():
        sys.exit("Name the folder that holds the data, as in: python docs/beliefs/real_data.py ../shared/beliefs/data")
    PAGE.write_text(page(), encoding="utf-8")
