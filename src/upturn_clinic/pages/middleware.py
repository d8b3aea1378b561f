"""Headers of every answer: what a page may load (only its own files), and that nobody keeps a copy.

Also words for an address that is not a page to open.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from upturn_clinic.pages.views import only_for_sending

__all__ = ["POLICY", "SecurityHeaders", "Worded"]

# No script or style stands in a page, so none needs an exception. Pictures as data: the QR code of a code app.
POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
        "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'",
    )
)  # fmt: skip
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """Set the headers; nobody keeps pages, but static files may be kept (whitenoise says so itself)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the headers."""
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class Worded:
    """Put words on an address that a page sends to and somebody opens: the browser's own page would be a fault."""

    NOT_SO = 405

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer as before, with words where there were none."""
        response = self.get_response(request)
        if response.status_code != self.NOT_SO or response.content or request.method != "GET":
            return response
        worded = only_for_sending(request)
        worded.headers["Allow"] = response.headers.get("Allow", "")
        return worded
