"""What people type about controlled drugs. Rules of the register are in the actions, not here."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from upturn_clinic.accounts.models import User
from upturn_clinic.ground.dates import day
from upturn_clinic.ground.forms import Reason
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.stock.amounts import DRUGS, amount_of, with_ml, written
from upturn_clinic.stock.models import DIGITS, PLACES, Draw, Lot, Movement
from upturn_clinic.stock.queries import is_rest_unknown
from upturn_clinic.stock.shelf.queries import LotRow

__all__ = [
    "CheckForm", "CountForm", "DrawForm", "PeriodForm", "PutBackForm", "ReceiveForm", "RemoveForm", "SecondPerson",
    "SettleForm", "TakeBackForm", "WasteForm",
]  # fmt: skip


def amount_field(label: str, help_text: str = "", *, required: bool = True, least: int = 0) -> forms.DecimalField:
    """Ask for an amount."""
    return forms.DecimalField(
        label=label, help_text=help_text, required=required, min_value=least, max_digits=DIGITS, decimal_places=PLACES
    )


def day_field(label: str, help_text: str = "") -> forms.DateField:
    """Ask for a day."""
    widget = forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, help_text=help_text, widget=widget)


def _note(label: str) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 2}),
        help_text="Kept in the register.",
    )  # fmt: skip


class SecondPerson(forms.Form):
    """Who looks on, with their own password and code: a colleague's proof on this screen."""

    person = forms.ChoiceField(label="Second person", help_text="Never the one who is logged in.")
    password = forms.CharField(
        label="Password of the second person", strip=False, widget=forms.PasswordInput({"autocomplete": "off"})
    )
    code = forms.CharField(
        label="Code from the second person's app", required=False, help_text="Six digits, or a recovery code.",
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "numeric", "data-needed-later": ""}),
    )  # fmt: skip

    def __init__(self, *args: Any, people: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(each.pk): each for each in people}
        field = self.fields["person"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  (declared above)
        field.choices = [("", "Choose"), *((key, user.name) for key, user in self.people.items())]

    def clean_person(self) -> User:
        """Give the user behind the choice."""
        return self.people[self.cleaned_data["person"]]


class ReceiveForm(forms.Form):
    """A delivery, as its label says."""

    drug = forms.ChoiceField(choices=[(drug, drug) for drug in DRUGS])
    form = forms.ChoiceField(label="Form", choices=Lot.Form.choices)
    number = forms.CharField(label="Lot number", max_length=60)
    expires_on = day_field("Expiry", "The last day of use. Of a month on the label, its last day.")
    containers = forms.IntegerField(label="How many came", min_value=1)
    amount_each = amount_field("Amount in each", "In mg; in ml for a vial without a drug; 1 for a device without one.")
    mg_per_ml = amount_field(
        "Strength (mg in 1 ml)", "Needed for a vial with a drug; else leave it empty.", required=False
    )
    basis = forms.ChoiceField(label="The milligrams on the label count", choices=Lot.Basis.choices)
    is_masked = forms.BooleanField(
        label="Kept for masked doses", required=False, help_text="Then only people who may know arms see this lot."
    )
    reason = _note("Remark, such as the delivery note")

    def __init__(self, *args: Any, may_mask: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mg_per_ml"].widget.attrs["data-needed-later"] = ""
        if not may_mask:
            del self.fields["is_masked"]


class CountForm(forms.Form):
    """What is on the shelf now."""

    counted = amount_field("Counted on the shelf", "What was really there, opened ones too.")
    reason = _note("Remark")

    def __init__(self, *args: Any, unit: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["counted"].label = f"Counted on the shelf ({unit})"


class SettleForm(SecondPerson):
    """Why count and register differ."""

    reason = Reason("What is known about the difference", "Kept in the register.")

    field_order = ("reason", "person", "password", "code")


class RemoveForm(SecondPerson):
    """What leaves the shelf otherwise than for a dose."""

    kind = forms.ChoiceField(
        label="What happened", widget=forms.RadioSelect,
        choices=[(each.value, each.label) for each in
                 (Movement.Kind.WASTED, Movement.Kind.DESTROYED, Movement.Kind.SENT_BACK)],
    )  # fmt: skip
    amount = amount_field("Amount")
    reason = Reason("Why", "Kept in the register.")

    field_order = ("kind", "amount", "reason", "person", "password", "code")

    def __init__(self, *args: Any, unit: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].label = f"Amount ({unit})"
        for name in ("person", "password"):
            self.fields[name].required = False
            self.fields[name].widget.attrs["data-needed-later"] = ""
        self.fields["person"].help_text = "Needed for what is wasted or destroyed, not for what is sent back."

    def clean_person(self) -> User | None:  # type: ignore[override]  # nobody, when it is sent back
        """Give the user behind the choice, if one was chosen."""
        return self.people.get(self.cleaned_data["person"])


class TakeBackForm(SecondPerson):
    """Why an entry is taken back, and who has seen it."""

    reason = Reason("What was wrong with the entry", "Kept in the register, beside the entry.")

    field_order = ("reason", "person", "password", "code")


class DrawForm(forms.Form):
    """What is drawn from which lot."""

    lot = forms.ChoiceField(label="Lot", help_text="The one that expires first is at the top.")
    amount = amount_field("Amount drawn", "As the label of the lot counts.")
    reason = _note("Reason, where one is needed: more than the dose needs, or a lot whose expiry is over")
    password = forms.CharField(
        label="Your password, for a lot whose expiry is over", strip=False, required=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )  # fmt: skip
    code = forms.CharField(
        label="Code from your app", required=False, help_text="Six digits, or a recovery code.",
        widget=forms.TextInput(
            {"autocomplete": "one-time-code", "inputmode": "numeric", "data-needed-later": ""}
        ),
    )  # fmt: skip

    def __init__(
        self, *args: Any, rows: Sequence[LotRow], needed: Decimal | None, is_more: bool, asks_proof: bool,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.lots = {str(row.lot.pk): row.lot for row in rows}
        field = self.fields["lot"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  (declared above)
        field.choices = [(str(row.lot.pk), _words_of(row)) for row in rows]
        self.fields["reason"].widget.attrs["data-needed-later"] = ""
        units = {str(row.lot.unit) for row in rows}
        if len(units) == 1:
            self.fields["amount"].label = f"Amount drawn ({units.pop()})"
        what = "What is missing" if is_more else "The whole dose"
        needs = (f"{what} from lot {row.lot.number}: {with_ml(row.lot, amount_of(row.lot, needed))}." for row in rows
                 ) if needed else ()  # fmt: skip
        self.fields["amount"].help_text = " ".join(("As the label counts.", *needs))
        if not asks_proof:
            del self.fields["password"], self.fields["code"]

    def clean_lot(self) -> Lot:
        """Give the lot behind the choice."""
        return self.lots[self.cleaned_data["lot"]]


def _words_of(row: LotRow) -> str:
    """Say by what one chooses, the most telling first: a narrow screen cuts the end."""
    over = " (over)" if row.is_expired else ""
    strength = f"{written(row.lot.mg_per_ml)} mg/ml" if row.lot.mg_per_ml else row.lot.strength
    there = f"{written(row.balance.shelf)} {row.lot.unit} there"
    return f"{row.lot.number}, {strength}, expires {day(row.lot.expires_on)}{over}; {there}"


class CheckForm(SecondPerson):
    """The second check of a dose."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    field_order = ("version", "person", "password", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].help_text = "Never the one who drew it."


class WasteForm(SecondPerson):
    """What of a draw was made unusable."""

    amount = amount_field("Amount wasted", required=False)
    reason = Reason("Why", "Kept in the register.")

    field_order = ("amount", "reason", "person", "password", "code")

    def __init__(self, *args: Any, draw: Draw, left: Decimal, is_masked: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["amount"]
        if is_masked:
            del self.fields["amount"]
            return
        field.label = f"Amount wasted ({draw.lot.unit})"
        if is_rest_unknown(draw):
            field.required, field.help_text = True, "What was spilt or spoilt: the dose still runs."
        else:
            field.help_text = f"Empty: all that is left, {with_ml(draw.lot, left)}."


class PutBackForm(SecondPerson):
    """What of a draw went back to the shelf, unopened, and who saw it."""

    amount = amount_field("Amount put back")
    reason = Reason("Why", "Kept in the register.")

    field_order = ("amount", "reason", "person", "password", "code")

    def __init__(self, *args: Any, unit: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].label = f"Amount put back ({unit})"


class PeriodForm(forms.Form):
    """From which day to which; both count."""

    begin = day_field("From")
    end = day_field("To and including")

    def clean(self) -> dict[str, Any]:
        """Refuse a period that ends before it begins."""
        given = super().clean() or {}
        if given.get("begin") and given.get("end") and given["end"] < given["begin"]:
            raise forms.ValidationError("The period ends before it begins.")
        return given
