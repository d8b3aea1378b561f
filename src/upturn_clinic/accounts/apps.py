"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Accounts"]


class Accounts(AppConfig):
    """The app accounts."""

    name = "upturn_clinic.accounts"
    label = "accounts"
