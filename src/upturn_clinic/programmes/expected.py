"""Reading the kept answer of a simulation: shares of people at a time, who stays well, how a session feels.

What lives here: finding a number in the library's answer. What does not: sentences (``sheet``), computing it
(``computation``).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from upturn_clinic.programmes.models import Expectation

__all__ = ["Expected", "Interval", "Share", "expected"]

HOURS_IN_A_DAY = 24.0


@dataclass(frozen=True)
class Interval:
    """A middle value and the range in which nine of ten fall; nothing where it was not reached."""

    middle: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Share:
    """A share of people at a time after the first dose [h]."""

    time_h: float
    share: Interval


@dataclass(frozen=True)
class Expected:
    """The answer of one arm, beside the arm it is compared with.

    Parameters
    ----------
    content
        The arm's part of the library's answer.
    whole
        All of it.
    """

    content: Mapping[str, Any]
    whole: Mapping[str, Any]

    def control_among(self, arms: Collection[str]) -> Expected | None:
        """Give the first of these arms that this one is compared with."""
        ids = [each["control"] for each in self.whole["contrasts"] if each["arm"] == self.content["id"]]
        return next((expected_of(self.whole, each) for each in ids if each in arms), None)

    @property
    def title(self) -> str:
        """The arm in the protocol's words."""
        return str(self.content["title"])

    @property
    def trials(self) -> int:
        """How many published trials the model was fitted to."""
        return int((self.whole.get("calibration") or {}).get("trials", 0))

    @property
    def times_h(self) -> Sequence[float]:
        """The times at which people are rated [h]."""
        return [float(each["time_h"]) for each in self.content["at"]]

    def response_near(self, time_h: float) -> Share:
        """Give the share in response at the rating nearest to a time [h]."""
        return self._near(time_h, "response")

    def change_near(self, time_h: float) -> Share:
        """Give the mean change in points at the rating nearest to a time [h]; a fall is negative."""
        return self._near(time_h, "mean_change")

    @property
    def ever(self) -> Interval:
        """The share that is in response at any rating."""
        return _interval(self.content["ever_responded"])

    @property
    def left(self) -> Interval:
        """The share that leaves before the end."""
        return _interval(self.content["left"])

    def still_well_after(self, time_h: float) -> Share | None:
        """Of those in response after the last planned dose: the share still well some time later [h]."""
        relapse = self.content.get("relapse")
        if not relapse or not relapse["time_h"]:
            return None
        place = min(range(len(relapse["time_h"])), key=lambda each: abs(relapse["time_h"][each] - time_h))
        known = _interval(relapse["still_well"][place])
        return None if known.middle is None else Share(float(relapse["time_h"][place]), known)

    def session(self, what: str, of: str) -> Interval | None:
        """Give a number of the first session: ``of`` is ``peak``, ``peak_h`` or ``back_h``."""
        acute = self.content.get("acute")
        return _interval(acute[of][what]) if acute and what in acute[of] else None

    def _near(self, time_h: float, name: str) -> Share:
        each = min(self.content["at"], key=lambda at: abs(at["time_h"] - time_h))
        return Share(float(each["time_h"]), _interval(each[name]))


def expected(expectation: Expectation, arm: str) -> Expected | None:
    """Read what is expected of an arm; nothing before it is computed."""
    if expectation.state != Expectation.State.DONE:
        return None
    return expected_of(json.loads(expectation.answer), arm)


def expected_of(whole: Mapping[str, Any], arm: str) -> Expected | None:
    """Find an arm in an answer."""
    return next((Expected(each, whole) for each in whole["arms"] if each["id"] == arm), None)


def _interval(written: Mapping[str, Any]) -> Interval:
    return Interval(written["median"], written["low90"], written["high90"])
