"""Every fault is told with what was expected, what came, and the path inside the document."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

import pytest

from upturn import protocol
from upturn.errors import ProtocolError

KETAMINE = ("arms", "ketamine", "doses", 0)
BOOSTER = ("arms", "ketamine", "doses", 1)
REMOVED = "(removed)"

CONCERN = {"id": "item-9", "text": "x", "instrument": "PHQ-9", "item": "9", "at_least": 1, "within": "PT8H",
           "status": "assumed"}  # fmt: skip
STOP = {"id": "stop", "text": "x", "status": "assumed"}
LOOK = {"id": "bladder", "text": "x", "from": "P7D", "every": "P7D", "status": "assumed"}

# path to spoil, value, path in the message, what was expected, what came
CASES: list[tuple[tuple[str | int, ...], Any, str, str, str]] = [
    ((*KETAMINE, "drug"), "ketamin", "arms.ketamine.doses[0].drug", "ketamine, esketamine", "ketamin"),
    ((*KETAMINE, "route"), "iv", "arms.ketamine.doses[0].route", "intravenous", "iv"),
    ((*KETAMINE, "amount"), "0.5", "arms.ketamine.doses[0].amount", "such as 28 mg", "0.5"),
    ((*KETAMINE, "amount"), 0.5, "arms.ketamine.doses[0].amount", "such as 28 mg", "0.5"),
    ((*KETAMINE, "amount"), "-0.5 mg/kg", "arms.ketamine.doses[0].amount", "zero or more", "-0.5 mg/kg"),
    ((*KETAMINE, "amount"), "0.5 mL", "arms.ketamine.doses[0].amount", "28 mg", "0.5 mL"),
    ((*KETAMINE, "amount"), "50 mg/kg", "arms.ketamine.doses[0].amount", "1 mg/kg or less", "50 mg/kg"),
    ((*KETAMINE, "amount"), "0 mg", "arms.ketamine.doses[0].amount", "0.5 mg/kg or 84 mg", "0 mg"),
    ((*KETAMINE, "over"), REMOVED, "arms.ketamine.doses[0].over", "PT40M", "nothing"),
    ((*KETAMINE, "over"), "P1M", "arms.ketamine.doses[0].over", "ISO 8601", "P1M"),
    ((*KETAMINE, "over"), "-PT40M", "arms.ketamine.doses[0].over", "zero or more", "-PT40M"),
    ((*KETAMINE, "over"), 40, "arms.ketamine.doses[0].over", "PT40M", "40"),
    ((*KETAMINE, "route"), "oral", "arms.ketamine.doses[0].over", "nothing", "PT40M"),
    ((*KETAMINE, "on"), ["P2D", "P0D"], "arms.ketamine.doses[0].on[1]", "later than P2D", "P0D"),
    ((*KETAMINE, "on"), ["-P1D", "P0D"], "arms.ketamine.doses[0].on", "P0D or later", "-P1D"),
    ((*KETAMINE, "on"), ["P1D"], "arms.ketamine.doses", "one dose with P0D", ""),
    ((*KETAMINE, "on"), ["P0D", "P90D"], "arms.ketamine.doses[0].on", "P28D or earlier", "P90D"),
    ((*KETAMINE, "on"), "daily", "arms.ketamine.doses[0].on", "a list", "daily"),
    (
        (*KETAMINE, "on"),
        {"every": "PT0H", "until": "P7D"},
        "arms.ketamine.doses[0].on.every",
        "more than zero",
        "P0D",
    ),
    (
        (*KETAMINE, "on"),
        {"every": "PT1S", "until": "P28D"},
        "arms.ketamine.doses[0].on.every",
        "up to",
        "PT1S",
    ),
    ((*KETAMINE, "on"), REMOVED, "arms.ketamine.doses[0].on", "when: relapse", "nothing"),
    (
        ("arms", "midazolam", "doses", 0, "id"),
        "Big One",
        "arms.midazolam.doses[0].id",
        "lower-case",
        "Big One",
    ),
    ((*KETAMINE, "dose"), "1", "arms.ketamine.doses[0].dose", "drug", "dose"),
    ((*BOOSTER, "like"), "infusio", "arms.ketamine.doses[1].like", "infusion", "infusio"),
    ((*BOOSTER, "like"), "booster", "arms.ketamine.doses[1].like", "infusion", "booster"),
    ((*BOOSTER, "id"), "infusion", "arms.ketamine.doses[1].id", "each id once", "infusion, 2 times"),
    ((*BOOSTER, "on"), ["P3D"], "arms.ketamine.doses[1].on", "either on or when", ""),
    ((*BOOSTER, "every"), REMOVED, "arms.ketamine.doses[1].every", "a duration", ""),
    ((*BOOSTER, "until"), "P1D", "arms.ketamine.doses[1].until", "P7D or later", "P1D"),
    ((*BOOSTER, "until"), "P180D", "arms.ketamine.doses[1].until", "P28D or earlier", "P180D"),
    (
        ("endpoints", "relapse"),
        REMOVED,
        "arms.ketamine.doses[1].when",
        "relapse under endpoints",
        "when: relapse",
    ),
    (("endpoints", "response", "instrument"), "PHQ-9", "endpoints.response.instrument", "MADRS", "PHQ-9"),
    (("endpoints", "response", "fall"), 50, "endpoints.response.fall", "1 or less", "50"),
    (("endpoints", "relapse", "consecutive"), 1.5, "endpoints.relapse.consecutive", "whole number", "1.5"),
    (
        ("endpoints", "sustained_response", "until"),
        "PT1H",
        "sustained_response.until",
        "later than P1D",
        "PT1H",
    ),
    (("population", "baseline", "MADRS", "mean"), 66, "population.baseline.MADRS.mean", "20 to 60", "66"),
    (("population", "baseline", "MADRS", "max"), 66, "population.baseline.MADRS.max", "0 to 60", "66"),
    (("population", "baseline", "MADRS", "sd"), 0, "population.baseline.MADRS.sd", "more than 0", "0"),
    (("population", "baseline"), {}, "population.baseline.MADRS", "mean: 33", ""),
    (("population", "age_y", "max"), 10, "population.age_y.max", "> 18", "10"),
    (("population", "weight_kg", "min"), -1, "population.weight_kg.min", "more than 0", "-1"),
    (("population", "female"), 60, "population.female", "1 or less", "60"),
    (("population", "age_y", "status"), "seen in source", "population.age_y.source", "id of a source", ""),
    (("population", "age_y", "source"), "nobody", "population.age_y.source", "label", "nobody"),
    (("population", "covariates"), {"smoker": "often"}, "population.covariates.smoker", "a number", "often"),
    (("contrasts", 0, "control"), "midazolm", "contrasts[0].control", "ketamine, midazolam", "midazolm"),
    (("contrasts", 0, "control"), "ketamine", "contrasts[0]", "two arms", "ketamine"),
    (("encounters", 1, "window", "before"), "P7D", "encounters[1].window", "PT12H or later", "P0D"),
    (("encounters", 1, "window", "before"), "-P1D", "encounters[1].window.before", "zero or more", "-P1D"),
    (("encounters", 1, "id"), "start", "encounters[1].id", "each id once", "start"),
    (("assessments", 0, "at"), ["P29D"], "assessments[0].at", "P28D or earlier", "P29D"),
    (("assessments", 0, "at"), [], "assessments[0].at", "such as", "an empty list"),
    (("assessments", 0, "arms"), ["placebo"], "assessments[0].arms[0]", "ketamine, midazolam", "placebo"),
    (("assessments", 0, "events"), 40, "assessments[0].events", "nothing", "40"),
    (("assessments", 1, "instrument"), "MADRAS", "assessments[1].instrument", "MADRS", "MADRAS"),
    (
        ("assessments", 2),
        {"instrument": "MADRS", "at": ["P7D"], "rater": "blinded"},
        "assessments[2].at",
        "each instrument once",
        "P7D",
    ),
    (("session", "timepoints", 0, "measures"), [], "session.timepoints[0].measures", "at least 1", "[]"),
    (("session", "timepoints", 0, "at"), "P1D", "session.timepoints[1]", "later than P1D", "PT40M"),
    (("gates", 0, "citation"), "labell", "gates[0].citation", "label", "labell"),
    (("gates", 0, "rules", 0, "below"), 60, "gates[0].rules[0]", "one of: above", "above and below"),
    (("gates", 0, "kind"), "firm", "gates[0].kind", "hard or soft", "firm"),
    (("gates", 0, "when"), "later", "gates[0].when", "before, during or leaving", "later"),
    (("gates", 0, "then"), "scream", "gates[0].then", "closer", "scream"),
    (("gates", 0, "then"), "closer", "gates[0].every", "PT5M", "nothing"),
    (("gates", 0, "every"), "PT5M", "gates[0].every", "then: closer", "then: decide"),
    (("gates", 0, "override"), ["clinician"], "gates[0].override", "kind: hard", "clinician"),
    (("gates", 0, "override"), ["rater"], "gates[0].override[0]", "clinician", "rater"),
    (("gates", 0, "signs"), ["pain", "pain"], "gates[0].signs", "each sign once", "pain, pain"),
    (("gates", 0, "only"), ["nasal"], "gates[0].only[0]", "intranasal", "nasal"),
    (("gates", 0, "rules", 0, "of"), "rise", "gates[0].rules[0].of", "of: value", "of: rise"),
    (
        ("gates", 1),
        {
            "id": "air",
            "kind": "hard",
            "at": "session",
            "when": "during",
            "text": "x",
            "status": "assumed",
            "rules": [{"measure": "SpO2", "below": 92}],
        },
        "gates[1].rules[0].measure",
        "one of: CADSS, DBP, SBP",
        "SpO2",
    ),
    (
        ("gates", 1),
        {
            "id": "far",
            "kind": "hard",
            "at": "session",
            "when": "during",
            "text": "x",
            "status": "assumed",
            "rules": [{"measure": "CADSS", "of": "rise", "above": 4}],
        },
        "gates[1].rules[0].measure",
        "one of: DBP, SBP",
        "CADSS",
    ),
    (
        ("gates", 1),
        {"id": "early", "kind": "soft", "at": "screening", "when": "during", "text": "x", "status": "assumed"},
        "gates[1].when",
        "at: session",
        "",
    ),
    (
        ("session", "arrival"),
        [{"id": "a", "text": "x", "status": "assumed", "rules": [{"measure": "CADSS", "above": 4}]}],
        "session.arrival[0].rules[0].measure",
        "one of: DBP, SBP",
        "CADSS",
    ),
    (
        ("session", "arrival"),
        [{"id": "a", "text": "x", "status": "assumed"}, {"id": "a", "text": "x", "status": "assumed"}],
        "session.arrival[1].id",
        "each id once",
        "a, 2 times",
    ),
    (
        ("session", "discharge", 0, "rules"),
        [{"measure": "SpO2", "below": 92}],
        "session.discharge[0].rules[0].measure",
        "one of: CADSS, DBP, SBP",
        "SpO2",
    ),
    (("session", "discharge", 0, "citation"), "nobody", "session.discharge[0].citation", "label", "nobody"),
    (("safety",), {"concern": []}, "safety.concern", "concerns", "concern"),
    (("safety",), {"concerns": [{**CONCERN, "within": REMOVED}]}, "safety.concerns[0].within", "duration", "removed"),
    (("safety",), {"concerns": [{**CONCERN, "owner": "rater"}]}, "safety.concerns[0].owner", "clinician", "rater"),
    (("safety",), {"concerns": [CONCERN, {**CONCERN}]}, "safety.concerns[1].id", "each id once", "item-9, 2 times"),
    (
        ("safety",),
        {"concerns": [{**CONCERN, "status": "seen in source"}]},
        "safety.concerns[0].citation",
        "id of a source",
        "",
    ),
    (("safety",), {"concerns": [{**CONCERN, "citation": "x"}]}, "safety.concerns[0].citation", "label", "x"),
    (("safety",), {"stopping": [{**STOP, "no_response": {"by": "P90D"}}]}, "no_response.by", "P28D or earlier", "P90D"),
    (
        ("safety",),
        {"stopping": [{**STOP, "no_response": {"by": "P7D", "instrument": "YMRS"}}]},
        "no_response.instrument",
        "MADRS, CADSS",
        "YMRS",
    ),
    (
        ("safety",),
        {"stopping": [{**STOP, "rules": [{"measure": "SBP", "of": "rise", "above": 20}]}]},
        "safety.stopping[0].rules[0].of",
        "of: value",
        "of: rise",
    ),
    (("safety",), {"stopping": [STOP]}, "safety.stopping[0]", "rules, events, no_response or spacing", "nothing"),
    (("safety",), {"monitoring": [{**LOOK, "every": "P0D"}]}, "safety.monitoring[0].every", "more than zero", "P0D"),
    (("safety",), {"monitoring": [{**LOOK, "from": "P90D"}]}, "safety.monitoring[0].from", "within follow-up", "P90D"),
    (("arms",), {}, "arms", "at least 1", "{}"),
    (("arms", "midazolam"), [], "arms.midazolam", "named entries", "[]"),
    (("arms", "ketamine", "role"), REMOVED, "arms.ketamine.role", "what is studied", "nothing"),
    (("upturn",), 2, "upturn", "upturn: 1", "upturn: 2"),
    (("upturn",), True, "upturn", "upturn: 1", "upturn: true"),
    (("upturn",), "1", "upturn", "upturn: 1", 'upturn: "1"'),
    (("version",), 1.0, "version", "quotes", "1.0"),
    (("title",), "", "title", "some text", ""),
    (("follow_up",), "P6MT", "follow_up", "ISO 8601", "P6MT"),
    (("notice",), "Trust me.", "notice", "decisions belong to the treating clinician", "Trust me."),
    (("simulation",), {"kinetics": "best"}, "simulation.kinetics", "simons_2022", "best"),
]


@pytest.mark.parametrize(("path", "value", "told"), [(path, value, told) for path, value, *told in CASES])
def test_a_fault_is_told_with_path_expected_and_came(
    spoil: Any, path: tuple[str | int, ...], value: Any, told: list[str]
) -> None:
    where, expected, came = told
    document = spoil(path, value)
    with pytest.raises(ProtocolError) as caught:
        protocol.read(document, file="small.yaml")
    message = str(caught.value)
    assert f"{where} (small.yaml, line " in message
    assert expected in message
    assert came in message
    assert caught.value.exit_code == 2
    for jargon in ("pydantic", "Traceback", "Input should", "dict", "tuple", "None", "NoneType", "«"):
        assert jargon not in message


@pytest.mark.parametrize(
    ("drug", "route", "amount", "over"),
    [
        ("esketamine", "subcutaneous", "28 mg", None),
        ("escitalopram", "intravenous", "10 mg", "PT10M"),
        ("saline", "oral", "0 mg", None),
        ("placebo", "intravenous", "0 mg", "PT40M"),
    ],
)
def test_unsupported_drug_and_route(spoil: Any, drug: str, route: str, amount: str, over: str | None) -> None:
    dose = {"id": "infusion", "drug": drug, "route": route, "amount": amount, "over": over, "on": ["P0D"]}
    with pytest.raises(ProtocolError, match=rf"There is no {route} {drug} here"):
        protocol.read(spoil(KETAMINE, {name: value for name, value in dose.items() if value is not None}))


def test_nasal_esketamine_is_not_given_by_weight(spoil: Any) -> None:
    dose = {"id": "infusion", "drug": "esketamine", "route": "intranasal", "amount": "1 mg/kg", "on": ["P0D"]}
    with pytest.raises(ProtocolError, match="devices of fixed strength"):
        protocol.read(spoil(("arms", "midazolam", "doses", 0), dose))


def test_a_placebo_holds_no_drug(spoil: Any) -> None:
    dose = {"id": "infusion", "drug": "placebo", "route": "oral", "amount": "1 mg", "on": ["P0D"]}
    with pytest.raises(ProtocolError, match="holds no drug"):
        protocol.read(spoil(("arms", "midazolam", "doses", 0), dose))


def test_several_faults_come_in_one_message_in_the_order_of_the_file(small: str) -> None:
    spoilt = small.replace("female: 0.6", "female: 6").replace("follow_up: P28D", "follow_up: soon")
    spoilt = spoilt.replace("role: control", "role: controll")
    with pytest.raises(ProtocolError) as caught:
        protocol.read(spoilt, file="small.yaml")
    message = str(caught.value)
    assert message.startswith("small.yaml has 3 faults.")
    assert message.index("population.female") < message.index("arms.midazolam.role") < message.index("follow_up (")
    assert "did you mean control?" in message


def test_many_faults_are_cut_off_with_their_number() -> None:
    with pytest.raises(ProtocolError, match=r"has 9 faults\. The first 5 are told here") as caught:
        protocol.read("upturn: 1")
    assert "5. " in str(caught.value)
    assert "6. " not in str(caught.value)


def test_a_fault_that_like_copies_is_told_once(spoil: Any) -> None:
    with pytest.raises(ProtocolError) as caught:
        protocol.read(spoil((*KETAMINE, "amount"), "0.5"))
    assert str(caught.value).count("has no unit") == 1


def test_the_line_is_the_line_of_the_entry(small: str) -> None:
    line = 1 + small[: small.index("female")].count("\n")
    with pytest.raises(ProtocolError, match=rf"population\.female \(protocol, line {line}\)"):
        protocol.read(small.replace("female: 0.6", "female: many"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "an empty file"),
        ("- a\n- b", "a list"),
        ("ketamine", "text"),
        ("id: a\nid: b", "stands twice, first on line 1"),
        ("a:\n  b: 1\n  b: 2", "line 3, column 3"),
        ("a: [1, 2", "line 1, column"),
        ("a: b: c", "line 1, column 5"),
        ("\ta: 1", "line 1, column 1"),
        ("a: &x 1\nb: *x", "an alias"),
        ("? [a, b]\n: 1", "used as a name"),
        ("upturn: !!python/name:os.system", "python/name"),
        ("day: !!timestamp 2026-01-02", "timestamp"),
        ("a: 1\n---\nb: 2", "line 2"),
        ("[" * 5000, "nested too deeply"),
        ("a: \x00", "not well-formed"),
    ],
)
def test_what_is_not_a_yaml_document_of_entries(text: str, says: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        protocol.read(text, file="x.yaml")
    assert says in str(caught.value)


def test_a_name_that_is_not_text_is_named(small: str) -> None:
    with pytest.raises(ProtocolError, match="There is no entry called 2 here"):
        protocol.read(small + "2: 3\n")


def test_a_file_that_is_too_large() -> None:
    with pytest.raises(ProtocolError, match="too large"):
        protocol.read("#" * 1_000_001)


def test_an_unknown_name_names_the_shipped_ones_and_the_nearest() -> None:
    with pytest.raises(ProtocolError) as caught:
        protocol.load("six-infusion")
    assert "did you mean six-infusions?" in str(caught.value)
    assert all(name in str(caught.value) for name in protocol.shipped())


@pytest.mark.parametrize("name", ["nowhere.yaml", "./nowhere", "a\x00.yaml"])
def test_a_file_that_is_not_there(name: str) -> None:
    with pytest.raises(ProtocolError, match=r"no such file|cannot be read"):
        protocol.load(name)


def test_files_that_cannot_be_read(tmp_path: FilePath) -> None:
    with pytest.raises(ProtocolError, match="cannot be read"):
        protocol.load(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProtocolError, match="not text in UTF-8"):
        protocol.load(binary)
