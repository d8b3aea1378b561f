"""The app's own numbers, read from ``parameters/exports.yaml``. What does not live here: any number."""

from __future__ import annotations

from datetime import timedelta

from upturn.parameters import read

__all__ = [
    "AGE_POOLED_FROM", "DUE_SOON", "MINIMUM_MONITORING_MIN", "PRESSURE_AFTER_MIN", "SUBMIT_SOURCE", "SUBMIT_WITHIN",
]  # fmt: skip

_NUMBERS = read("upturn_clinic", "exports")

AGE_POOLED_FROM = _NUMBERS.value("age_pooled_from")
SUBMIT_WITHIN = timedelta(days=_NUMBERS.value("form_submitted_within_d"))
SUBMIT_SOURCE = next(each.source for each in _NUMBERS if each.name == "form_submitted_within_d")
DUE_SOON = timedelta(days=_NUMBERS.value("form_due_soon_d"))
PRESSURE_AFTER_MIN = _NUMBERS.value("pressure_after_min")
MINIMUM_MONITORING_MIN = _NUMBERS.value("minimum_monitoring_min")
