"""The main job: simulate every arm in many new trials and say how fast, for whom and how long, with uncertainty.

Two kinds of interval, kept apart: *new trial* is the spread of a trial's mean (or share, or median), *one person*
the spread between people over all trials. Everyone is rated at every time whether or not they stay (leaving
stops treatment, not measurement); the share who count as responders only while still present is given beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from upturn import __version__
from upturn.evidence import conditions, outside_ages
from upturn.mood import moderators
from upturn.pharmacology import acute_numbers
from upturn.population import shipped_posterior
from upturn.protocol import Population, Protocol, digest
from upturn.records import Records
from upturn.trials.course import Outcome, mood_of
from upturn.trials.endpoints import (
    kaplan_meier,
    median_time,
    onset_of_sustained_response,
    relapse_origin,
    relapse_times,
    responded,
    time_to_first,
)
from upturn.trials.findings import (
    Acute,
    Answer,
    ArmAnswer,
    AtTime,
    Calibration,
    ContrastAnswer,
    Difference,
    Moderator,
    OtherCondition,
    Relapse,
)
from upturn.trials.numbers import numbers_used
from upturn.trials.observed import observe
from upturn.trials.run import Group, Setup, run_arms, set_up
from upturn.trials.session import SESSION_H, SessionCurves, first_session
from upturn.trials.summary import Interval, interval

__all__ = ["answer"]

TRIALS = 100  # enough for the 5th and 95th percentile of a trial's mean to be steady to a tenth of a point
SESSION_PEOPLE = 1000
SHOWN_PEOPLE = 40
STANDARD_H = (2.0, 4.0, 24.0, 72.0, 168.0, 336.0, 672.0)
DAY_H = 24.0
# Where a protocol names a condition otherwise than the evidence does.
NAMED_OTHERWISE = {
    "depression with suicidal ideation": "suicidal ideation in depression",
    "social anxiety disorder": "anxiety disorders",
}
NOT_REACHED = Interval(None, None, None, None, None)
PARTS = ("drug", "nonspecific", "comparator", "expectancy")


def answer(
    protocol: Protocol,
    *,
    patients: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
    records: Records | None = None,
) -> Answer:
    """Answer for a protocol: how fast, for whom, how long.

    Parameters
    ----------
    protocol
        The study document.
    patients
        Virtual people per arm in each of :data:`TRIALS` new trials.
    seed
        Random seed.
    progress
        Called with the number of courses just done.
    records
        What was observed under this protocol, to be laid beside what is expected.

    Returns
    -------
    Answer
        Medians with 50 % and 90 % intervals for the mean of a new trial and for one person.
    """
    own = [t for t in protocol.assessment_times_h("MADRS") if t >= 0]
    ratings = sorted({0.0, *STANDARD_H, *own})
    setup = set_up(protocol, seed=seed, n_trials=TRIALS, ratings_h=ratings, readings_h=_curve_times(protocol.horizon_h))
    outcomes = run_arms(setup, patients=patients, arms=tuple(protocol.arms), progress=progress)
    shown = [t for t in ratings if t > 0]
    arms = [_arm(setup, arm, outcomes[arm], shown, patients) for arm in protocol.arms]
    contrasts = [_contrast(setup, c.arm, c.control, outcomes, shown, patients) for c in protocol.contrasts]
    return Answer(
        protocol={
            "id": protocol.id,
            "version": protocol.version,
            "title": protocol.title,
            "summary": protocol.summary,
            "condition": protocol.population.condition,
            "digest": digest(protocol),
        },
        version=__version__,
        seed=seed,
        patients=patients,
        trials=TRIALS,
        notice=protocol.notice,
        calibration=_calibration(protocol.population),
        conditions=_conditions(),
        times_h=shown,
        arms=arms,
        contrasts=contrasts,
        who=_who(setup),
        numbers=numbers_used(setup.plans.values()),
        observed=None if records is None else observe(setup, outcomes, records, patients=patients),
    )


def _calibration(people: Population) -> Calibration:
    learnt = shipped_posterior()
    named = NAMED_OTHERWISE.get(people.condition, people.condition).lower()
    ages = outside_ages(people.age_y.mean, people.age_y.mean)
    beyond = [each for each in conditions() if each.title.lower() == named or each is ages]
    return Calibration(
        findings=learnt.fitted["findings"],
        trials=learnt.fitted["trials"],
        evidence=learnt.evidence,
        posterior=learnt.digest,
        version=learnt.version,
        seed=learnt.seed,
        beyond=" ".join(f"{each.title}: {each.scope}" for each in beyond),
    )


def _conditions() -> list[OtherCondition]:
    return [
        OtherCondition(
            each.title,
            each.calibrated,
            each.scope,
            [{"text": fact.text, "source": fact.source} for fact in each.findings],
        )
        for each in conditions()
    ]


def _curve_times(horizon_h: float) -> list[float]:
    days = [2, 3, 4, 7, 9, 11, 14, 21, 28, 35, 42]
    return [t for t in (1.0, 8.0, *(DAY_H * d for d in days)) if t <= max(horizon_h, STANDARD_H[-1])]


def _by_trial(values: np.ndarray, patients: int) -> np.ndarray:
    """Mean of people within each trial."""
    mean: np.ndarray = values.reshape(-1, patients, *values.shape[1:]).astype(float).mean(axis=1)
    return mean


def _total(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Add up the parts of an improvement."""
    return np.sum(np.stack(parts).astype(float), axis=0)


