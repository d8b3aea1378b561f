"""The app's own numbers, read from ``parameters/participants.yaml``. What does not live here: any number."""

from __future__ import annotations

from upturn.parameters import read

__all__ = ["AGE_Y", "BODY", "LARGEST_BLOCK", "PSEUDONYM_CHARACTERS", "SEED_BYTES"]

_NUMBERS = read("upturn_clinic", "participants")

AGE_Y = (int(_NUMBERS.value("age_least")), int(_NUMBERS.value("age_most")))
# What the shelf of instruments does not hold: unit, least, most.
BODY = {
    "weight": ("kg", _NUMBERS.value("weight_least"), _NUMBERS.value("weight_most")),
    "height": ("cm", _NUMBERS.value("height_least"), _NUMBERS.value("height_most")),
}
PSEUDONYM_CHARACTERS = int(_NUMBERS.value("pseudonym_characters"))
SEED_BYTES = int(_NUMBERS.value("seed_bytes"))
LARGEST_BLOCK = int(_NUMBERS.value("largest_block"))
