"""Answers a form that comes a second time with the answer to the first, and lets the ledger know what is being sent."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from upturn_clinic.ground.forms import FORM_KEY
from upturn_clinic.ledger.forms_sent import Repeated, key_of, sending
from upturn_clinic.ledger.queries import answer_to, sent_before
from upturn_clinic.ledger.writing import keep_answer
from upturn_clinic.operation import REPEAT_WAIT

__all__ = ["SentOnce"]

LOOK_AGAIN_S = 0.05
SAID = "This was saved already. Nothing was written twice."


class SentOnce:
    """Stand around every view that receives a form with a key."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer as the first time, or go on."""
        key = _key(request)
        if not key:
            return self.get_response(request)
        request.form_key = key  # type: ignore[attr-defined]
        if sent_before(key):
            return _as_before(request, key)
        with sending(key) as sent:
            response = self.get_response(request)
        if isinstance(response, HttpResponseRedirect):
            if sent.hashes:
                keep_answer(form_key=key, to=response.url, at=timezone.now())
        elif (first := sent_before(key)) is not None and first.hash not in sent.hashes:
            # The same form came at the same time and was first: what this one was refused for is that.
            return _as_before(request, key)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Turn "sent at the same time" into the answer to the other request."""
        key = getattr(request, "form_key", "")
        if isinstance(exception, Repeated) or (isinstance(exception, IntegrityError) and key and sent_before(key)):
            return _as_before(request, key)
        return None


def _key(request: HttpRequest) -> str:
    """Make the key of what is sent; empty where it is no form with a key."""
    nonce = request.POST.get(FORM_KEY, "") if request.method == "POST" else ""
    if not nonce:
        return ""
    content = [("", request.path)]
    content += [(name, text) for name, texts in request.POST.lists() for text in texts]
    for name, files in request.FILES.lists():
        for file in files:
            content.append((name, hashlib.sha256(b"".join(file.chunks())).hexdigest()))
            file.seek(0)
    return key_of(nonce, content, secret=settings.SECRET_KEY)


def _as_before(request: HttpRequest, key: str) -> HttpResponse:
    """Lead to where the first answer led, or say that it is saved."""
    messages.success(request, SAID)
    if to := _first_answer(key):
        return HttpResponseRedirect(to)
    told = {
        "title": "This was saved already",
        "remedy": "The same form came twice, as it does when a connection is cut. It was saved once. Open the page "
        "anew to see it.",
        "status": 200,
    }
    return render(request, "pages/told.html", told)


def _first_answer(key: str) -> str:
    """Find where the first answer led; it may still be on its way."""
    until = time.monotonic() + REPEAT_WAIT.total_seconds()
    while not (found := answer_to(key)) and time.monotonic() < until:
        time.sleep(LOOK_AGAIN_S)
    return found
