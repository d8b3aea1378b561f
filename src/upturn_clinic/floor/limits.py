"""The floor's own numbers, read from ``parameters/floor.yaml``. What does not live here: any number."""

from __future__ import annotations

from datetime import timedelta

from upturn.parameters import read

__all__ = [
    "AHEAD_OF_CLOCK", "CHECK_FRESH", "EARLIEST_ARRIVAL", "FAR_OFF_PACE", "LARGEST_FILLING_ML", "LARGEST_RATE_ML_H",
    "LATE_AFTER", "LIKELY", "LONGEST_WAIT", "MOST_ENTRIES", "OFF_PACE", "POLL_S", "READING_FRESH",
    "READING_FRESH_BEFORE", "TIME_OUT_FRESH",
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
# Outside these a value is asked about before it is taken: least, most.
LIKELY = {
    "SBP": (_NUMBERS.value("likely_sbp_least"), _NUMBERS.value("likely_sbp_most")),
    "DBP": (_NUMBERS.value("likely_dbp_least"), _NUMBERS.value("likely_dbp_most")),
    "HR": (_NUMBERS.value("likely_hr_least"), _NUMBERS.value("likely_hr_most")),
    "SpO2": (_NUMBERS.value("likely_spo2_least"), _NUMBERS.value("likely_spo2_most")),
}
FAR_OFF_PACE = _NUMBERS.value("infusion_far_off")
