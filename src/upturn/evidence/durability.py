"""A table of relapse and duration.

What lives here: what a row of a ``durability`` table says. What does not: the file (``cells``).

Times count from the first dose where the table lets us say when the group at risk was defined (``event_h``): the named
day, the end of the phase before, or the last dose. Elsewhere they count from that event, and ``since`` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from upturn.evidence.cells import Row, Sheet
from upturn.evidence.faults import Fault, refuse
from upturn.evidence.outcomes import read_instrument
from upturn.evidence.regimens import DAY_H, WEEK_H, infusion_h, read_schedule, usual_schedule
from upturn.evidence.repeated import repeated
from upturn.evidence.rows import Arm, Finding, Refusal
from upturn.evidence.timecourse import Read
from upturn.evidence.treatments import (
    TABLETS,
    background_in,
    design_in,
    is_open_label,
    read_ages,
    read_amount,
    read_condition,
    read_drug,
    read_route,
)

__all__ = ["read_durability"]

_AGAINST = re.compile(r"\s+v(?:s|ersus)?\.?\s+")
_NO_QUANTITY = re.compile(r"significan|separat|maintained up to|last (?:day|time)|until")
_LATER_BASELINE = re.compile(r"change (?:during|from|since)|baseline to end")
_SIGNIFICANCE = "no comparable quantity: how long a difference stays significant depends on the size of the study"
_HOURS = {"d": DAY_H, "w": WEEK_H, "h": 1.0, "m": 52 * WEEK_H / 12}
_FRACTIONS = {"%": 0.01, "percent": 0.01, "fraction": 1.0}
_SHARES = (
    ("not_relapsed", r"not relapsed|relapse[- ]free|without relapse"),
    ("relapsed", r"relapse"),
    ("responding", r"respon|remission|well"),
)
_AMOUNT = re.compile(r"\d[\d.\-/ to]*\s*mg(?:\s*/\s*kg)?", re.IGNORECASE)
_FIRST = re.compile(r"^as above|^see above")


@dataclass(frozen=True)
class _Metric:
    """What a row counts: measure, unit, and how its printed value becomes ours."""

    measure: str
    unit: str
    factor: float
    definition: str = ""


def read_durability(sheet: Sheet, *, known: Mapping[tuple[str, str], Arm]) -> Read:
    """Read a table of relapse and duration; arms that are among the ``known`` ones are taken from there.

    Raises
    ------
    EvidenceError
        A share outside 0 to 100 %, a ratio or a duration that is not positive, an interval turned round, the same row
        twice.
    """
    refuse([*_impossible(sheet.rows), *_repeated(sheet.rows)], file=sheet.file)
    arms: dict[tuple[str, str], Arm] = {}
    findings: list[Finding] = []
    refusals: list[Refusal] = []
    above: dict[str, Row] = {}
    names = {(row["study_id"], row["arm_id"]) for row in sheet.rows}
    for row in sheet.rows:
        trial, name = row["study_id"], row["arm_id"]
        first, *rest = _AGAINST.split(name, maxsplit=1)
        metric = _metric(row)
        before = above.get(trial)
        others = sum(study == trial for study, _ in names) - 1 + len(rest)
        pair = (
            [_arm(row, each, before, known, others=others) for each in (first, *rest)]
            if isinstance(metric, _Metric)
            else []
        )
        reason = metric if isinstance(metric, str) else next((each for each in pair if isinstance(each, str)), "")
        if reason or not isinstance(metric, _Metric):
            refusals.append(Refusal(row.number, "durability", trial, name, reason))
        else:
            found = [each for each in pair if isinstance(each, Arm)]
            for each in found:
                arms.setdefault((each.trial, each.arm), each)
            findings.append(_finding(row, metric, found, before))
        above.setdefault(trial, row)
    return arms, findings, refusals


def _metric(row: Row) -> _Metric | str:
    """Say what the row counts; or why it cannot be used."""
    metric, recalled = row["metric"].lower(), "value" in row.missing
    reasons = (
        (row.is_unseen, "not read in its source"),
        (
            _NO_QUANTITY.search(metric),
            _SIGNIFICANCE,
        ),
        (recalled, "no numeric value that was read: value recalled"),
        (row.value("value") is None and row["value"], "qualitative outcome: a sentence, not a measured number"),
        (row.value("value") is None, "no numeric value"),
        (_LATER_BASELINE.search(metric), "a change since the start of a later phase, not since the first dose"),
    )
    reason = next((reason for holds, reason in reasons if holds), "")
    return reason or _counted(row, metric, row["unit"].lower())


def _counted(row: Row, metric: str, unit: str) -> _Metric | str:
    hours = _HOURS.get(unit[:1])
    if metric == "hr" or "hazard" in metric:
        return _Metric("hazard_ratio", "ratio", 1.0)
    if "effect size" in metric or "cohen" in unit:
        return _Metric("standardised_difference", "SD", 1.0)
    if metric.startswith("median") and hours is not None:
        among = "relapsers" in metric or "relapsed" in row["at_risk_definition"].lower()
        words = "median time to relapse among those who relapsed" if among else ""
        return _Metric("other" if among else "median_relapse_h", "h", hours, words)
    share = next((name for name, pattern in _SHARES if re.search(pattern, metric)), "")
    if not share or unit not in _FRACTIONS:
        return f"unknown metric: {row['metric'] or 'nothing is written'}"
    timeless = share == "responding" and row.value("time_days") is None and _weeks_after(metric) is None
    return "no time" if timeless else _Metric(share, "fraction", _FRACTIONS[unit])


def _arm(row: Row, name: str, before: Row | None, known: Mapping[tuple[str, str], Arm], *, others: int) -> Arm | str:
    trial = row["study_id"]
    if (trial, name) in known:
        return known[trial, name]
    words = row["drug"] if not _AGAINST.search(row["arm_id"]) else name
    drug, condition, route = read_drug(words), read_condition(row["population"]), read_route(row["route"])
    for what, found, text in (
        ("unknown drug", drug, words),
        ("unknown route", route, row["route"]),
        ("unknown condition", condition, row["population"]),
    ):
        if found is None:
            return f"{what}: {text or 'nothing is written'}"
    if drug is None or route is None or condition is None:
        return "not understood"
    regimen = before["regimen"] if before is not None and _FIRST.match(row["regimen"].lower()) else row["regimen"]
    tablet = route == "oral" and (drug in TABLETS or drug == "placebo")
    schedule, assumed = read_schedule(regimen, tablet=tablet), list(condition[1])
    if schedule is None:
        schedule, said = usual_schedule(drug=drug, route=route, tablet=tablet, up_to_h=None)
        assumed.append(said)
    written = _AMOUNT.search(words) or (_AMOUNT.search(row["drug"]) if read_drug(row["drug"]) == drug else None)
    amount = read_amount(written[0] if written else "", unit="", drug=drug)
    background, also = background_in(row["drug"], regimen, row["population"], drug=drug)
    described = (regimen, row["population"], row["arm_id"], trial)
    low, high = read_ages(row["population"])
    return Arm(
        trial, name, condition[0], drug, route, amount.value, amount.unit, amount.flexible,
        infusion_h(regimen, route=route), schedule.doses_h, schedule.daily, background,
        is_open_label(*described) or drug == "ECT", design_in(*described, drug=drug, others=others),
        (*assumed, *also), regimen, age_low=low, age_high=high,
    )  # fmt: skip


def _finding(row: Row, metric: _Metric, pair: Sequence[Arm], before: Row | None) -> Finding:
    value = row.value("value") or 0.0
    event_h = _event_h(row, pair[0])
    time_h, since = _time_h(row, metric, event_h)
    low, high, kind, error = _interval(row["ci_or_iqr"])
    if metric.unit == "fraction":
        kind = "binomial"
    definition = metric.definition or _definition(row, before)
    scales = read_instrument(f"{row['metric']} {row['relapse_definition']} {row['at_risk_definition']} {definition}")
    people = row.people("n_at_risk")
    finding = Finding(
        row.number, "durability", pair[0].trial, pair[0].arm, pair[1].arm if len(pair) > 1 else None, time_h,
        scales[0] if scales else "", metric.measure, round(value * metric.factor, 6), metric.unit,
        error, kind, low, high, people, None, None, None, "unknown", _at_risk(row["at_risk_definition"]), definition,
        row["source_url"], row["split"] or "validation", (*row.missing, *row.partly_missing), event_h, since,
        tuple(dict.fromkeys(said for arm in pair for said in arm.assumed)),
    )  # fmt: skip
    if kind == "IQR" or metric.unit == "h":
        scaled = [None if end is None else end * metric.factor for end in (low, high)]
        return replace(finding, low=scaled[0], high=scaled[1])
    return finding


def _event_h(row: Row, arm: Arm) -> float | None:
    """Give when the group at risk was defined [h after the first dose], where the words say it."""
    at_risk, metric, regimen = (row[name].lower() for name in ("at_risk_definition", "metric", "regimen"))
    if named := re.search(r"day[- ]?(\d+)", at_risk):
        return float(named[1]) * DAY_H
    if named := re.search(r"after (\d+) ?w(?:ee)?k", regimen):
        return float(named[1]) * WEEK_H
    known = not any(said.startswith("regimen") for said in arm.assumed)
    ends = re.search(r"after (?:the )?last|after ketamine", metric) or (
        "after" not in metric and re.search(r"then (?:nothing|stop)", regimen)
    )
    if known and not arm.daily and ends:
        return max(arm.doses_h, default=0.0)
    return None


def _time_h(row: Row, metric: _Metric, event_h: float | None) -> tuple[float | None, str]:
    days = row.value("time_days")
    weeks = _weeks_after(row["metric"].lower())
    after = weeks * WEEK_H if weeks is not None else None if days is None else days * DAY_H
    if metric.unit == "h":
        after = (row.value("value") or 0.0) * metric.factor
    if after is None:
        return None, "first dose" if event_h is not None else "event"
    if re.search(r"\bby day \d", row["metric"].lower()):
        return after, "first dose"
    return (after, "event") if event_h is None else (event_h + after, "first dose")


def _weeks_after(metric: str) -> float | None:
    found = re.search(r"(\d+) ?w(?:ee)?ks? after", metric)
    return float(found[1]) if found else None


def _at_risk(text: str) -> str:
    plain = text.lower()
    stable = "stable " if "stable" in plain else ""
    if "remi" in plain:
        return f"{stable}remitters"
    if "respon" in plain:
        return f"{stable}responders"
    return "all" if re.search(r"\ball\b|entered|started|completers", plain) else ""


def _definition(row: Row, before: Row | None) -> str:
    text = row["relapse_definition"]
    if before is not None and _FIRST.match(text.lower()):
        text = before["relapse_definition"]
    plain = re.sub(r"\[[^\]]*\]", "", text.lower()).replace("≥", ">=")
    if limit := re.search(r"madrs\s*>=?\s*(\d+)", plain):
        twice = re.search(r"x ?2\b|twice|two|consecutive|successive", plain)
        return f"MADRS>={limit[1]}{' twice' if twice else ''}"
    return plain.strip()


def _interval(text: str) -> tuple[float | None, float | None, str, float | None]:
    """Give low, high, kind and standard deviation of what stands in ``ci_or_iqr``."""
    plain = text.replace("–", "-").replace("−", "-")
    if spread := re.search(r"\bSD\s*(\d+(?:\.\d+)?)", plain):
        return None, None, "SD", float(spread[1])
    found = re.search(r"(-?\d+(?:\.\d+)?)\s*(?:-|to|,|;)\s*(-?\d+(?:\.\d+)?|NE\b|NR\b)", plain)
    if not found or re.search(r"\bd \d", plain):
        return None, None, "none", None
    high = None if found[2] in {"NE", "NR"} else float(found[2])
    return float(found[1]), high, "IQR" if "iqr" in plain.lower() else "CI95", None


def _impossible(rows: Sequence[Row]) -> Iterator[Fault]:
    for row in rows:
        value, unit = row.values.get("value"), row.text.get("unit", "").lower()
        low, high, _, _ = _interval(row.text.get("ci_or_iqr", ""))
        if low is not None and high is not None and low > high:
            yield Fault("An interval is turned round.", f"{high:g} or less", f"{low:g}", "ci_or_iqr", row.number)
        if value is None:
            continue
        most = 100 if unit in {"%", "percent"} else 1 if unit == "fraction" else None
        if most is not None and not 0 <= value <= most:
            yield Fault("A share is impossible.", f"0 to {most}", f"{value:g}", "value", row.number)
        if row.text.get("metric", "").strip().lower() in {"hr", "hazard ratio"} and value <= 0:
            yield Fault("A ratio is not positive.", "more than 0", f"{value:g}", "value", row.number)
        if unit.startswith(("day", "week", "hour", "month")) and value < 0:
            yield Fault("A duration is negative.", "0 or more", f"{value:g}", "value", row.number)


def _repeated(rows: Sequence[Row]) -> Iterator[Fault]:
    words = ("study_id", "arm_id", "at_risk_definition", "metric")
    return repeated(rows, words=words, time="time_days", number="value", said="study, arm, group and time")
