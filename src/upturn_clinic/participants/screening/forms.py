"""What people type while they screen. Rules of the clinic are in the actions, not here."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from upturn import instruments
from upturn_clinic.accounts.forms import ProofFields
from upturn_clinic.ground.forms import ChangeFields, Reason
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.participants.limits import BODY
from upturn_clinic.participants.models import ConsentDocument, CriterionResult, TreatmentTrial
from upturn_clinic.participants.screening.queries import asks_about_suicide

__all__ = [
    "AssessForm", "ConsentDocumentForm", "ConsentForm", "DecideForm", "MeasureForm", "OverrideForm", "TrialChangeForm",
    "TrialForm", "VersionForm", "WeightForm",
]  # fmt: skip


# Nothing is chosen for whoever types fast.
CHOOSE = ("", "Choose")
# It is the first answer; a question about pregnancy does not apply to a man.
ABSENT = CriterionResult.Finding.ABSENT


def _moment() -> forms.DateTimeInput:
    return forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class VersionForm(forms.Form):
    """An act that needs nothing but the version on screen."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class AssessForm(VersionForm):
    """The answer to one criterion; an answer that changes needs its reason."""

    finding = forms.ChoiceField(
        choices=[(ABSENT.value, f"{ABSENT.label}, or it does not apply"), *CriterionResult.Finding.choices[1:]],
        widget=forms.RadioSelect, label="Is it so?",
    )  # fmt: skip
    evidence = forms.CharField(
        label="What you saw or were told", max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 3})
    )
    source = forms.ChoiceField(choices=CriterionResult.Source.choices, label="From where")
    reason = Reason("Reason for the change")

    def __init__(self, *args: Any, again: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not again:
            del self.fields["reason"]


class DecideForm(VersionForm):
    """Why to go on although a soft criterion is present."""

    reason = Reason("Why you go on all the same", help_text="Kept with the answer, and in the audit trail.")


class OverrideForm(ProofFields):
    """Why a hard criterion is overridden, and proof of who answers for it."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = Reason("Why this hard criterion is overridden")

    field_order = ("version", "reason", "password", "code")


class TrialForm(forms.ModelForm):  # type: ignore[type-arg]  # Django itself has no brackets here
    """An earlier treatment."""

    class Meta:
        model = TreatmentTrial
        fields: ClassVar = [
            "drug", "dose", "duration_weeks", "adherence", "outcome", "in_current_episode", "is_adequate", "evidence",
        ]  # fmt: skip
        labels: ClassVar = {"evidence": "Where this comes from"}
        help_texts: ClassVar = {
            "dose": "With its unit, as in 20 mg a day.",
            "is_adequate": "Your judgement, by the rules of your programme; it counts towards treatment resistance.",
            "evidence": "Told by whom, or read where.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["adherence"].choices = [CHOOSE, *TreatmentTrial.Adherence.choices]  # type: ignore[attr-defined]
        self.fields["outcome"].choices = [CHOOSE, *TreatmentTrial.Outcome.choices]  # type: ignore[attr-defined]


class TrialChangeForm(ChangeFields, TrialForm):
    """A correction of an earlier treatment, or its striking out."""

    struck = forms.BooleanField(
        required=False, label="Strike it out: it was entered by mistake",
        help_text="It stays in the record, struck out, and counts no more.",
    )  # fmt: skip

    field_order = (*TrialForm.Meta.fields, "struck", "reason")


class MeasureForm(forms.Form):
    """A value measured before treatment."""

    instrument = forms.ChoiceField(label="What was measured")
    value = forms.DecimalField(label="Value", max_digits=9, decimal_places=3)
    measured_at = forms.DateTimeField(label="When", widget=_moment())
    recall_h = forms.DecimalField(
        label="How far the rating looks back (h)", required=False, min_value=0, max_digits=7, decimal_places=2,
        help_text="Empty for the usual stretch of the scale; 24 for a 24-hour version, 168 for 7 days.",
    )  # fmt: skip

    def __init__(self, *args: Any, wanted: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        body = {name: f"{name} [{unit}]: {least:g} to {most:g}" for name, (unit, least, most) in BODY.items()}
        scales = [name for name in instruments.all_ids() if not asks_about_suicide(name)]
        shelf = {name: f"{name}: {instruments.get(name).allowed}" for name in scales}
        known = {**body, **shelf}
        first = [(name, known[name]) for name in wanted if name in known]
        rest = [(name, text) for name, text in known.items() if name not in wanted]
        self.fields["instrument"].choices = [  # type: ignore[attr-defined]
            CHOOSE, *([("Needed by the protocol", first)] if first else []), ("Others", rest)
        ]  # fmt: skip


class WeightForm(forms.Form):
    """A body weight, at any visit."""

    value = forms.DecimalField(label="Body weight [kg]", max_digits=9, decimal_places=3)
    measured_at = forms.DateTimeField(label="When", widget=_moment())


class ConsentDocumentForm(forms.Form):
    """A new version of what people consent to."""

    title = forms.CharField(label="Title", max_length=ConsentDocument._meta.get_field("title").max_length)
    text = forms.CharField(
        label="Text", widget=forms.Textarea({"rows": 18}),
        help_text="Word for word as it is handed over.",
    )  # fmt: skip


class ConsentForm(forms.Form):
    """That somebody consented, and when."""

    given_at = forms.DateTimeField(label="When it was given", widget=_moment())
    has_capacity = forms.BooleanField(
        label="This person can decide about taking part, understood what it means, and decides freely", required=True
    )
