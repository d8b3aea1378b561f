"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Demo"]


class Demo(AppConfig):
    """The app demo."""

    name = "upturn_clinic.demo"
    label = "demo"
