"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Programmes"]


class Programmes(AppConfig):
    """The app programmes."""

    name = "upturn_clinic.programmes"
    label = "programmes"
