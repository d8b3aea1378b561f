"""The growth of the sampler is that of the engine, as near as its two shortcuts allow."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from upturn.evidence import shipped
from upturn.inference.growth import courses, growth
from upturn.inference.treatment import treatment
from upturn.plasticity import plasticity_numbers

ARMS = (("MURROUGH_2013b", "ket6"), ("SYNAPSE_2018", "P1_esk84"), ("MURROUGH_2013a", "mid"))
READ = ((0, 2.0), (0, 24.0), (0, 288.0), (0, 600.0), (1, 2.0), (1, 24.0), (1, 168.0), (2, 24.0))
TAU_ON, TAU_OFF, K_FORM = 3.8, 200.0, 3.0


@pytest.mark.parametrize("person", [0, 5, 11])
def test_growth_agrees_with_an_ode_solver(person: int) -> None:
    treatments = [treatment(shipped().arms[key]) for key in ARMS]
    laid = courses(treatments, READ)
    found = np.asarray(growth(laid, *jnp.array([TAU_ON, TAU_OFF, K_FORM])))[:, person]
    p = plasticity_numbers()
    loss = np.exp(-p["tau_off"].variability[0].sd * laid.tau_off[person]) / TAU_OFF
    form = K_FORM * np.exp(p["k_form"].variability[0].sd * laid.k_form[person])
    kinds = [t.kind for t in treatments if t.kind is not None]
    for course, each in enumerate(treatments):
        at = [t for c, t in READ if c == course]
        mine = found[[i for i, (c, _) in enumerate(READ) if c == course]]
        if each.kind is None:
            np.testing.assert_array_equal(mine, 0.0)
            continue
        curve = laid.occupancy[kinds.index(each.kind), person]

        def slope(
            t: float, y: np.ndarray, doses: tuple[float, ...] = each.doses_h, curve: np.ndarray = curve
        ) -> list[float]:
            seen = sum(float(np.interp(t - d, laid.grid_h, curve, right=0.0)) for d in doses if t >= d)
            return [(seen - y[0]) / TAU_ON, form * y[0] * (1 - y[1]) - loss * y[1]]

        exact = solve_ivp(slope, (0, max(at)), [0.0, 0.0], t_eval=at, max_step=0.25, rtol=1e-8).y[1]
        np.testing.assert_allclose(mine, exact, atol=2e-3)


def test_people_are_mirrored_and_occupancy_is_a_share() -> None:
    laid = courses([treatment(shipped().arms[ARMS[0]])], READ[:2])
    np.testing.assert_allclose(laid.tau_off.sum(), 0.0, atol=1e-12)
    assert laid.occupancy.min() >= 0
    assert laid.occupancy.max() < 1
