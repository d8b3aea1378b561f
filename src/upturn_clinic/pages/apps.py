"""Makes the app known to Django."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["Pages"]


class Pages(AppConfig):
    """The app pages."""

    name = "upturn_clinic.pages"
    label = "pages"
