"""The participants' sheet: plain enough to read, every number from its source, dots that count what is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import NOW

from upturn.evidence import adverse_events
from upturn.protocol import load, shipped
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.actions import set_up_randomisation
from upturn_clinic.programmes import actions, computation
from upturn_clinic.programmes.expected import expected_of
from upturn_clinic.programmes.models import Programme, ProtocolVersion
from upturn_clinic.programmes.pictures import people
from upturn_clinic.programmes.reading import shipped_document
from upturn_clinic.programmes.sheet import arms_with_sheets, danger_signs, sheet
from upturn_clinic.programmes.side_effects import passing, side_effects

FEW = 20
# Somebody of twelve is in the seventh year of school.
HARDEST_GRADE = 7.0
LogIn = Callable[[User], Client]


@cache
def answer(name: str) -> dict[str, Any]:
    """The library's own answer for a shipped protocol, with few people: its shape and its numbers are real."""
    return computation.answer(shipped_document(name)[0], patients=FEW)


class Prose(HTMLParser):
    """Take the sentences out of the sheet: each block is at least one; headings and the origin are not prose."""

    BLOCKS = ("p", "li", "figcaption", "div")
    VOID = ("br", "circle", "input", "meta", "link", "img")

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.inside.append("origin" if "origin" in (dict(attrs).get("class") or "") else tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if self.inside.pop() in self.BLOCKS and "article" in self.inside:
            self.text = self.text.rstrip()
            self.text += "" if not self.text or self.text[-1] in ".:!?" else "."
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        if "article" in self.inside and not {"h2", "h3", "origin", "svg"} & set(self.inside):
            self.text += data


def syllables(word: str) -> int:
    """Count groups of vowels, without the silent endings of English."""
    word = re.sub(r"[^a-z]", "", word.lower())
    if re.search(r"[^aeiouylt]e$|[^aeiouytd]ed$|[^aeiouylscxzhg]es$", word):
        word = re.sub(r"(e|ed|es)$", "", word)
    return max(1, len(re.findall(r"[aeiouy]+", word)))


def grade(text: str) -> float:
    """Flesch and Kincaid's grade (1975): 0.39 words per sentence + 11.8 syllables per word - 15.59."""
    sentences = [each for each in re.split(r"[.!?]+(?:\s|$)", text) if re.search(r"\w", each)]
    # A figure is a word of two syllables, as forty and twelve are on average.
    words = re.findall(r"[A-Za-z'’]+|\d+(?:\.\d+)?", text)
    spoken = sum(2 if word[0].isdigit() else syllables(word) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * spoken / len(words) - 15.59


@pytest.mark.parametrize(
    ("word", "count"),
    [("made", 1), ("treatment", 2), ("ketamine", 3), ("passed", 1), ("started", 2), ("blood", 1), ("pressure", 2),
     ("people", 2), ("odd", 1), ("needles", 2), ("study", 2), ("danger", 2), ("machines", 2)],
)  # fmt: skip
def test_the_measure_counts_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_the_measure_tells_hard_from_easy() -> None:
    easy = "The cat sat on the mat. It was warm. We all went home."
    hard = (
        "Pharmacokinetic variability necessitates individualised administration, notwithstanding regulatory "
        "recommendations concerning standardised posology in heterogeneous populations."
    )
    assert grade(easy) < 1
    assert grade(hard) > 20


def kept(version: ProtocolVersion, name: str, facility: Facility) -> None:
    by = system(facility)
    begun = actions.begin_expectation(protocol_version=version, by=by, at=NOW)
    actions.end_expectation(expectation=begun, answer=answer(name), fault="", by=by, at=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["six-infusions", "esketamine-trd"])
def test_somebody_of_twelve_can_read_it(
    name: str, programme: Programme, as_clinician: Actor, facility: Facility, make_person: Callable[..., User],
    log_in: LogIn,
) -> None:  # fmt: skip
    document, file = shipped_document(name)
    version = actions.add_version(programme=programme, document=document, file=file, by=as_clinician, at=NOW)
    reader = make_person("Reader", facility, Role.PARTICIPANT, code_app=False)
    client = log_in(reader)
    for computed in (False, True):
        if computed:
            kept(version, name, facility)
        for arm in arms_with_sheets(load(name)):
            page = client.get(reverse("what_to_expect", args=["main", version.pk]), {"arm": arm})
            assert page.status_code == 200
            prose = Prose()
            prose.feed(page.content.decode())
            measured = grade(prose.text)
            print(f"{name}, {arm}, computed: {computed}: grade {measured:.1f}")
            assert len(prose.text.split()) > 150
            assert measured <= HARDEST_GRADE, prose.text


@pytest.mark.django_db
def test_it_says_what_must_be_said(
    in_force: ProtocolVersion, facility: Facility, as_owner: Actor, log_in: LogIn, colleague: User
) -> None:
    kept(in_force, "six-infusions", facility)
    text = log_in(colleague).get(reverse("what_to_expect", args=["main", in_force.pk])).content.decode()
    for needed in (
        "6 treatments within 12 days", "days 2, 4, 7, 9 and 11", "This takes 40 minutes",
        "at least 2 hours from the start", "Do not drive on the day of a session", "Somebody must take you home",
        "do not feel much better", "With the other treatment", "What we do not know", "Whom to call",
        "call your local emergency number",
        "decisions belong to the treating clinician", "most within 2 hours, all within 4 hours",
        "trouble seeing", "weakness or numbness on one side, or trouble speaking", "that is not your fault",
    ):  # fmt: skip
        assert needed in text, needed
    assert "<script>" not in text
    assert 'style="' not in text


def test_numbers_are_those_of_the_answer_and_dots_count_them() -> None:
    whole = answer("six-infusions")
    known = expected_of(whole, "ketamine")
    made = sheet(load("six-infusions"), "ketamine", known)
    arm = next(each for each in whole["arms"] if each["id"] == "ketamine")
    by_time = {each["time_h"]: each["response"] for each in arm["at"]}
    first, second = made.better
    for picture, time_h, words in ((first, 24.0, "After 1 day"), (second, 672.0, "After 4 weeks")):
        share = by_time[time_h]
        assert picture.told.startswith(words)
        assert picture.count == round(share["median"] * 100)
        assert f"as few as {round(share['low90'] * 100)} or as many as {round(share['high90'] * 100)}" in picture.told
        assert sum(dot.filled for dot in picture.dots) == picture.count
        assert len(picture.dots) == len({(dot.x, dot.y) for dot in picture.dots}) == 100
    (lasting,) = made.lasting
    place = arm["relapse"]["time_h"].index(744.0)
    assert lasting.count == round(arm["relapse"]["still_well"][place]["median"] * 100)
    some = round(arm["ever_responded"]["median"] * 100)
    words = " ".join(made.better_words)
    assert f"At some time, {some} of 100 people feel much better. {100 - some} of 100 do not." in words
    # How many stop has its range and its time, as every number of the model.
    low, high = (round(arm["left"][each] * 100) for each in ("low90", "high90"))
    assert f"as few as {low} or as many as {high}" in " ".join(made.lasting_words)
    assert "Within 180 days" in " ".join(made.lasting_words)


def test_side_effects_are_those_of_the_published_tables() -> None:
    found = side_effects("esketamine", "intranasal", "84 mg")
    assert found is not None
    rows = {(each.arm, each.event): each for each in adverse_events() if each.trial == "TRANSFORM1_2019"}
    nausea = next(each for each in found.told if each.what == "felt sick")
    assert nausea.with_drug == round(100 * (rows["esk84", "nausea"].share or 0))
    assert nausea.without == round(100 * (rows["pbo", "nausea"].share or 0))
    assert found.people == rows["esk84", "nausea"].n
    assert found.source == rows["esk84", "nausea"].source
    # Of a route without numbers of its own, those of another route are told as such.
    other = side_effects("ketamine", "oral", "1 mg/kg")
    assert other is not None
    assert other.route == "intravenous"
    made = sheet(load("oral-course"), "ketamine", None)
    assert made.effects_of_another == "intravenous"
    assert passing("ketamine", "oral") is None


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_protocol_has_a_sheet_for_each_arm_that_gets_something(name: str) -> None:
    protocol = load(name)
    for arm in arms_with_sheets(protocol):
        made = sheet(protocol, arm, None)
        assert made.visits
        assert made.session
        assert not made.better
        assert any("has not been worked out" in each for each in made.unknown)


def test_what_is_taken_at_home_has_no_session() -> None:
    made = sheet(load("six-infusions"), "escitalopram", expected_of(answer("six-infusions"), "escitalopram"))
    assert made.session == ("You take it at home, each day. You swallow it.",)
    assert made.feelings == ()
    assert "Do not drive on the day of a session. Do not ride a bike or use machines." not in made.home
    # No session, no signs to look for after one; no boosters in this arm.
    assert made.danger == (
        "Tell us the same day if thoughts of harming yourself come though you feel safe, or if something worries you.",
    )
    assert not any("repeat a treatment" in each for each in made.unknown)
    with pytest.raises(Refused, match="no sheet"):
        sheet(load("six-infusions"), "nonsense", None)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.004, 0), (0.005, 0), (0.996, 100), (1.0, 100)])
