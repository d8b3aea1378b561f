"""The key of every form: a random text beside the token against forgery, so that a form sent twice is written once.

It takes the place of Django's own tag ``csrf_token`` (see ``TEMPLATES`` in the settings), so no form can be without.
"""

from __future__ import annotations

import secrets
from typing import Any

from django import template
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html

from upturn_clinic.ground.forms import FORM_KEY

__all__ = ["TokenAndKey", "csrf_token"]

register = template.Library()


class TokenAndKey(CsrfTokenNode):
    """The token against forgery, and the key of this very form."""

    def render(self, context: Context) -> Any:
        """Write both as hidden fields; without a token, neither."""
        token = super().render(context)
        if not token:
            return token
        # Without autocomplete="off" some browsers put an old key back when a page is loaded anew.
        key = '<input type="hidden" name="{}" value="{}" autocomplete="off">'
        return token + format_html(key, FORM_KEY, secrets.token_urlsafe())


@register.tag
def csrf_token(_parser: Parser, _token: Token) -> TokenAndKey:
    """Make the node."""
    return TokenAndKey()
