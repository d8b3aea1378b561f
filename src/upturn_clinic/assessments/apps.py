"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

from upturn_clinic.assessments.texts import packs

__all__ = ["Assessments"]


class Assessments(AppConfig):
    """The app assessments."""

    name = "upturn_clinic.assessments"
    label = "assessments"

    def ready(self) -> None:
        """Read the site's text packs: one that does not fit stops the start, not a page in the middle of a rating."""
        packs()
