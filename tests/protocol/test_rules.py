"""Gates and criteria: judged in one place, for any readings, and at every boundary of every shipped protocol."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.conftest import Spoil

from upturn import protocol
from upturn.errors import ProtocolError
from upturn.protocol import Criterion, Gate, Protocol, Readings, Rule, applies, closing, judge, missing

Part = Gate | Criterion
MEASURES = ("SBP", "DBP", "HR", "SpO2", "CADSS", "MOAA/S")
LIMITS = ("above", "below", "at_least", "at_most")

numbers = st.floats(-300, 300, allow_nan=False).map(lambda value: round(value, 1))
rules = st.builds(
    lambda measure, of, name, value: Rule.model_validate({"measure": measure, "of": of, name: value}),
    st.sampled_from(MEASURES), st.sampled_from(("value", "rise")), st.sampled_from(LIMITS), numbers,
)  # fmt: skip
signs = st.lists(st.sampled_from(("chest pain", "seizure", "headache")), unique=True).map(tuple)
gates = st.builds(
    lambda rules, signs: Gate(
        id="g", kind="hard", at="session", when="during", text="A gate.", status="assumed", rules=rules, signs=signs
    ),
    st.lists(rules, max_size=4).map(tuple), signs,
)  # fmt: skip
values = st.dictionaries(st.sampled_from(MEASURES), st.one_of(numbers, st.sampled_from([math.nan, math.inf])))
readings = st.builds(
    Readings, values, values, st.one_of(st.none(), st.frozensets(st.sampled_from(("chest pain", "seizure", "other"))))
)


@given(gates, readings)
def test_a_verdict_is_what_its_reasons_say(gate: Gate, seen: Readings) -> None:
    verdict = judge(gate, seen)
    assert (verdict == "closed") == bool(closing(gate, seen))
    unlooked = bool(gate.signs) and seen.signs is None
    if verdict == "open":
        assert not missing(gate, seen)
        assert not unlooked
        assert gate.rules or gate.signs
    if verdict == "unknown":
        assert missing(gate, seen) or unlooked or not (gate.rules or gate.signs)


@given(gates, readings, st.sampled_from(MEASURES))
def test_what_is_missing_never_opens_a_gate(gate: Gate, seen: Readings, lost: str) -> None:
    fewer = Readings({k: v for k, v in seen.now.items() if k != lost}, seen.before, seen.signs)
    if judge(gate, fewer) == "open":
        assert judge(gate, seen) == "open"
    if judge(gate, seen) == "open" and lost in {rule.measure for rule in gate.rules}:
        assert judge(gate, fewer) == "unknown"


@given(gates, readings)
def test_more_rules_or_signs_close_more_and_never_open(gate: Gate, seen: Readings) -> None:
    for part in (gate.model_copy(update={"rules": gate.rules[1:]}), gate.model_copy(update={"signs": gate.signs[1:]})):
        if judge(part, seen) == "closed":
            assert judge(gate, seen) == "closed"


@given(rules, numbers, numbers)
def test_a_rise_is_the_value_less_the_one_before_the_dose(rule: Rule, now: float, before: float) -> None:
    part = Criterion(id="c", text="A criterion.", status="assumed", rules=(rule,))
    plain = judge(part, Readings({rule.measure: now}, {rule.measure: before}))
    asked = now - before if rule.of == "rise" else now
    assert plain == ("closed" if rule.closes_at(asked) else "open")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", LIMITS)
def test_what_is_no_number_is_missing(name: str, number: float) -> None:
    part = Criterion(
        id="c", text="A criterion.", status="assumed", rules=(Rule.model_validate({"measure": "SBP", name: 100.0}),)
    )
    assert judge(part, Readings({"SBP": number})) == "unknown"
    assert missing(part, Readings({"SBP": number})) == ("SBP",)


def test_signs_close_only_when_they_are_the_gates_own_and_somebody_looked() -> None:
    gate = Gate(id="g", kind="hard", at="session", text="Signs.", status="assumed", signs=("chest pain", "seizure"))
    looked = [None, frozenset[str](), frozenset({"seizure"}), frozenset({"hiccups"})]
    assert [judge(gate, Readings(signs=each)) for each in looked] == ["unknown", "open", "closed", "open"]
    assert closing(gate, Readings(signs=frozenset({"seizure", "hiccups"}))) == ("seizure",)


def test_without_limits_and_signs_a_person_answers() -> None:
    part = Criterion(id="escort", text="The escort is there.", status="assumed")
    assert judge(part, Readings({"SBP": 120.0}, {"SBP": 120.0}, frozenset())) == "unknown"


def test_what_a_gate_asks_for_unless_it_says_so() -> None:
    kinds = [Gate(id="g", kind=kind, at="session", text="x", status="assumed") for kind in ("hard", "soft")]
    assert [each.asks for each in kinds] == ["stop", "decide"]
    assert {each.stands for each in kinds} == {"before"}


@pytest.mark.parametrize("name", [each for each in protocol.shipped() if protocol.load(each).session])
def test_a_known_pregnancy_and_a_safety_programme_are_hard(name: str) -> None:
    study = protocol.load(name)
    assert study.session is not None
    hard = {each.id: each for each in study.session.arrival if each.kind == "hard"}
    is_nasal = name == "esketamine-trd"
    assert set(hard) == ({"pregnancy-known", "safety-programme"} if is_nasal else {"pregnancy-known"})
    # What was read for nasal esketamine holds without being taken on; for the others it follows from who is excluded.
    assert {each.status for each in hard.values()} == {"seen in source" if is_nasal else "derived"}
    assert {each.citation for each in hard.values()} <= {source.id for source in study.sources}
    at_screening = {each.id for each in study.gates if each.at == "screening" and each.kind == "hard"}
    assert at_screening >= ({"pregnancy", "safety-programme"} if is_nasal else {"pregnancy"})


def test_the_step_to_84_mg_for_everybody_is_not_called_read() -> None:
    doses = {each.id: each for each in protocol.load("esketamine-trd").arms["esketamine"].doses}
    assert {each.id: each.status for each in doses.values()} == {
        "first": "seen in source", "weeks-1-to-4": "assumed", "weeks-5-to-8": "assumed", "weeks-9-to-16": "assumed",
    }  # fmt: skip


def test_a_criterion_may_be_for_some_routes_only() -> None:
    nasal = protocol.load("esketamine-trd")
    assert nasal.session is not None
    only = [each.id for each in nasal.session.arrival if not applies(each, "oral")]
    assert only == ["nasal-drugs", "safety-programme"]


# --- every rule of every shipped protocol, at its limit and one step to both sides ---------------------------------


def parts(study: Protocol) -> Iterator[tuple[str, Part]]:
    for gate in study.gates:
        yield f"gates/{gate.id}", gate
    if study.session:
        for each in study.session.arrival:
            yield f"arrival/{each.id}", each
        for each in study.session.discharge:
            yield f"discharge/{each.id}", each


RULES = [
    (f"{name}:{key}:{rule.measure}", part, rule)
    for name in protocol.shipped()
    for key, part in parts(protocol.load(name))
    for rule in part.rules
]
CASES = [pytest.param(part, rule, id=name) for name, part, rule in RULES]
# Which sides of its limit a rule closes on: below it, at it, above it. Written out, not computed from the rule.
CLOSED = {
    "above": (False, False, True), "below": (True, False, False),
    "at_least": (False, True, True), "at_most": (True, True, False),
}  # fmt: skip
START = {"SBP": 120.0, "DBP": 75.0, "HR": 70.0, "SpO2": 98.0, "CADSS": 0.0, "MOAA/S": 5.0, "C-SSRS": 0.0, "MADRS": 30.0}
# All of these are recorded in whole numbers.
STEP = 1.0


def healthy(part: Part, rule: Rule) -> dict[str, float]:
    """Give readings that close nothing else of this part: only the rule at hand decides."""
    return {each.measure: START[each.measure] for each in part.rules if each.measure != rule.measure}


@pytest.mark.parametrize(("part", "rule"), CASES)
def test_every_shipped_limit_closes_on_its_own_side(part: Part, rule: Rule) -> None:
    name = next(name for name in LIMITS if getattr(rule, name) is not None)
    before: dict[str, float] = {each.measure: START[each.measure] for each in part.rules}
    base = before[rule.measure] if rule.of == "rise" else 0.0
    for offset, closes in zip((-STEP, 0.0, STEP), CLOSED[name], strict=True):
        seen = Readings({**healthy(part, rule), rule.measure: base + rule.limit + offset}, before)
        others = [each for each in part.rules if each is not rule and each in closing(part, seen)]
        assert (rule in closing(part, seen)) == closes, (rule, offset)
        assert judge(part, seen) == ("closed" if closes or others else "open"), (rule, offset)


@pytest.mark.parametrize(("part", "rule"), CASES)
def test_every_shipped_limit_waits_for_its_measure(part: Part, rule: Rule) -> None:
    before: dict[str, float] = {each.measure: START[each.measure] for each in part.rules}
    now = healthy(part, rule)
    same = [each for each in part.rules if each.measure == rule.measure]
    assert judge(part, Readings(now, before)) == "unknown"
    assert missing(part, Readings(now, before)) == (rule.measure,)
    if rule.of == "rise" and len(same) == 1:
        at_rest = {**now, rule.measure: START[rule.measure]}
        nothing_before = {each: value for each, value in before.items() if each != rule.measure}
        assert judge(part, Readings(at_rest, nothing_before)) == "unknown"
        assert judge(part, Readings(at_rest, before)) == "open"


def test_the_table_reaches_every_kind_of_limit_and_rises() -> None:
    seen = [rule for _, _, rule in RULES]
    assert {name for rule in seen for name in LIMITS if getattr(rule, name) is not None} == set(LIMITS)
    assert {rule.measure for rule in seen if rule.of == "rise"} == {"SBP", "DBP", "SpO2", "CADSS"}
    assert {rule.measure for rule in seen} == set(START)


@pytest.mark.parametrize("name", protocol.shipped())
def test_every_sign_of_every_shipped_gate_closes_it_alone(name: str) -> None:
    for _, part in parts(protocol.load(name)):
        for sign in part.signs if isinstance(part, Gate) else ():
            assert judge(part, Readings(signs=frozenset({sign}))) == "closed"


@pytest.mark.parametrize("name", [each for each in protocol.shipped() if protocol.load(each).session])
def test_every_shipped_session_asks_measures_and_looks_for_red_flags(name: str) -> None:
    study = protocol.load(name)
    assert study.session is not None
    here = [gate for gate in study.gates if gate.at == "session"]
    assert {gate.stands for gate in here} == {"before", "during"}
    assert {gate.asks for gate in here} == {"decide", "closer", "pause", "stop", "emergency"}
    assert all(gate.when and gate.then for gate in here)
    emergency = [gate for gate in here if gate.asks == "emergency"]
    assert {sign for gate in emergency for sign in gate.signs} >= {"chest pain", "seizure", "sudden severe headache"}
    assert {"identity", "consent", "escort", "fasting"} <= {each.id for each in study.session.arrival}
    measured = {rule.measure for each in study.session.discharge for rule in each.rules}
    assert measured == {"SBP", "DBP", "SpO2", "MOAA/S", "CADSS", "C-SSRS"}


@pytest.mark.parametrize("name", protocol.shipped())
def test_a_rule_that_was_read_names_its_source_and_only_nasal_rules_were_read(name: str) -> None:
    study = protocol.load(name)
    read = [each for each in protocol.rules_of(study) if each.is_read]
    assert all(each.citation for each in read)
    assert bool(read) == (name == "esketamine-trd")
    keys = [each.key for each in protocol.rules_of(study)]
    assert len(keys) == len(set(keys))


def test_how_old_what_is_done_before_a_dose_may_be(small: str, spoil: Spoil) -> None:
    said = {"readings": "PT1H", "check": "PT4H", "time_out": "PT30M", "status": "assumed"}
    found = protocol.read(spoil(("session", "before_dose"), said)).session
    assert found is not None
    assert found.before_dose is not None
    assert (found.before_dose.readings_h, found.before_dose.check_h, found.before_dose.time_out_h) == (1, 4, 0.5)
    silent = protocol.read(small).session
    assert silent is not None
    assert silent.before_dose is None
    for name in ("readings", "check", "time_out"):
        with pytest.raises(ProtocolError, match="Nothing can be done in no time"):
            protocol.read(spoil(("session", "before_dose"), {**said, name: "PT0S"}))
    with pytest.raises(ProtocolError):
        protocol.read(spoil(("session", "before_dose"), {key: said[key] for key in ("readings", "status")}))


def test_every_shipped_session_says_it() -> None:
    for name in protocol.shipped():
        session = protocol.load(name).session
        assert session is None or session.before_dose is not None, name