def _arm(setup: Setup, arm: str, group: Group, shown: Sequence[float], patients: int) -> ArmAnswer:
    protocol, plan = setup.protocol, setup.plans[arm]
    spec, ends = protocol.arms[arm], protocol.endpoints
    time_h = np.array(plan.ratings_h)
    out, baseline = group.outcome, group.baseline["MADRS"]
    ratings = np.asarray(out.ratings, dtype=float)
    ratings[:, time_h <= 0] = baseline[:, None]
    present = np.asarray(out.present)
    good = responded(ratings, baseline, fall=ends.response.fall)
    # Response and remission mean nothing for people who are not ill.
    ill = mood_of(protocol, arm).responds

    def share(yes: np.ndarray) -> Interval:
        return interval(_by_trial(yes, patients)) if ill else NOT_REACHED

    def middle(times: np.ndarray) -> Interval:
        medians = [float(np.quantile(x, 0.5, method="inverted_cdf")) for x in times.reshape(-1, patients)]
        return interval(medians) if ill else NOT_REACHED

    in_reading = plan.rating_in_reading
    at = []
    for t in shown:
        i = int(np.argmin(np.abs(time_h - t)))
        k = in_reading[i]
        change = ratings[:, i] - baseline
        at.append(
            AtTime(
                time_h=t,
                mean_change=interval(_by_trial(change, patients)),
                person_change=interval(change),
                parts={name: interval(_by_trial(np.asarray(getattr(out, name))[:, k], patients)) for name in PARTS},
                response=share(good[:, i]),
                response_leavers_failed=share(good[:, i] & present[:, i]),
                remission={r.id: share(ratings[:, i] <= r.at_most) for r in ends.remission},
                suicidal_ideation_change=_ideation_change(group, i, patients),
            )
        )
    after = time_h > 0
    first = time_to_first(good & after, time_h)
    sustained = None
    if ends.sustained_response:
        sustained = onset_of_sustained_response(
            ratings, baseline, time_h, fall=ends.response.fall, definition=ends.sustained_response
        )
    planned = [t for t, adaptive in zip(plan.session_h, plan.adaptive, strict=True) if not adaptive]
    boosters = [i for i, adaptive in enumerate(plan.adaptive) if adaptive]
    given = np.asarray(out.given_mg)
    return ArmAnswer(
        id=arm,
        title=spec.title,
        role=spec.role,
        at=at,
        time_to_response_h=middle(first),
        ever_responded=share(np.isfinite(first)),
        time_to_sustained_response_h=None if sustained is None else middle(sustained),
        sustained_by=None
        if sustained is None or ends.sustained_response is None
        else share(sustained <= ends.sustained_response.by_h + 1e-6),
        relapse=_relapse(setup, arm, ratings, present, good, planned[-1], patients) if ill and planned else None,
        boosters=interval(_by_trial((given[:, boosters] > 0).sum(axis=1), patients)),
        left=interval(_by_trial(~present[:, -1], patients)),
        last_planned_dose_h=planned[-1] if planned else None,
        acute=_acute(first_session(setup, arm, people=SESSION_PEOPLE)),
        curves=_curves(plan.readings_h, out, baseline, ratings, time_h, patients),
    )


def _ideation_change(group: Group, i: int, patients: int) -> Interval | None:
    if "SSI" not in group.baseline:
        return None
    change = np.asarray(group.outcome.suicidal_ideation)[:, i] - group.baseline["SSI"]
    return interval(_by_trial(change, patients))


def _relapse(
    setup: Setup,
    arm: str,
    ratings: np.ndarray,
    present: np.ndarray,
    good: np.ndarray,
    last_h: float,
    patients: int,
) -> Relapse | None:
    definition = setup.protocol.endpoints.relapse
    time_h = np.array(setup.plans[arm].ratings_h)
    start = None if definition is None else relapse_origin(time_h, last_h, definition=definition)
    if definition is None or start is None:
        return None
    at_risk = good[:, start] & present[:, start]
    origin = float(time_h[start])
    time, event = relapse_times(ratings, present, time_h, at_risk=at_risk, origin_h=origin, definition=definition)
    time = time + (origin - last_h)
    grid = time_h[start + 1 :] - last_h
    curves = [
        kaplan_meier(t, e, grid_h=grid)
        for t, e in zip(time.reshape(-1, patients), event.reshape(-1, patients), strict=True)
        if np.isfinite(t).any()
    ]
    if not curves:
        return None
    still = np.array([c.still for c in curves])
    return Relapse(
        in_response=interval(_by_trial(at_risk, patients)),
        median_h=interval([median_time(c) for c in curves]),
        time_h=[0.0, *map(float, grid)],
        still_well=[interval([1.0]), *(interval(still[:, k]) for k in range(len(grid)))],
    )


