"""A link as a square picture that a telephone reads from the screen."""

from __future__ import annotations

import base64

import qrcode  # type: ignore[import-untyped]
from qrcode.image.svg import SvgPathImage  # type: ignore[import-untyped]

__all__ = ["square_of"]


def square_of(address: str) -> str:
    """Draw an address as a picture, for ``src`` of an image.

    Examples
    --------
    >>> square_of("https://example.org/")[:26]
    'data:image/svg+xml;base64,'
    """
    drawn = qrcode.make(address, image_factory=SvgPathImage).to_string()
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"
