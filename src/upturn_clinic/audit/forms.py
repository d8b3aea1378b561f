"""What a reviewer writes."""

from __future__ import annotations

from django import forms

from upturn_clinic.accounts.forms import ProofFields
from upturn_clinic.operation import LONGEST_REASON

__all__ = ["ReviewForm"]


class ReviewForm(ProofFields):
    """What the review found, signed with password and code."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    finding = forms.CharField(
        label="What you found",
        help_text="Was the access needed? What follows from it?",
        max_length=LONGEST_REASON,
        widget=forms.Textarea({"rows": 4}),
    )

    field_order = ("version", "finding", "password", "code")
