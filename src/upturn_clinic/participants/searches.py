"""What somebody searched for: kept in their session, so that a name stands in no address and in no log.

The address carries a mark of the search; so the way back in the browser leads to each search again.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict

from upturn_clinic.operation import LONGEST_SEARCH, SEARCHES_KEPT
from upturn_clinic.participants.forms import SearchForm

__all__ = ["asked_for", "kept"]

SEARCHES, MARK, TEXT = "searches", "found", "text"


def kept(request: HttpRequest) -> str:
    """Keep the text of a search that was sent; give the query of the address that shows it.

    Returns
    -------
    Empty where nothing is asked for.
    """
    if request.method != "POST":
        return ""
    given = {name: request.POST.get(name, "").strip()[:LONGEST_SEARCH] for name in SearchForm.base_fields}
    text = given.pop(TEXT)
    query = {name: value for name, value in given.items() if value}
    if text:
        query[MARK] = secrets.token_urlsafe()
        earlier = list(request.session.get(SEARCHES, {}).items())
        request.session[SEARCHES] = dict([*earlier, (query[MARK], text)][-SEARCHES_KEPT:])
    return urlencode(query)


def asked_for(request: HttpRequest) -> QueryDict | None:
    """Give what a list is narrowed down by; None for the whole list."""
    asked = request.GET.copy()
    asked[TEXT] = request.session.get(SEARCHES, {}).get(asked.get(MARK, ""), "")
    return asked if request.GET else None
