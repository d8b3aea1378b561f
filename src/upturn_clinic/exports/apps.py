"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Exports"]


class Exports(AppConfig):
    """The app exports."""

    name = "upturn_clinic.exports"
    label = "exports"