def _acute(session: SessionCurves | None) -> Acute | None:
    if session is None:
        return None
    numbers = acute_numbers()
    threshold = {
        "dissociation": numbers.value("dissociation_back"),
        "systolic": numbers.value("pressure_back"),
        "diastolic": numbers.value("pressure_back"),
    }
    peak, peak_h, back = {}, {}, {}
    for name, curve in session.curves.items():
        peak[name] = interval(curve.max(axis=1))
        peak_h[name] = interval(SESSION_H[curve.argmax(axis=1)])
        if name in threshold:
            above = curve >= threshold[name]
            last = curve.shape[1] - above[:, ::-1].argmax(axis=1)
            never = np.append(SESSION_H, np.inf)
            back[name] = interval(np.where(above.any(axis=1), never[last], 0.0))
    return Acute(
        model=session.model,
        site=session.site,
        time_h=[float(t) for t in SESSION_H],
        curves={name: [interval(column) for column in curve.T] for name, curve in session.curves.items()},
        peak=peak,
        peak_h=peak_h,
        back_h=back,
    )


def _curves(
    readings_h: Sequence[float],
    out: Outcome,
    baseline: np.ndarray,
    ratings: np.ndarray,
    rating_h: np.ndarray,
    patients: int,
) -> dict[str, Any]:
    total = _total([np.asarray(getattr(out, name)) for name in PARTS])
    step = max(1, len(ratings) // SHOWN_PEOPLE)
    some = slice(0, step * SHOWN_PEOPLE, step)
    return {
        "time_h": [float(t) for t in readings_h],
        "change": [interval(-column) for column in _by_trial(total, patients).T],
        "parts": {
            name: [interval(column) for column in _by_trial(np.asarray(getattr(out, name)), patients).T]
            for name in PARTS
        },
        "surge": [interval(column) for column in np.asarray(out.surge).T],
        "growth": [interval(column) for column in np.asarray(out.growth).T],
        "rating_h": [float(t) for t in rating_h],
        "individuals": [[float(x) for x in row] for row in ratings[some]],
        "baseline": float(baseline.mean()),
    }


def _contrast(
    setup: Setup, arm: str, control: str, outcomes: dict[str, Group], shown: Sequence[float], patients: int
) -> ContrastAnswer:
    groups = outcomes[arm], outcomes[control]
    one, two = (group.outcome for group in groups)
    plan, other = setup.plans[arm], setup.plans[control]
    ends = setup.protocol.endpoints
    both_ill = all(mood_of(setup.protocol, each).responds for each in (arm, control))

    def part(name: str, t: float) -> np.ndarray:
        i, k = (int(np.argmin(np.abs(np.array(p.readings_h) - t))) for p in (plan, other))
        return np.asarray(getattr(one, name))[:, i].astype(float) - np.asarray(getattr(two, name))[:, k]

    at = []
    for t in shown:
        split = {name: part(name, t) for name in PARTS}
        whole = np.add.reduce(list(split.values()))
        i = int(np.argmin(np.abs(np.array(plan.ratings_h) - t)))
        good = [
            responded(
                np.asarray(g.outcome.ratings)[:, i : i + 1],
                g.baseline["MADRS"],
                fall=ends.response.fall,
            )
            for g in groups
        ]
        gain = good[0][:, 0].astype(float) - good[1][:, 0]
        at.append(
            Difference(
                time_h=t,
                new_trial=interval(-_by_trial(whole, patients)),
                one_person=interval(-whole),
                parts={name: interval(_by_trial(values, patients)) for name, values in split.items()},
                response=interval(_by_trial(gain, patients)) if both_ill else NOT_REACHED,
            )
        )
    grid = [t for t in plan.readings_h if t in other.readings_h]
    curve = [interval(-_by_trial(_total([part(name, t) for name in PARTS]), patients)) for t in grid]
    return ContrastAnswer(arm, control, at, [float(t) for t in grid], curve)


def _who(setup: Setup) -> list[Moderator]:
    """Say how far each covariate could move the drug effect; without fitted trials this is the prior."""
    out = []
    for parameter in moderators():
        ratio = np.exp(np.asarray(setup.trials[parameter.name]))
        found = interval(ratio)
        clear = found.low90 is not None and found.high90 is not None and (found.low90 > 1 or found.high90 < 1)
        verdict = "established" if clear else "not established"
        out.append(Moderator(parameter.name, found, parameter.source, verdict))
    return out
