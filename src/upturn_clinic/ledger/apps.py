"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Ledger"]


class Ledger(AppConfig):
    """The app ledger."""

    name = "upturn_clinic.ledger"
    label = "ledger"
