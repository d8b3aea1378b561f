"""Tables never seen before: what is impossible stops the reading, what is not understood is refused row by row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from upturn.errors import EvidenceError
from upturn.evidence import read_table

Table = Callable[..., Path]

# kind, what to spoil, column in the message, fault, expected, came
FAULTS = [
    ("timecourse", {"change_se_or_sd": "0"}, "change_se_or_sd", "not positive", "above 0", "0"),
    ("timecourse", {"change_se_or_sd": "-2"}, "change_se_or_sd", "not positive", "above 0", "-2"),
    ("timecourse", {"baseline_sd": "0"}, "baseline_sd", "not positive", "above 0", "0"),
    ("timecourse", {"responders_pct": "130"}, "responders_pct", "percentage is impossible", "0 to 100", "130"),
    ("timecourse", {"remission_pct": "-1"}, "remission_pct", "percentage is impossible", "0 to 100", "-1"),
    ("timecourse", {"responders_n": "31"}, "responders_n", "more responders than people", "at most 30", "31"),
    ("timecourse", {"n_arm": "-3"}, "n_arm", "number of people", "1 or more", "-3"),
    ("timecourse", {"n_arm": "12.5"}, "n_arm", "number of people", "whole number", "12.5"),
    ("timecourse", {"n_arm": "about 20"}, "n_arm", "text where a number belongs", "whole number", "about 20"),
    ("timecourse", {"change_mean": "better"}, "change_mean", "text where a number belongs", "a number", "better"),
    ("timecourse", {"change_mean": "inf"}, "change_mean", "no usable number", "a number", "inf"),
    ("timecourse", {"change_mean": "-36"}, "change_mean", "beyond the range of the MADRS", "baseline of 34", "-36"),
    ("timecourse", {"baseline_mean": "66"}, "baseline_mean", "outside the range of the MADRS", "0 to 60", "66"),
    ("timecourse", {"time_hours_from_first_dose": "-1"}, "time_hours", "before the first dose", "0 or more", "-1"),
    ("timecourse", {"split": "test"}, "split", "use of a row", "calibration, validation", "test"),
    ("timecourse", {"study_id": ""}, "study_id", "not whom it is about", "study_id", "nothing"),
    ("timecourse", {"memory_fields": "size"}, "memory_fields", "no column", "n_arm", "size"),
    ("contrasts", {"se": "0"}, "se", "not positive", "above 0", "0"),
    ("contrasts", {"ci_low": "-3", "ci_high": "-11"}, "ci_low", "turned round", "-11 or less", "-3"),
    ("contrasts", {"ci_low": "-3", "ci_high": "-1"}, "estimate", "outside its interval", "between -3 and -1", "-7"),
    ("contrasts", {"estimate": "-70"}, "estimate", "beyond the range of the MADRS", "-60 to 60", "-70"),
    ("contrasts", {"effect_measure": "OR", "estimate": "-2"}, "estimate", "ratio is not positive", "more than 0", "-2"),
    ("durability", {"value": "130"}, "value", "share is impossible", "0 to 100", "130"),
    ("durability", {"value": "many"}, "value", "text where a number belongs", "a number", "many"),
    ("durability", {"ci_or_iqr": "IQR 27-11"}, "ci_or_iqr", "turned round", "11 or less", "27"),
    ("durability", {"n_at_risk": "0"}, "n_at_risk", "number of people", "1 or more", "0"),
]


@pytest.mark.parametrize(("kind", "change", "column", "fault", "expected", "came"), FAULTS)
def test_what_cannot_be_stops_the_reading(
    table: Table, kind: str, change: dict[str, str], column: str, fault: str, expected: str, came: str
) -> None:
    sound = {"arm_id": "other", "contrast": "ket1.0 v midazolam"}
    with pytest.raises(EvidenceError) as caught:
        read_table(table(kind, sound, change))
    told = caught.value
    assert fault in told.fault
    assert expected in str(told.expected)
    assert told.came == came
    assert str(told.where).startswith("table.csv, row 2, column ")
    assert column in str(told.where)
    assert told.exit_code == 2


@pytest.mark.parametrize(
    ("kind", "second", "value"),
    [
        ("timecourse", {"change_mean": "-12"}, "-15"),
        ("timecourse", {}, "-15"),
        ("contrasts", {"estimate": "-5"}, "-7"),
        ("durability", {"value": "50"}, "60"),
    ],
)
def test_the_same_study_row_twice_is_refused(table: Table, kind: str, second: dict[str, str], value: str) -> None:
    with pytest.raises(EvidenceError, match="duplicated study row: row 1") as caught:
        read_table(table(kind, {}, second))
    assert value in str(caught.value.expected)


def test_another_column_of_the_same_arm_and_time_is_no_duplicate(table: Table) -> None:
    found = read_table(table("timecourse", {}, {"change_mean": "", "responders_pct": "40"}))
    assert [each.measure for each in found.findings] == ["change", "response"]


def test_many_faults_are_counted_and_the_first_five_listed(table: Table) -> None:
    rows = [{"arm_id": f"arm{number}", "n_arm": "0"} for number in range(7)]
    with pytest.raises(EvidenceError) as caught:
        read_table(table("timecourse", *rows))
    assert "table.csv has 7 faults; the first 5:" in str(caught.value)
    assert "row 5, column n_arm" in str(caught.value)
    assert "row 6" not in str(caught.value)


def test_columns_are_missing_unknown_or_there_twice(table: Table) -> None:
    with pytest.raises(EvidenceError, match="A column is missing") as caught:
        read_table(table("timecourse", {}, without=["outcome"]))
    assert caught.value.expected == "a column outcome"
    with pytest.raises(EvidenceError, match="There is an unknown column") as caught:
        read_table(table("timecourse", {}, besides=["responder_pct"]))
    assert caught.value.remedy == "did you mean responders_pct?"
    with pytest.raises(EvidenceError, match="A column is there twice"):
        read_table(table("timecourse", {}, besides=["outcome"]))


def test_bookkeeping_columns_can_be_left_out(table: Table) -> None:
    books = ["source_url", "seen", "memory_fields", "note", "split", "first_author", "year", "doi_or_nct"]
    found = read_table(table("timecourse", {}, without=books))
    assert [(each.value, each.split, each.source) for each in found.findings] == [(-15.0, "validation", "")]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "no rows"),
        (b"study_id,contrast,control_type,estimate,effect_measure\n", "no rows"),
        (b"person,score\n1,2\n", "no known kind"),
        (b"study_id;arm_id\n1;2\n", "no known kind"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b'study_id,arm_id\n"a', "not CSV"),
    ],
)
def test_a_file_that_is_no_such_table(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match=fault):
        read_table(path)


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="no such table"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_table(tmp_path)


def test_a_row_of_another_length_is_named(table: Table) -> None:
    path = table("timecourse", {})
    path.write_text(path.read_text(encoding="utf-8") + "a,b\n", encoding="utf-8")
    with pytest.raises(EvidenceError, match="does not fit the header") as caught:
        read_table(path)
    assert caught.value.where == "table.csv, row 2"


REFUSALS = [
    ("timecourse", {"drug": "psilocybin"}, "unknown drug: psilocybin"),
    ("timecourse", {"route": "rectal"}, "unknown route: rectal"),
    ("timecourse", {"population": "healthy volunteers"}, "unknown condition: healthy volunteers"),
    ("timecourse", {"outcome": "WSAS"}, "unknown instrument: WSAS"),
    ("timecourse", {"outcome": "HAMD17/QIDS-SR16"}, "mixed instruments: HAM-D17 and QIDS-SR16"),
    ("timecourse", {"outcome": "% of final improvement"}, "a percentage of another quantity"),
    ("timecourse", {"time_hours_from_first_dose": ""}, "no time"),
    ("timecourse", {"note": "response AT ANY POINT"}, "no time: counted at any time"),
    ("timecourse", {"note": "qualitative"}, "qualitative outcome"),
    ("timecourse", {"change_mean": ""}, "no numeric value"),
    ("timecourse", {"memory_fields": "change_mean"}, "no numeric value that was read: change_mean recalled"),
    ("timecourse", {"seen": "no"}, "not read in its source"),
    ("timecourse", {"drug": "esketamine (stopped)"}, "treatment had stopped"),
    ("contrasts", {"contrast": "psilocybin v placebo", "control_type": "placebo"}, "unknown drug: psilocybin"),
    ("contrasts", {"control_type": "quetiapine", "contrast": "ket v quetiapine"}, "unknown control: quetiapine"),
    ("contrasts", {"route": "rectal"}, "unknown route: rectal"),
    ("contrasts", {"effect_measure": "gain"}, "unknown effect measure: gain"),
    ("contrasts", {"time_hours": ""}, "no time"),
    ("contrasts", {"estimate": ""}, "no numeric value"),
    ("durability", {"value": "NS"}, "qualitative outcome"),
    ("durability", {"metric": "last day of significant difference", "unit": "days"}, "no comparable quantity"),
    ("durability", {"metric": "smiles", "unit": ""}, "unknown metric: smiles"),
    ("durability", {"metric": "% still responding", "time_days": ""}, "no time"),
    ("durability", {"drug": "lithium"}, "unknown drug: lithium"),
]


@pytest.mark.parametrize(("kind", "change", "reason"), REFUSALS)
def test_what_is_not_understood_is_refused_and_the_rest_is_read(
    table: Table, kind: str, change: dict[str, str], reason: str
) -> None:
    sound = {"study_id": "SOUND_2026"}
    found = read_table(table(kind, sound, change))
    assert [each.trial for each in found.findings] == ["SOUND_2026"]
    (refused,) = found.refusals
    assert (refused.row, refused.table, refused.trial) == (2, kind, "NEW_2026")
    assert refused.reason.startswith(reason)
    assert {trial for trial, _ in found.arms} == {"SOUND_2026"}


def test_an_unseen_table_of_new_routes_and_words(table: Table) -> None:
    found = read_table(
        table(
            "timecourse",
            {"arm_id": "sc", "drug": "R/S-ketamine", "route": "SC", "dose": "0.5-0.9", "regimen": "2x/wk x4wk"},
            {"arm_id": "im", "drug": "(S)-ketamine", "route": "IM", "dose": "0.25 mg/kg", "dose_unit": ""},
            {"arm_id": "mid", "drug": "midazolam", "route": "SC", "dose": "0.025", "regimen": "2x/week for 4 weeks"},
            {"arm_id": "spray", "drug": "Esketamine nasal spray + newly initiated SNRI", "route": "IN", "dose": "84",
             "dose_unit": "mg", "regimen": "twice weekly for 4 weeks", "time_hours_from_first_dose": "648"},
            {"arm_id": "tabs", "drug": "escitalopram", "route": "PO", "dose": "10", "dose_unit": "mg", "n_arm": "",
             "regimen": "daily 8 wk", "population": "MDD", "change_se_or_sd": "", "change_err_type": ""},
            {"arm_id": "psi", "drug": "psilocybin", "route": "oral", "dose": "25", "dose_unit": "mg"},
        )
    )  # fmt: skip
    arms = {name: arm for (_, name), arm in found.arms.items()}
    given = {name: (arm.drug, arm.route, arm.amount, arm.unit, len(arm.doses_h)) for name, arm in arms.items()}
    assert given == {
        "sc": ("ketamine", "subcutaneous", 0.7, "mg/kg", 8),
        "im": ("esketamine", "intramuscular", 0.25, "mg/kg", 1),
        "mid": ("midazolam", "subcutaneous", 0.025, "mg/kg", 8),
        "spray": ("esketamine", "intranasal", 84.0, "mg", 8),
        "tabs": ("escitalopram", "oral", 10.0, "mg", 1),
    }
    assert arms["sc"].flexible
    assert arms["tabs"].daily
    assert arms["spray"].background == "new antidepressant"
    last = found.findings[-1]
    assert (last.n, last.error, last.error_type) == (None, None, "none")
    assert [each.reason for each in found.refusals] == ["unknown drug: psilocybin"]


def test_one_wide_row_gives_several_findings(table: Table) -> None:
    note = "Day 28 observed cases; remission MADRS<=12"
    path = table("timecourse", {"responders_n": "15", "remission_pct": "20", "note": note, "arm_id": "ket_LOCF"})
    change, response, remission = read_table(path).findings
    assert (change.measure, change.value, change.error, change.error_type) == ("change", -15.0, 10.0, "SD")
    assert (response.measure, response.value, response.error_type) == ("response", 0.5, "binomial")
    assert (remission.measure, remission.value) == ("remission_12", 0.2)
    assert {each.arm for each in (change, response, remission)} == {"ket"}
    assert {each.analysis for each in (change, response, remission)} == {"LOCF"}


def test_recalled_fields_are_missing_and_parts_of_fields_are_named(table: Table) -> None:
    fields = "n_arm,baseline_mean,regimen(timing),doi_or_nct(NCT)"
    references = {"doi_or_nct": "10.1000/x; NCT01234567", "memory_fields": fields}
    found = read_table(table("timecourse", references))
    (finding,) = found.findings
    assert (finding.n, finding.baseline, finding.baseline_sd) == (None, None, 5.0)
    assert finding.missing == ("n_arm", "baseline_mean", "regimen", "doi_or_nct")
    (arm,) = found.arms.values()
    assert (arm.doi, arm.registration) == ("10.1000/x", "")
    assert arm.assumed == ("regimen: its timing was recalled, and is assumed",)


def test_an_error_of_unknown_type_is_not_used_and_said(table: Table) -> None:
    (finding,) = read_table(table("timecourse", {"change_err_type": "95% CI"})).findings
    assert (finding.error, finding.error_type) == (None, "none")
    assert finding.assumed == ("error: its type is not understood (95% ci), not used",)


def test_a_mean_score_becomes_a_change_only_from_a_baseline(table: Table) -> None:
    change = {"change_mean": "", "mean": "20"}
    (finding,) = read_table(table("timecourse", change)).findings
    assert (finding.measure, finding.value, finding.error_type) == ("change", -14.0, "none")
    (finding,) = read_table(table("timecourse", {**change, "sd": "9", "baseline_mean": ""})).findings
    assert (finding.measure, finding.definition, finding.value, finding.error) == ("other", "mean score", 20.0, 9.0)


def test_the_error_of_a_difference_follows_from_its_interval(table: Table) -> None:
    (finding,) = read_table(table("contrasts", {"se": "", "ci_low": "-10.92", "ci_high": "-3.08"})).findings
    assert finding.error == pytest.approx(2.0)
    assert (finding.error_type, finding.error_status) == ("SE", "derived")
    ratio = {"effect_measure": "HR", "estimate": "0.5", "se": "", "ci_low": "0.3", "ci_high": "0.9"}
    (finding,) = read_table(table("contrasts", ratio)).findings
    assert (finding.measure, finding.error, finding.error_type) == ("hazard_ratio", None, "CI95")


@pytest.mark.parametrize(
    ("words", "drug", "route", "background", "design"),
    [
        ("midazolam", "midazolam", "intranasal", "none", "parallel"),
        ("saline (crossover)", "saline", "intranasal", "none", "crossover"),
        ("placebo spray", "placebo", "intranasal", "none", "parallel"),
        ("new AD + placebo spray", "placebo", "intranasal", "new antidepressant", "parallel"),
        ("placebo + SOC", "placebo", "intranasal", "standard of care", "parallel"),
        ("saline + escitalopram", "saline", "intranasal", "new antidepressant", "parallel"),
        ("inert placebo spray (bittered)", "placebo", "intranasal", "none", "parallel"),
        ("ECT", "ECT", "electric", "none", "parallel"),
    ],
)
def test_controls(table: Table, words: str, drug: str, route: str, background: str, design: str) -> None:
    change = {"contrast": "esk84 v control", "route": "IN", "dose": "84 mg", "control_type": words, "time_hours": "648"}
    found = read_table(table("contrasts", change))
    control = found.arms["NEW_2026", str(found.findings[0].versus)]
    assert (control.drug, control.route, control.background, control.design) == (drug, route, background, design)
    assert len(found.arms["NEW_2026", "esk84"].doses_h) == 8
    assert "regimen: twice a week for four weeks, the usual course" in found.findings[0].assumed


def test_a_contrast_of_a_shipped_trial_takes_its_arms(table: Table) -> None:
    change = {
        "study_id": "SINGH_2016b",
        "contrast": "ket 3x/wk v saline",
        "control_type": "saline",
        "time_hours": "336",
    }
    found = read_table(table("contrasts", change))
    assert (found.findings[0].arm, found.findings[0].versus) == ("ket_3x", "pbo_3x")
    assert len(found.arms["SINGH_2016b", "ket_3x"].doses_h) == 12


def test_controls_of_one_name_and_two_schedules_stay_apart(table: Table) -> None:
    rows = [{"contrast": f"ket {n}x/wk v saline", "control_type": "saline", "time_hours": "336"} for n in (2, 3)]
    found = read_table(table("contrasts", *rows))
    schedules = {name: len(arm.doses_h) for (_, name), arm in found.arms.items() if arm.drug == "saline"}
    assert schedules == {"saline": 8, "saline (ket 3x/wk v saline)": 12}


def test_relapse_counts_from_the_first_dose_where_the_event_is_known(table: Table) -> None:
    known, unknown, median = read_table(
        table(
            "durability",
            {},
            {"study_id": "B", "metric": "% relapsed within 4 wk", "regimen": "stop at remission; usual care"},
            {"study_id": "C", "metric": "median time to relapse after last infusion", "value": "18", "unit": "days",
             "ci_or_iqr": "IQR 11-27"},
        )
    ).findings  # fmt: skip
    assert (known.event_h, known.time_h, known.since) == (264.0, 264.0 + 672.0, "first dose")
    assert (known.measure, known.value, known.at_risk) == ("relapsed", 0.6, "responders")
    assert known.definition == "MADRS>=22 twice"
    assert (unknown.event_h, unknown.time_h, unknown.since) == (None, 672.0, "event")
    assert (median.measure, median.value, median.low, median.high) == ("median_relapse_h", 432.0, 264.0, 648.0)
    assert median.error_type == "IQR"


def test_the_digest_follows_the_content(table: Table) -> None:
    first = read_table(table("timecourse", {})).digest
    assert first == read_table(table("timecourse", {})).digest
    assert first != read_table(table("timecourse", {"change_mean": "-14"})).digest
    assert first.startswith("sha256:")
