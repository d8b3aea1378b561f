"""What people type about other treatments and other drugs."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from upturn_clinic.ground.forms import ChangeFields
from upturn_clinic.treatments.interactions import choices
from upturn_clinic.treatments.models import CoIntervention, ConcomitantDrug

__all__ = ["CoInterventionChange", "CoInterventionForm", "DrugChange", "DrugForm"]

DAY = {"type": "date"}
# Nothing is chosen for whoever types fast.
CHOOSE = ("", "Choose")
DAY_FORMAT = "%Y-%m-%d"


class CoInterventionForm(forms.ModelForm):  # type: ignore[type-arg]  # Django itself has no brackets here
    """Another treatment of the same time."""

    class Meta:
        model = CoIntervention
        fields: ClassVar = ["kind", "what", "given_by", "began_on", "ended_on", "sessions"]
        widgets: ClassVar = {
            "began_on": forms.DateInput(DAY, format=DAY_FORMAT), "ended_on": forms.DateInput(DAY, format=DAY_FORMAT),
        }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [CHOOSE, *CoIntervention.Kind.choices]  # type: ignore[attr-defined]


class CoInterventionChange(ChangeFields, CoInterventionForm):
    """A change of it, or its end."""

    field_order = (*CoInterventionForm.Meta.fields, "reason")


class DrugForm(forms.ModelForm):  # type: ignore[type-arg]
    """Another drug of the same time."""

    drug_class = forms.ChoiceField(
        label="Class", choices=lambda: [CHOOSE, *choices()],
        help_text="The class decides which warning is shown before a dose.",
    )  # fmt: skip

    class Meta:
        model = ConcomitantDrug
        fields: ClassVar = ["name", "drug_class", "dose", "began_on", "ended_on"]
        widgets: ClassVar = {
            "began_on": forms.DateInput(DAY, format=DAY_FORMAT), "ended_on": forms.DateInput(DAY, format=DAY_FORMAT),
        }  # fmt: skip


class DrugChange(ChangeFields, DrugForm):
    """A change of it, or its end."""

    field_order = (*DrugForm.Meta.fields, "reason")
