"""Fields that every form with consequences has: a reason, and the version that was on screen."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import date, datetime
from typing import Any

from django import forms
from django.utils.text import capfirst

from upturn_clinic.ground import dates
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
        editor left as they were, what the others wrote. Beside each other field stands what they wrote, by whom and
        when; so saving again is a decision and takes nothing back unawares.
    """
    # A conflict says what came by its changes.
    came = () if isinstance(fault, Conflict) or not fault.came else (f"Found: {fault.came}",)
    labels = {name: str(field.label or capfirst(name.replace("_", " "))) for name, field in form.fields.items()}
    changes = [each.sentence(labels) for each in fault.saves] if isinstance(fault, Conflict) else []
    expected = (f"Expected: {fault.expected}",) if fault.expected else ()
    told = [fault.fault, *came, *changes, *expected]
    if isinstance(fault, Conflict) and newest is not None and form.is_bound:
        told += _taken_over(form, fault, newest, labels)
    form.add_error(None, [_sentence(text) for text in (*told, fault.remedy) if text])


def _taken_over(form: forms.BaseForm, fault: Conflict, newest: Versioned, labels: Mapping[str, str]) -> list[str]:
    """Take over what the second editor had not touched, and say so; beside what they had, say what the others wrote."""
    # A copy that keeps every tick of a field with several.
    shown: Any = copy(form.data)
    taken = []
    for name, before in fault.before.items():
        if name not in form.fields or form.fields[name].widget.is_hidden or not hasattr(newest, name):
            continue
        theirs = getattr(newest, name)
        now = _in_words(form.fields[name], theirs)
        if shown.get(name) == _as_typed(before):
            shown[name] = _as_typed(form.fields[name].prepare_value(theirs))
            taken.append(f"{labels[name]} is now: {now}")
        elif form.cleaned_data.get(name) != theirs:
            last = next(each for each in reversed(fault.saves) if name in each.fields)
            form.add_error(name, f"{last.by} saved here, {last.when}: {now}. Saving again puts yours in its place.")
    shown["version"] = str(newest.version)
    form.data = shown
    return taken


def _sentence(text: str) -> str:
    return capfirst(text) if text.endswith((".", "!", "?", ":", "”")) else f"{capfirst(text)}."


def _as_typed(value: object) -> str:
    return "" if value is None else str(value)


def _in_words(field: forms.Field, value: Any) -> str:
    """Write a saved value as the form shows it."""
    if value is None or value in ("", []):
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return dates.moment(value)
    if isinstance(value, date):
        return dates.day(value)
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    offered: Any = () if isinstance(field, forms.ModelChoiceField) else getattr(field, "choices", ())
    return next((str(label) for key, label in offered if str(key) == str(value)), str(value))
