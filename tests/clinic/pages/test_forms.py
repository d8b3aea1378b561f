"""How fields of forms are written, and how a page says whom it is about."""

from __future__ import annotations

import re
from datetime import date

from django import forms
from django.template.loader import render_to_string

from upturn_clinic.participants.models import Identity, Participant


class Ticks(forms.Form):
    needed = forms.BooleanField(label="I have seen it")
    free = forms.BooleanField(label="Shared", required=False, help_text="One word more.")
    word = forms.CharField(label="Another word", required=False)
    later = forms.CharField(label="Code", required=False, widget=forms.TextInput({"data-needed-later": True}))


def fields_of(form: forms.Form) -> dict[str, str]:
    """Each field as it stands on a page."""
    return {field.name: str(field.as_field_group()) for field in form}


def test_a_box_to_tick_stands_before_its_words() -> None:
    written = fields_of(Ticks())
    for name, words in (("needed", "I have seen it"), ("free", "Shared")):
        assert written[name].index('type="checkbox"') < written[name].index(words)
        # Both in one label: the words can be pressed, too.
        assert re.search(rf"<label[^>]*>[^§]*type=\"checkbox\"[^§]*{words}[^§]*</label>", written[name])
        assert written[name].count('type="checkbox"') == 1
    assert "(only if so)" in written["free"]
    assert "(only if so)" not in written["needed"]
    assert 'aria-describedby="id_free_helptext"' in written["free"]
    assert 'id="id_free_helptext"' in written["free"]


def test_the_fault_of_a_box_is_told_once() -> None:
    assert fields_of(Ticks({}))["needed"].count("This field is required.") == 1


def test_only_what_may_stay_empty_says_so() -> None:
    written = fields_of(Ticks())
    assert "(may stay empty)" in written["word"]
    assert "(may stay empty)" not in written["later"]


def test_whom_a_page_is_about_is_told_by_name_only_where_the_name_is_given() -> None:
    person = Participant(pseudonym="HM6-749")
    identity = Identity(full_name="Demo Larch", date_of_birth=date(1988, 12, 25))
    known = render_to_string("pages/who.html", {"person": person, "identity": identity})
    assert "HM6-749" in known
    assert "Demo Larch, born 25 Dec 1988" in known
    unknown = render_to_string("pages/who.html", {"person": person, "identity": None})
    assert "HM6-749" in unknown
    assert "born" not in unknown
    erased = render_to_string("pages/who.html", {"person": person, "identity": Identity()})
    assert "born" not in erased
