"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Participants"]


class Participants(AppConfig):
    """The app participants."""

    name = "upturn_clinic.participants"
    label = "participants"
