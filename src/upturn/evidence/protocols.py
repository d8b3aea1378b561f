"""A published trial as a protocol, so that it can be simulated like any other.

What lives here: the way from arms to a study document. What does not: simulating it, and any number
(``tables/arms.csv``, ``parameters/trial_defaults.yaml``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args

from upturn import parameters, protocol
from upturn.errors import EvidenceError
from upturn.evidence.regimens import DAY_H
from upturn.evidence.rows import Arm, Finding
from upturn.evidence.shelf import shipped, trials
from upturn.evidence.treatments import INERT, TABLETS
from upturn.parameters import ParameterFile
from upturn.protocol import Protocol
from upturn.protocol.values import Instrument, iso_text

__all__ = ["protocol_names", "trial_protocol"]

PAPER = "paper"
_UNMEASURED = (*TABLETS, "ECT")
_BACKGROUND = {"standard of care": "new antidepressant"}
_CONTROLS = (*INERT, "midazolam")


@cache
def _defaults() -> ParameterFile:
    return parameters.read("upturn.evidence", "trial_defaults")


def protocol_names() -> tuple[str, ...]:
    """Name the protocols of published trials, in alphabetical order; trials that cannot be one are left out.

    Examples
    --------
    >>> "synapse-2018" in protocol_names(), "transform12-pooled-2021" in protocol_names()
    (True, False)
    """
    return tuple(sorted(_name(trial) for trial in trials() if not _obstacles(_arms(trial), trial)))


def trial_protocol(trial: str) -> Protocol:
    """Give a published trial as a protocol: its arms and doses, its rating times, its people.

    What the paper does not say is assumed, and the summary says what. An arm that is a part of another one, and an
    arm that pools others, are left out.

    Parameters
    ----------
    trial
        The trial as in ``trials()``, or the name of its protocol: ``SYNAPSE_2018`` or ``synapse-2018``.

    Raises
    ------
    EvidenceError
        An unknown trial; arms that a protocol cannot express, each with the reason.

    Examples
    --------
    >>> study = trial_protocol("MURROUGH_2013a")
    >>> study.id, sorted(study.arms), study.assessment_times_h("MADRS")
    ('murrough-2013a', ['ket', 'mid'], (24.0, 672.0))
    """
    known = {_name(each): each for each in trials()}
    name = _name(trial)
    if name not in known:
        close = get_close_matches(name, known, n=1)
        raise EvidenceError(
            f"There is no trial called {trial}.",
            expected=", ".join(known),
            came=trial,
            remedy=f"did you mean {close[0]}?" if close else None,
        )
    arms = _arms(known[name])
    obstacles = _obstacles(arms, known[name])
    if obstacles:
        raise EvidenceError(
            f"{known[name]} cannot be written as a protocol.",
            expected="arms with a known amount, route and schedule",
            came="; ".join(obstacles),
            remedy="use its findings, or write a protocol by hand",
        )
    findings = [each for each in shipped().findings if each.trial == known[name]]
    document = _document(name, arms, findings)
    return protocol.read(json.dumps(document, ensure_ascii=False), file=name)


def _name(trial: str) -> str:
    return trial.lower().replace("_", "-")


def _arms(trial: str) -> list[Arm]:
    own = [arm for arm in shipped().arms.values() if arm.trial == trial]
    return [arm for arm in own if not arm.within and (arm.design != "pooled" or all(o.design == "pooled" for o in own))]


def _obstacles(arms: Sequence[Arm], trial: str) -> list[str]:
    """Say what a protocol cannot express, arm by arm."""
    found = []
    for arm in arms:
        if arm.design == "pooled":
            found.append(f"{arm.arm}: pools trials, and has no protocol of its own")
        elif arm.design == "randomised withdrawal":
            found.append(f"{arm.arm}: only people who stayed well were randomised, which a protocol cannot say")
        elif arm.amount is None and arm.drug not in (*_UNMEASURED, *INERT):
            found.append(f"{arm.arm}: the amount of {arm.drug} was not read")
    return found if arms else [f"{trial}: no arm of its own"]


def _document(name: str, arms: Sequence[Arm], findings: Sequence[Finding]) -> dict[str, Any]:
    first, get = arms[0], _defaults().value
    times = _times_h(findings, arms)
    last_dose = max((max(arm.doses_h, default=0.0) for arm in arms), default=0.0)
    follow_up = max(get("shortest_follow_up"), last_dose, *times)
    scales = _scales(findings)
    ratings = tuple(sorted({*times, follow_up}))
    contrasts = tuple(_contrasts(arms))
    controls = {control for _, control in contrasts}
    return {
        "upturn": 1,
        "id": name,
        "version": "1.0.0",
        "title": _title(arms),
        "summary": _summary(arms, findings, scales),
        "sources": [_source(first, findings)],
        "population": _population(arms),
        "arms": {_key(arm.arm): _arm(arm, is_control=arm.arm in controls, until_h=follow_up) for arm in arms},
        "contrasts": [{"arm": _key(arm), "control": _key(control)} for arm, control in contrasts],
        "assessments": [
            {
                "instrument": scale,
                "at": [iso_text(time) for time in ratings],
                "rater": "self" if scale in ("PHQ-9", "QIDS-SR16", "PCL-5") else "blinded",
            }
            for scale in scales
        ],
        "endpoints": {
            "response": {"instrument": "MADRS", "fall": get("response_fall"), "status": "assumed"},
            "remission": [
                {"id": "remission-10", "instrument": "MADRS", "at_most": get("remission_10"), "status": "assumed"},
                {"id": "remission-12", "instrument": "MADRS", "at_most": get("remission_12"), "status": "assumed"},
            ],
            "relapse": {"instrument": "MADRS", "at_least": get("relapse"), "consecutive": 2, "status": "assumed"},
        },
        "follow_up": iso_text(follow_up),
    }


def _times_h(findings: Sequence[Finding], arms: Sequence[Arm]) -> tuple[float, ...]:
    """Give the published times after the first dose; where there are none, a day and a week."""
    names = {arm.arm for arm in arms}
    times = {
        each.time_h
        for each in findings
        if each.time_h is not None and each.since == "first dose" and each.time_h > 0 and each.arm in names
    }
    return tuple(sorted(times)) or (DAY_H, 7 * DAY_H)


def _scales(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Give the scales to rate: MADRS always, and of the published ones those that a protocol knows."""
    named = {each.instrument for each in findings} & set(get_args(Instrument)) - {"MADRS"}
    return ("MADRS", *sorted(named))


