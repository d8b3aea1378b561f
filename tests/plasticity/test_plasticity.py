"""The two plastic states and their names."""

from __future__ import annotations

import jax.numpy as jnp
import pytest

from upturn.plasticity import plasticity_numbers, read_outs, surge


def test_the_surge_is_first_order_with_area_one() -> None:
    response = surge(3.8)
    assert float(response.area) == pytest.approx(1.0, rel=1e-12)
    assert float(response(jnp.asarray(3.8)) / response(jnp.zeros(()))) == pytest.approx(0.36787944, rel=1e-7)


def test_start_values_are_those_of_the_notes() -> None:
    p = plasticity_numbers()
    assert (p.value("tau_on"), p.value("tau_off"), p.value("k_form")) == (3.8, 175.0, 22.0)
    assert {each.status for each in p} == {"derived"}
    assert all(each.prior is not None for each in p)


def test_every_read_out_names_one_of_two_states_and_its_evidence() -> None:
    named = read_outs()
    assert {r.state for r in named} == {"surge", "growth"}
    assert all(r.evidence for r in named)
    assert len({r.name for r in named}) == len(named)
