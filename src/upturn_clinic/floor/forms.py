"""What people type about a session as a whole. Rules are in the actions; entries come from the page itself."""

from __future__ import annotations

from typing import Any

from django import forms

from upturn_clinic.accounts.forms import ProofFields
from upturn_clinic.ground.forms import ChangeFields, Reason

__all__ = ["ArriveForm", "GiveUpForm", "MoveForm", "OverrideForm"]


class _Room(forms.Form):
    """One of the facility's rooms, each with who is in it, or none."""

    room = forms.ChoiceField(label="Room", required=False, widget=forms.Select({"data-needed-later": True}))
    is_shared = forms.BooleanField(label="Shared with somebody who is in this room already", required=False)

    def __init__(self, *args: Any, rooms: tuple[tuple[str, str], ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["room"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  (declared above)
        field.choices = [("", "no room"), *rooms]


class ArriveForm(_Room):
    """Somebody has come for a dose."""

    arrived_at = forms.DateTimeField(
        label="Arrived at", widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )

    field_order = ("arrived_at", "room", "is_shared")


class MoveForm(_Room):
    """Another room."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class GiveUpForm(ChangeFields):
    """No dose today."""

    reason = Reason(
        "Why the dose is not given", "Kept in the audit trail. The dose stays planned until it is moved or ended."
    )


class OverrideForm(ProofFields):
    """Going on at a hard gate: reason, password and code."""

    reason = Reason("Why you go on although this gate is closed")

    field_order = ("reason", "password", "code")
