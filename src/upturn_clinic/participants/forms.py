"""What people type about participants. Rules of the clinic are in the actions, not here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from upturn.protocol import Protocol
from upturn_clinic.accounts.forms import ProofFields
from upturn_clinic.ground.forms import ChangeFields, Reason
from upturn_clinic.participants.models import Identity, Participant, RandomisationList
from upturn_clinic.programmes.models import Programme, ProtocolVersion

__all__ = [
    "EnrolForm", "EraseForm", "IdentityForm", "MoveForm", "RandomisationForm", "RegisterForm", "SearchForm",
    "UnblindForm",
]  # fmt: skip

IDENTITY = ["full_name", "date_of_birth", "phone", "email", "address", "emergency_contact", "emergency_phone"]


class _IdentityFields(forms.ModelForm):  # type: ignore[type-arg]  # Django itself has no brackets here
    class Meta:
        model = Identity
        fields: ClassVar = IDENTITY
        labels: ClassVar = {"emergency_contact": "Emergency contact: name, and how related"}
        widgets: ClassVar = {
            "full_name": forms.TextInput({"autocomplete": "off"}),
            "date_of_birth": forms.DateInput({"type": "date", "autocomplete": "off"}, format="%Y-%m-%d"),
            "phone": forms.TextInput({"type": "tel", "autocomplete": "off"}),
            "email": forms.EmailInput({"autocomplete": "off"}),
            "address": forms.Textarea({"rows": 3, "autocomplete": "off"}),
            "emergency_contact": forms.TextInput({"autocomplete": "off"}),
            "emergency_phone": forms.TextInput({"type": "tel", "autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The table lets them be empty for an erasure alone.
        for name in ("full_name", "date_of_birth"):
            self.fields[name].required = True


class RegisterForm(_IdentityFields):
    """Somebody new: what they are screened for, and who they are."""

    protocol_version = forms.ModelChoiceField(ProtocolVersion.objects.none(), label="Programme", empty_label="Choose")
    sex = forms.ChoiceField(
        choices=Participant.Sex.choices, label="Sex", widget=forms.RadioSelect,
        help_text="As the pregnancy criterion and the dose models need it.",
    )  # fmt: skip

    field_order = ("protocol_version", "full_name", "date_of_birth", "sex")

    def __init__(self, *args: Any, versions: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["protocol_version"].queryset = versions  # type: ignore[attr-defined]
        # Whoever types fast begins no screening in the programme that happens to be first.
        if len(versions) == 1:
            self.fields["protocol_version"].initial = versions[0]

    def identity(self) -> dict[str, Any]:
        """Give the part that goes into the table of identities."""
        return {name: self.cleaned_data[name] for name in IDENTITY}


class IdentityForm(ChangeFields, _IdentityFields):
    """A correction of who somebody is."""

    field_order = (*IDENTITY, "reason")


class SearchForm(forms.Form):
    """What narrows the list down."""

    text = forms.CharField(required=False, label="Pseudonym")
    status = forms.ChoiceField(required=False, choices=[("", "any"), *Participant.Status.choices], label="Status")
    programme = forms.ModelChoiceField(Programme.objects.none(), required=False, label="Programme", empty_label="any")

    def __init__(self, *args: Any, programmes: Any, by_name: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["programme"].queryset = programmes  # type: ignore[attr-defined]
        if by_name:
            self.fields["text"].label = "Pseudonym or name"


class EnrolForm(forms.Form):
    """The arm, where it is chosen openly; the level of each factor, where a list allocates."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, protocol: Protocol, randomisation: RandomisationList | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.factors: Mapping[str, str] = {}
        if randomisation is None:
            arms = [(name, f"{name}: {arm.title}") for name, arm in protocol.arms.items()]
            self.fields["arm"] = forms.ChoiceField(choices=arms, widget=forms.RadioSelect, label="Arm")
            return
        self.factors = {f"factor_{place}": factor for place, factor in enumerate(randomisation.strata)}
        for field, factor in self.factors.items():
            levels = [(level, level) for level in randomisation.strata[factor]]
            self.fields[field] = forms.ChoiceField(choices=levels, widget=forms.RadioSelect, label=factor)

    def strata(self) -> dict[str, str]:
        """Give the level of each factor."""
        return {factor: self.cleaned_data[field] for field, factor in self.factors.items()}


