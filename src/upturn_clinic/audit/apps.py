"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Audit"]


class Audit(AppConfig):
    """The app audit."""

    name = "upturn_clinic.audit"
    label = "audit"
