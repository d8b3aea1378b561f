"""The package's own tables of published numbers.

What lives here: reading ``tables/`` and refusing a number without source, unit, people or error type. What does not:
any number, and tables from outside (``reading``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from upturn.evidence.faults import Fault, refuse
from upturn.evidence.regimens import read_schedule
from upturn.evidence.rows import (
    AdverseEvent,
    Arm,
    Claim,
    Condition,
    Evidence,
    Fact,
    Finding,
    NotUsed,
    Pooled,
    Refusal,
    digest_of,
)
from upturn.evidence.treatments import TABLETS

__all__ = ["adverse_events", "claims", "conditions", "not_used", "pooled", "shipped", "tables_in", "trials"]

VERDICTS = ("supported", "overstated", "contradicted", "not established")
_WITHOUT_SPREAD = ("CI95", "IQR", "binomial", "none")


@cache
def shipped() -> Evidence:
    """Give the published numbers that come with upturn.

    Raises
    ------
    EvidenceError
        A row without source or unit, or a row to fit or to predict without people or error type.

    Examples
    --------
    >>> shipped().arms["MURROUGH_2013a", "ket"].drug
    'ketamine'
    """
    return tables_in(_folder())


def trials() -> tuple[str, ...]:
    """Name the trials of the shipped arms, in alphabetical order.

    Examples
    --------
    >>> "SYNAPSE_2018" in trials()
    True
    """
    return tuple(sorted({trial for trial, _ in shipped().arms}))


def tables_in(folder: Traversable) -> Evidence:
    """Read ``arms.csv`` and ``findings.csv`` of a folder.

    Raises
    ------
    EvidenceError
        As ``shipped``.
    """
    arms = {(arm.trial, arm.arm): arm for arm in _arms(folder)}
    faults: list[Fault] = []
    findings: list[Finding] = []
    for number, cells in enumerate(_lines(folder, "findings.csv"), start=1):
        found = [*_faults_of(cells, number, arms)]
        faults += found
        if not found:
            findings.append(_finding(cells, number, arms))
    refuse(faults, file="findings.csv")
    refusals: list[Refusal] = []
    return Evidence(arms, tuple(findings), (), digest_of(arms, findings, refusals))


@cache
def pooled() -> tuple[Pooled, ...]:
    """Give the results of published meta-analyses; they are compared with, never fitted.

    Examples
    --------
    >>> {each.unit for each in pooled() if each.id == "ipd-v-midazolam-day-1"}
    {'SD'}
    """
    rows = _sourced(_folder(), "pooled.csv", ("source", "unit", "value"))
    return tuple(
        Pooled(
            each["id"], each["quantity"], float(each["value"]), _number(each["error"]), _number(each["low"]),
            _number(each["high"]), each["unit"], _whole(each["k"]), _whole(each["n"]), _number(each["time_h"]),
            each["source"], each["caution"],
        )
        for each in rows
    )  # fmt: skip


@cache
def adverse_events() -> tuple[AdverseEvent, ...]:
    """Give the adverse events of the shipped arms.

    Examples
    --------
    >>> max(each.share or 0.0 for each in adverse_events()) <= 1.0
    True
    """
    rows = _sourced(_folder(), "adverse_events.csv", ("source", "n", "event"))
    return tuple(
        AdverseEvent(
            each["trial"], each["arm"], each["drug"], each["route"], each["dose"], int(each["n"]), each["event"],
            _whole(each["events"]), _number(each["share"]), each["at_least"] == "yes", each["period"], each["peak"],
            each["resolved"], each["source"], each["split"],
        )
        for each in rows
    )  # fmt: skip


@cache
def claims() -> tuple[Claim, ...]:
    """Give what is often said of these drugs, with a verdict, its reason and the numbers it rests on.

    Examples
    --------
    >>> sorted({claim.verdict for claim in claims()})
    ['contradicted', 'not established', 'overstated', 'supported']
    """
    entries = _yaml(_folder(), "claims.yaml")
    refuse([*_faults_of_claims(entries)], file="claims.yaml")
    return tuple(
        Claim(
            each["id"], each["claim"], each["verdict"], each["reason"].strip(), _facts(each["facts"]),
            each.get("quantity") or "", {name: float(limit) for name, limit in (each.get("thresholds") or {}).items()},
        )
        for each in entries
    )  # fmt: skip


@cache
def conditions() -> tuple[Condition, ...]:
    """Give what is known for conditions, and for ages, beside depression of adults; null results included.

    Examples
    --------
    >>> [each.id for each in conditions() if not each.calibrated]
    ['ptsd', 'anxiety', 'older-people', 'adolescents']
    """
    return tuple(
        Condition(
            each["id"], each["title"], bool(each["calibrated"]), " ".join(each["scope"].split()),
            _facts(each["findings"]),
            age_from=each.get("ages", {}).get("from"), age_below=each.get("ages", {}).get("below"),
        )
        for each in _yaml(_folder(), "conditions.yaml")
    )  # fmt: skip


def outside_ages(low: float | None, high: float | None) -> Condition | None:
    """Say which entry of :func:`conditions` people are of by their ages; None where they are adults as were fitted.

    Parameters
    ----------
    low, high
        The youngest and oldest age in years; None where it is not known.

    Examples
    --------
    >>> outside_ages(65.0, None).id
    'older-people'
    >>> outside_ages(18.0, 64.0) is None
    True
    """
    for each in conditions():
        old = each.age_from is not None and low is not None and low >= each.age_from
        young = each.age_below is not None and high is not None and high < each.age_below
        if old or young:
            return each
    return None


@cache
def not_used() -> tuple[NotUsed, ...]:
    """Give the published results that are not among the findings, each with the reason.

    Examples
    --------
    >>> all(each.why for each in not_used())
    True
    """
    rows = _sourced(_folder(), "not_used.csv", ("trial", "what", "why", "source"))
    return tuple(NotUsed(each["trial"], each["arm"], each["what"], each["why"], each["source"]) for each in rows)


def _folder() -> Traversable:
    return files("upturn.evidence").joinpath("tables")


def _lines(folder: Traversable, name: str) -> list[dict[str, str]]:
    text = folder.joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def _yaml(folder: Traversable, name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load(folder.joinpath(name).read_text(encoding="utf-8"))
    return entries


def _sourced(folder: Traversable, name: str, needed: tuple[str, ...]) -> list[dict[str, str]]:
    rows = _lines(folder, name)
    faults = [
        Fault(f"A row has no {column}.", f"a {column} in every row", "nothing", column, number)
        for number, row in enumerate(rows, start=1)
        for column in needed
        if not row[column]
    ]
    refuse(faults, file=name)
    return rows


def _arms(folder: Traversable) -> Iterator[Arm]:
    rows = _sourced(
        folder, "arms.csv", ("trial", "arm", "condition", "drug", "route", "regimen", "background", "design")
    )
    faults: list[Fault] = []
    for number, row in enumerate(rows, start=1):
        tablet = row["route"] == "oral" and row["drug"] in (*TABLETS, "placebo")
        if row["regimen"] != "none" and read_schedule(row["regimen"], tablet=tablet) is None:
            expected = "a schedule, such as 2x/wk x4wk"
            faults.append(Fault("A regimen is not understood.", expected, row["regimen"], "regimen", number))
    refuse(faults, file="arms.csv")
    yield from (_arm(row) for row in rows)


def _arm(row: Mapping[str, str]) -> Arm:
    tablet = row["route"] == "oral" and row["drug"] in (*TABLETS, "placebo")
    schedule = read_schedule(row["regimen"], tablet=tablet)
    return Arm(
        row["trial"], row["arm"], row["condition"], row["drug"], row["route"], _number(row["amount"]), row["unit"],
        row["flexible"] == "yes", (_number(row["over_min"]) or 0.0) / 60, schedule.doses_h if schedule else (),
        schedule is not None and schedule.daily, row["background"], row["open_label"] == "yes", row["design"],
        tuple(said.strip() for said in row["assumed"].split(";") if said.strip()), row["regimen"],
        _whole(row["participants"]), _number(row["baseline_mean"]), _number(row["baseline_sd"]), row["first_author"],
        _whole(row["year"]), row["doi"], row["registration"], row["within"],
        _number(row["age_low"]), _number(row["age_high"]),
    )  # fmt: skip


def _faults_of(row: Mapping[str, str], number: int, arms: Mapping[tuple[str, str], Arm]) -> Iterator[Fault]:
    for column in ("source", "unit", "value", "instrument", "measure", "split", "error_type"):
        if not row[column] and not (column == "instrument" and row["table"] == "durability"):
            yield Fault(f"A row has no {column}.", f"a {column} for every number", "nothing", column, number)
    if row["split"] in ("calibration", "validation") and not row["n"]:
        yield Fault("A row has no n.", "the people behind every number to fit or to predict", "nothing", "n", number)
    if bool(row["error"]) == (row["error_type"] in _WITHOUT_SPREAD):
        expected = "an error with SE or SD, and none with CI95, IQR, binomial or none"
        came = f"{row['error'] or 'nothing'} with {row['error_type']}"
        yield Fault("An error and its type do not fit.", expected, came, "error", number)
    for column in ("arm", "versus"):
        if row[column] and (row["trial"], row[column]) not in arms:
            yield Fault("There is no such arm.", "an arm of arms.csv", f"{row['trial']}, {row[column]}", column, number)


def _finding(row: Mapping[str, str], number: int, arms: Mapping[tuple[str, str], Arm]) -> Finding:
    pair = [arms[row["trial"], row[column]] for column in ("arm", "versus") if row[column]]
    return Finding(
        number, row["table"], row["trial"], row["arm"], row["versus"] or None, _number(row["time_h"]),
        row["instrument"], row["measure"], _number(row["value"]), row["unit"], _number(row["error"]),
        row["error_type"], _number(row["low"]), _number(row["high"]), _whole(row["n"]), _whole(row["n_versus"]),
        _number(row["baseline"]), _number(row["baseline_sd"]), row["analysis"] or "unknown", row["at_risk"],
        row["definition"], row["source"], row["split"], (), _number(row["event_h"]), row["since"] or "first dose",
        tuple(dict.fromkeys(said for arm in pair for said in arm.assumed)), row["n_status"] or "seen",
        row["error_status"] or "seen",
    )  # fmt: skip


def _faults_of_claims(entries: list[dict[str, Any]]) -> Iterator[Fault]:
    for number, each in enumerate(entries, start=1):
        if each["verdict"] not in VERDICTS:
            yield Fault("A verdict is not known.", ", ".join(VERDICTS), str(each["verdict"]), "verdict", number)
        for fact in each["facts"]:
            if not fact.get("source"):
                yield Fault("A fact has no source.", "where it was read", str(fact.get("text")), "facts", number)


def _facts(entries: list[dict[str, str]]) -> tuple[Fact, ...]:
    return tuple(Fact(each["text"].strip(), each["source"]) for each in entries)


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _whole(cell: str) -> int | None:
    return int(cell) if cell else None
