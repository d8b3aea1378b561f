"""Try the analyses of belief updating on simulated studies whose truth is known, and write ``operating.md``.

    python docs/beliefs/operating.py [--studies 100] [--fits 100]

Every row is a design and a truth: 26 patients and 30 controls, twice each. ``naive`` is the published two-step
analysis; ``careful`` is the t test on sessions summarised with the belief behind the first answer integrated out;
``recommended`` is the 95 % interval of the hierarchical fit over the same summaries, on the first ``--fits`` studies of
the rows where it is asked for; the other rows have half as many studies.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from upturn import __version__
from upturn.beliefs.design import study_design
from upturn.beliefs.people import belief_population, changed
from upturn.beliefs.simulation import simulate_study
from upturn.inference.beliefs.hierarchy import contrast, fit_sessions
from upturn.inference.beliefs.naive import least_squares, places, two_step
from upturn.inference.beliefs.sessions import summarise
from upturn.inference.fit import Settings

PAGE = Path(__file__).with_name("operating.md")
TEMPLATE = Path(__file__).with_name("operating.template.md")
GROUPS = {"patients": 26, "controls": 30}
VISITS = ("before", "after")
SHORT = Settings(chains=1, warmup=300, draws=1000, dense=True)
# Fits after which compiled programs are let go: each fit leaves one, and a process may hold only so many.
TIDIED = 20


@dataclass(frozen=True)
class Row:
    """A design and a truth."""

    shift: float
    noise: float
    change: float
    carried: float
    fillers: int = 8
    lists: tuple[str, ...] = ("a",)
    is_fitted: bool = False


ROWS = (
    Row(12, 8, 0.0, 0.0, is_fitted=True),
    Row(12, 5, 0.12, 0.0, is_fitted=True),
    Row(12, 8, 0.0, 0.0, fillers=0),
    Row(12, 8, 0.0, 0.0, lists=("b", "c")),
    Row(12, 8, 0.0, 0.5),
    Row(12, 8, 0.0, 1.0),
    Row(12, 5, 0.12, 0.0, fillers=0),
    Row(12, 5, 0.12, 0.0, lists=("b", "c")),
    Row(12, 5, 0.12, 1.0),
    Row(12, 8, 0.12, 0.0),
)


def try_out(row: Row, *, studies: int, fits: int) -> str:
    """Simulate and analyse; give a line of the table."""
    design = study_design(GROUPS, VISITS, lists=row.lists, n_fillers=row.fillers, rotate=len(row.lists) > 1)
    truth = belief_population(
        groups=2, visits=2, asymmetry=0.0, report_noise=row.noise, answer_noise=row.noise, carried=row.carried
    )
    truth = changed(truth, group=0, visit=0, belief_mean=row.shift)
    truth = changed(truth, group=0, visit=1, asymmetry=row.change)
    naive, careful, fitted, carried = [], [], [], []
    for i in range(studies):
        answers = simulate_study(jax.random.fold_in(jax.random.key(20260101), i), design, truth)
        who = (answers.participant, answers.group, answers.visit)
        one, two = (places(*who, who=group, before=VISITS[0], after=VISITS[1]) for group in GROUPS)
        plain = least_squares(answers.first, answers.second, answers.base_rate, answers.answered)[1]
        sessions = summarise(answers)
        naive.append(two_step(plain, one, two))
        careful.append(two_step(sessions.at[:, 1], one, two))
        carried.append(sessions.carried)
        if row.is_fitted and i < fits:
            fit = fit_sessions(sessions, settings=SHORT)
            fitted.append(contrast(fit, groups=("patients", "controls"), visits=(VISITS, VISITS)).excludes_zero)
            if not (i + 1) % TIDIED:
                jax.clear_caches()
    lists = "a, twice" if len(row.lists) == 1 else " and ".join(row.lists)
    cells = [f"{row.change:g}", f"{row.noise:g}", f"{row.carried:g}", lists, f"{row.fillers}"]
    for each in (naive, careful):
        mean = np.mean([t.difference for t in each]) - row.change
        cells += [f"{mean:+.3f}", _share([t.p < 0.05 for t in each])]
    cells += [_share(fitted) if fitted else "", f"{np.mean(carried):.2f} ± {np.std(carried):.2f}"]
    return "| " + " | ".join(cells) + " |"


def _share(found: list[bool]) -> str:
    n, k = len(found), sum(found)
    # Wilson's interval.
    z = 1.96
    middle, reach = (k + z**2 / 2) / (n + z**2), z * np.sqrt(k * (n - k) / n + z**2 / 4) / (n + z**2)
    return f"{100 * k / n:.0f} % ({100 * (middle - reach):.0f}–{100 * (middle + reach):.0f})"


def main() -> None:
    """Write the page."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--studies", type=int, default=100)
    asked.add_argument("--fits", type=int, default=100)
    told = asked.parse_args()
    started = time.perf_counter()
    lines = []
    for row in ROWS:
        studies = told.studies if row.is_fitted else told.studies // 2
        lines.append(try_out(row, studies=studies, fits=told.fits))
        print(lines[-1], f"{time.perf_counter() - started:.0f} s", flush=True)
    text = TEMPLATE.read_text(encoding="utf-8")
    PAGE.write_text(
        text.replace("{{rows}}", "\n".join(lines))
        .replace("{{studies}}", str(told.studies))
        .replace("{{fits}}", str(told.fits))
        .replace("{{version}}", __version__),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
