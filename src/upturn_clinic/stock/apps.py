"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Stock"]


class Stock(AppConfig):
    """The app stock."""

    name = "upturn_clinic.stock"
    label = "stock"
