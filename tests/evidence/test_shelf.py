"""The package's own tables load, hold what was read, and refuse a number without its papers."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from upturn import evidence
from upturn.errors import EvidenceError
from upturn.evidence.shelf import VERDICTS, tables_in

TABLES = Path(str(files("upturn.evidence").joinpath("tables")))
LAPIDUS = "https://pmc.ncbi.nlm.nih.gov/articles/PMC4185009"
MEASURES = {
    "change", "response", "remission_10", "remission_12", "remission", "sustained_response", "difference",
    "standardised_difference", "hazard_ratio", "relapsed", "not_relapsed", "responding", "remitted_by",
    "median_relapse_h", "other",
}  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("arms.csv", "findings.csv"):
        shutil.copy(TABLES / name, tmp_path / name)
    return tmp_path


def spoil(copy: Path, name: str, row: str, old: str, new: str) -> None:
    """Change one cell in the row that begins with some text."""
    path = copy / name
    lines = path.read_text(encoding="utf-8").splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(row))
    assert old in lines[place]
    lines[place] = lines[place].replace(old, new)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_what_is_shipped() -> None:
    known = evidence.shipped()
    assert known.refusals == ()
    assert len(known.arms) > 80
    splits = Counter(each.split for each in known.findings)
    assert set(splits) == {"calibration", "validation", "duplicate"}
    assert splits["validation"] == 46
    assert splits["duplicate"] == 9
    assert splits["calibration"] > 130
    assert {each.measure for each in known.findings} <= MEASURES
    assert all((each.trial, each.arm) in known.arms for each in known.findings)
    assert all(each.versus is None or (each.trial, each.versus) in known.arms for each in known.findings)
    assert evidence.shipped() is known


def test_every_number_to_use_has_people_source_and_error_type() -> None:
    for each in evidence.shipped().findings:
        assert each.source.startswith("http"), each
        assert each.n is not None, each
        assert each.missing == (), each
        assert (each.error is None) == (each.error_type not in {"SE", "SD"}), each
        assert each.n_status in {"seen", "derived", "assumed"}
        assert each.error_status in {"seen", "derived"}
        # Whose number of people is assumed says so with the arm.
        said = " ".join(each.assumed)
        assert each.n_status != "assumed" or "participants:" in said, each


def test_numbers_stay_within_what_can_be() -> None:
    for each in evidence.shipped().findings:
        assert each.value is not None
        if each.unit == "fraction":
            assert 0 <= each.value <= 1, each
        if each.unit == "points":
            assert -60 <= each.value <= 60, each
        if each.low is not None and each.high is not None:
            assert each.low <= each.value <= each.high, each
        if each.measure in {"difference", "standardised_difference"}:
            assert each.versus is not None, each
            assert each.value <= 0, each
        arm = evidence.shipped().arms[each.trial, each.arm]
        if (
            each.n is not None
            and arm.participants is not None
            and each.table == "timecourse"
            and arm.design != "pooled"
        ):
            assert each.n <= max(arm.participants, 41), each


@pytest.mark.parametrize(
    ("trial", "arm", "time_h", "measure", "value", "error", "n"),
    [
        ("SYNAPSE_2018", "P1_esk84", 24.0, "change", -16.4, 2.64, 12),
        ("TRANSFORM1_2019", "esk56", 24.0, "sustained_response", 0.104, None, 115),
        ("MURROUGH_2013a", "ket", 24.0, "response", 0.64, None, 47),
        ("KETECT_2022", "ect", 672.0, "remitted_by", 0.63, None, 93),
        ("HU_2016", "esc_ket", 672.0, "remission_10", 0.769, None, 13),
        ("STARD_L1_2006", "citalopram", 2352.0, "response", 0.47, None, 2876),
    ],
)
def test_single_numbers(
    trial: str, arm: str, time_h: float, measure: str, value: float, error: float | None, n: int
) -> None:
    (found,) = [
        each
        for each in evidence.shipped().findings
        if (each.trial, each.arm, each.time_h, each.measure) == (trial, arm, time_h, measure) and each.versus is None
    ]
    assert (found.value, found.error, found.n) == (value, error, n)


def test_derived_numbers_follow_from_what_was_read() -> None:
    by_row = {(f.trial, f.arm, f.measure, f.at_risk): f for f in evidence.shipped().findings}
    dwyer = by_row["DWYER_2021", "ket", "difference", ""]
    assert dwyer.error == pytest.approx(15.0 / 17**0.5, abs=1e-3)
    assert dwyer.error_status == "derived"
    low_dose = by_row["FAVA_2018", "ket0.1", "standardised_difference", ""]
    assert low_dose.error == pytest.approx((1 / 18 + 1 / 19 + 0.82**2 / 74) ** 0.5, abs=1e-4)
    relapsed = [by_row["FAVA_2018", arm, "relapsed", "responders"] for arm in ("ket0.1", "ket0.5", "ket1.0")]
    assert sum(each.n or 0 for each in relapsed) == 27
    for each in relapsed:
        assert each.value is not None
        assert (each.n or 0) * each.value == pytest.approx(round((each.n or 0) * each.value))
    for arm, group, events in (
        ("esk+AD", "stable remitters", 24), ("AD+pbo", "stable remitters", 39),
        ("esk+AD", "stable responders", 16), ("AD+pbo", "stable responders", 34),
    ):  # fmt: skip
        found = by_row["SUSTAIN1_2019", arm, "relapsed", group]
        assert (found.n or 0) * (found.value or 0.0) == pytest.approx(events, abs=0.05)
        assert found.n_status == "derived"


@pytest.mark.parametrize(
    ("name", "row", "old", "new", "fault"),
    [
        ("findings.csv", "timecourse,LAPIDUS_2014,ket", LAPIDUS, "", "no source"),
        ("findings.csv", "timecourse,LAPIDUS_2014,ket", ",fraction,", ",,", "no unit"),
        ("findings.csv", "timecourse,LAPIDUS_2014,ket", ",18,", ",,", "no n"),
        ("findings.csv", "timecourse,LAPIDUS_2014,ket", ",binomial,", ",,", "no error_type"),
        ("findings.csv", "timecourse,LAPIDUS_2014,ket", ",validation,", ",,", "no split"),
        ("findings.csv", "timecourse,LAPIDUS_2014,ket", ",binomial,", ",SD,", "error and its type do not fit"),
        ("findings.csv", "timecourse,LAPIDUS_2014,ket", ",ket,", ",kat,", "no such arm"),
        ("arms.csv", "LAPIDUS_2014,ket", "single dose", "now and then", "regimen is not understood"),
        ("arms.csv", "LAPIDUS_2014,ket", "major depression", "", "no condition"),
    ],
)  # fmt: skip
def test_a_number_without_its_papers_is_refused(
    copy: Path, name: str, row: str, old: str, new: str, fault: str
) -> None:
    spoil(copy, name, row, old, new)
    with pytest.raises(EvidenceError, match=fault) as caught:
        tables_in(copy)
    assert name in str(caught.value)


def test_a_duplicate_may_lack_its_people(copy: Path) -> None:
    spoil(copy, "findings.csv", "timecourse,LAPIDUS_2014,ket", ",validation,", ",duplicate,")
    spoil(copy, "findings.csv", "timecourse,LAPIDUS_2014,ket", ",18,", ",,")
    assert len(tables_in(copy).findings) == len(evidence.shipped().findings)


def test_the_digest_follows_the_tables(copy: Path) -> None:
    assert tables_in(copy).digest == evidence.shipped().digest
    spoil(copy, "findings.csv", "timecourse,LAPIDUS_2014,ket", ",0.44,", ",0.45,")
    assert tables_in(copy).digest != evidence.shipped().digest


def test_null_results_and_other_conditions_stay_in() -> None:
    text = " ".join(each.what + each.why for each in evidence.not_used())
    assert text.count("null result") >= 2
    assert [each.id for each in evidence.conditions()] == [
        "ptsd", "anxiety", "bipolar", "suicidal-ideation", "older-people", "adolescents",
    ]  # fmt: skip
    ptsd = next(each for each in evidence.conditions() if each.id == "ptsd")
    assert not ptsd.calibrated
    assert any("null" in fact.text for fact in ptsd.findings)


def test_arms_of_ages_that_were_not_fitted_are_known_and_none_of_them_is_fitted() -> None:
    found = {
        key: other.id
        for key, arm in evidence.shipped().arms.items()
        if (other := evidence.outside_ages(arm.age_low, arm.age_high))
    }
    assert {(trial, what) for (trial, _), what in found.items()} == {
        ("TRANSFORM3_2020", "older-people"), ("DWYER_2021", "adolescents"),
    }  # fmt: skip
    assert {f.split for f in evidence.shipped().findings if (f.trial, f.arm) in found} == {"validation"}


def test_claims_are_argued() -> None:
    claims = evidence.claims()
    assert [each.id for each in claims] == list("abcdefghijklmnopqrstu")
    assert {each.verdict for each in claims} == set(VERDICTS)
    for each in claims:
        assert each.reason
        assert each.facts
        assert all(fact.source.startswith("http") for fact in each.facts)


def test_adverse_events_agree_with_their_counts() -> None:
    events = evidence.adverse_events()
    assert len(events) == 128
    for each in events:
        if each.events is not None and each.share is not None:
            assert each.share == pytest.approx(each.events / each.n, abs=0.011), each


def test_no_vendor_and_no_brand_is_named_outside_a_link() -> None:
    for path in TABLES.iterdir():
        words = re.sub(r"https?://[^\s;\"]+", "", path.read_text(encoding="utf-8").lower())
        assert not re.search(r"spravato|janssen|axsome|auvelity", words), path.name
