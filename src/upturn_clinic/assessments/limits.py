"""The app's own numbers, read from ``parameters/assessments.yaml``. What does not live here: any number."""

from __future__ import annotations

from datetime import timedelta

from upturn.parameters import read

__all__ = [
    "AHEAD", "HOURS_WINDOW", "LATE_ANSWERS", "LATE_SHOWN", "LINKS_SHOWN", "LINK_BYTES", "LINK_LONGEST_H",
    "LINK_VALID_H", "REACH", "WRONG_LINKS",
]  # fmt: skip

_NUMBERS = read("upturn_clinic", "assessments")

HOURS_WINDOW = timedelta(minutes=_NUMBERS.value("window_hours_min"))
LATE_SHOWN = timedelta(days=_NUMBERS.value("late_shown_d"))
REACH = timedelta(days=_NUMBERS.value("reach_d"))
AHEAD = timedelta(hours=_NUMBERS.value("ahead_h"))
LINK_VALID_H = int(_NUMBERS.value("link_valid_h"))
LINK_LONGEST_H = int(_NUMBERS.value("link_longest_h"))
LATE_ANSWERS = timedelta(hours=_NUMBERS.value("late_answers_h"))
LINK_BYTES = int(_NUMBERS.value("link_bytes"))
LINKS_SHOWN = int(_NUMBERS.value("links_shown"))
# As the machinery of log-in writes such limits: so many in so many minutes from one address.
WRONG_LINKS = f"{_NUMBERS.value('wrong_links'):.0f}/{_NUMBERS.value('wrong_links_min'):.0f}m/ip"
