"""The three wide tables that the facts came in are read, and agree with what is shipped."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from upturn import evidence
from upturn.evidence import Finding, read_table

FOLDER = Path(__file__).parents[3] / "shared" / "evidence"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder shared/evidence is not beside the repository")

RENAMED = {("FAVA_2018_SALLOUM", "*"): "FAVA_2018"}
# The same groups under other names in the relapse table.
ARMS = {("SYNAPSE_2018", "FU"): "OL_all", ("FEDER_2021", "ket6"): "ket", ("TRANSFORM1_2019", "esk 56+84"): "esk56+84"}


def key(each: Finding) -> tuple[str, ...]:
    trial = RENAMED.get((each.trial, "*"), each.trial)
    measure = "remission" if each.measure.startswith(("remission", "remitted_by")) else each.measure
    return trial, ARMS.get((trial, each.arm), each.arm), measure, each.at_risk, each.analysis, f"{each.value:.6g}"


@pytest.mark.parametrize(
    ("name", "arms", "findings", "refusals"),
    [("timecourse", 60, 143, 27), ("contrasts", 37, 33, 2), ("durability", 11, 23, 11)],
)
def test_counts(name: str, arms: int, findings: int, refusals: int) -> None:
    found = read_table(FOLDER / f"{name}.csv")
    assert (len(found.arms), len(found.findings), len(found.refusals)) == (arms, findings, refusals)


def test_why_rows_of_the_time_course_are_refused() -> None:
    found = Counter(each.reason.partition(":")[0] for each in read_table(FOLDER / "timecourse.csv").refusals)
    assert found == {
        "no numeric value": 12,
        "no time": 8,
        "a percentage of another quantity, not a score or a share of people": 4,
        "mixed instruments": 1,
        "qualitative outcome": 1,
        "treatment had stopped; what was given before is not in the row": 1,
    }


@pytest.mark.parametrize("name", ["timecourse", "contrasts", "durability"])
def test_every_shipped_number_stands_in_the_table_it_came_from(name: str) -> None:
    read = {key(each) for each in read_table(FOLDER / f"{name}.csv").findings}
    own = [each for each in evidence.shipped().findings if each.table == name]
    # Entered by hand: STAR*D by its two scales, SYNAPSE after the last dose, and one set of pooled shares.
    by_hand = {("STARD_L1_2006", "citalopram"), ("SYNAPSE_2018", "OL_all"), ("HAN_2016", "ket")}
    # Derived from the last day of significance, which the durability table holds.
    quiet = {("DIAZGRANADOS_2010", 336.0), ("ZARATE_2012", 336.0)}
    strange = [
        each
        for each in own
        if key(each) not in read and (each.trial, each.arm) not in by_hand and (each.trial, each.time_h) not in quiet
    ]
    assert strange == []
    assert len(own) > 0.7 * len(read)


def test_every_number_read_is_shipped_or_listed_as_not_used() -> None:
    shipped = {key(each) for each in evidence.shipped().findings}
    listed = {each.trial for each in evidence.not_used()}
    for name in ("timecourse", "contrasts", "durability"):
        for each in read_table(FOLDER / f"{name}.csv").findings:
            assert key(each) in shipped or key(each)[0] in listed, each


def test_every_trial_of_a_refused_row_is_listed_with_a_reason() -> None:
    listed = {each.trial for each in evidence.not_used()} | {"FAVA_2018_SALLOUM"}
    used = {each.trial for each in evidence.shipped().findings}
    for name in ("timecourse", "contrasts", "durability"):
        for refused in read_table(FOLDER / f"{name}.csv").refusals:
            assert refused.trial in listed or refused.trial in used, refused


def test_errors_agree_with_the_shipped_ones() -> None:
    shipped = {key(each): each for each in evidence.shipped().findings}
    for name in ("timecourse", "contrasts"):
        for each in read_table(FOLDER / f"{name}.csv").findings:
            own = shipped.get(key(each))
            if own is not None and each.error is not None:
                assert own.error == pytest.approx(each.error, abs=1e-4)
                assert own.error_type == each.error_type


def test_arms_of_the_time_course_are_those_shipped() -> None:
    known = evidence.shipped().arms
    for name, arm in read_table(FOLDER / "timecourse.csv").arms.items():
        if name not in known:
            assert arm.arm.endswith("_OL"), name  # people not read: left out
            continue
        own = known[name]
        assert (own.condition, own.drug, own.route, own.unit) == (arm.condition, arm.drug, arm.route, arm.unit), name
        assert own.amount == pytest.approx(arm.amount) if arm.amount is not None else own.amount is None, name
        assert own.doses_h == arm.doses_h, name
