"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Floor"]


class Floor(AppConfig):
    """The app floor."""

    name = "upturn_clinic.floor"
    label = "floor"
