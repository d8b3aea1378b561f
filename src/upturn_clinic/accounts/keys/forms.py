"""What people type about sessions and code apps. Rules of the clinic are in the actions, not here."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms

from upturn_clinic.accounts.forms import ProofFields
from upturn_clinic.accounts.keys.queries import Opened
from upturn_clinic.ground.forms import Reason

__all__ = ["OTHERS", "EndSessionsForm", "ResetForm"]

OTHERS = "others"


class EndSessionsForm(ProofFields):
    """Which of one's other sessions ends, and proof of who asks."""

    which = forms.ChoiceField(widget=forms.RadioSelect, label="Where")

    field_order = ("which", "password", "code")

    def __init__(self, *args: object, others: Sequence[Opened], has_code_app: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if not has_code_app:  # a participant's choice
            del self.fields["code"]
        one_by_one = [(each.mark, f"{number}. {each.device}") for number, each in enumerate(others, start=2)]
        choices = [(OTHERS, "all but this one"), *one_by_one]
        self.fields["which"].choices = choices  # type: ignore[attr-defined]
        self.fields["which"].initial = OTHERS


class ResetForm(ProofFields):
    """How it was made sure who asks, why it is needed, and proof of who does it."""

    made_sure = Reason(
        "How you made sure who it is",
        "Face to face, or by calling a number you knew before. A call or email that came to you is not enough.",
    )
    reason = Reason("Why it is needed")

    field_order = ("made_sure", "reason", "password", "code")
