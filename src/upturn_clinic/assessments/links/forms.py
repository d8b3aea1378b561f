"""What staff types about links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from upturn_clinic.assessments.limits import LINK_LONGEST_H, LINK_VALID_H

__all__ = ["LinkForm"]


class LinkForm(forms.Form):
    """Which questionnaires a link asks, and for how long it holds."""

    instruments = forms.MultipleChoiceField(label="Questionnaires", widget=forms.CheckboxSelectMultiple)
    valid_h = forms.IntegerField(
        label="For how many hours the link holds", min_value=1, max_value=LINK_LONGEST_H, initial=LINK_VALID_H
    )

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["instruments"].choices = choices  # type: ignore[attr-defined]
