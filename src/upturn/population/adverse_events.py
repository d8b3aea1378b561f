"""How many people of a course report an adverse event: with a control, and how far the drug raises it.

What lives here: the numbers of one trial, and the chance that follows. What does not: the fit (``upturn.inference``),
and what is measured in a session, such as CADSS and blood pressure (``upturn.pharmacology``).
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from upturn.parameters import ParameterFile, read

__all__ = ["ADVERSE_EVENTS", "adverse_event_chance", "adverse_event_numbers", "with_own_adverse_events"]

Scalar = Float[Array, ""]

# Events with counts in a calibration trial that the team of a session watches for, by the trial's own word.
ADVERSE_EVENTS = (
    "nausea", "vomiting", "dizziness", "vertigo", "dissociation", "somnolence", "sedation", "headache",
)  # fmt: skip


def adverse_event_numbers() -> ParameterFile:
    """Give the numbers of adverse events, with their priors."""
    return read("upturn.population", "adverse_events")


def with_own_adverse_events(
    numbers: Mapping[str, Scalar], normal: Float[Array, "2 events"] | Float[Array, "2 events trials"]
) -> dict[str, Array]:
    """Give the control rate and the rise of every event in trials of their own.

    Parameters
    ----------
    numbers
        ``<event>_control_rate`` [fraction], ``<event>_log_odds``, and the standard deviations between trials.
    normal
        Standard normal draws: of the control rates, and of the rises; events in the order of :data:`ADVERSE_EVENTS`.

    Returns
    -------
    dict
        ``<event>_control_rate`` and ``<event>_log_odds`` of the trials. Events of one trial differ from the usual
        independently: no data say how far they go together.
    """
    out: dict[str, Array] = {}
    for i, term in enumerate(ADVERSE_EVENTS):
        usual = jax.scipy.special.logit(numbers[f"{term}_control_rate"])
        away = numbers["adverse_event_rate_between_trials"] * normal[0, i]
        more = numbers["adverse_event_log_odds_between_trials"] * normal[1, i]
        out[f"{term}_control_rate"] = jax.nn.sigmoid(usual + away)
        out[f"{term}_log_odds"] = numbers[f"{term}_log_odds"] + more
    return out


def adverse_event_chance(
    numbers: Mapping[str, Array], term: str, *, active: bool, dose_mg: float | None = None
) -> Float[Array, "..."]:
    """Give the chance that somebody reports an event at least once in a course.

    Parameters
    ----------
    numbers
        Of one trial: ``<event>_control_rate``, ``<event>_log_odds`` and ``<event>_dose_slope``.
    term
        One of :data:`ADVERSE_EVENTS`.
    active
        Whether ketamine or esketamine is given.
    dose_mg
        Nasal esketamine [mg]; None by any other route, which counts as the reference dose.

    Returns
    -------
    Array
        logit p = logit(control) + rise + slope · ln(dose / reference dose), the last two with the drug only.

    Examples
    --------
    >>> usual = {"nausea_control_rate": jnp.array(0.2), "nausea_log_odds": jnp.log(4.0), "nausea_dose_slope": 1.0}
    >>> round(float(adverse_event_chance(usual, "nausea", active=True)), 3)
    0.5
    >>> round(float(adverse_event_chance(usual, "nausea", active=True, dose_mg=140.0)), 3)
    0.667
    """
    level = jax.scipy.special.logit(numbers[f"{term}_control_rate"])
    if active:
        level = level + numbers[f"{term}_log_odds"]
        if dose_mg is not None:
            times = dose_mg / adverse_event_numbers().value("adverse_event_reference_dose")
            level = level + numbers[f"{term}_dose_slope"] * jnp.log(times)
    return jax.nn.sigmoid(level)