class MoveForm(ChangeFields):
    """To which version, and why."""

    to = forms.ModelChoiceField(ProtocolVersion.objects.none(), label="Version", empty_label=None)

    field_order = ("to", "reason")

    def __init__(self, *args: Any, versions: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = versions  # type: ignore[attr-defined]


class UnblindForm(ProofFields):
    """Why the arm must be known, and proof of who asks."""

    reason = Reason(help_text="What happened, and what will be done differently once the arm is known.")

    field_order = ("reason", "password", "code")


class EraseForm(ProofFields):
    """Why who it was is erased, and proof of who does it."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = Reason(help_text="Who asked, and why nothing obliges you to keep it. It stays: name nobody.")
    pseudonym = forms.CharField(
        label="The participant's pseudonym, typed once more", widget=forms.TextInput({"autocomplete": "off"})
    )

    field_order = ("version", "reason", "pseudonym", "password", "code")

    def __init__(self, *args: Any, pseudonym: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = pseudonym

    def clean_pseudonym(self) -> str:
        """Ask for the pseudonym, so that nobody erases the wrong person by a slip."""
        typed = str(self.cleaned_data["pseudonym"]).strip().upper()
        if typed != self.wanted:
            raise ValidationError("This is not the pseudonym of the participant on this page.")
        return typed


class RandomisationForm(forms.Form):
    """How a programme allocates."""

    shares = forms.CharField(
        label="Arms and their shares", widget=forms.Textarea({"rows": 4}),
        help_text="One arm per line, as in “ketamine: 2”. Arms that are not named are not allocated.",
    )  # fmt: skip
    block_sizes = forms.CharField(
        label="Block sizes",
    )
    strata = forms.CharField(
        label="Strata", required=False, widget=forms.Textarea({"rows": 3}),
        help_text="One factor per line with its levels, as in “severity: MADRS below 34; MADRS 34 or more”.",
    )  # fmt: skip
    by_facility = forms.BooleanField(label="Each facility has lists of its own", required=False, initial=True)
    is_masked = forms.BooleanField(
        label="Masked: the team does not learn the arm", required=False,
        help_text="Pharmacists see it; clinicians can learn it in an emergency, with reason and signature. Arms that "
        "are given differently, such as tablets beside infusions, cannot be masked: leave one out, or do not mask.",
    )  # fmt: skip

    def __init__(self, *args: Any, protocol: Protocol, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        arms = protocol.arms
        self.fields["shares"].initial = "\n".join(f"{arm}: 1" for arm in arms)
        # At least two arms are allocated: the example fits what stands above it.
        least = max(len(arms), 2)
        self.fields["block_sizes"].help_text = (
            f"Multiples of the sum of the shares: with one share for each of {least} arms, “{2 * least}, {3 * least}”. "
            "With more than one size the end of a block cannot be guessed. Tell them to nobody who enrols."
        )
        ways = {frozenset(dose.route for dose in arm.doses) for arm in arms.values()}
        self.fields["is_masked"].initial = len(ways) == 1

    def clean_shares(self) -> dict[str, int]:
        """Read arms and shares."""
        shares: dict[str, int] = {}
        for line in _lines(self.cleaned_data["shares"]):
            arm, _, share = line.rpartition(":")
            if not arm.strip() or not share.strip().isdecimal():
                raise ValidationError(
                    "“%(line)s” is not an arm and its share, as in “ketamine: 2”.", params={"line": line}
                )
            shares[arm.strip()] = int(share)
        return shares

    def clean_block_sizes(self) -> list[int]:
        """Read the sizes."""
        sizes = [size for size in re.split(r"[\s,;]+", self.cleaned_data["block_sizes"].strip()) if size]
        if not all(size.isdecimal() for size in sizes):
            raise ValidationError("Block sizes are whole numbers, as in “4, 6”.")
        return [int(size) for size in sizes]

    def clean_strata(self) -> dict[str, Sequence[str]]:
        """Read factors and levels."""
        strata: dict[str, Sequence[str]] = {}
        for line in _lines(self.cleaned_data["strata"]):
            factor, _, rest = line.partition(":")
            levels = [level.strip() for level in rest.split(";") if level.strip()]
            if not factor.strip() or len(set(levels)) < 2 or len(set(levels)) != len(levels):
                raise ValidationError(
                    "“%(line)s” is not a factor with two levels or more, as in “sex: female; male”.",
                    params={"line": line},
                )
            strata[factor.strip()] = levels
        return strata


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
