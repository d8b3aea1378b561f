"""Who takes part: names apart from everything else, lists that stay quick, two people at one record, no removal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.clinic.participants.making import TRIAL, enrolled, measured, registered, screened

from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants import actions, pseudonyms, queries
from upturn_clinic.participants.models import Identity, Participant
from upturn_clinic.participants.screening import actions as screening
from upturn_clinic.programmes.models import ProtocolVersion

pytestmark = pytest.mark.django_db

NAME = "Ada Byron"
LogIn = Callable[[User], Client]


def page(client: Client, name: str, *args: object, **query: str) -> str:
    answer = client.get(reverse(name, args=["main", *args]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def found(client: Client, text: str) -> str:
    """Search, and show what it leads to."""
    answer = client.post(reverse("participants", args=["main"]), {"text": text}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_pseudonym_is_drawn_and_tells_nothing() -> None:
    drawn = {pseudonyms.draw() for _ in range(2000)}
    # Two alike are rare, and refused by the database where they occur.
    assert len(drawn) > 1990
    assert all(re.fullmatch(r"[C-X3-9]{3}-[C-X3-9]{3}", each) for each in drawn)
    assert not any(vowel in each for each in drawn for vowel in "AEIOUY01258")


def test_no_table_but_one_knows_who_it_is(person: Participant) -> None:
    identity = queries.identity_of(person)
    assert (identity.full_name, identity.date_of_birth) == (NAME, date(1980, 2, 29))
    for row in Entry.objects.exclude(object_type="participants.Identity"):
        assert NAME not in row.changes + row.reason
        assert "1980-02-29" not in row.changes
    assert NAME not in json.dumps(list(Participant.objects.values()), default=str)


def test_who_may_not_know_names_sees_and_finds_none(
    person: Participant, facility: Facility, make_person: Callable[..., User], log_in: LogIn
) -> None:
    # No present role sees participants without names; a role that loses SEE_IDENTITY must lose them everywhere.
    from upturn_clinic.accounts import permissions  # noqa: PLC0415

    analyst, nurse = make_person("An", facility, Role.ANALYST), make_person("Nu", facility, Role.SESSION_NURSE)
    assert log_in(analyst).get(reverse("participants", args=["main"])).status_code == 403
    assert log_in(analyst).get(reverse("participant", args=["main", person.pk])).status_code == 403
    assert NAME in found(log_in(nurse), "byron")
    with pytest.MonkeyPatch.context() as patch:
        without = permissions.ROLES[Role.SESSION_NURSE] - {permissions.Permission.SEE_IDENTITY}
        patch.setitem(permissions.ROLES, Role.SESSION_NURSE, without)
        assert person.pseudonym not in found(log_in(nurse), "byron")
        for told in (page(log_in(nurse), "participants"), page(log_in(nurse), "participant", person.pk)):
            assert person.pseudonym in told
            assert NAME not in told
            assert "555 0101" not in told


def test_the_trail_on_screen_hides_names_from_administrators(
    person: Participant, owner: User, colleague: User, log_in: LogIn
) -> None:
    told = page(log_in(owner), "trail")
    assert "entered who it is" in told
    assert "not shown to your role" in told
    assert NAME not in told
    assert NAME in page(log_in(colleague), "participant_trail", person.pk)


def test_who_concludes_reads_what_will_be_concluded(
    person: Participant, clinician: Actor, now: datetime, colleague: User, log_in: LogIn
) -> None:
    place = "conclude_screening", person.pk
    assert "What stands in the way" in page(log_in(colleague), *place)
    screened(person, clinician, now)
    assert f"{person.pseudonym} becomes eligible" in page(log_in(colleague), *place)


def test_the_trail_speaks_to_people(
    person: Participant, clinician: Actor, now: datetime, colleague: User, owner: User, log_in: LogIn
) -> None:
    enrolled(person, clinician, now)
    assert clinician.user is not None
    consent = page(log_in(owner), "history", "participants.Consent", str(person.consents.get().pk))
    assert f"recorded by: <ins>{clinician.user.name}</ins>" in consent
    told = page(log_in(colleague), "participant_trail", person.pk)
    assert re.search(r"answers: <ins>1: \d, 2: \d, 3: \d", told)
    assert "{" not in told.split("<tbody>")[1]
    # What a role may not see is one line, however many fields it is.
    rows = page(log_in(owner), "trail").split("<tr>")
    assert all(row.count("not shown to your role") <= 1 for row in rows)
    assert any("not shown to your role: " in row and "evidence, finding" in row for row in rows)


def test_a_slip_in_the_date_of_birth_and_a_second_registration_are_refused(
    version: ProtocolVersion, person: Participant, clinician: Actor, now: datetime
) -> None:
    with pytest.raises(Refused, match="slip"):
        registered(version, clinician, now, name="B", born=now.date() - timedelta(days=400))
    with pytest.raises(Refused, match="in the programme already") as refusal:
        registered(version, clinician, now, name="ada byron ")
    assert refusal.value.came == person.pseudonym
    registered(version, clinician, now, born=date(1981, 2, 28))


def test_a_corrected_date_of_birth_corrects_the_age(person: Participant, clinician: Actor, now: datetime) -> None:
    identity = queries.identity_of(person)
    actions.correct_identity(
        identity=identity,
        version=1,
        values={"date_of_birth": date(1970, 2, 28)},
        reason="misread",
        by=clinician,
        at=now,
    )
    person.refresh_from_db()
    today = now.astimezone(person.facility.zone).date()
    assert person.age_y == queries.age_on(today, born=date(1970, 2, 28))


def test_the_second_of_two_editors_is_told_and_nothing_is_overwritten(
    person: Participant, colleague: User, facility: Facility, make_person: Callable[..., User], log_in: LogIn
) -> None:
    second = make_person("Second", facility, Role.COORDINATOR)
    form = {"full_name": NAME, "date_of_birth": "1980-02-29", "phone": "555 0101", "email": "ada@home.example",
            "version": "1", "reason": "told by herself"}  # fmt: skip
    address = reverse("correct_identity", args=["main", person.pk])
    assert log_in(colleague).post(address, {**form, "phone": "555 0202"}).status_code == 302
    answer = log_in(second).post(address, {**form, "full_name": "Ada Lovelace"})
    told = answer.content.decode()
    assert answer.status_code == 409
    assert "Nothing was overwritten" in told
    assert "Colleague corrected who it is (Telephone)" in told
    assert "Telephone is now: 555 0202" in told
    assert 'value="Ada Lovelace"' in told
    assert 'value="555 0202"' in told
    kept = Identity.objects.get()
    assert (kept.full_name, kept.phone, kept.version) == (NAME, "555 0202", 2)


def test_of_a_field_that_both_changed_the_other_value_stands_beside_ones_own(
    person: Participant, colleague: User, facility: Facility, make_person: Callable[..., User], log_in: LogIn
) -> None:
    """Saving again takes away what a colleague wrote: so it is read before, with who wrote it and when."""
    second = make_person("Second", facility, Role.COORDINATOR)
    form = {"full_name": NAME, "date_of_birth": "1980-02-29", "phone": "555 0101", "email": "ada@home.example",
            "version": "1", "reason": "told by herself"}  # fmt: skip
    address = reverse("correct_identity", args=["main", person.pk])
    assert log_in(colleague).post(address, {**form, "phone": "555 0202"}).status_code == 302
    answer = log_in(second).post(address, {**form, "phone": "555 0303"})
    assert answer.status_code == 409
    (beside,) = answer.context["form"].errors["phone"]
    assert beside.startswith("Colleague saved here, ")
    assert beside.endswith(": 555 0202. Saving again puts yours in its place.")
    assert set(answer.context["form"].errors) == {"__all__", "phone"}
    assert 'value="555 0303"' in answer.content.decode()
    assert log_in(second).post(address, {**form, "phone": "555 0303", "version": "2"}).status_code == 302
    assert Identity.objects.get().phone == "555 0303"


def test_withdrawal_needs_a_reason_and_the_version_on_screen(
    person: Participant, clinician: Actor, now: datetime
) -> None:
    actions.withdraw(participant=person, version=1, reason="moved away", by=clinician, at=now)
    person.refresh_from_db()
    assert (person.status, person.ended_because, person.ended_at) == ("withdrawn", "moved away", now)
    with pytest.raises(Refused, match="nothing more is recorded"):
        actions.withdraw(participant=person, version=2, reason="again", by=clinician, at=now)


def test_the_second_of_two_who_withdraw_is_told(person: Participant, clinician: Actor, now: datetime) -> None:
    with pytest.raises(Conflict):
        actions.withdraw(participant=person, version=7, reason="seen on another screen", by=clinician, at=now)
    with pytest.raises(Refused, match="reason"):
        actions.withdraw(participant=person, version=1, reason=" ", by=clinician, at=now)
    person.refresh_from_db()
    assert person.status == "screening"


@pytest.mark.parametrize(
    "crime", ["DELETE FROM participants_participant", "UPDATE participants_participant SET pseudonym = 'X'"]
)
def test_the_database_removes_and_renames_nobody(crime: str, person: Participant) -> None:
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(crime)


def test_somebody_at_another_facility_is_out_of_reach_of_actions_and_pages(
    person: Participant, stranger: User, elsewhere: Facility, log_in: LogIn, now: datetime
) -> None:
    by = Actor(stranger, elsewhere, frozenset({Role.CLINICIAN, Role.COORDINATOR}))
    with pytest.raises(PermissionDenied):
        actions.withdraw(participant=person, version=1, reason="not mine", by=by, at=now)
    with pytest.raises(PermissionDenied):
        actions.correct_identity(
            identity=queries.identity_of(person), version=1, values={"phone": "1"}, reason="not mine", by=by, at=now
        )
    for name in ("participant", "correct_identity", "participant_trail", "enrol", "withdraw_participant"):
        assert log_in(stranger).get(reverse(name, args=["elsewhere", person.pk])).status_code == 404, name


@pytest.fixture
def two_thousand(version: ProtocolVersion, facility: Facility) -> list[Participant]:
    """Rows straight into the tables: two thousand actions would test the ledger, not the list."""
    started = version.uploaded_at
    people = [
        Participant(
            pseudonym=f"T{place:05}", facility=facility, programme=version.programme, protocol_version=version,
            sex="male", age_y=40, registered_at=started + timedelta(seconds=place),
            status="enrolled" if place % 4 == 0 else "screening",
        )
        for place in range(2000)
    ]  # fmt: skip
    Participant.objects.bulk_create(people)
    Identity.objects.bulk_create(
        Identity(participant=each, full_name=f"Person {each.pseudonym}", date_of_birth=date(1980, 1, 1))
        for each in people
    )
    return people


def test_the_list_of_two_thousand_has_pages_filters_and_few_queries(
    two_thousand: list[Participant], colleague: User, log_in: LogIn,
    django_assert_max_num_queries: Callable[[int], object],
) -> None:  # fmt: skip
    client = log_in(colleague)
    first = page(client, "participants")
    assert "2000 people" in first
    assert "Page 1 of 40" in first
    assert "T01999" in first
    mark = client.post(reverse("participants", args=["main"]), {"text": "person t0012"})["Location"].partition("=")[2]
    for query in ({"page": "17"}, {"found": mark}, {"status": "enrolled", "page": "2"}):
        with django_assert_max_num_queries(7):  # type: ignore[attr-defined]
            client.get(reverse("participants", args=["main"]), query)
    narrowed = page(client, "participants", status="enrolled", page="2")
    assert "500 people" in narrowed
    assert "status=enrolled" in narrowed
    assert "10 people" in found(client, "person t0012")
    assert "1 person" in found(client, "t00123")


def test_the_page_of_one_participant_takes_the_same_queries_however_long_the_record(
    person: Participant, clinician: Actor, colleague: User, log_in: LogIn, now: datetime,
) -> None:  # fmt: skip
    person = enrolled(person, clinician, now)
    client = log_in(colleague)

    def queries_for(name: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, name, person.pk)
        return len(captured)

    names = ("participant", "participant_trail", "record_measure")
    page(client, "participant", person.pk)
    before = {name: queries_for(name) for name in names}
    for value in range(70, 90):
        measured(person, "weight", Decimal(value), clinician, now)
        screening.record_trial(participant=person, values=TRIAL, by=clinician, at=now)
    after = {name: queries_for(name) for name in names}
    # Fewer where nothing on the page is sealed (no keys are asked for), or fewer kinds of things are named there.
    assert all(after[name] <= before[name] for name in names), (before, after)
    # One of them asks whether there is an account.
    assert before["participant"] <= 16
    # One for each kind of record that can be about somebody, in all apps.
    assert before["participant_trail"] <= 45


def test_the_system_itself_may_register_for_a_demonstration(
    version: ProtocolVersion, facility: Facility, now: datetime
) -> None:
    assert registered(version, system(facility), now, name="Demo").status == "screening"
