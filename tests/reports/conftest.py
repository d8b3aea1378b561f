"""One small real answer, simulated once, and ways to bend it."""

from __future__ import annotations

import pytest

from upturn.protocol import load
from upturn.trials import Answer, answer


@pytest.fixture(scope="session")
def found() -> Answer:
    """Ten people per arm in each trial of the smallest shipped protocol."""
    return answer(load("single-infusion"), patients=10, seed=1)
