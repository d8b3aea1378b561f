"""From a form to an action and back to a page: the same few lines for every form of this app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ground.forms import tell
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import identity_shown

__all__ = ["PAGE", "Given", "answer", "user_of", "words_for"]

# The cleaned values of a form.
Given = dict[str, Any]
CONFLICT = 409
PAGE = "participants/form.html"


def words_for(
    here: Facility, participant: Participant | None, title: str, verb: str, *, reader: Actor | None = None, **more: Any
) -> dict[str, Any]:
    """Gather what the page of a form shows; who it is about by name, to a reader who may know it."""
    identity = identity_shown(participant, reader) if participant and reader else None
    return {"here": here, "participant": participant, "identity": identity, "title": title, "verb": verb, **more}


def answer(
    request: HttpRequest,
    form: forms.BaseForm,
    act: Callable[[Given], object],
    *,
    shown: Mapping[str, Any],
    said: str,
    to: str,
    newest: Versioned | None = None,
    page: str = PAGE,
) -> HttpResponse:
    """Show a form, or do what was sent with it; what is refused is told in the form, and what was typed stays.

    Parameters
    ----------
    act
        What is done with the cleaned values.
    shown
        What the page shows besides the form.
    said, to
        After success: the sentence, and the address that follows.
    newest
        The record that the form changes.
    """
    status = 200
    if form.is_bound and form.is_valid():
        try:
            act(form.cleaned_data)
        except (Refused, Conflict) as fault:
            if newest is not None:
                newest.refresh_from_db()
            tell(form, fault, newest=newest)
            status = CONFLICT if isinstance(fault, Conflict) else status
        else:
            messages.success(request, said)
            return redirect(to)
    return render(request, page, {**shown, "form": form}, status=status)


def user_of(actor: Actor) -> User:
    """Give the person behind an actor who passed the gate."""
    assert actor.user is not None  # noqa: S101  (the gate lets nobody else in)
    return actor.user
