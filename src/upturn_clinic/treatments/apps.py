"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Treatments"]


class Treatments(AppConfig):
    """The app treatments."""

    name = "upturn_clinic.treatments"
    label = "treatments"
