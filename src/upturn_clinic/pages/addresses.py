"""Addresses where ``{% url %}`` does not reach: many of one kind, and the name of the one that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse

__all__ = ["addresses", "page_name"]

_NOBODY = UUID(int=0)


def addresses(name: str, facility: str) -> Callable[[UUID], str]:
    """Give what makes the address of a thing at a facility from the thing's key.

    Parameters
    ----------
    name
        The name of an address that takes the facility and one key, in this order.
    facility
        The facility's short name.
    """
    before, _, after = reverse(name, args=[facility, _NOBODY]).partition(str(_NOBODY))
    return lambda key: f"{before}{key}{after}"


def page_name(request: HttpRequest) -> str | None:
    """Name the page that is asked for, also before anything opens it; None where there is none."""
    try:
        return resolve(request.path_info).url_name
    except Resolver404:
        return None
