"""Rules that nobody read a source for: taken on one by one when a version is signed, kept, shown, and part of it."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import NOW, PASSWORD, LogIn, code_now

from upturn.protocol import load, rules_of, shipped
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.models import Signature
from upturn_clinic.floor.asked import HOUSE
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.programmes import actions, queries
from upturn_clinic.programmes.forms import ForceForm
from upturn_clinic.programmes.models import Programme, ProtocolVersion, TakenRule
from upturn_clinic.programmes.reading import shipped_document
from upturn_clinic.programmes.rules import HARD_AT_ARRIVAL, groups_of

pytestmark = pytest.mark.django_db
SOME = ("gates/heart-rate", "discharge/awake")


def signed(version: ProtocolVersion, by: Actor, *taken: str) -> ProtocolVersion:
    assert by.user is not None
    return actions.put_into_force(
        protocol_version=version, version=version.version, proof=Proof(by.user, NOW), by=by, at=NOW, taken_on=taken
    )


def nasal(programme: Programme, by: Actor) -> ProtocolVersion:
    document, file = shipped_document("esketamine-trd")
    return actions.add_version(programme=programme, document=document, file=file, by=by, at=NOW)


@pytest.fixture
def clinician(colleague: User, log_in: LogIn) -> Client:
    return log_in(colleague)


def test_only_what_was_read_holds_by_itself(programme: Programme, as_clinician: Actor) -> None:
    version = signed(nasal(programme, as_clinician), as_clinician)
    held = queries.rules_in_force(version)
    assert {"gates/blood-pressure-before", "gates/emergency-signs", "arrival/nasal-drugs"} <= held
    assert {"arrival/safety-programme", "arrival/pregnancy-known"} <= held
    assert not held & {"gates/heart-rate", "gates/oxygen-saturation", "discharge/awake", "stopping/no-response"}
    # Somebody looks at an answer, and the clock of serious events runs, whoever signed what.
    assert {"concerns/phq-item-9", "concerns/suicidal-intent", "serious/report"} <= held


@pytest.mark.parametrize("name", shipped())
def test_each_rule_is_read_always_or_an_example(name: str) -> None:
    protocol = load(name)
    examples = {each.key for each in queries.examples_of(protocol)}
    others = {each.key for each in rules_of(protocol)} - examples
    assert all(each.is_read or each.section in queries.ALWAYS for each in rules_of(protocol) if each.key in others)
    assert not any(each.is_read for each in rules_of(protocol) if each.key in examples)


def test_what_is_taken_on_holds_and_nothing_else(draft: ProtocolVersion, as_clinician: Actor) -> None:
    before = queries.rules_in_force(draft)
    version = signed(draft, as_clinician, *SOME)
    assert queries.rules_in_force(version) - before == set(SOME)
    assert {entry.action for entry in Entry.objects.filter(object_type="programmes.TakenRule")} == {"took on a rule"}


def test_a_version_that_was_signed_before_takes_on_nothing(in_force: ProtocolVersion) -> None:
    assert queries.taken_rules(in_force) == frozenset()
    assert all(key.split("/")[0] in queries.ALWAYS for key in queries.rules_in_force(in_force))


def test_the_signature_is_under_the_choice_as_well(draft: ProtocolVersion, as_clinician: Actor) -> None:
    version = signed(draft, as_clinician, *SOME)
    signature = Signature.objects.get()
    assert signature.content_hash != queries.bare(version.digest)
    assert [each.holds for each in queries.signatures_under(version)] == [True]
    # Somebody slips in another rule behind the signer's back: it shows.
    TakenRule.objects.create(protocol_version=version, rule="gates/sedation")
    assert [each.holds for each in queries.signatures_under(version)] == [False]


@pytest.mark.parametrize(
    "keys", [("gates/no-such-gate",), ("gates/blood-pressure-before", "x"), ("concerns/phq-item-9",)]
)
def test_only_an_example_of_this_protocol_can_be_taken_on(
    keys: tuple[str, ...], draft: ProtocolVersion, as_clinician: Actor
) -> None:
    with pytest.raises(Refused, match="no such rule"):
        signed(draft, as_clinician, *keys)
    draft.refresh_from_db()
    assert draft.state == ProtocolVersion.State.DRAFT


def test_a_rule_that_was_read_needs_no_taking_on(programme: Programme, as_clinician: Actor) -> None:
    with pytest.raises(Refused, match="no such rule"):
        signed(nasal(programme, as_clinician), as_clinician, "gates/emergency-signs")


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_keeps_what_was_taken_on(change: str, draft: ProtocolVersion, as_clinician: Actor) -> None:
    version = signed(draft, as_clinician, *SOME)
    rows = TakenRule.objects.filter(protocol_version=version)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(rule="gates/sedation") if change == "update" else rows.delete()
    assert queries.taken_rules(version) == set(SOME)


def test_the_form_offers_every_example_and_ticks_none(draft: ProtocolVersion) -> None:
    protocol = queries.protocol_of(draft)
    form = ForceForm(protocol=protocol)
    offered = {key for name, field in form.fields.items() if name.startswith("take_") for key, _ in field.choices}  # type: ignore[attr-defined]
    assert offered == {each.key for each in queries.examples_of(protocol)}
    assert "checked" not in str(form)


def test_signing_from_the_screen_with_some_ticked(clinician: Client, draft: ProtocolVersion) -> None:
    address = reverse("put_into_force", args=["main", draft.pk])
    text = clinician.get(address).content.decode()
    assert "are examples" in text
    given = {"version": 1, "password": PASSWORD, "code": code_now(), "take_gates": ["gates/heart-rate"]}
    assert (
        "Select a valid choice"
        in clinician.post(address, {**given, "take_gates": ["discharge/awake"]}).content.decode()
    )
    page = clinician.get(clinician.post(address, given)["Location"]).content.decode()
    assert queries.taken_rules(ProtocolVersion.objects.get()) == {"gates/heart-rate"}
    assert page.count("taken on by signature") == 1
    assert "no: an example, not taken on" in page
    assert page.count("yes: always") == 12
    assert "people of 18 to 65 years. None of them changes with age." in page
    assert "hard: where it does not hold, no dose is given" in page


def test_who_it_is_and_consent_are_told_as_hard_whatever_the_protocol_says(
    programme: Programme, as_clinician: Actor
) -> None:
    assert {each.id for each in HOUSE["arrival"]} == set(HARD_AT_ARRIVAL)
    version = signed(nasal(programme, as_clinician), as_clinician)
    session = queries.protocol_of(version).session
    assert session is not None
    assert {each.kind for each in session.arrival if each.id in HARD_AT_ARRIVAL} == {"soft"}
    asks = {each.key: each.asks for group in groups_of(version) for each in group.rules}
    for each in HARD_AT_ARRIVAL:
        assert asks[f"arrival/{each}"] == "hard: where it does not hold, no dose is given"


@pytest.mark.parametrize("name", shipped())
def test_every_rule_stands_on_the_page_with_its_limits(
    name: str, clinician: Client, programme: Programme, as_clinician: Actor
) -> None:
    document, file = shipped_document(name)
    version = actions.add_version(programme=programme, document=document, file=file, by=as_clinician, at=NOW)
    text = clinician.get(reverse("protocol_version", args=["main", version.pk])).content.decode()
    text = text.replace("&#x27;", "'").replace("&amp;", "&")
    protocol = load(name)
    wanted = [each.text for each in rules_of(protocol)]
    wanted += [sign for gate in protocol.gates for sign in gate.signs]
    wanted += [f"{rule.limit:g}" for gate in protocol.gates for rule in gate.rules]
    assert protocol.safety is not None
    wanted += [word for each in protocol.safety.stopping for word in each.events]
    assert [each for each in wanted if each not in text] == []
