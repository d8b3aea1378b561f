"""A small piece of the published record, for fits that take seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from jaxtyping import Array
from numpyro.infer.util import log_density

from upturn.evidence import shipped
from upturn.inference.calibrate import fitted_findings
from upturn.inference.observations import Observations, observations

FEW = ("SYNAPSE_2018", "MURROUGH_2013a", "SINGH_2016b", "TRANSFORM1_2019")


@pytest.fixture(scope="session")
def seen() -> Observations:
    """The whole calibration set, laid out."""
    return observations(shipped(), fitted_findings(shipped()))


@pytest.fixture(scope="session")
def few() -> Observations:
    """Four trials of it."""
    return observations(shipped(), [f for f in fitted_findings(shipped()) if f.trial in FEW])


def log_likelihood(program: Callable[..., None], seen: Any, numbers: Mapping[str, Array]) -> float:
    """Give the log likelihood of what was seen under all numbers of a program; its prior is left out."""
    whole, alone = (log_density(program, (seen,), {"likelihood": is_seen}, numbers)[0] for is_seen in (True, False))
    return float(whole - alone)
