"""Laws of a course: the chain on a small body, twice weekly for eight weeks."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from upturn.chain import Body, Course, Occasion, plan, propagate
from upturn.numerics import delay, mammillary
from upturn.pharmacology import Inlet

WEEKS = 8
DOSE_H = [24.0 * (7 * week + day) for week in range(WEEKS) for day in (0, 3)]
READING_H = sorted({t + after for t in DOSE_H for after in (2 / 3, 12.0, 24.0, 48.0)})
TIMETABLE = plan(
    [Occasion(t, (Inlet("vein", "all", 0.0, 2 / 3),)) for t in DOSE_H], READING_H, until_h=24.0 * 7 * WEEKS
)
TAU_OFF_H, K_FORM, TAU_ON_H = 175.0, 22.0, 3.8

Run = Callable[..., Course]


def body(scale: jax.Array, *, grams: float = 1.0) -> Body:
    """A two-compartment body; ``scale`` has people as its last axis, or none."""
    one = jnp.ones_like(scale)
    kinetic = mammillary("k", elimination=0.6 * one, exchange=[(0.9 * one, 0.4 * one, 0.0)])
    drive = kinetic.central * (0.02 * scale / grams)
    return Body(
        outputs={"occupancy_drive": {"vein": drive}, "plasma": {"vein": kinetic.central * (1 / 90 / grams)}},
        shares={"all": one},
        surge=delay("p", TAU_ON_H * one),
        formation=K_FORM * one,
        loss=one / TAU_OFF_H,
    )


def course(amounts_mg: jax.Array, scale: jax.Array) -> Course:
    return propagate(body(scale), TIMETABLE, amounts_mg, wanted=("plasma", "occupancy_drive"))


@pytest.fixture(scope="module")
def run() -> Run:
    """The compiled course of eight people; compiled once."""
    return jax.jit(course)


PEOPLE = 8
DOSES_MG = jnp.array([0.0, 1.0, 5.0, 20.0, 35.0, 70.0, 140.0, 1000.0])


@pytest.fixture(scope="module")
def ladder(run: Run) -> Course:
    """Eight people who differ in dose alone."""
    return run(jnp.tile(DOSES_MG, (len(DOSE_H), 1)), jnp.ones(PEOPLE))


def test_concentrations_are_proportional_to_dose(ladder: Course) -> None:
    plasma = np.asarray(ladder.outputs["plasma"])
    np.testing.assert_allclose(plasma[:, 1:] / np.asarray(DOSES_MG)[1:], plasma[:, [1]].repeat(7, axis=1), rtol=1e-12)
    assert (plasma[:, 0] == 0).all()


def test_more_drug_never_means_less_of_anything(ladder: Course) -> None:
    for series in (ladder.outputs["occupancy_drive"], ladder.surge, ladder.growth):
        assert (np.diff(np.asarray(series), axis=1) > 0).all()


def test_no_drug_no_change(ladder: Course) -> None:
    assert (np.asarray(ladder.surge)[:, 0] == 0).all()
    assert (np.abs(np.asarray(ladder.growth)[:, 0]) < 1e-14).all()


def test_growth_stays_below_one_and_surge_within_occupancy(ladder: Course) -> None:
    growth, surge = np.asarray(ladder.growth), np.asarray(ladder.surge)
    assert (growth > -1e-14).all()
    assert (growth < 1).all()
    assert (surge >= 0).all()
    assert (surge < 1).all()


def test_twice_weekly_doses_do_not_add_up_without_bound(ladder: Course) -> None:
    """Unbounded accumulation over repeated doses is contradicted by data: peaks level off."""
    peaks = np.asarray(ladder.growth).reshape(len(DOSE_H), -1, PEOPLE).max(axis=1)[1::2, 1:]
    gains = np.diff(peaks, axis=0)
    assert (gains > -1e-3).all()
    assert (np.abs(gains[-1]) < 0.01 * peaks[-1]).all()
    assert (gains[-1] < 0.2 * np.maximum(gains[0], 5e-3)).all()


def test_what_is_given_is_told(ladder: Course) -> None:
    np.testing.assert_array_equal(ladder.given_mg, np.tile(DOSES_MG, (len(DOSE_H), 1)))


def test_courses_superpose_in_plasma(run: Run) -> None:
    rng = np.random.default_rng(1)
    first, second = rng.uniform(0, 50, (2, len(DOSE_H), PEOPLE))
    one, two, both = (run(jnp.asarray(a), jnp.ones(PEOPLE)) for a in (first, second, first + second))
    np.testing.assert_allclose(
        one.outputs["plasma"] + two.outputs["plasma"], both.outputs["plasma"], rtol=1e-11, atol=1e-14
    )


def test_nobody_is_changed_by_the_others(run: Run) -> None:
    rng = np.random.default_rng(2)
    amounts = rng.uniform(0, 50, (len(DOSE_H), PEOPLE))
    forward = run(jnp.asarray(amounts), jnp.ones(PEOPLE))
    back = run(jnp.asarray(amounts[:, ::-1]), jnp.ones(PEOPLE))
    np.testing.assert_array_equal(np.asarray(forward.growth), np.asarray(back.growth)[:, ::-1])


def test_one_person_without_an_axis_of_people_is_the_same_person(run: Run) -> None:
    amounts = jnp.full((len(DOSE_H), PEOPLE), 35.0)
    many = run(amounts, jnp.ones(PEOPLE))
    one = jax.jit(course)(amounts[:, 0], jnp.ones(()))
    assert one.growth.shape == (len(READING_H),)
    np.testing.assert_allclose(one.growth, many.growth[:, 0], rtol=1e-12)
    np.testing.assert_allclose(one.surge, many.surge[:, 0], rtol=1e-11)


def test_grams_give_what_milligrams_give(run: Run) -> None:
    amounts = jnp.full((len(DOSE_H), PEOPLE), 35.0)
    milligrams = run(amounts, jnp.ones(PEOPLE))
    # The response per gram is a thousand times that per milligram; here it is carried by the scale of the drive.
    grams = run(amounts / 1e3, jnp.full(PEOPLE, 1e3))
    np.testing.assert_allclose(grams.growth, milligrams.growth, rtol=1e-10)
    np.testing.assert_allclose(grams.outputs["plasma"] * 1e3, milligrams.outputs["plasma"], rtol=1e-12)


SHORT = plan([Occasion(t, (Inlet("vein", "all", 0.0, 2 / 3),)) for t in (0.0,)], [48.0], until_h=48.0)


def test_every_gradient_is_finite_and_true() -> None:
    """For inference: the slope of growth with respect to everything about a person, and to each dose."""

    @jax.jit
    @jax.value_and_grad
    def at_the_end(theta: jax.Array) -> jax.Array:
        k, out, back, tau_on, tau_off, form, *amounts = theta
        kinetic = mammillary("k", elimination=k, exchange=[(out, back, 0.0)])
        who = Body(
            outputs={"occupancy_drive": {"vein": kinetic.central * 0.02}},
            shares={"all": jnp.ones(())},
            surge=delay("p", tau_on),
            formation=form,
            loss=1 / tau_off,
        )
        return propagate(who, SHORT, jnp.stack(amounts)).growth[0]

    theta = jnp.array([0.6, 0.9, 0.4, TAU_ON_H, TAU_OFF_H, K_FORM, 35.0])
    slope = np.asarray(at_the_end(theta)[1])
    assert np.isfinite(slope).all()
    for i in range(len(theta)):
        step = 1e-5 * theta[i]
        up, down = (float(at_the_end(theta.at[i].add(sign * step))[0]) for sign in (1, -1))
        assert slope[i] == pytest.approx((up - down) / (2 * float(step)), rel=1e-4)
