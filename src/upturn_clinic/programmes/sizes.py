"""The app's own numbers, read from ``parameters/programmes.yaml``. What does not live here: any number."""

from __future__ import annotations

from datetime import timedelta

from upturn.parameters import read

__all__ = ["EXPECTATION_PATIENCE", "FIRST_LOOK_H", "LARGEST_FILE", "PEOPLE", "PEOPLE_IN_A_ROW", "SECOND_LOOK_H",
           "SIDE_EFFECTS_TOLD"]  # fmt: skip

_NUMBERS = read("upturn_clinic", "programmes")

LARGEST_FILE = int(_NUMBERS.value("largest_file"))
EXPECTATION_PATIENCE = timedelta(minutes=_NUMBERS.value("expectation_patience"))
FIRST_LOOK_H = _NUMBERS.value("sheet_first_look")
SECOND_LOOK_H = _NUMBERS.value("sheet_second_look")
PEOPLE = int(_NUMBERS.value("sheet_people"))
PEOPLE_IN_A_ROW = int(_NUMBERS.value("sheet_row"))
SIDE_EFFECTS_TOLD = int(_NUMBERS.value("sheet_events"))
