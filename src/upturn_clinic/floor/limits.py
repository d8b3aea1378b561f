"""The floor's own numbers, read from ``parameters/floor.yaml``. What does not live here: any number."""

from __future__ import annotations

from datetime import timedelta

from upturn.parameters import read

__all__ = [
    "AHEAD_OF_CLOCK", "CHECK_FRESH", "EARLIEST_ARRIVAL", "LARGEST_FILLING_ML", "LARGEST_RATE_ML_H", "LATE_AFTER",
    "LONGEST_WAIT", "MOST_ENTRIES", "OFF_PACE", "POLL_S", "READING_FRESH", "READING_FRESH_BEFORE", "TIME_OUT_FRESH",
]  # fmt: skip

_NUMBERS = read("upturn_clinic", "floor")

LATE_AFTER = timedelta(minutes=_NUMBERS.value("late_after_min"))
AHEAD_OF_CLOCK = timedelta(seconds=_NUMBERS.value("ahead_of_clock_s"))
LONGEST_WAIT = timedelta(hours=_NUMBERS.value("longest_wait_h"))
EARLIEST_ARRIVAL = timedelta(hours=_NUMBERS.value("earliest_arrival_h"))
LARGEST_RATE_ML_H = int(_NUMBERS.value("largest_rate_ml_h"))
LARGEST_FILLING_ML = int(_NUMBERS.value("largest_filling_ml"))
MOST_ENTRIES = int(_NUMBERS.value("most_entries"))
POLL_S = int(_NUMBERS.value("poll_s"))
READING_FRESH = timedelta(minutes=_NUMBERS.value("leaving_reading_fresh_min"))
READING_FRESH_BEFORE = timedelta(minutes=_NUMBERS.value("reading_before_dose_min"))
CHECK_FRESH = timedelta(minutes=_NUMBERS.value("check_before_dose_min"))
TIME_OUT_FRESH = timedelta(minutes=_NUMBERS.value("time_out_before_dose_min"))
OFF_PACE = _NUMBERS.value("infusion_off_pace")
