"""What people type about exports and monitoring forms."""

from __future__ import annotations

from django import forms

from upturn_clinic.accounts.forms import ProofFields
from upturn_clinic.ground.forms import Reason

__all__ = ["ExportForm", "UnmaskForm"]


class ExportForm(forms.Form):
    """Which kind of file."""

    kind = forms.ChoiceField(
        label="Kind of file", widget=forms.RadioSelect,
        choices=[("csv", "CSV, for any program"), ("parquet", "Parquet, exact types")],
    )  # fmt: skip


class UnmaskForm(ProofFields):
    """Why the masking of a study ends, signed."""

    reason = Reason("Why the arms may be named now", "Kept in the audit trail. This cannot be undone.")

    field_order = ("reason", "password", "code")
