"""Many addresses of one kind: the pattern is looked up once, each key is put in. For lists; elsewhere ``{% url %}``."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.urls import reverse

__all__ = ["addresses"]

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
