"""Whose task a concern is, asked on a page."""

from __future__ import annotations

from django import template

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.safety import queries
from upturn_clinic.safety.models import Concern

__all__ = ["is_for"]

register = template.Library()


@register.filter
def is_for(concern: Concern, reader: Actor | None) -> bool:
    """Tell whether this reader may take and close a concern; nobody in particular may not."""
    return reader is not None and queries.is_for(concern, reader)
