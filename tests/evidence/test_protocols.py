"""A published trial becomes a sound protocol, or says why it cannot."""

from __future__ import annotations

import pytest

from upturn import evidence, protocol
from upturn.errors import EvidenceError, ProtocolError

NO_PROTOCOL = {
    "HAN_2016": "pools trials",
    "HULL_2022": "the amount of ketamine was not read",
    "SUSTAIN1_2019": "only people who stayed well were randomised",
    "TRANSFORM12_pooled_2021": "pools trials",
    "TRANSFORM12_pooled_sex_2022": "pools trials",
    "WILKINSON_2017_CBT": "the amount of ketamine was not read",
}


@pytest.mark.parametrize("trial", evidence.trials())
def test_every_trial_is_a_protocol_or_says_why_not(trial: str) -> None:
    if trial in NO_PROTOCOL:
        with pytest.raises(EvidenceError, match="cannot be written as a protocol") as caught:
            evidence.trial_protocol(trial)
        assert NO_PROTOCOL[trial] in str(caught.value.came)
        return
    study = evidence.trial_protocol(trial)
    assert study.id == trial.lower().replace("_", "-")
    assert study.id in evidence.protocol_names()
    assert protocol.read(protocol.canonical_json(study)) == study
    arms = [arm for arm in evidence.shipped().arms.values() if arm.trial == trial]
    assert study.population.condition == arms[0].condition
    times = {
        each.time_h
        for each in evidence.shipped().findings
        if each.trial == trial and each.since == "first dose" and each.time_h and not each.arm.count("+")
    }
    assert {round(time, 6) for time in times} <= {round(time, 6) for time in study.assessment_times_h("MADRS")}
    randomised = [arm for arm in arms if arm.design in {"parallel", "crossover"} and not arm.within]
    assert bool(study.contrasts) == (len(randomised) > 1)


def test_names_are_those_of_protocols() -> None:
    assert len(evidence.protocol_names()) == len(evidence.trials()) - len(NO_PROTOCOL)
    assert not set(evidence.protocol_names()) & set(protocol.shipped())


def test_a_trial_is_found_under_either_name() -> None:
    assert evidence.trial_protocol("SYNAPSE_2018") == evidence.trial_protocol("synapse-2018")
    with pytest.raises(EvidenceError, match="no trial called") as caught:
        evidence.trial_protocol("SYNAPS_2018")
    assert caught.value.remedy == "did you mean synapse-2018?"


def test_doses_people_and_contrasts_of_a_nasal_trial() -> None:
    study = evidence.trial_protocol("SYNAPSE_2018")
    dose = study.arms["p1-esk84"].doses[0]
    assert (dose.drug, dose.route, str(dose.amount), dose.on_h) == ("esketamine", "intranasal", "84 mg", (0.0, 72.0))
    assert study.arms["p1-pbo"].role == "control"
    assert [(each.arm, each.control) for each in study.contrasts] == [
        ("p1-esk28", "p1-pbo"),
        ("p1-esk56", "p1-pbo"),
        ("p1-esk84", "p1-pbo"),
    ]
    madrs = study.population.baseline["MADRS"]
    assert madrs.mean == pytest.approx((33 * 35.0 + 11 * 31.3 + 11 * 33.2 + 12 * 35.0) / 67, abs=0.01)
    assert madrs.status == "derived"


def test_infusions_run_forty_minutes_and_backgrounds_are_kept() -> None:
    study = evidence.trial_protocol("HU_2016")
    dose = study.arms["esc-ket"].doses[0]
    assert dose.over_h == pytest.approx(40 / 60)
    assert {arm.background for arm in study.arms.values()} == {"new antidepressant"}
    assert evidence.trial_protocol("PERSEVERE_2018").arms["esk84"].background == "new antidepressant"
    assert "Standard of care" in evidence.trial_protocol("PERSEVERE_2018").summary


def test_tablets_and_ect_are_comparators_with_a_control() -> None:
    study = evidence.trial_protocol("ASCEND_2022")
    assert [(each.arm, each.control) for each in study.contrasts] == [("axs05", "bup")]
    assert (study.arms["axs05"].role, study.arms["bup"].role) == ("active", "control")
    assert study.arms["bup"].doses[0].on_h[:3] == (0.0, 24.0, 48.0)
    ect = evidence.trial_protocol("KETECT_2022").arms["ect"].doses[0]
    assert (ect.drug, ect.route, ect.amount.value, len(ect.on_h)) == ("ECT", "electric", 0.0, 12)


def test_ages_that_people_were_chosen_by() -> None:
    adolescents = evidence.trial_protocol("DWYER_2021").population.age_y
    assert (adolescents.min, adolescents.mean, adolescents.max) == (13.0, 15.0, 17.0)
    assert evidence.trial_protocol("TRANSFORM3_2020").population.age_y.min == 65.0


def test_a_part_of_an_arm_and_a_pool_of_arms_are_no_arms() -> None:
    assert set(evidence.trial_protocol("TRANSFORM3_2020").arms) == {"esk-flex", "pbo"}
    assert "ket0.1-0.5-1.0" not in evidence.trial_protocol("FAVA_2018").arms


def test_what_is_assumed_stands_in_the_summary() -> None:
    summary = evidence.trial_protocol("KETECT_2022").summary
    assert "Baselines were not read and are assumed" in summary
    assert "up to twelve sessions, all counted" in summary
    assert "CAPS-5" in evidence.trial_protocol("FEDER_2021").summary


@pytest.mark.parametrize("drug", ["citalopram", "bupropion", "dextromethorphan-bupropion", "antidepressant"])
def test_a_tablet_may_leave_its_amount_out(drug: str) -> None:
    assert protocol.Dose.model_validate({"id": "daily", "drug": drug, "route": "oral", "on": ["P0D"]}).drug == drug


def test_ect_has_its_own_route_and_no_amount() -> None:
    with pytest.raises(ProtocolError, match="no intravenous ECT"):
        protocol.read_dose(drug="ECT", route="intravenous", amount="1 mg", over="10 min")
    with pytest.raises(ProtocolError, match="ECT has no amount"):
        protocol.read_dose(drug="ECT", route="electric", amount="1 mg")
