"""Fields that every form with consequences has: a reason, and the version that was on screen."""

from __future__ import annotations

from django import forms
from django.utils.text import capfirst

from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.operation import LONGEST_REASON

__all__ = ["FORM_KEY", "ChangeFields", "Reason", "ReasonForm", "tell"]

# The field of every form that tells one sending of it from another (see ``ledger.forms_sent``).
FORM_KEY = "form_key"


class Reason(forms.CharField):
    """Why something is done, in a sentence."""

    def __init__(self, label: str = "Reason", help_text: str = "Kept in the audit trail.") -> None:
        super().__init__(
            label=label, help_text=help_text, max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 3})
        )


class ReasonForm(forms.Form):
    """A change that needs nothing but its reason."""

    reason = Reason()


class ChangeFields(forms.Form):
    """What a form carries that changes a saved record. Forms for records derive from this."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = Reason("Reason for the change")


def tell(form: forms.BaseForm, fault: Refused | Conflict, *, newest: Versioned | None = None) -> None:
    """Say in a form why it was not saved. What was typed stays.

    Parameters
    ----------
    newest
        After a conflict: the record as it is saved now. The form takes over its version and, in fields that the second
        editor left as they were, what the others wrote; so saving again is a decision and takes nothing back unawares.
    """
    # A conflict says what came by its changes.
    came = () if isinstance(fault, Conflict) or not fault.came else (f"Found: {fault.came}",)
    changes = fault.changes if isinstance(fault, Conflict) else ()
    expected = (f"Expected: {fault.expected}",) if fault.expected else ()
    told = (fault.fault, *came, *changes, *expected, fault.remedy)
    form.add_error(None, [capfirst(text) for text in told if text])
    if not isinstance(fault, Conflict) or newest is None or not form.is_bound:
        return
    shown = {name: form.data.get(name) for name in form.data}
    for name, before in fault.before.items():
        if name in shown and shown[name] == _as_typed(before):
            shown[name] = _as_typed(form.fields[name].prepare_value(getattr(newest, name)))
    form.data = {**shown, "version": str(newest.version)}


def _as_typed(value: object) -> str:
    return "" if value is None else str(value)
