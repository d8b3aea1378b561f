"""Words for treatments, people and outcomes become the project's own."""

from __future__ import annotations

import pytest

from upturn.evidence.outcomes import analysis_in, cutoff_in, read_outcome
from upturn.evidence.treatments import (
    Amount,
    background_in,
    read_ages,
    read_amount,
    read_condition,
    read_drug,
    read_route,
)


@pytest.mark.parametrize(
    ("words", "drug"),
    [
        ("racemic ketamine", "ketamine"),
        ("ketamine", "ketamine"),
        ("R/S-ketamine", "ketamine"),
        ("(R,S)-ketamine", "ketamine"),
        ("racemic ketamine + Li/VPA", "ketamine"),
        ("escitalopram + racemic ketamine", "ketamine"),
        ("esketamine + new SSRI/SNRI", "esketamine"),
        ("esketamine + SOC", "esketamine"),
        ("S-ketamine", "esketamine"),
        ("(S)-ketamine", "esketamine"),
        ("midazolam", "midazolam"),
        ("saline", "saline"),
        ("saline + Li/VPA", "saline"),
        ("escitalopram + saline", "saline"),
        ("placebo nasal spray", "placebo"),
        ("new SSRI/SNRI + nasal placebo", "placebo"),
        ("placebo + SOC", "placebo"),
        ("inert placebo spray (bittered)", "placebo"),
        ("ECT", "ECT"),
        ("dextromethorphan-bupropion (AXS-05)", "dextromethorphan-bupropion"),
        ("bupropion", "bupropion"),
        ("citalopram", "citalopram"),
        ("conventional antidepressants", "antidepressant"),
        ("psilocybin", None),
        ("psilocybin + placebo", None),
        ("quetiapine XR + SSRI/SNRI", None),
        ("arketamine", None),
        ("SSRI v placebo", None),
        ("", None),
    ],
)
def test_drugs(words: str, drug: str | None) -> None:
    assert read_drug(words) == drug


@pytest.mark.parametrize(
    ("words", "route"),
    [
        ("IV", "intravenous"), ("intravenous", "intravenous"), ("i.v.", "intravenous"), ("IN", "intranasal"),
        ("intranasal", "intranasal"), ("nasal spray", "intranasal"), ("SC", "subcutaneous"), ("IM", "intramuscular"),
        ("SL", "sublingual"), ("oral", "oral"), ("PO", "oral"), ("ECT", "electric"),
        ("subcutaneous infusion", "subcutaneous"), ("infusion", "intravenous"), ("rectal", None), ("", None),
    ],
)  # fmt: skip
def test_routes(words: str, route: str | None) -> None:
    assert read_route(words) == route


@pytest.mark.parametrize(
    ("words", "unit", "drug", "amount"),
    [
        ("0.5", "mg/kg", "ketamine", Amount(0.5, "mg/kg", False)),
        ("0.5 mg/kg", "", "ketamine", Amount(0.5, "mg/kg", False)),
        ("0.5 start", "mg/kg", "ketamine", Amount(0.5, "mg/kg", True)),
        ("0.5-0.75", "mg/kg", "ketamine", Amount(0.625, "mg/kg", True)),
        ("84 mg", "", "esketamine", Amount(84.0, "mg", False)),
        ("28-84", "mg", "esketamine", Amount(56.0, "mg", True)),
        ("56 or 84 mg", "", "esketamine", Amount(70.0, "mg", True)),
        ("45-105", "mg", "dextromethorphan-bupropion", Amount(45.0, "mg", False)),
        ("41.8", "mg/day (mean exit)", "citalopram", Amount(41.8, "mg", False)),
        ("", "mg", "ketamine", Amount(None, "", False)),
        ("0", "mg/kg", "saline", Amount(0.0, "mg", False)),
        ("", "", "ECT", Amount(None, "", False)),
    ],
)
def test_amounts(words: str, unit: str, drug: str, amount: Amount) -> None:
    assert read_amount(words, unit=unit, drug=drug) == amount


@pytest.mark.parametrize(
    ("words", "background"),
    [
        (("esketamine + new SSRI/SNRI", "2x/wk x4wk + new oral AD"), "new antidepressant"),
        (("racemic ketamine", "single infusion + newly started escitalopram 10 mg/d"), "new antidepressant"),
        (("racemic ketamine", "single 40-min infusion, adjunct"), "ongoing antidepressant"),
        (("esketamine + SOC", "2x/wk x4wk + hospital-based SOC"), "standard of care"),
        (("esketamine monotherapy", "TRD (no AD)"), "none"),
        (("racemic ketamine", "TRD (drug-free)"), "none"),
        (("racemic ketamine", "single infusion"), "none"),
    ],
)
def test_backgrounds(words: tuple[str, ...], background: str) -> None:
    assert background_in(*words, drug="ketamine")[0] == background