def test_pictures_hold_at_their_ends(share: float, count: int) -> None:
    assert people(share, "{count} of {out_of}").told == f"{count} of 100"


@pytest.mark.parametrize("name", shipped())
def test_whoever_goes_home_is_told_every_sign_of_the_emergency_gates(name: str) -> None:
    protocol = load(name)
    signs = [sign for gate in protocol.gates if gate.asks == "emergency" for sign in gate.signs]
    told = danger_signs(protocol)[0]
    for needed in ("pain in the chest", "one side", "speaking", "seeing", "a fit", "awake", "breathing", "headache"):
        assert (needed in told) is bool(signs), needed


def test_a_sign_that_nobody_put_into_plain_words_is_told_all_the_same() -> None:
    protocol = load("six-infusions")
    gates = [
        each.model_copy(update={"signs": (*each.signs, "blue lips")}) if each.id == "emergency-signs" else each
        for each in protocol.gates
    ]
    assert danger_signs(protocol.model_copy(update={"gates": tuple(gates)}))[0].endswith(", or blue lips.")


def test_before_anything_is_computed_what_is_felt_and_the_blood_pressure_are_told() -> None:
    made = sheet(load("six-infusions"), "ketamine", None)
    assert any("You may feel odd" in each for each in made.feelings)
    assert any("blood pressure goes up" in each for each in made.feelings)
    assert sheet(load("six-infusions"), "midazolam", None).feelings == ()


