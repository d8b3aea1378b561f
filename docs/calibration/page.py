"""Write ``docs/calibration.md``: what the shipped posterior learnt, its checks, and the same fit with other priors.

Run from the root of the repository: ``python docs/calibration/page.py`` (some ten minutes: five quick fits). What lives
here: tables. What does not: numbers (the shipped posterior, the fits) and words (``page.md``).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from upturn.cli.evidence_tables import prior_range
from upturn.inference.acute import calibrated_events
from upturn.inference.program import calibrated
from upturn.inference.sensitivity import sensitivity
from upturn.parameters import Parameter
from upturn.population import INFORMED, shipped_posterior

HERE = Path(__file__).parent
PAGE = HERE.parent / "calibration.md"
# Below this, or above 1 less this, a check is said to fail.
TAIL = 0.05


def table(head: list[str], lines: list[list[str]]) -> str:
    """Write a table in Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines])


def learnt(parameters: Iterable[Parameter]) -> str:
    """Give prior, posterior and convergence of numbers."""
    lines = []
    for parameter in parameters:
        each = shipped_posterior().learnt[parameter.name]
        low, median, high = prior_range(parameter)
        informed = "" if each.contraction >= INFORMED else "not informed by the data"
        lines.append(
            [
                f"`{parameter.name}`",
                parameter.unit,
                f"{median:.3g} ({low:.3g} to {high:.3g})",
                f"{each.median:.3g} ({each.low:.3g} to {each.high:.3g})",
                f"{100 * each.contraction:.0f} %",
                informed,
                f"{each.r_hat:.3f}",
                f"{each.ess:.0f}",
            ]
        )
    return table(["number", "unit", "prior", "posterior", "contraction", "", "R-hat", "ESS"], lines)


def checks() -> str:
    """Give the posterior-predictive checks; those in the tails are marked."""
    lines = [
        [
            {"everything": "", "kind": "kind", "trial": "trial"}[each.of],
            each.name,
            str(each.numbers),
            f"{each.p:.2f}",
            "too far" if each.p < TAIL else "too close" if each.p > 1 - TAIL else "",
        ]
        for each in shipped_posterior().checks
    ]
    return table(["", "", "numbers", "p", ""], lines)


def in_the_tails() -> str:
    """Say which checks lie in the tails."""
    found = [f"{each.name} ({each.p:.2f})" for each in shipped_posterior().checks if not TAIL <= each.p <= 1 - TAIL]
    return f"In the tails: {', '.join(found)}." if found else "None of these lies in a tail."


def others() -> str:
    """Give what quick fits with other priors learn."""
    runs = sensitivity()
    names = list(runs[0].learnt)
    lines = [
        [
            f"`{name}`",
            *(f"{r.learnt[name].median:.3g} ({r.learnt[name].low:.3g} to {r.learnt[name].high:.3g})" for r in runs),
        ]
        for name in names
    ]
    return table(["number", *(run.name for run in runs)], lines)


def page() -> str:
    """Write the whole page."""
    found = shipped_posterior()
    how = found.fitted
    words = (HERE / "page.md").read_text(encoding="utf-8")
    return (
        words.replace("{{fitted}}", f"{how['findings']} findings of {how['trials']} trials and "
                      f"{how['adverse_event_counts']} counts of adverse events ({how['adverse_event_trials']} trial); "
                      f"{how['chains']} chains, {how['draws']} draws, {how['divergences']} divergences; "
                      f"seed {found.seed}")
        .replace("{{posterior}}", found.digest)
        .replace("{{evidence}}", found.evidence)
        .replace("{{adverse_events}}", found.adverse_events)
        .replace("{{learnt}}", learnt(calibrated()))
        .replace("{{learnt_of_adverse_events}}", learnt(calibrated_events()))
        .replace("{{checks}}", checks())
        .replace("{{in_the_tails}}", in_the_tails())
        .replace("{{sensitivity}}", others())
    )  # fmt: skip


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
