"""Receptor and acute effects."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from upturn.numerics import first_order
from upturn.pharmacology import (
    acute_numbers,
    dissociation,
    effect_site,
    occupancy_drive,
    pressure_rise,
    receptor,
    sedation_probability,
)


def test_half_of_the_receptors_are_occupied_at_the_ic50() -> None:
    p = receptor().value
    # 1.42 umol/L unbound is 1.42/0.53 umol/L in all: times 237.73 g/mol, over 1000, in mg/L.
    at_ic50_mg_l = p("ic50_ketamine") / p("unbound_ketamine") * p("molar_mass_ketamine") / 1e3
    response = {"ketamine": {"a": first_order("k", 1.0) * at_ic50_mg_l}, "norketamine": {}}
    assert float(occupancy_drive(response)["a"](jnp.zeros(()))) == pytest.approx(1.0, rel=1e-12)


def test_norketamine_adds_to_ketamine_by_the_same_path_and_stands_alone_by_another() -> None:
    one = first_order("k", 1.0)
    drive = occupancy_drive({"ketamine": {"a": one}, "norketamine": {"a": one, "b": one}})
    at = jnp.zeros(())
    assert float(drive["a"](at)) > float(drive["b"](at)) > 0
    ratio = float(drive["b"](at)) / (float(drive["a"](at)) - float(drive["b"](at)))
    assert ratio == pytest.approx((0.5 / 9.11 / 223.70) / (0.53 / 1.42 / 237.73), rel=1e-9)


def test_the_effect_site_follows_arterial_plasma_and_is_venous_plasma() -> None:
    plasma = {"a": first_order("k", 1.0)}
    half = acute_numbers().value("effect_site_half_life")
    late = effect_site(plasma, half, site="arterial")["a"]
    assert float(late(jnp.zeros(()))) == pytest.approx(0.0, abs=1e-12)
    assert float(late.area) == pytest.approx(float(plasma["a"].area), rel=1e-9)
    assert effect_site(plasma, half, site="venous") == plasma


def test_dissociation_is_half_of_its_largest_at_c50() -> None:
    at = jnp.array([0.0, 0.51, 1e6])
    found = dissociation(at, maximum=jnp.asarray(49.0), c50_umol_l=0.51)
    np.testing.assert_allclose(found, [0.0, 24.5, 49.0], rtol=1e-5)


def test_pressure_is_linear_and_sedation_meets_its_two_rates() -> None:
    np.testing.assert_allclose(pressure_rise(jnp.array([0.0, 0.53]), slope=jnp.asarray(22.0)), [0.0, 11.66])
    p = acute_numbers().value
    at = jnp.array([-1.0, 0.0, p("sedation_c50"), 100.0])
    found = sedation_probability(at, c50_umol_l=p("sedation_c50"), steepness=p("sedation_steepness"))
    assert found[:3].tolist() == pytest.approx([0.0, 0.0, 0.5])
    assert 0.99 < float(found[3]) < 1
