"""The clinical-change report as data: what each analysis says of a change, beside what no change would have shown.

Every word of it is about an association: in the studies that this is made for nobody was randomised. What lives here:
the order of the analyses and the frozen result that reports and the command line read. What does not: any of the
analyses, and any drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from upturn.errors import InputError
from upturn.inference.beliefs.checks import Check, check
from upturn.inference.beliefs.findings import (
    Cell,
    Change,
    Finding,
    cells_of,
    changes_of,
    findings_of,
    multiverse_of,
    of_fit,
)
from upturn.inference.beliefs.hierarchy import SETTINGS, BeliefFit, fit_answers
from upturn.inference.beliefs.link import Link, Summary, link, mood_change, summary_of
from upturn.inference.beliefs.null import Null, null
from upturn.inference.beliefs.questions import Study
from upturn.inference.beliefs.sessions import Reading
from upturn.inference.fit import Diagnostics, Settings

__all__ = ["ClinicalChange", "Plan", "clinical_change", "steps"]

# Shares of the first estimate's error carried into learning that are tried in the sensitivity.
CARRIED = (0.0, 0.5, 1.0)
# How much of the progress a fit is, beside one pass of simulated studies.
FIT = 4


@dataclass(frozen=True)
class Plan:
    """Say how much is worked out.

    Parameters
    ----------
    studies
        Simulated studies of the null; 0 leaves it out.
    careful
        For how many of them sessions are also read with errors in the first estimate.
    replicates
        Of the posterior-predictive checks.
    trust
        Whether S may also depend on the trust in base rates.
    carried
        Shares of the first estimate's error that the sensitivity fixes [0 to 1].
    seed
        Of everything that is drawn.
    settings
        How long to draw from each posterior.
    """

    studies: int = 200
    careful: int = 0
    replicates: int = 100
    trust: bool = False
    carried: tuple[float, ...] = CARRIED
    seed: int = 1
    settings: Settings = SETTINGS


@dataclass(frozen=True)
class ClinicalChange:
    """Hold everything that the report says.

    Parameters
    ----------
    study, plan
        What was analysed, and how much was worked out.
    cells
        What each group showed at each visit; learning as read with errors in the first estimate.
    changes
        Within groups.
    findings
        The four analyses of each question, asymmetry and scaling.
    multiverse
        Variants: other signs of news, and trials with an answer at a bound left out.
    carried
        Share of the first estimate's error that learning starts from.
    sensitivity
        The recommended analysis with that share fixed.
    trust, trust_findings
        Change of S per 100 % of trust, and the recommended analysis with it; none unless asked.
    nulls
        What no change would have shown.
    checks
        Posterior-predictive.
    links
        With mood.
    cannot
        Sentences about what cannot be answered.
    diagnostics
        Of each fit, by its name.
    """

    study: Study
    plan: Plan
    cells: tuple[Cell, ...]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    multiverse: tuple[Finding, ...]
    carried: Summary
    sensitivity: tuple[tuple[float, Finding], ...]
    trust: Summary | None
    trust_findings: tuple[Finding, ...]
    nulls: tuple[Null, ...]
    checks: tuple[Check, ...]
    links: tuple[Link, ...]
    cannot: tuple[str, ...]
    diagnostics: dict[str, Diagnostics]


def steps(study: Study, plan: Plan) -> int:
    """Count the steps of progress that :func:`clinical_change` tells."""
    fits = 2 + (len(plan.carried) if study.questions else 0) + plan.trust + 2 * len(study.questions)
    null_steps = 3 + 3 * min(plan.careful, plan.studies) if study.questions and plan.studies else 0
    return FIT * fits + 1 + null_steps


def clinical_change(
    study: Study, plan: Plan | None = None, *, progress: Callable[[int], None] = lambda _: None
) -> ClinicalChange:
    """Work out the clinical-change report.

    Parameters
    ----------
    study
        From :func:`upturn.inference.beliefs.questions.open_study`.
    plan
        How much is worked out.
    progress
        Told the steps that are done, :func:`steps` in all.

    Raises
    ------
    InputError
        Trust was asked for and never recorded.
    """
    plan = plan or Plan()
    seen, asked, settings = study.answers, study.questions, replace(plan.settings, seed=plan.seed)
    if plan.trust and not np.isfinite(seen.trust[seen.answered]).any():
        raise InputError(
            "Nobody was asked how far they trust the base rates.", expected="trust in the table updates", came="none",
            remedy="leave --trust out",
        )  # fmt: skip

    def fitted(reading: Reading = "noisy", carried: float | None = None, *, trust: bool = False) -> BeliefFit:
        found = fit_answers(seen, reading=reading, carried=carried, trust=trust, settings=settings)
        progress(FIT)
        return found

    noisy, exact = fitted(), fitted("exact")
    fits = {"noisy": noisy, "exact": exact}
    sensitivity: list[tuple[float, Finding]] = []
    for share in plan.carried if asked else ():
        fits[f"carried {share:g}"] = fixed = fitted(carried=share)
        sensitivity += [(share, of_fit(fixed, each, f"carried {share:g}", "asymmetry")) for each in asked]
    trusting = fitted(trust=True) if plan.trust else None
    checks = check(noisy, seen, replicates=plan.replicates, seed=plan.seed)
    progress(1)
    nulls = (
        null(noisy, seen, study.visits, asked, studies=plan.studies, careful=plan.careful, seed=plan.seed,
             progress=progress)
        if asked and plan.studies
        else ()
    )  # fmt: skip
    links, unlinked = _links(study, noisy, settings, progress)
    if trusting is not None:
        fits["trust"] = trusting
    return ClinicalChange(
        study=study,
        plan=plan,
        cells=cells_of(seen, noisy),
        changes=changes_of(study, noisy),
        findings=findings_of(study, noisy=noisy, exact=exact),
        multiverse=multiverse_of(study),
        carried=summary_of(noisy.draws["carried"].reshape(-1)),
        sensitivity=tuple(sensitivity),
        trust=None if trusting is None else summary_of(trusting.draws["trust"].reshape(-1)),
        trust_findings=()
        if trusting is None
        else tuple(of_fit(trusting, each, "with trust", "asymmetry") for each in asked),
        nulls=nulls,
        checks=checks,
        links=links,
        cannot=(*study.cannot, *unlinked),
        diagnostics={name: each.diagnostics for name, each in fits.items()}
        | {_name(each): each.diagnostics for each in links},
    )


def _name(found: Link) -> str:
    """Name the joint fit of a link."""
    return f"{found.score}, {found.question.group} from {' to '.join(found.question.visits)}"


def _links(
    study: Study, noisy: BeliefFit, settings: Settings, progress: Callable[[int], None]
) -> tuple[tuple[Link, ...], tuple[str, ...]]:
    links, cannot = [], []
    for each in study.questions:
        moods, unsaid = mood_change(study.records, study.answers, noisy.sessions.participants, each)
        cannot += list(unsaid)
        for mood in moods:
            found = link(noisy.sessions, study.answers, each, mood, settings=settings)
            if found is not None:
                links.append(found)
        progress(2 * FIT)
    return tuple(links), tuple(dict.fromkeys(cannot))
