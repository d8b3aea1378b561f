"""What people type about programmes. Rules are in the actions; what a protocol may say is the library's."""

from __future__ import annotations

from django import forms
from django.core.files.uploadedfile import UploadedFile

from upturn.protocol import Protocol, shipped
from upturn_clinic.accounts.forms import ProofFields
from upturn_clinic.accounts.models import Facility
from upturn_clinic.ground.forms import ChangeFields, Reason
from upturn_clinic.programmes.rules import GROUPS, boxes
from upturn_clinic.programmes.sizes import LARGEST_FILE

__all__ = [
    "ForceForm", "NewProgrammeForm", "OfferForm", "ProgrammeForm", "RetireForm", "SignForm", "VersionForm",
]  # fmt: skip

_KILO = 1000


class NewProgrammeForm(forms.Form):
    """A new programme's name and purpose."""

    name = forms.CharField(max_length=120, help_text="As people here call it.")
    purpose = forms.CharField(
        max_length=2000, required=False, help_text="For whom, and what for.", widget=forms.Textarea({"rows": 3})
    )


class ProgrammeForm(ChangeFields, NewProgrammeForm):
    """Another name or purpose."""

    field_order = ("name", "purpose", "reason")


class VersionForm(forms.Form):
    """A protocol: one that comes with upturn, or a file."""

    shipped = forms.ChoiceField(
        label="A protocol that comes with upturn",
        required=False,
        choices=lambda: [("", "none: I upload a file"), *((name, name) for name in shipped())],
        widget=forms.Select({"data-needed-later": True}),
    )
    file = forms.FileField(
        label="Or a protocol file",
        required=False,
        help_text=f"YAML, up to {LARGEST_FILE // _KILO} kB. It is checked, and every fault is told with its line.",
        widget=forms.ClearableFileInput({"accept": ".yaml,.yml", "data-needed-later": True}),
    )

    def clean_file(self) -> tuple[str, str]:
        """Read the text and the name of the file; nothing when none came."""
        given: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if given is None:
            return "", ""
        if (given.size or 0) > LARGEST_FILE:
            raise forms.ValidationError(
                f"The file is too large for a protocol: up to {LARGEST_FILE // _KILO} kB are taken."
            )
        try:
            text = given.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise forms.ValidationError("The file is not text in UTF-8. Save it as YAML text.") from error
        return text, given.name or "the file"

    def clean(self) -> dict[str, object]:
        """Take exactly one of the two."""
        given = self.cleaned_data
        if "file" in given and bool(given.get("shipped")) == bool(given["file"][0]):
            self.add_error(None, "Choose a protocol or upload a file: one of the two.")
        return given


class SignForm(ProofFields):
    """A signature under the version that was on screen."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class ForceForm(SignForm):
    """A signature under a version, with the rules that are taken on: one box each, none ticked.

    Who takes on none says so: a slip would leave a session without a single limit.
    """

    takes_none = forms.BooleanField(
        label="I take on none of them.", required=False, widget=forms.CheckboxInput({"data-needed-later": True})
    )

    def __init__(self, *args: object, protocol: Protocol, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.sections = boxes(protocol)
        for section, rules in self.sections.items():
            self.fields[f"take_{section}"] = forms.MultipleChoiceField(
                label=GROUPS[section], choices=rules, required=False, widget=forms.CheckboxSelectMultiple
            )
        if not self.sections:
            del self.fields["takes_none"]
        taken = [f"take_{section}" for section in self.sections]
        self.order_fields([*taken, "takes_none", "password", "code", "version"])

    def clean(self) -> dict[str, object]:
        """Ask about a signature that takes on nothing."""
        given = super().clean() or self.cleaned_data
        taken = any(given.get(f"take_{section}") for section in self.sections)
        if self.sections and not self.errors and taken == bool(given.get("takes_none")):
            self.add_error(
                "takes_none",
                "You ticked rules and this as well: take one of the two back." if taken
                else "You ticked no rule. Go through them once more, or tick this.",
            )  # fmt: skip
        return given

    @property
    def taken_on(self) -> tuple[str, ...]:
        """The keys of the rules that were ticked."""
        return tuple(key for section in self.sections for key in self.cleaned_data[f"take_{section}"])


class RetireForm(SignForm):
    """A signature, and why."""

    reason = Reason()

    field_order = ("reason", "password", "code")


class OfferForm(forms.Form):
    """The facility to which a programme is offered."""

    facility = forms.ModelChoiceField(Facility.objects.none(), empty_label=None)

    def __init__(self, *args: object, facilities: object = None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["facility"].queryset = facilities  # type: ignore[attr-defined]