def test_what_is_assumed_about_background_and_condition_is_said() -> None:
    assert background_in("saline + Li/VPA", drug="saline") == (
        "none",
        ("background: a mood stabiliser goes on, counted as none",),
    )
    assert background_in("esketamine + AD", drug="esketamine")[1] == ("background: taken as ongoing",)
    assert read_condition("adolescents") == ("major depression", ("condition: not said, counted as major depression",))
    assert read_condition("TRD (MDD or bipolar)") == (
        "treatment-resistant depression",
        ("condition: mixed group, counted as treatment-resistant depression",),
    )


@pytest.mark.parametrize(
    ("words", "condition"),
    [
        ("TRD", "treatment-resistant depression"),
        ("TRD (>=65 y)", "treatment-resistant depression"),
        ("MDD", "major depression"),
        ("MDD (adolescents 13-17)", "major depression"),
        ("SI (MDD, SSI>=4)", "depression with suicidal ideation"),
        ("MDSI", "depression with suicidal ideation"),
        ("bipolar", "bipolar depression"),
        ("bipolar depression (TR)", "bipolar depression"),
        ("PTSD (veterans, AD-resistant)", "post-traumatic stress disorder"),
        ("social anxiety disorder", "social anxiety disorder"),
        ("GAD/SAD (refractory, responders to acute dose)", "anxiety disorders"),
        ("depression/anxiety, telehealth", "major depression"),
    ],
)
def test_conditions(words: str, condition: str) -> None:
    found = read_condition(words)
    assert found is not None
    assert found[0] == condition


@pytest.mark.parametrize(
    ("words", "ages"),
    [
        ("TRD (>=65 y)", (65, None)),
        ("TRD, 65 years and older", (65, None)),
        ("MDD 13-17 y", (13, 17)),
        ("MDD (adolescents 13-17)", (13, 17)),
        ("TRD (MDD or bipolar), real world", (None, None)),
        ("MDD (severe, HAMD17>=24)", (None, None)),
        ("SI (MDD, SSI>=4)", (None, None)),
        ("MDD (>=1 failed trial)", (None, None)),
    ],
)
def test_ages(words: str, ages: tuple[float | None, float | None]) -> None:
    assert read_ages(words) == ages


def test_a_condition_that_is_not_known_gives_nothing() -> None:
    assert read_condition("healthy volunteers") is None


@pytest.mark.parametrize(
    ("words", "instrument", "reason"),
    [
        ("MADRS", "MADRS", ""),
        ("MADRS total score", "MADRS", ""),
        ("HAMD17", "HAM-D17", ""),
        ("HDRS-17", "HAM-D17", ""),
        ("HAMD6", "HAM-D6", ""),
        ("HAM-D 24", "HAM-D", ""),
        ("SSI", "SSI", ""),
        ("CAPS-5 (response >=30%)", "CAPS-5", ""),
        ("PCL-5", "PCL-5", ""),
        ("QIDS-SR16", "QIDS-SR16", ""),
        ("HAMD17/QIDS-SR16", "", "mixed instruments: HAM-D17 and QIDS-SR16"),
        ("% of end-point HAMD improvement achieved", "", "a percentage of another quantity"),
        ("Fear Questionnaire % change", "", "a percentage of another quantity"),
        ("LSAS (>35% reduction, any time in 2 wk)", "", "no time: counted at any time"),
        ("WSAS", "", "unknown instrument: WSAS"),
        ("", "", "unknown instrument: nothing is written"),
    ],
)
def test_outcomes(words: str, instrument: str, reason: str) -> None:
    found = read_outcome(words)
    assert found.instrument == instrument
    assert found.reason.startswith(reason)


def test_definitions_are_kept_apart() -> None:
    assert read_outcome("MADRS onset of SUSTAINED clinical response (>=50% by this time)").sustained
    assert not read_outcome("MADRS").sustained
    assert cutoff_in("MADRS", "Panel A; remission MADRS<=10. 2 h rating: -9.7") == "remission_10"
    assert cutoff_in("MADRS", "Day 28 observed cases; remission MADRS<=12") == "remission_12"
    assert cutoff_in("MADRS", "day 28") == "remission"
    assert analysis_in("esk_flex_LOCF", "observed elsewhere") == "LOCF"
    assert analysis_in("esk_flex", "") == "unknown"