def _title(arms: Sequence[Arm]) -> str:
    drugs = list(dict.fromkeys(_words(arm) for arm in arms))
    year = f" {arms[0].year}" if arms[0].year else ""
    return f"{arms[0].trial.replace('_', ' ')}{'' if str(arms[0].year) in arms[0].trial else year}: {' v '.join(drugs)}"


def _words(arm: Arm) -> str:
    if arm.drug in INERT or arm.amount is None:
        return arm.drug
    return f"{arm.drug} {arm.amount:g} {arm.unit}"


def _summary(arms: Sequence[Arm], findings: Sequence[Finding], scales: Sequence[str]) -> str:
    get = _defaults().value
    parts = [f"The published trial, {arms[0].design}, with its arms, doses and rating times."]
    parts.append(f"Rated to {get('shortest_follow_up') / DAY_H:g} days at least, so that fading is seen.")
    if all(arm.baseline_mean is None for arm in arms):
        parts.append("Baselines were not read and are assumed.")
    parts.append("Age, sex, weight and height are assumed.")
    if any(arm.design == "crossover" for arm in arms):
        parts.append("The two periods of the crossover are two groups here.")
    if any(arm.flexible for arm in arms):
        parts.append("A flexible amount is its middle.")
    if any(arm.background in _BACKGROUND for arm in arms):
        parts.append("Standard of care is written as a new antidepressant.")
    unknown = sorted({each.instrument for each in findings if each.instrument} - set(scales))
    if unknown:
        parts.append(
            f"The published scale ({', '.join(unknown)}) is not among those of a protocol; the MADRS is rated."
        )
    said = dict.fromkeys(each for arm in arms for each in arm.assumed)
    if said:
        parts.append(f"Assumed: {'; '.join(said)}.")
    return " ".join(parts)


def _source(arm: Arm, findings: Sequence[Finding]) -> dict[str, str]:
    who = arm.first_author or arm.trial
    entry = {"id": PAPER, "text": f"{who}{f' and others, {arm.year}' if arm.year else ''}: the trial {arm.trial}"}
    if arm.doi:
        entry["doi"] = arm.doi
    links = [link for each in findings for link in re.findall(r"https?://[^\s;]+", each.source)]
    return {**entry, "url": links[0]} if links else entry


