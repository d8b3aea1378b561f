"""What people type about people and facilities. Rules of the clinic are in the actions, not here."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from upturn_clinic.accounts.letters import pseudonym_of
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.forms import ChangeFields, Reason
from upturn_clinic.operation import PASSWORD_LENGTH

__all__ = ["AcceptForm", "EmergencyForm", "FacilityForm", "InvitationForm", "OneTime", "ProofFields", "RoleForm"]

# Participants are not invited as staff: who they are is entered where participants are.
STAFF_ROLES = [
    (role.value, f"{role.value.capitalize()}: {role.description}") for role in Role if role is not Role.PARTICIPANT
]


class OneTime(forms.TextInput):
    """A code holds once: after a refusal the field is empty, as that of the password."""

    def format_value(self, value: object) -> None:
        """Show nothing that was typed."""


class ProofFields(forms.Form):
    """Password and code once more, for a signature or emergency access. Forms that need a proof derive from this."""

    password = forms.CharField(
        label="Your password", strip=False, widget=forms.PasswordInput({"autocomplete": "current-password"})
    )
    code = forms.CharField(
        label="Code from your app",
        required=False,
        help_text="Six digits, or a recovery code.",
        # Everybody who works here has a code app; the proof itself refuses an empty one of theirs.
        widget=OneTime({"autocomplete": "one-time-code", "inputmode": "numeric", "data-needed-later": True}),
    )


class FacilityForm(ChangeFields, forms.ModelForm):  # type: ignore[type-arg]  # Django itself has no brackets here
    """The facility's own words."""

    field_order = ("name", "phone", "address", "country", "crisis_help", "time_zone", "rooms", "reason")

    class Meta:
        model = Facility
        fields: ClassVar = ["name", "phone", "address", "country", "crisis_help", "time_zone", "rooms"]
        labels: ClassVar = {
            "phone": "Telephone of the team",
            "address": "Address",
            "crisis_help": "Crisis help shown to participants",
            "rooms": "Rooms for sessions",
        }
        help_texts: ClassVar = {
            "phone": "Participants and helpers call it, as in 555 0100, Mon to Fri 8 to 16. It stands on their sheets.",
            "address": "Where an ambulance finds you: street, house, floor, door. It stands on the emergency sheet.",
            "time_zone": "As in Europe/Copenhagen. Times on every page follow this clock.",
            "country": "Two letters, such as NZ. Chooses the crisis lines that are shown when none are written below.",
            "rooms": "One per line, such as Room 1. The floor shows them in this order.",
            "crisis_help": "One per line, as in Our nurse: 555 0100, day and night. Check them yourself before use.",
        }
        widgets: ClassVar = {"crisis_help": forms.Textarea({"rows": 4}), "rooms": forms.Textarea({"rows": 8})}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["time_zone"].widget = forms.Select(choices=[(zone, zone) for zone in sorted(available_timezones())])

    def clean_name(self) -> str:
        """Keep the name on one line."""
        return on_one_line(self.cleaned_data["name"])

    def clean_address(self) -> str:
        """Keep the address on one line."""
        return on_one_line(self.cleaned_data["address"])


def on_one_line(name: str) -> str:
    """Put a name on one line: it stands in the heads of letters and under signatures."""
    return " ".join(name.split())


class InvitationForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(label="Email address", widget=forms.EmailInput({"autocomplete": "off"}))
    role = forms.ChoiceField(choices=STAFF_ROLES, widget=forms.RadioSelect, label="Role")

    def clean_email(self) -> str:
        """Refuse a participant's log-in name: who takes part does not become staff with the same account."""
        email = str(self.cleaned_data["email"])
        if pseudonym_of(email.lower()):
            raise ValidationError("This name belongs to a participant. Staff have an account of their own.")
        return email


class RoleForm(forms.Form):
    """A further role for somebody who works here; those that they have are not offered."""

    role = forms.ChoiceField(
        widget=forms.RadioSelect, label="Role",
        help_text="Who has, or once had, another role here beside that of a rater does not rate blinded.",
    )  # fmt: skip

    def __init__(self, *args: object, held: Collection[str] = (), **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        offered = [(role, words) for role, words in STAFF_ROLES if role not in held]
        self.fields["role"].choices = offered  # type: ignore[attr-defined]


class AcceptForm(forms.Form):
    """A new person's name and password."""

    name = forms.CharField(
        max_length=120,
        label="Your full name",
        help_text="Printed under everything you sign.",
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Password", strip=False, widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=f"At least {PASSWORD_LENGTH} characters. Words of this clinic, such as its name, do not count.",
    )  # fmt: skip
    again = forms.CharField(
        label="Password, once more", strip=False, widget=forms.PasswordInput({"autocomplete": "new-password"})
    )

    def __init__(self, *args: object, email: str = "", with_name: bool = True, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.email = email
        if not with_name:
            del self.fields["name"]

    def clean_name(self) -> str:
        """Keep the name on one line."""
        return on_one_line(self.cleaned_data["name"])

    def clean(self) -> dict[str, object]:
        """Check that both passwords are the same, and that it is not easily guessed."""
        given = self.cleaned_data
        password = given.get("password", "")
        if password != given.get("again"):
            self.add_error("again", "The two passwords differ.")
        try:
            validate_password(password, User(email=self.email, name=given.get("name", "")))
        except ValidationError as error:
            self.add_error("password", error)
        return given


class EmergencyForm(ProofFields):
    """Where, why, and proof of who asks."""

    facility = forms.ModelChoiceField(Facility.objects.all(), label="Facility", empty_label=None)
    reason = Reason(help_text="Who is in danger, and what you need to see. An administrator will review it.")

    field_order = ("facility", "reason", "password", "code")
