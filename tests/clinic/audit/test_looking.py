"""What was done, on screen: to each reader what they may see; signatures and reviews."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import NOW, PASSWORD, Clock, code_now

from upturn_clinic.accounts import actions as people
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import EmergencyAccess, Facility, User
from upturn_clinic.accounts.permissions import Permission, Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.assessments.actions import record_rating
from upturn_clinic.assessments.models import Rating
from upturn_clinic.audit import actions, queries
from upturn_clinic.audit.models import Signature
from upturn_clinic.audit.words import value_of
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.ledger.models import Entry
from upturn_clinic.safety import actions as safety
from upturn_clinic.safety.models import Concern
from upturn_clinic.stock.models import Draw, Movement
from upturn_clinic.treatments.models import Dose, Plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def access(facility: Facility, colleague: User) -> EmergencyAccess:
    """One that has ended."""
    now = timezone.now() - timedelta(hours=5)
    proof = Proof(colleague, now)
    by = Actor(colleague, facility, frozenset({Role.CLINICIAN}))
    return people.open_emergency_access(
        facility=facility, reason="somebody collapsed in the hall", proof=proof, by=by, at=now
    )


def test_the_history_of_a_record_is_on_screen(
    facility: Facility, owner: User, as_owner: Actor, log_in: Callable[[User], Client]
) -> None:
    people.change_facility(
        facility=facility, version=1, values={"name": "Harbour"}, reason="moved house", by=as_owner, at=timezone.now()
    )
    page = log_in(owner).get(reverse("history", args=["main", "accounts.Facility", facility.pk])).content.decode()
    for told in ("opened the facility", "changed the facility", "Main clinic", "Harbour", "moved house", "Owner"):
        assert told in page


def test_times_are_by_the_facilitys_clock(
    elsewhere: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    boss = make_person("Boss", elsewhere, Role.ADMINISTRATOR)
    page = log_in(boss).get(reverse("trail", args=["elsewhere"])).content.decode()
    # 09:00 UTC on 3 March is 22:00 in Auckland, in its summer time.
    assert "3 Mar 2026, 22:00" in page
    assert "Pacific/Auckland" in page


def test_a_history_that_belongs_elsewhere_is_not_found(
    facility: Facility, elsewhere: Facility, owner: User, log_in: Callable[[User], Client]
) -> None:
    client = log_in(owner)
    for kind, key in (
        ("accounts.Facility", elsewhere.pk), ("no.Such", facility.pk), ("nonsense", facility.pk), ("a.b.c", "x"),
    ):  # fmt: skip
        assert client.get(reverse("history", args=["main", kind, key])).status_code == 404


def test_values_are_shown_by_their_class(facility: Facility, as_owner: Actor, colleague: User) -> None:
    from upturn_clinic.ground.classification import FOREIGN  # noqa: PLC0415

    # A record of a participant would be clinical; the table of code apps stands in for one outside the staff's own.
    assert "mfa.Authenticator" in FOREIGN
    secret = Entry(
        sequence=1, at=timezone.now(), action="changed", object_type="mfa.Authenticator", object_id="1", reason="why",
        changes='{"created_at":[null,"x"]}',
    )  # fmt: skip
    reader = Actor(colleague, facility, frozenset({Role.ANALYST}))
    shown = queries.lines([secret], reader)[0]
    assert shown.changes[0].hidden
    assert shown.reason == queries.HIDDEN
    assert not queries.lines([secret], as_owner)[0].changes[0].hidden


def test_a_review_is_signed_and_the_signature_fits_what_was_signed(
    facility: Facility, owner: User, access: EmergencyAccess, log_in: Callable[[User], Client]
) -> None:
    client, page = log_in(owner), reverse("review_emergency_access", args=["main", access.pk])
    given = {"version": "1", "finding": "It was needed.", "password": PASSWORD, "code": code_now()}
    assert "Password or code is not right" in client.post(page, {**given, "password": "x"}).content.decode()
    assert client.post(page, given).status_code == 302
    access.refresh_from_db()
    assert (access.finding, access.reviewed_by) == ("It was needed.", owner)
    signature = Signature.objects.get()
    assert (signature.printed_name, signature.meaning, signature.object_version) == ("Owner", actions.REVIEWED, 2)
    assert queries.is_signed_as_it_stands(access, actions.REVIEWED)
    told = client.get(reverse("history", args=["main", "accounts.EmergencyAccess", access.pk])).content.decode()
    assert "I have reviewed this emergency access" in told


def test_what_is_still_open_is_not_reviewed(
    facility: Facility, owner: User, access: EmergencyAccess, log_in: Callable[[User], Client], clock: Clock
) -> None:
    clock.stand_at(access.ends_at - timedelta(minutes=1))
    client, page = log_in(owner), reverse("review_emergency_access", args=["main", access.pk])
    assert "Sign and save" not in client.get(page).content.decode()
    given = {"version": "1", "finding": "It was needed.", "password": PASSWORD, "code": code_now()}
    assert "still open" in client.post(page, given).content.decode()
    access.refresh_from_db()
    assert access.reviewed_at is None
    clock.stand_at(access.ends_at)
    assert "Sign and save" in log_in(owner).get(page).content.decode()


def test_a_signature_no_longer_fits_what_is_changed(facility: Facility, as_owner: Actor) -> None:
    now = timezone.now()
    assert as_owner.user is not None
    actions.sign(
        thing=facility, meaning="I approve.", permission=Permission.CHANGE_FACILITY, proof=Proof(as_owner.user, now),
        by=as_owner, at=now,
    )  # fmt: skip
    assert queries.is_signed_as_it_stands(facility, "I approve.")
    changed = people.change_facility(
        facility=facility, version=1, values={"name": "Other"}, reason="new name", by=as_owner, at=now
    )
    assert not queries.is_signed_as_it_stands(changed, "I approve.")


def test_nobody_signs_for_another_or_with_an_old_proof(facility: Facility, as_owner: Actor, colleague: User) -> None:
    now = timezone.now()
    assert as_owner.user is not None
    for proof in (Proof(colleague, now), Proof(as_owner.user, now - timedelta(hours=1))):
        with pytest.raises(Refused):
            actions.sign(
                thing=facility, meaning="I approve.", permission=Permission.CHANGE_FACILITY, proof=proof, by=as_owner,
                at=now,
            )  # fmt: skip
    assert not Signature.objects.exists()


@pytest.mark.parametrize("crime", ["UPDATE audit_signature SET meaning = 'x'", "DELETE FROM audit_signature"])
def test_the_database_refuses_to_change_a_signature(crime: str, facility: Facility, as_owner: Actor) -> None:
    now = timezone.now()
    assert as_owner.user is not None
    actions.sign(
        thing=facility, meaning="I approve.", permission=Permission.CHANGE_FACILITY, proof=Proof(as_owner.user, now),
        by=as_owner, at=now,
    )  # fmt: skip
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(crime)


def test_nobody_reviews_their_own_emergency(
    facility: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    both = make_person("Both", facility, Role.ADMINISTRATOR, Role.CLINICIAN)
    now = timezone.now() - timedelta(hours=2)
    own = EmergencyAccess(
        user=both, facility=facility, reason="in a hurry, truly", opened_at=now, ends_at=now + timedelta(hours=1)
    )
    writing.insert(own, action="opened records in an emergency", by=Actor(both, facility), at=now)
    given = {"version": "1", "finding": "All fine.", "password": PASSWORD, "code": code_now()}
    page = log_in(both).post(reverse("review_emergency_access", args=["main", own.pk]), given)
    assert "Nobody reviews their own" in page.content.decode()


def test_what_somebody_was_refused_is_written_down(
    facility: Facility, colleague: User, owner: User, log_in: Callable[[User], Client]
) -> None:
    assert log_in(colleague).get(reverse("trail", args=["main"])).status_code == 403
    page = log_in(owner).get(reverse("trail", args=["main"])).content.decode()
    assert "was refused a page" in page
    assert "/at/main/trail/" in page
    assert "Colleague" in page


def test_the_second_reviewer_is_told(
    facility: Facility, owner: User, access: EmergencyAccess, make_person: Callable[..., User],
    log_in: Callable[[User], Client],
) -> None:  # fmt: skip
    second = make_person("Second", facility, Role.ADMINISTRATOR)
    page = reverse("review_emergency_access", args=["main", access.pk])
    for user, told in ((owner, 302), (second, 200)):
        given = {"version": "1", "finding": f"Seen by {user.name}.", "password": PASSWORD, "code": code_now()}
        assert log_in(user).post(page, given).status_code == told
    access.refresh_from_db()
    assert access.finding == "Seen by Owner."


def test_the_trail_has_pages_and_few_queries(
    facility: Facility, owner: User, as_owner: Actor, log_in: Callable[[User], Client],
    django_assert_max_num_queries: Callable[..., object],
) -> None:  # fmt: skip
    for _ in range(120):
        writing.note(action="looked", by=as_owner, at=timezone.now(), about=facility)
    client = log_in(owner)
    assert "Page 1 of 3" in client.get(reverse("trail", args=["main"])).content.decode()
    with django_assert_max_num_queries(7):  # type: ignore[attr-defined]
        client.get(reverse("trail", args=["main"]), {"page": "2"})


def test_the_trail_tells_who_worked_when_and_not_whose_illness(
    concern: Concern, facility: Facility, owner: User, colleague: User, as_clinician: Actor,
    log_in: Callable[[User], Client],
) -> None:  # fmt: skip
    safety.close_concern(concern=concern, version=1, done="Spoke with her.", by=as_clinician, at=concern.raised_at)
    text = log_in(owner).get(reverse("trail", args=["main"])).content.decode()
    row = text[text.index("closed the concern") :]
    row = row[row.index("raised a concern") :].split("</tr>")[0]
    for hidden in ("participant: ", "due at: ", "source: ", str(concern.participant_id)[:8]):
        assert hidden not in row, hidden
    assert "not shown to your role" in row
    both = Actor(colleague, facility, frozenset({Role.ADMINISTRATOR, Role.CLINICIAN}))
    entries = queries.history_at(facility, "safety.Concern", str(concern.pk))
    told = {change.field: change for change in queries.lines(entries, both)[0].changes}
    assert not any(change.hidden for change in told.values())
    assert told["source"].new == concern.source


def test_fields_are_named_and_values_written_as_people_do(
    planned: Plan, facility: Facility, as_clinician: Actor, colleague: User
) -> None:
    both = Actor(colleague, facility, frozenset({Role.ADMINISTRATOR, Role.CLINICIAN}))
    found = record_rating(
        participant=planned.participant, instrument="PHQ-9", answers={str(item): 1 for item in range(1, 11)},
        rated_at=NOW, rater_kind="self", by=as_clinician, at=NOW,
    )  # fmt: skip
    entries = queries.history_at(facility, "assessments.Rating", str(found.pk))
    told = {change.field: change.new for change in queries.lines(entries, both)[0].changes}
    assert (told["looks back"], told["total"]) == ("14 days", "9")
    assert "missing" not in told
    (row,) = queries.history_at(facility, "programmes.ProtocolVersion", str(planned.participant.protocol_version_id))[
        :1
    ]
    document = next(change.new for change in queries.lines([row], both)[0].changes if change.field == "document")
    assert document.endswith(" characters)")
    assert len(document) < 150


def test_the_reason_of_what_is_about_nobody_is_told(facility: Facility, as_owner: Actor, in_force: Any) -> None:
    entries = queries.history_at(facility, "programmes.ProtocolVersion", str(in_force.pk))
    reasons = [line.reason for line in queries.lines(entries, as_owner)]
    assert any(reasons)
    assert queries.HIDDEN not in reasons


def test_records_that_a_row_points_at_are_named_as_far_as_the_reader_may_know(
    planned: Plan, facility: Facility, as_owner: Actor, colleague: User
) -> None:
    person = planned.participant
    both = Actor(colleague, facility, frozenset({Role.ADMINISTRATOR, Role.CLINICIAN}))
    [row, *_] = queries.history_at(facility, "participants.Participant", str(person.pk))
    version = str(person.protocol_version)
    for reader, thing in ((as_owner, f"participant {str(person.pk)[:8]}…"), (both, f"participant {person.pseudonym}")):
        line = queries.lines([row], reader)[0]
        told = {change.field: change.new for change in line.changes}
        assert line.thing == thing
        assert (told["programme"], told["protocol version"]) == (person.programme.name, version)
    [made, *_] = queries.history_at(facility, "programmes.Programme", str(person.programme_id))
    assert {change.field: change.new for change in queries.lines([made], as_owner)[0].changes}["lead"] == facility.name
    [drug, *_] = Entry.objects.filter(object_type="treatments.ConcomitantDrug")
    for reader, whose in ((as_owner, None), (both, person.pseudonym)):
        told = {change.field: change.new for change in queries.lines([drug], reader)[0].changes}
        assert told["participant"] == whose


def test_a_key_without_a_name_is_short_and_says_of_what_it_is(drawn: Draw, facility: Facility, as_owner: Actor) -> None:
    [row] = queries.history_at(facility, "stock.Movement", str(drawn.movements.get().pk))
    told = {change.field: change.new for change in queries.lines([row], as_owner)[0].changes}
    assert told["draw"] == f"{str(drawn.pk)[:8]}…"
    assert value_of(Movement, "takes_back", str(row.object_id)) == f"entry of the register {row.object_id[:8]}…"


def test_what_was_empty_before_is_not_struck_out_and_lines_stay_lines(
    facility: Facility, owner: User, as_owner: Actor, log_in: Callable[[User], Client]
) -> None:
    people.change_facility(
        facility=facility, version=1, values={"rooms": "Window\nGarden"}, reason="rooms", by=as_owner, at=timezone.now()
    )
    page = log_in(owner).get(reverse("history", args=["main", "accounts.Facility", facility.pk])).content.decode()
    assert "<ins>Window\nGarden</ins>" in page
    assert "<del>" not in page


def test_long_answers_say_how_they_begin_and_a_protocol_how_long_it_is(facility: Facility) -> None:
    before = {str(item): 0 for item in range(1, 95)}
    told = [value_of(Rating, "answers", each) for each in (before, before | {"3": 2})]
    assert told[0] != told[1]
    assert all(each.startswith("{'1': 0, ") and each.endswith(" characters)") for each in told)
    assert value_of(None, "document", str(before)) == f"a document ({len(str(before))} characters)"


def test_a_kind_of_record_and_several_keys_are_written_for_people() -> None:
    assert value_of(Signature, "object_type", "floor.Session") == "session"
    assert value_of(None, "object_type", "no longer.There") == "no longer.There"
    assert value_of(None, "keys destroyed", "7be8d705-df0a-40cc-9e44-389e437adb98 b2") == "7be8d705…, b2"


def test_a_number_of_the_trail_loses_no_place(facility: Facility) -> None:
    assert value_of(Dose, "given_mg", "123456.789") == "123456.789"
    assert value_of(Dose, "given_mg", "40.300") == "40.3"
