"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Safety"]


class Safety(AppConfig):
    """The app safety."""

    name = "upturn_clinic.safety"
    label = "safety"
