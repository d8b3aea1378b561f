"""A table of arms in time: changes, shares of responders and of remitters.

What lives here: what a row of a ``timecourse`` table says. What does not: the file (``cells``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from upturn.evidence.cells import Row, Sheet
from upturn.evidence.faults import Fault, refuse
from upturn.evidence.outcomes import analysis_in, cutoff_in, range_of, read_instrument, read_outcome
from upturn.evidence.regimens import infusion_h, read_schedule, usual_schedule
from upturn.evidence.rows import Arm, Finding, Refusal
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

__all__ = ["Read", "read_timecourse"]

Read = tuple[dict[tuple[str, str], Arm], list[Finding], list[Refusal]]
TIME = "time_hours_from_first_dose"
_ANALYSIS = re.compile(r"_(locf|mmrm|oc|observed|onset|m?itt)$", re.IGNORECASE)
_STOPPED = re.compile(r"\((?:stopped|off|discontinued)\)")
_ANY_TIME = re.compile(r"\bat any (?:point|time)\b")
_ERRORS = (("SD", r"sd\b|standard dev"), ("SE", r"sem?\b|standard err"))
_MEASURED = ("mean", "change_mean", "responders_n", "responders_pct", "remission_pct")


def read_timecourse(sheet: Sheet) -> Read:
    """Read a table of arms in time.

    Raises
    ------
    EvidenceError
        Numbers that contradict each other: more responders than people, a change beyond the range of the scale, the
        same row twice.
    """
    refuse([*_impossible(sheet.rows), *_repeated(sheet.rows)], file=sheet.file)
    arms: dict[tuple[str, str], Arm] = {}
    findings: list[Finding] = []
    refusals: list[Refusal] = []
    latest = _latest(sheet.rows)
    others = _arms_per_trial(sheet.rows)
    for row in sheet.rows:
        key = _key(row)
        reason = _unusable(row)
        if not reason:
            arm = _arm(row, key, up_to_h=latest[key], others=len(others[key[0]]) - 1)
            known = arms.setdefault(key, arm) if isinstance(arm, Arm) else None
            if not isinstance(arm, Arm):
                reason = arm
            elif known is not None and (known.drug, known.route, known.amount) != (arm.drug, arm.route, arm.amount):
                reason = "this arm is described otherwise in a row above"
            else:
                arms[key] = _merged(arms[key], arm)
        found = [] if reason else list(_findings(row, arms[key]))
        if not found:
            refusals.append(Refusal(row.number, "timecourse", *key, reason or "no numeric value"))
        findings += found
    used = {(each.trial, each.arm) for each in findings}
    return {key: arm for key, arm in arms.items() if key in used}, findings, refusals


def _key(row: Row) -> tuple[str, str]:
    return row["study_id"], _ANALYSIS.sub("", row["arm_id"])


def _latest(rows: Sequence[Row]) -> Mapping[tuple[str, str], float]:
    latest: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        latest[_key(row)] = max(latest[_key(row)], row.value(TIME) or 0.0)
    return latest


def _arms_per_trial(rows: Sequence[Row]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        trial, arm = _key(row)
        found[trial].add(arm)
    return found


def _unusable(row: Row) -> str:
    """Say why a row cannot be used, in one sentence; nothing where it can."""
    recalled = ", ".join(name for name in _MEASURED if name in row.missing)
    reasons = (
        (row.is_unseen, "not read in its source"),
        (_STOPPED.search(row["drug"].lower()), "treatment had stopped; what was given before is not in the row"),
        (read_outcome(row["outcome"]).reason, read_outcome(row["outcome"]).reason),
        (_ANY_TIME.search(row["note"].lower()), "no time: counted at any time"),
        (row.value(TIME) is None, "no time"),
        ("qualitative" in row["note"].lower(), "qualitative outcome: a sentence, not a measured number"),
        (any(row.value(name) is not None for name in _MEASURED), ""),
        (recalled, f"no numeric value that was read: {recalled} recalled"),
    )
    return next((reason for holds, reason in reasons if holds), "no numeric value")


def _arm(row: Row, key: tuple[str, str], *, up_to_h: float, others: int) -> Arm | str:
    drug, condition = read_drug(row["drug"]), read_condition(row["population"])
    route = read_route(row["route"]) or ("electric" if drug == "ECT" else "none" if drug == "none" else None)
    if drug is None:
        return f"unknown drug: {row['drug'] or 'nothing is written'}"
    if route is None:
        return f"unknown route: {row['route'] or 'nothing is written'}"
    if condition is None:
        return f"unknown condition: {row['population'] or 'nothing is written'}"
    assumed = list(condition[1])
    tablet = route == "oral" and (drug in TABLETS or drug == "placebo")
    schedule = read_schedule(row["regimen"], tablet=tablet)
    if schedule is None:
        schedule, words = usual_schedule(drug=drug, route=route, tablet=tablet, up_to_h=up_to_h)
        assumed.append(words)
    elif "regimen" in row.partly_missing:
        assumed.append("regimen: its timing was recalled, and is assumed")
    amount = read_amount(row["dose"], unit=row["dose_unit"], drug=drug)
    words_of_arm = (row["drug"], row["regimen"], row["population"])
    background, said = background_in(*words_of_arm, drug=drug)
    described = (row["regimen"], row["population"], row["arm_id"].replace("_OL", " open label"))
    open_label = is_open_label(*described) or drug == "ECT" or "uncontrolled" in row["note"].lower()
    is_madrs = read_instrument(row["outcome"]) == ("MADRS",)
    doi, registration = _references(row)
    low, high = read_ages(row["population"])
    return Arm(
        *key, condition[0], drug, route, amount.value, amount.unit, amount.flexible,
        infusion_h(f"{row['regimen']} {row['dose']}", route=route),
        schedule.doses_h, schedule.daily, background, open_label,
        design_in(*described, *key, drug=drug, others=others), (*assumed, *said), row["regimen"], row.people("n_arm"),
        row.value("baseline_mean") if is_madrs else None, row.value("baseline_sd") if is_madrs else None,
        row["first_author"], row.people("year"), doi, registration, age_low=low, age_high=high,
    )  # fmt: skip


def _references(row: Row) -> tuple[str, str]:
    text = row["doi_or_nct"]
    doi = re.search(r"10\.\d{4,}/[^\s;,]+", text)
    registration = " ".join(re.findall(r"NCT\d{8}|ACTRN\d+|EUCTR[\d-]+|ISRCTN\d+", text))
    return doi[0] if doi else "", "" if "doi_or_nct" in row.partly_missing else registration


def _merged(arm: Arm, other: Arm) -> Arm:
    """Fill in from another row of the same arm what the first one does not say."""
    better = other if arm.assumed and not other.assumed else arm
    return replace(
        better,
        participants=max((n for n in (arm.participants, other.participants) if n is not None), default=None),
        baseline_mean=arm.baseline_mean if arm.baseline_mean is not None else other.baseline_mean,
        baseline_sd=arm.baseline_sd if arm.baseline_sd is not None else other.baseline_sd,
    )


def _findings(row: Row, arm: Arm) -> Iterator[Finding]:
    outcome = read_outcome(row["outcome"])
    blank = Finding(
        row.number, "timecourse", arm.trial, arm.arm, None, row.value(TIME), outcome.instrument, "", None, "",
        None, "none", None, None, row.people("n_arm"), None, row.value("baseline_mean"), row.value("baseline_sd"),
        analysis_in(row["arm_id"], row["note"], row["change_err_type"], row["outcome"]), "", "", row["source_url"],
        row["split"] or "validation", (*row.missing, *row.partly_missing), None, assumed=arm.assumed,
    )  # fmt: skip
    yield from _change(row, blank)
    share = _share(row)
    if share is not None:
        measure = "sustained_response" if outcome.sustained else "response"
        words = _threshold(row["outcome"])
        yield replace(blank, measure=measure, value=share, unit="fraction", error_type="binomial", definition=words)
    remitted = row.value("remission_pct")
    if remitted is not None:
        named = cutoff_in(row["outcome"], row["note"]) if outcome.instrument == "MADRS" else "remission"
        yield replace(blank, measure=named, value=round(remitted / 100, 6), unit="fraction", error_type="binomial")


def _change(row: Row, blank: Finding) -> Iterator[Finding]:
    change, score, baseline = row.value("change_mean"), row.value("mean"), row.value("baseline_mean")
    if change is not None:
        name, status, said = _error_type(row)
        error = row.value("change_se_or_sd") if name != "none" else None
        yield replace(
            blank, measure="change", value=change, unit="points", error=error, error_type=name, error_status=status,
            assumed=(*blank.assumed, *said),
        )  # fmt: skip
    elif score is not None and baseline is not None:
        yield replace(blank, measure="change", value=score - baseline, unit="points", definition="from two mean scores")
    elif score is not None:
        error = row.value("sd")
        yield replace(
            blank, measure="other", value=score, unit="points", definition="mean score",
            error=error, error_type="none" if error is None else "SD",
        )  # fmt: skip


def _error_type(row: Row) -> tuple[str, str, tuple[str, ...]]:
    """Give what the printed error of a change is, whether it was derived, and what had to be left out."""
    words = row["change_err_type"].lower()
    if row.value("change_se_or_sd") is None:
        return "none", "seen", ()
    name = next((name for name, pattern in _ERRORS if re.match(pattern, words)), "none")
    said = () if name != "none" else (f"error: its type is not understood ({words or 'nothing is written'}), not used",)
    return name, "derived" if "derived" in words else "seen", said


def _share(row: Row) -> float | None:
    percent, number, people = row.value("responders_pct"), row.value("responders_n"), row.value("n_arm")
    if percent is not None:
        return round(percent / 100, 6)
    return number / people if number is not None and people else None


def _threshold(outcome: str) -> str:
    """Give the words for a response that is not a fall of half."""
    if "proxy" in outcome.lower():
        return "a proxy of response"
    found = re.search(r"(?:>=?|≥|at least )\s*(\d+) ?%", outcome)
    return f"fall of at least {found[1]} %" if found and found[1] != "50" else ""


def _impossible(rows: Sequence[Row]) -> Iterator[Fault]:
    for row in rows:
        responders, people = row.values.get("responders_n"), row.values.get("n_arm")
        if responders is not None and people is not None and responders > people:
            expected = f"at most {people:g}, the people in the arm"
            yield Fault(
                "There are more responders than people.", expected, f"{responders:g}", "responders_n", row.number
            )
        found = read_outcome(row.text.get("outcome", ""))
        most = range_of(found.instrument) if found.instrument else None
        if most is None:
            continue
        baseline, change = row.values.get("baseline_mean"), row.values.get("change_mean")
        for name in ("baseline_mean", "mean"):
            score = row.values.get(name)
            if score is not None and not 0 <= score <= most:
                what = f"A score lies outside the range of the {found.instrument}."
                yield Fault(what, f"0 to {most:g} points", f"{score:g}", name, row.number)
        if change is None:
            continue
        least = -most if baseline is None else -baseline
        highest = most if baseline is None else most - baseline
        if not least <= change <= highest:
            what = f"A change is beyond the range of the {found.instrument}."
            whence = "" if baseline is None else f" from a baseline of {baseline:g}"
            yield Fault(what, f"{least:g} to {highest:g} points{whence}", f"{change:g}", "change_mean", row.number)


def _repeated(rows: Sequence[Row]) -> Iterator[Fault]:
    above: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        key = (*(row.text[name].lower() for name in ("study_id", "arm_id", "outcome")), str(row.values[TIME]))
        for other in above[key]:
            twice = [name for name in _MEASURED if row.value(name) is not None and other.value(name) is not None]
            if twice:
                what = f"A duplicated study row: row {other.number} says this of the same study, arm, time and outcome."
                expected = f"one value, such as {other.text[twice[0]]}"
                remedy = "keep one of the two, or give another analysis another arm_id"
                yield Fault(what, expected, row.text[twice[0]], twice[0], row.number, remedy)
                break
        above[key].append(row)