def test_an_arm_in_which_nobody_rates_has_its_sheet() -> None:
    protocol = load("six-infusions")
    elsewhere = tuple(each.model_copy(update={"arms": ("ketamine",)}) for each in protocol.assessments)
    protocol = protocol.model_copy(update={"assessments": elsewhere})
    assert any("We ask about your mood" in each for each in sheet(protocol, "ketamine", None).visits)
    assert not any("We ask about your mood" in each for each in sheet(protocol, "midazolam", None).visits)


def test_the_spray_bottles_of_all_doses_are_told() -> None:
    """56 mg are two devices, 84 mg are three; five minutes lie between them."""
    made = sheet(load("esketamine-trd"), "esketamine", None)
    assert "You use 2 or 3 small spray bottles. Between them you rest for 5 minutes." in made.session


@pytest.mark.django_db
def test_an_arm_that_nobody_in_the_programme_can_have_has_no_sheet_there(
    in_force: ProtocolVersion, facility: Facility, as_clinician: Actor, colleague: User, log_in: LogIn
) -> None:
    kept(in_force, "six-infusions", facility)
    titles = {name: arm.title for name, arm in load("six-infusions").arms.items()}
    client, address = log_in(colleague), reverse("what_to_expect", args=["main", in_force.pk])

    def shown(arm: str) -> str:
        return client.get(address, {"arm": arm}).content.decode()

    assert all(f'href="?arm={arm}"' in shown("ketamine") for arm in titles)
    assert titles["midazolam"] in shown("midazolam").partition("<article")[2]
    set_up_randomisation(
        protocol_version=in_force, shares={"ketamine": 1, "escitalopram": 1}, block_sizes=[2, 4], strata={},
        by_facility=False, is_masked=False, by=as_clinician, at=NOW,
    )  # fmt: skip
    page = shown("midazolam")
    assert 'href="?arm=escitalopram"' in page
    assert titles["midazolam"] not in page
    # Whoever asks for it is shown the first active one, beside the arm that the others have.
    assert f'<p class="lede">{titles["ketamine"]}</p>' in page
    assert titles["escitalopram"] in page.partition("With the other treatment")[2]