def _population(arms: Sequence[Arm]) -> dict[str, Any]:
    get = _defaults().value
    return {
        "condition": arms[0].condition,
        "status": "assumed",
        "age_y": _age(arms[0]),
        "female": get("female"),
        "weight_kg": _spread("weight"),
        "height_cm": _spread("height"),
        "baseline": {"MADRS": _baseline(arms)},
    }


def _spread(quantity: str) -> dict[str, float]:
    get = _defaults().value
    names = {"mean": "mean", "sd": "sd", "min": "least", "max": "most"}
    return {entry: get(f"{quantity}_{name}") for entry, name in names.items()}


def _age(arm: Arm) -> dict[str, float]:
    """Give ages: the default, or spread evenly over the ages that people were chosen by."""
    if arm.age_low is None:
        return _spread("age")
    high = arm.age_high or _defaults().value("age_most_of_the_old")
    # A quarter of the width keeps nearly everybody inside.
    return {"mean": (arm.age_low + high) / 2, "sd": (high - arm.age_low) / 4, "min": arm.age_low, "max": high}


def _baseline(arms: Sequence[Arm]) -> dict[str, Any]:
    """Give the MADRS before the first dose: the arms' means by their people, and their spread within arms."""
    spread: dict[str, Any] = dict(_spread("madrs"))
    means = [(arm.participants or 1, arm.baseline_mean) for arm in arms if arm.baseline_mean is not None]
    deviations = [(arm.participants or 1, arm.baseline_sd**2) for arm in arms if arm.baseline_sd is not None]
    if means:
        spread["mean"] = round(_weighted(means), 2)
        spread["min"] = min(spread["min"], spread["mean"])
        spread |= {"source": PAPER, "status": "derived"}
    if deviations:
        spread["sd"] = round(_weighted(deviations) ** 0.5, 2)
    return spread


def _weighted(pairs: Sequence[tuple[int, float]]) -> float:
    return sum(weight * value for weight, value in pairs) / sum(weight for weight, _ in pairs)


def _key(arm: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", arm.lower().replace("_", "-")).strip("-")


def _arm(arm: Arm, *, is_control: bool, until_h: float) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "title": f"{_words(arm)[0].upper()}{_words(arm)[1:]}, {arm.route}",
        "role": "control" if is_control else "active",
        "background": _BACKGROUND.get(arm.background, arm.background),
        "doses": [dose for dose in [_dose(arm, until_h=until_h)] if dose],
    }
    return {**entry, "participants": arm.participants} if arm.participants else entry


def _dose(arm: Arm, *, until_h: float) -> dict[str, Any]:
    if arm.drug == "none" or not arm.doses_h:
        return {}
    days = iso_text(DAY_H), iso_text(until_h - DAY_H)
    dose: dict[str, Any] = {
        "id": "daily" if arm.daily else "dose",
        "drug": arm.drug,
        "route": arm.route,
        "on": {"every": days[0], "until": days[1]} if arm.daily else [iso_text(time) for time in arm.doses_h],
        "source": PAPER,
        "status": "derived" if arm.flexible else "seen in source",
    }
    if arm.amount and arm.drug != "ECT":
        dose["amount"] = f"{arm.amount:.10g} {arm.unit}"
    return {**dose, "over": iso_text(arm.over_h)} if arm.route == "intravenous" else dose


def _contrasts(arms: Sequence[Arm]) -> Iterator[tuple[str, str]]:
    """Pair arms with their controls: as published, else those dosed at the same times, else the first with the rest."""
    randomised = [arm for arm in arms if arm.design != "single arm"]
    controls = [arm for arm in randomised if arm.drug in _CONTROLS]
    if not controls:
        yield from ((randomised[0].arm, each.arm) for each in randomised[1:])
        return
    published = {each.arm: each.versus for each in shipped().findings if each.trial == arms[0].trial and each.versus}
    names = {arm.arm for arm in controls}
    for arm in randomised:
        if arm in controls:
            continue
        if published.get(arm.arm) in names:
            yield arm.arm, str(published[arm.arm])
            continue
        same = [each for each in controls if each.doses_h == arm.doses_h]
        yield from ((arm.arm, each.arm) for each in same or controls)
