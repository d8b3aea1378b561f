"""A small piece of the published record, for fits that take seconds."""

from __future__ import annotations

import pytest

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
