"""From published spread to a person's parameters."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from upturn.parameters import Parameter, Variability
from upturn.pharmacology import Covariates, Given, OttoFanta, PerezRuixo2021, Simons2022, individual, typical

MANY = jnp.asarray(np.random.default_rng(0).standard_normal(40_000))


def parameter(value: float, *spread: Variability) -> Parameter:
    return Parameter("x", value, "1", "a test", "assumed", spread)


@pytest.mark.parametrize("kind", ["lognormal", "logit-normal", "normal", "proportional"])
def test_a_draw_of_zero_is_the_typical_value(kind: str) -> None:
    x = parameter(0.4, Variability(kind, 0.3))  # type: ignore[arg-type]
    assert float(individual(x, 0.0)) == pytest.approx(0.4, rel=1e-12)
    assert float(individual(x, 0.0, 0.7)) == pytest.approx(0.7, rel=1e-12)


def test_a_parameter_without_spread_is_the_same_for_everybody() -> None:
    assert float(individual(parameter(3.0), 2.5)) == 3.0


def test_each_kind_has_its_spread() -> None:
    log = np.log(individual(parameter(2.0, Variability("lognormal", 0.3)), MANY))
    assert (log.mean(), log.std()) == pytest.approx((np.log(2.0), 0.3), abs=0.01)
    part = np.asarray(individual(parameter(0.54, Variability("logit-normal", 0.708)), MANY))
    assert part.min() > 0
    assert part.max() < 1
    assert np.log(part / (1 - part)).std() == pytest.approx(0.708, abs=0.01)
    plain = np.asarray(individual(parameter(100.0, Variability("normal", 12.0)), MANY))
    assert (plain.mean(), plain.std()) == pytest.approx((100.0, 12.0), abs=0.2)
    relative = np.asarray(individual(parameter(100.0, Variability("proportional", 0.1)), MANY))
    assert relative.std() == pytest.approx(10.0, abs=0.2)


def test_spread_between_people_and_occasions_adds_as_variances() -> None:
    both = parameter(1.0, Variability("lognormal", 0.3), Variability("lognormal", 0.4, "occasion"))
    assert float(jnp.log(individual(both, 1.0))) == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize("model", [Simons2022(), OttoFanta(), PerezRuixo2021()], ids=lambda m: type(m).__name__)
def test_a_person_without_draws_is_typical(model: Simons2022 | OttoFanta | PerezRuixo2021) -> None:
    for values in (model.values({}), typical(model.parameters)):
        assert {name: float(v) for name, v in values.items()} == pytest.approx(
            {p.name: p.value for p in model.parameters}, rel=1e-12
        )


def test_volume_and_clearance_are_correlated_as_published() -> None:
    model = OttoFanta()
    rng = np.random.default_rng(4)
    names = ("central_volume", "clearance", "nor_central_volume", "nor_clearance")
    values = model.values({name: jnp.asarray(rng.standard_normal(100_000)) for name in names})
    for pre in ("", "nor_"):
        logs = np.log([values[f"{pre}central_volume"], values[f"{pre}clearance"]])
        wanted = model.parameters.value(f"{pre}covariance_volume_clearance")
        assert np.cov(logs)[0, 1] == pytest.approx(wanted, rel=0.05)
        assert logs[1].std() == pytest.approx(model.parameters[f"{pre}clearance"].variability[0].sd, rel=0.02)


def test_a_heavier_person_has_lower_concentrations_and_slower_rates() -> None:
    model = Simons2022()
    given = Given("esketamine", "intravenous", 0.5)
    zero = jnp.zeros(())
    light, heavy = (
        model.responses(typical(model.parameters), Covariates(jnp.asarray(w), jnp.asarray(40.0), zero, zero), given)
        for w in (50.0, 100.0)
    )
    one, two = (r.outputs["ketamine"]["s.vein"] for r in (light, heavy))
    assert float(one(jnp.zeros(()))) == pytest.approx(2 * float(two(jnp.zeros(()))), rel=1e-9)  # volume ∝ weight
    assert float(one.area) == pytest.approx(2**0.75 * float(two.area), rel=1e-9)  # clearance ∝ weight^0.75
