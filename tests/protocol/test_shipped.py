"""The shipped protocols load, say what they should, and rest on what was read."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from upturn import protocol
from upturn.protocol.document import parse

NAMES = (
    "belief-updating-study",
    "escitalopram",
    "esketamine-trd",
    "intramuscular-course",
    "oral-course",
    "single-infusion",
    "six-infusions",
    "subcutaneous-course",
    "sublingual-course",
)
FOLDER = files("upturn.protocol")


def _text(name: str) -> str:
    return FOLDER.joinpath("shipped", f"{name}.yaml").read_text(encoding="utf-8")


def test_all_nine_are_shipped() -> None:
    assert protocol.shipped() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_protocol_is_sound_and_complete(name: str) -> None:
    study = protocol.load(name)
    assert study.id == name
    assert study.contrasts
    assert {arm.role for arm in study.arms.values()} == {"active", "control"}
    assert all(time <= study.horizon_h for time in study.assessment_times_h("MADRS"))
    assert study.notice.startswith("For research and education")


@pytest.mark.parametrize("name", NAMES)
def test_every_amount_and_every_gate_has_a_status(name: str) -> None:
    study = protocol.load(name)
    doses = [dose for arm in study.arms.values() for dose in arm.doses if not dose.is_inert]
    assert all(dose.status for dose in doses)
    assert all(gate.citation for gate in study.gates if gate.status == "seen in source")


@pytest.mark.parametrize("name", NAMES)
def test_a_source_is_listed_because_it_is_cited(name: str) -> None:
    text = _text(name)
    study = protocol.load(name)
    uncited = [each.id for each in study.sources if text.count(f": {each.id}") < 2]
    assert uncited == []


@pytest.mark.parametrize("name", NAMES)
def test_every_supervised_dose_and_every_rating_falls_into_a_visit(name: str) -> None:
    study = protocol.load(name)
    doses = {time for arm in study.arms.values() for dose in arm.doses for time in dose.on_h if dose.id != "daily"}
    ratings = {time for time in study.assessment_times_h("MADRS") if time >= 24.0}
    visits = [(each.opens_h, each.closes_h) for each in study.encounters]
    assert [time for time in sorted(doses | ratings) if not any(a <= time <= b for a, b in visits)] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_brand_and_no_vendor_is_named(name: str) -> None:
    assert "spravato" not in _text(name).lower()
    assert "janssen" not in _text(name).lower()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_protocol_fits_the_published_schema(name: str) -> None:
    published = json.loads(FOLDER.joinpath("schema", "upturn-1.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(published).validate(parse(_text(name), file=name).content)


def test_the_published_schema_is_the_one_in_force() -> None:
    published = json.loads(FOLDER.joinpath("schema", "upturn-1.schema.json").read_text(encoding="utf-8"))
    assert published == protocol.json_schema()
    jsonschema.Draft202012Validator.check_schema(published)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("drug: ketamine", "drug: ketamin"),
        ("amount: 0.5 mg/kg", "amount: 0.5"),
        ("over: PT40M", "over: PT4OM"),
        ("over: PT40M", "over: 40"),
        ("role: active", "rol: active"),
        ("female: 0.6", "female: 60"),
    ],
)
def test_the_schema_alone_refuses_a_wrong_shape(old: str, new: str) -> None:
    content: Any = parse(_text("six-infusions").replace(old, new), file="x").content
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(protocol.json_schema()).validate(content)


def test_six_infusions_in_hours_and_milligrams() -> None:
    study = protocol.load("six-infusions")
    induction, booster = study.arms["ketamine"].doses
    assert induction.on_h == (0.0, 48.0, 96.0, 168.0, 216.0, 264.0)
    assert induction.over_h == pytest.approx(40 / 60)
    assert induction.amount.mg(70.0) == pytest.approx(35.0)
    assert not induction.is_adaptive
    assert booster.is_adaptive
    assert booster.on_h == ()
    assert (booster.drug, booster.amount, booster.over_h) == (
        induction.drug,
        induction.amount,
        induction.over_h,
    )
    assert (booster.candidate_times_h[0], booster.candidate_times_h[-1]) == (21 * 24.0, 175 * 24.0)
    assert len(study.arms["escitalopram"].doses[0].on_h) == 180
    assert study.assessment_times_h("MADRS")[:4] == (2.0, 4.0, 24.0, 72.0)
    assert study.assessment_times_h("MADRS")[-1] == study.horizon_h == 180 * 24.0


def test_nasal_esketamine_comes_in_devices_five_minutes_apart() -> None:
    first, second, *_ = protocol.load("esketamine-trd").arms["esketamine"].doses
    assert first.device_mg == (28.0, 28.0)
    assert second.device_mg == (28.0, 28.0, 28.0)
    assert second.device_times_h == pytest.approx((0.0, 5 / 60, 10 / 60))
    days = [time / 24 for dose in (first, second) for time in dose.on_h]
    assert days == [0, 3, 7, 10, 14, 17, 21, 24]


def test_other_doses_come_without_devices() -> None:
    dose = protocol.load("single-infusion").arms["ketamine"].doses[0]
    assert (dose.device_mg, dose.device_times_h) == ((), ())


def test_the_belief_study_has_its_own_people_and_visits_per_arm() -> None:
    study = protocol.load("belief-updating-study")
    assert study.population_of("controls").condition == "healthy"
    assert study.population_of("patients").condition == "treatment-resistant depression"
    assert study.assessment_times_h("belief-updating task", arm="patients") == (-24.0, 4.0, 172.0)
    assert study.assessment_times_h("belief-updating task", arm="controls") == (-24.0, 144.0)
    assert (study.arms["patients"].participants, study.arms["controls"].participants) == (26, 30)
