"""A table of differences between a drug and its control.

What lives here: what a row of a ``contrasts`` table says, and which arms it is about. What does not: the file
(``cells``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from upturn.evidence.cells import Row, Sheet
from upturn.evidence.faults import Fault, refuse
from upturn.evidence.outcomes import analysis_in, range_of, read_outcome
from upturn.evidence.regimens import infusion_h, read_schedule, usual_schedule
from upturn.evidence.repeated import repeated
from upturn.evidence.rows import Arm, Finding, Refusal
from upturn.evidence.timecourse import Read
from upturn.evidence.treatments import (
    INERT,
    TABLETS,
    background_in,
    is_open_label,
    read_ages,
    read_amount,
    read_condition,
    read_drug,
    read_route,
)

__all__ = ["CI_WIDTHS", "read_contrasts"]

CI_WIDTHS = 2 * 1.96
"""A 95 % interval is this many standard errors wide."""
_AGAINST = re.compile(r"\s+v(?:s|ersus)?\.?\s+")
_TOKENS = re.compile(r"\b([1-5])x\b|\bperiod (\d)\b|\b(open)\b")
_MEASURES = (
    ("hazard_ratio", "ratio", r"\bhr\b|hazard"),
    ("odds ratio", "ratio", r"\bor\b|odds"),
    ("risk ratio", "ratio", r"\brr\b|risk ratio|relative risk"),
    ("risk difference", "fraction", r"\brd\b|risk diff|percentage points"),
    ("standardised_difference", "SD", r"cohen|\bsmd\b|hedges|standardi[sz]ed|effect size"),
    ("difference", "points", r"diff|\bmd\b|\bwmd\b"),
)


def read_contrasts(sheet: Sheet, *, known: Mapping[tuple[str, str], Arm]) -> Read:
    """Read a table of differences; arms that are among the ``known`` ones of the same study are taken from there.

    Raises
    ------
    EvidenceError
        Numbers that contradict each other: an interval turned round or beside its estimate, a difference beyond the
        range of the scale, the same row twice.
    """
    refuse([*_impossible(sheet.rows), *_repeated(sheet.rows)], file=sheet.file)
    arms: dict[tuple[str, str], Arm] = {}
    findings: list[Finding] = []
    refusals: list[Refusal] = []
    latest = _latest(sheet.rows)
    for row in sheet.rows:
        name = row["contrast"]
        finding = _finding(row)
        pair = _pair(row, up_to_h=latest[row["study_id"]], known=known) if isinstance(finding, Finding) else ""
        if isinstance(finding, str) or isinstance(pair, str):
            reason = finding if isinstance(finding, str) else str(pair)
            refusals.append(Refusal(row.number, "contrasts", row["study_id"], name, reason))
            continue
        named = [_entered(arm, name, arms) for arm in pair]
        assumed = tuple(dict.fromkeys((*pair[0].assumed, *pair[1].assumed)))
        findings.append(replace(finding, arm=named[0], versus=named[1], assumed=assumed))
    return arms, findings, refusals


def _entered(arm: Arm, contrast: str, arms: dict[tuple[str, str], Arm]) -> str:
    """Enter an arm under its name; two arms of one name that were treated otherwise stay apart."""
    if arms.setdefault((arm.trial, arm.arm), arm) == arm:
        return arm.arm
    name = f"{arm.arm} ({contrast})"
    arms[arm.trial, name] = replace(arm, arm=name)
    return name


def _latest(rows: Sequence[Row]) -> Mapping[str, float]:
    latest: dict[str, float] = defaultdict(float)
    for row in rows:
        latest[row["study_id"]] = max(latest[row["study_id"]], row.value("time_hours") or 0.0)
    return latest


def _finding(row: Row) -> Finding | str:
    """Read the number of a row, without its arms; or say why it cannot be used."""
    if row.is_unseen:
        return "not read in its source"
    outcome = read_outcome(row["outcome"])
    if outcome.reason:
        return outcome.reason
    time_h, value = row.value("time_hours"), row.value("estimate")
    if time_h is None:
        return "no time"
    if value is None:
        return "no numeric value that was read: estimate recalled" if "estimate" in row.missing else "no numeric value"
    measure, unit, definition = _measure(row["effect_measure"])
    if not measure:
        return f"unknown effect measure: {row['effect_measure'] or 'nothing is written'}"
    error, low, high = row.value("se"), row.value("ci_low"), row.value("ci_high")
    kind, status = ("SE" if error is not None else "none"), "seen"
    if error is None and low is not None and high is not None:
        kind, status = ("CI95", "seen") if unit == "ratio" else ("SE", "derived")
        error = None if unit == "ratio" else (high - low) / CI_WIDTHS
    elif error is not None and "computed" in row["note"].lower():
        status = "derived"
    return Finding(
        row.number, "contrasts", row["study_id"], "", None, time_h, outcome.instrument, measure, value, unit,
        error, kind, low, high, None, None, None, None, analysis_in(row["effect_measure"], row["note"]), "",
        definition, row["source_url"], row["split"] or "validation", (*row.missing, *row.partly_missing), None,
        error_status=status,
    )  # fmt: skip


def _measure(text: str) -> tuple[str, str, str]:
    for name, unit, pattern in _MEASURES:
        if re.search(pattern, text.lower()):
            return (name, unit, "") if "_" in name or name == "difference" else ("other", unit, name)
    return "", "", ""


def _pair(row: Row, *, up_to_h: float, known: Mapping[tuple[str, str], Arm]) -> tuple[Arm, Arm] | str:
    """Give the two arms of a row; or say why they are not understood."""
    left, *rest = _AGAINST.split(row["contrast"], maxsplit=1)
    right = re.sub(r"\(period \d\)", "", rest[0]).strip() if rest else row["control_type"]
    drug, control = read_drug(left), read_drug(row["control_type"]) or read_drug(right)
    route, condition = read_route(row["route"]), read_condition(row["population"])
    for name, found, text in (
        ("unknown drug", drug, left),
        ("unknown control", control, row["control_type"] or right),
        ("unknown route", route, row["route"]),
        ("unknown condition", condition, row["population"]),
    ):
        if found is None:
            return f"{name}: {text or 'nothing is written'}"
    if drug is None or control is None or route is None or condition is None:
        return "not understood"
    active = _arm(row, left, drug=drug, route=route, condition=condition, up_to_h=up_to_h)
    # What the two arms share is read from all the words; a control differs in the drug alone.
    by_route = {"ECT": "electric", "none": "none", **dict.fromkeys(TABLETS, "oral")}
    against = _arm(row, right, drug=control, route=by_route.get(control, route), condition=condition, up_to_h=up_to_h)
    if control not in INERT:
        amount = read_amount(
            row["control_type"] if re.search(r"\d", row["control_type"]) else "", unit="", drug=control
        )
        unit = amount.unit or (active.unit if amount.value is not None else "")
        against = replace(against, amount=amount.value, unit=unit, flexible=False)
    if control in TABLETS:
        against = replace(against, background="none")
    trial = [arm for (study, _), arm in known.items() if study == row["study_id"]]
    return _match(active, left, row, trial) or active, _match(against, right, row, trial) or against


def _arm(row: Row, words: str, *, drug: str, route: str, condition: tuple[str, tuple[str, ...]], up_to_h: float) -> Arm:
    assumed = list(condition[1])
    tablet = route == "oral" and (drug in TABLETS or drug == "placebo")
    schedule = read_schedule(row["contrast"], tablet=tablet) or read_schedule(row["note"], tablet=tablet)
    if schedule is None:
        schedule, said = usual_schedule(drug=drug, route=route, tablet=tablet, up_to_h=up_to_h)
        assumed.append(said)
    amount = read_amount(row["dose"], unit="", drug=drug)
    background, said_too = background_in(row["contrast"], row["control_type"], row["population"], drug=drug)
    crossover = "crossover" in row["control_type"].lower()
    low, high = read_ages(row["population"])
    return Arm(
        row["study_id"], words, condition[0], drug, route, amount.value, amount.unit, amount.flexible,
        infusion_h(row["dose"], route=route), schedule.doses_h, schedule.daily, background,
        is_open_label(row["contrast"], row["control_type"], row["population"]) or drug == "ECT",
        "crossover" if crossover else "parallel", (*assumed, *said_too), age_low=low, age_high=high,
    )  # fmt: skip


def _match(arm: Arm, words: str, row: Row, trial: Sequence[Arm]) -> Arm | None:
    """Find the arm among those of the same trial: the same drug, route and amount, then the same marks."""
    same = [
        each
        for each in trial
        if (each.drug, each.route) == (arm.drug, arm.route)
        and (arm.amount is None or each.amount is None or abs(each.amount - arm.amount) < 1e-9)
        and (arm.amount is None or each.unit == arm.unit or not arm.amount)
        and not each.arm.endswith("+") and each.design != "pooled"
    ]  # fmt: skip
    marks = {mark for found in _TOKENS.findall(f"{words} {row['contrast']}".lower()) for mark in found if mark}
    if len(same) > 1 and marks:
        same = [
            each
            for each in same
            if marks & set(re.findall(r"[1-5](?=x)|(?<=p)\d(?=_)|open", f"{each.arm} {each.regimen}".lower()))
        ]
    if len(same) > 1:
        same = [each for each in same if not each.open_label] or same
    return same[0] if len(same) == 1 else None


def _impossible(rows: Sequence[Row]) -> Iterator[Fault]:
    for row in rows:
        low, high, value = (row.values.get(name) for name in ("ci_low", "ci_high", "estimate"))
        if low is not None and high is not None and low > high:
            yield Fault("An interval is turned round.", f"{high:g} or less", f"{low:g}", "ci_low", row.number)
        elif value is not None and ((low is not None and value < low) or (high is not None and value > high)):
            ends = f"between {low:g} and {high:g}" if low is not None and high is not None else "inside its interval"
            yield Fault("An estimate lies outside its interval.", ends, f"{value:g}", "estimate", row.number)
        unit = _measure(row.text.get("effect_measure", ""))[1]
        if unit == "ratio" and value is not None and value <= 0:
            yield Fault("A ratio is not positive.", "more than 0", f"{value:g}", "estimate", row.number)
        found = read_outcome(row.text.get("outcome", ""))
        most = range_of(found.instrument) if found.instrument and unit == "points" else None
        if most is not None and value is not None and abs(value) > most:
            what = f"A difference is beyond the range of the {found.instrument}."
            yield Fault(what, f"-{most:g} to {most:g} points", f"{value:g}", "estimate", row.number)


def _repeated(rows: Sequence[Row]) -> Iterator[Fault]:
    words = ("study_id", "contrast", "outcome", "effect_measure")
    return repeated(rows, words=words, time="time_hours", number="estimate", said="study, contrast and time")
