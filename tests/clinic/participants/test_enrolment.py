"""Enrolment, open or by a concealed list; who may know an arm; another version; the end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import PASSWORD, code_now, without_tokens
from tests.clinic.participants.making import (
    PRESENT,
    answered,
    clinician_of,
    consented,
    document_of,
    eligible,
    enrolled,
    madrs,
    registered,
    screened,
    signed,
)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Permission, Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.queries import is_signed_as_it_stands
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants import actions, queries
from upturn_clinic.participants.models import Allocation, Consent, Participant, RandomisationList
from upturn_clinic.participants.randomisation import Design, arm_at, arms_in_order
from upturn_clinic.participants.screening import actions as screening
from upturn_clinic.participants.screening.queries import obstacles, screening_of
from upturn_clinic.programmes import actions as programmes
from upturn_clinic.programmes.models import ProtocolVersion

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]
SEED = "a seed that a statistician gave"
SHARES = {"ketamine": 1, "midazolam": 1}
STRATA = {"severity": ["below 34", "34 or more"]}


def set_up(version: ProtocolVersion, by: Actor, at: datetime, **change: Any) -> RandomisationList:
    given = {"shares": SHARES, "block_sizes": [4, 6], "strata": STRATA, "by_facility": True, "is_masked": True,
             "seed": SEED, **change}  # fmt: skip
    return actions.set_up_randomisation(protocol_version=version, **given, by=by, at=at)


def test_who_is_not_ready_is_not_enrolled_and_each_reason_is_named(
    person: Participant, clinician: Actor, now: datetime
) -> None:
    with pytest.raises(Refused, match="screening is concluded"):
        actions.enrol(participant=person, version=1, arm="ketamine", strata={}, by=clinician, at=now)
    person = screened(person, clinician, now)
    person = screening.conclude(participant=person, version=person.version, by=clinician, at=now)
    with pytest.raises(Refused) as refusal:
        actions.enrol(participant=person, version=person.version, arm="ketamine", strata={}, by=clinician, at=now)
    assert refusal.value.expected == "Consent has not been recorded."
    consented(person, clinician, now)
    with pytest.raises(Refused, match="no such arm"):
        actions.enrol(participant=person, version=person.version, arm="placebo", strata={}, by=clinician, at=now)
    with pytest.raises(Conflict):
        actions.enrol(participant=person, version=1, arm="ketamine", strata={}, by=clinician, at=now)
    done = actions.enrol(participant=person, version=person.version, arm="ketamine", strata={}, by=clinician, at=now)
    assert (done.status, done.arm, done.enrolled_at) == ("enrolled", "ketamine", now)


def test_withdrawn_consent_and_a_retired_protocol_stop_enrolment(
    person: Participant, clinician: Actor, colleague: User, now: datetime
) -> None:
    person = eligible(person, clinician, now)
    screening.withdraw_consent(
        consent=Consent.objects.get(), version=1, reason="changed her mind", by=clinician, at=now
    )
    programmes.retire(
        protocol_version=person.protocol_version, version=person.protocol_version.version, reason="safety review",
        proof=Proof(colleague, now), by=clinician, at=now,
    )  # fmt: skip
    person = Participant.objects.get(pk=person.pk)
    assert obstacles(person, screening_of(person)) == (
        "Consent was withdrawn.",
        "Version 1 of the protocol is retired, not in force.",
    )
    with pytest.raises(Refused, match="missing"):
        actions.enrol(participant=person, version=person.version, arm="ketamine", strata={}, by=clinician, at=now)


def test_an_answer_that_turns_bad_takes_eligibility_back(person: Participant, clinician: Actor, now: datetime) -> None:
    person = eligible(person, clinician, now)
    answered(person, "pregnancy", PRESENT, clinician, now, version=1, reason="the test came back")
    person.refresh_from_db()
    assert person.status == "screening"
    with pytest.raises(Refused):
        actions.enrol(participant=person, version=person.version, arm="ketamine", strata={}, by=clinician, at=now)


def test_a_list_allocates_in_order_per_stratum_and_follows_from_its_seed(
    version: ProtocolVersion, clinician: Actor, facility: Facility, now: datetime
) -> None:
    made = set_up(version, clinician, now)
    design = Design(SHARES, (4, 6))
    given: dict[str, list[str]] = {}
    for place in range(12):
        level = STRATA["severity"][place % 3 == 0]
        someone = registered(version, clinician, now, name=f"Person {place}", born=date(1980, 1, 1 + place))
        done = enrolled(someone, clinician, now, arm="", strata={"severity": level})
        assert done.arm == ""
        given.setdefault(f"facility: main; severity: {level}", []).append(queries.arm_of(done))
    for stratum, arms in given.items():
        drawn = arms_in_order(design, seed=SEED, stratum=stratum)
        assert arms == [next(drawn) for _ in arms], stratum
        assert max(Counter(arms[:4]).values()) <= 3
    assert queries.allocations_hold(made)
    severe = Allocation.objects.filter(stratum__endswith="34 or more").order_by("place")
    assert [each.place for each in severe] == [1, 2, 3, 4]


@pytest.mark.parametrize(("place", "drawn"), [(2, False), (3, True)])
def test_an_allocation_that_was_not_drawn_or_skips_a_place_is_found_out(
    version: ProtocolVersion, person: Participant, clinician: Actor, now: datetime, place: int, drawn: bool
) -> None:
    made = set_up(version, clinician, now, strata={})
    first = Allocation.objects.get(participant=enrolled(person, clinician, now, arm=""))
    assert queries.allocations_hold(made)
    right = arm_at(Design(SHARES, (4, 6)), seed=SEED, stratum=first.stratum, place=place)
    wrong = next(arm for arm in SHARES if arm != right)
    forged = Allocation(
        participant=registered(version, clinician, now, name="Forged"), randomisation=made, stratum=first.stratum,
        place=place, arm=right if drawn else wrong, at=now,
    )  # fmt: skip
    # Past the actions, as somebody with the database's password could.
    Allocation.objects.bulk_create([forged])
    assert not queries.allocations_hold(made)


def test_a_masked_arm_is_nowhere_but_in_its_own_secret_column(
    version: ProtocolVersion, person: Participant, clinician: Actor, owner: User, colleague: User, log_in: LogIn,
    now: datetime, make_person: Callable[..., User], facility: Facility,
) -> None:  # fmt: skip
    set_up(version, clinician, now, strata={}, shares={"ketamine": 1, "midazolam": 1}, block_sizes=[2])
    enrolled(person, clinician, now, arm="")
    for row in Entry.objects.exclude(object_type__in=["programmes.ProtocolVersion", "participants.RandomisationList"]):
        assert "midazolam" not in row.changes + row.reason
        assert "ketamine" not in row.changes + row.reason
    for row in Entry.objects.all():
        assert SEED not in row.changes
        assert "block_sizes" not in row.changes
    rater, pharmacist = make_person("Ra", facility, Role.RATER), make_person("Ph", facility, Role.PHARMACIST)
    page = reverse("participant", args=["main", person.pk])
    for user in (colleague, rater, make_person("Nu", facility, Role.SESSION_NURSE)):
        told = log_in(user).get(page).content.decode()
        assert "midazolam" not in told
        # Titles of cited trials name the drug, whatever the arm.
        assert "ketamine" not in re.sub('<span class="quiet small">.*?</span>', "", told)
        assert ("<dt>Arm</dt><dd>masked</dd>" in told) == (user is not rater)
    told = log_in(pharmacist).get(page).content.decode()
    assert f"<dt>Arm</dt><dd>{queries.arm_of(person)} <strong>(masked" in told


def test_a_blinded_rater_sees_neither_an_open_arm_nor_doses_nor_the_record(
    person: Participant, clinician: Actor, facility: Facility, make_person: Callable[..., User], log_in: LogIn,
    now: datetime,
) -> None:  # fmt: skip
    enrolled(person, clinician, now)
    rater = make_person("Ra", facility, Role.RATER)
    told = without_tokens(log_in(rater).get(reverse("participant", args=["main", person.pk])).content.decode())
    assert person.pseudonym in told
    for unmasking in ("ketamine", "mg", "Screening", "sertraline", "80.5"):
        assert unmasking not in told.split("<main", 1)[1].split("</main>", 1)[0], unmasking
    assert (
        queries.arm_shown(Participant.objects.get(pk=person.pk), Actor(rater, facility, frozenset({Role.RATER})))
        is None
    )
    for name in ("participant_trail", "enrol", "unblind"):
        assert log_in(rater).get(reverse(name, args=["main", person.pk])).status_code == 403, name


def test_in_an_emergency_one_person_learns_the_arm_with_reason_and_signature(
    version: ProtocolVersion, person: Participant, clinician: Actor, colleague: User, facility: Facility, log_in: LogIn,
    make_person: Callable[..., User], now: datetime,
) -> None:  # fmt: skip
    set_up(version, clinician, now, strata={})
    enrolled(person, clinician, now, arm="")
    arm = queries.arm_of(person)
    client, page = log_in(colleague), reverse("participant", args=["main", person.pk])
    given = {"reason": "convulsions after the dose", "password": PASSWORD, "code": code_now()}
    address = reverse("unblind", args=["main", person.pk])
    assert "Password or code is not right" in client.post(address, {**given, "password": "no"}).content.decode()
    assert arm not in client.get(page).content.decode()
    assert client.post(address, given).status_code == 302
    told = client.get(page).content.decode()
    assert arm in told
    assert "convulsions after the dose" in told
    learnt = queries.unblindings_of(person).get()
    assert learnt.person == colleague
    assert is_signed_as_it_stands(learnt, actions.UNBLINDED)
    other = log_in(make_person("Other", facility, Role.CLINICIAN)).get(page).content.decode()
    assert arm not in other
    assert "learnt the masked arm" in other
    rater = Actor(colleague, facility, frozenset({Role.RATER}))
    with pytest.raises(PermissionDenied):
        actions.unblind(participant=person, reason="curious about it", proof=Proof(colleague, now), by=rater, at=now)
    for crime in ("DELETE FROM participants_unblinding", "UPDATE participants_allocation SET arm = 'ketamine'"):
        with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(crime)


def test_opened_emergency_access_does_not_open_a_masked_arm(
    version: ProtocolVersion, person: Participant, clinician: Actor, facility: Facility, elsewhere: Facility,
    now: datetime, make_person: Callable[..., User],
) -> None:  # fmt: skip
    nurse = make_person("Nurse", elsewhere, Role.SESSION_NURSE)
    set_up(version, clinician, now, strata={})
    enrolled(person, clinician, now, arm="")
    from upturn_clinic.accounts import actions as accounts  # noqa: PLC0415

    access = accounts.open_emergency_access(
        facility=facility,
        reason="somebody collapsed in the hall",
        proof=Proof(nurse, now),
        by=Actor(nurse),
        at=now,
    )
    reader = Actor(nurse, facility, frozenset(), access)
    assert reader.may(Permission.SEE_CLINICAL_RECORD)
    assert queries.arm_shown(person, reader) is None


def test_whoever_may_know_arms_does_not_enrol_in_a_masked_study(
    version: ProtocolVersion, person: Participant, clinician: Actor, colleague: User, facility: Facility, now: datetime
) -> None:
    set_up(version, clinician, now, strata={})
    both = Actor(colleague, facility, frozenset({Role.CLINICIAN, Role.PHARMACIST}))
    person = eligible(person, clinician, now)
    with pytest.raises(Refused, match="does not enrol"):
        actions.enrol(participant=person, version=person.version, arm="", strata={}, by=both, at=now)
    assert not Allocation.objects.exists()


def test_a_list_is_set_up_once_before_anybody_is_enrolled_and_by_the_lead(
    version: ProtocolVersion, person: Participant, clinician: Actor, stranger: User, elsewhere: Facility, now: datetime
) -> None:
    with pytest.raises(PermissionDenied):
        set_up(version, clinician_of(stranger, elsewhere), now)
    with pytest.raises(Refused, match="no such arm"):
        set_up(version, clinician, now, shares={"ketamine": 1, "placebo": 1})
    enrolled(person, clinician, now)
    with pytest.raises(Refused, match="must come before"):
        set_up(version, clinician, now)


def test_a_second_list_and_a_missing_level_are_refused(
    version: ProtocolVersion, person: Participant, clinician: Actor, now: datetime
) -> None:
    made = set_up(version, clinician, now, seed="")
    assert len(made.seed) == 64
    with pytest.raises(Refused, match="has its list already"):
        set_up(version, clinician, now)
    person = eligible(person, clinician, now)
    for strata in ({}, {"severity": "unheard of"}):
        with pytest.raises(Refused, match="severity is missing"):
            actions.enrol(participant=person, version=person.version, arm="", strata=strata, by=clinician, at=now)
    assert not Allocation.objects.exists()


def test_an_open_list_tells_the_arm(
    version: ProtocolVersion, person: Participant, clinician: Actor, now: datetime
) -> None:
    set_up(version, clinician, now, strata={}, is_masked=False)
    done = enrolled(person, clinician, now, arm="")
    assert done.arm == queries.arm_of(done) == queries.arm_shown(done, clinician) != ""


REWORDED = {"MADRS is below 20": "MADRS score is below 20"}
WITHOUT_AN_ARM = {"  escitalopram:\n": "  tablets:\n", "control: escitalopram": "control: tablets"}


def second_version(
    version: ProtocolVersion, clinician: Actor, now: datetime, changes: Mapping[str, str]
) -> ProtocolVersion:
    text = document_of("six-infusions")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    draft = programmes.add_version(programme=version.programme, document=text, file="p.yaml", by=clinician, at=now)
    return signed(draft, clinician, now)


def test_somebody_stays_on_their_version_until_moved_with_a_reason(
    version: ProtocolVersion, person: Participant, clinician: Actor, now: datetime
) -> None:
    person = eligible(person, clinician, now)
    second = second_version(version, clinician, now, REWORDED)
    person = Participant.objects.get(pk=person.pk)
    assert person.protocol_version_id == version.pk
    with pytest.raises(Refused, match="reason"):
        actions.move_to_version(participant=person, version=person.version, to=second, reason="", by=clinician, at=now)
    moved = actions.move_to_version(
        participant=person, version=person.version, to=second, reason="a clearer criterion", by=clinician, at=now
    )
    assert (moved.protocol_version_id, moved.status) == (second.pk, "screening")
    # The criterion with other words is open again; the others stand.
    moved = Participant.objects.get(pk=person.pk)
    assert obstacles(moved, screening_of(moved)) == ("“The MADRS score is below 20” is not answered yet.",)
    answered(moved, "severity", "absent", clinician, now, version=1, reason="other words, same score")
    assert obstacles(moved, screening_of(moved)) == ()
    with pytest.raises(Refused, match="on this version already"):
        actions.move_to_version(
            participant=moved, version=moved.version, to=second, reason="again", by=clinician, at=now
        )


def test_a_list_goes_on_after_an_amendment_that_keeps_its_arms(
    version: ProtocolVersion, clinician: Actor, now: datetime
) -> None:
    made = set_up(version, clinician, now, strata={})
    second = second_version(version, clinician, now, REWORDED)
    person = enrolled(registered(second, clinician, now), clinician, now, arm="")
    assert queries.arm_of(person) in SHARES
    assert queries.allocations_hold(made)


def test_an_amendment_without_an_arm_of_the_list_is_refused_to_everybody_alike(
    version: ProtocolVersion, clinician: Actor, now: datetime
) -> None:
    set_up(version, clinician, now, strata={}, shares={"ketamine": 1, "escitalopram": 1}, block_sizes=[2])
    people = [
        enrolled(registered(version, clinician, now, name=name), clinician, now, arm="") for name in ("One", "Two")
    ]
    assert {queries.arm_of(each) for each in people} == {"ketamine", "escitalopram"}
    second = second_version(version, clinician, now, WITHOUT_AN_ARM)
    for person in people:
        with pytest.raises(Refused, match="does not have the arms"):
            actions.move_to_version(
                participant=person, version=person.version, to=second, reason="an amendment", by=clinician, at=now
            )


def test_nobody_moves_into_another_programme(person: Participant, clinician: Actor, now: datetime) -> None:
    from tests.clinic.participants.making import version_in_force  # noqa: PLC0415

    other = version_in_force(clinician, now, name="Other")
    with pytest.raises(Refused, match="of their programme"):
        actions.move_to_version(participant=person, version=1, to=other, reason="a mistake", by=clinician, at=now)


def test_completion_comes_after_enrolment_and_ends_the_record(
    person: Participant, clinician: Actor, now: datetime
) -> None:
    with pytest.raises(Refused, match="Only somebody enrolled"):
        actions.complete(participant=person, version=1, reason="last visit", by=clinician, at=now)
    person = enrolled(person, clinician, now)
    actions.complete(participant=person, version=person.version, reason="last visit", by=clinician, at=now)
    with pytest.raises(Refused, match="nothing more is recorded"):
        answered(person, "pregnancy", PRESENT, clinician, now, version=1, reason="late")


def test_nobody_in_a_lesser_role_screens_enrols_or_withdraws(
    person: Participant, actor_as: Callable[[Role], Actor], now: datetime
) -> None:
    for role in (Role.SESSION_NURSE, Role.RATER, Role.PHARMACIST, Role.COORDINATOR, Role.ADMINISTRATOR, Role.ANALYST):
        by = actor_as(role)
        with pytest.raises(PermissionDenied):
            answered(person, "pregnancy", PRESENT, by, now)
        with pytest.raises(PermissionDenied):
            actions.enrol(participant=person, version=1, arm="ketamine", strata={}, by=by, at=now)
        with pytest.raises(PermissionDenied):
            actions.withdraw(participant=person, version=1, reason="no reason", by=by, at=now)


def test_from_registration_to_enrolment_through_the_pages(
    version: ProtocolVersion, colleague: User, facility: Facility, log_in: LogIn
) -> None:
    client = log_in(colleague)

    def send(name: str, *args: object, **given: str) -> None:
        answer = client.post(reverse(name, args=["main", *args]), given)
        assert answer.status_code == 302, (name, answer.content.decode())

    send("register_participant", protocol_version=str(version.pk), full_name="Grace Hopper", sex="female",
         date_of_birth="1976-12-09")  # fmt: skip
    person = Participant.objects.get()
    send("record_measure", person.pk, instrument="weight", value="64.5", measured_at="2026-01-05T09:30")
    rated = {"planned": "none", "rated_at": "2026-01-05T09:30", "mode": "interview"}
    rated |= {f"item_{item}": str(value) for item, value in madrs(31).items()}
    page = reverse("enter_rating", args=["main", person.pk])
    assert client.post(f"{page}?instrument=MADRS", rated).status_code == 302
    # 09:30 on the facility's clock is 08:30 in UTC.
    assert {each.at.hour for each in person.measures.all()} == {8}
    for drug in ("sertraline", "mirtazapine"):
        send("record_trial", person.pk, drug=drug, dose="30 mg", duration_weeks="8", adherence="good",
             outcome="no response", is_adequate="on", evidence="told by herself")  # fmt: skip
    for standing in screening_of(person).standings:
        send("assess_criterion", person.pk, standing.criterion.id, version="0", finding="absent",
             evidence="asked", source="interview")  # fmt: skip
    send("record_consent", person.pk, given_at="2026-01-05T09:00", has_capacity="on")
    person.refresh_from_db()
    send("conclude_screening", person.pk, version=str(person.version))
    person.refresh_from_db()
    send("enrol", person.pk, version=str(person.version), arm="ketamine")
    person.refresh_from_db()
    assert (person.status, person.arm) == ("enrolled", "ketamine")
    told = client.get(reverse("participant_trail", args=["main", person.pk])).content.decode()
    for said in ("began the screening", "assessed a criterion", "recorded consent", "enrolled"):
        assert said in told


def test_randomisation_is_set_up_through_its_page_and_its_seed_is_drawn(
    version: ProtocolVersion, colleague: User, log_in: LogIn
) -> None:
    address = reverse("set_up_randomisation", args=["main", version.programme_id])
    given = {"shares": "ketamine: 2\nmidazolam: 1", "block_sizes": "3, 6", "is_masked": "on",
             "strata": "severity: below 34; 34 or more"}  # fmt: skip
    client = log_in(colleague)
    assert "not an arm and its share" in client.post(address, {**given, "shares": "ketamine"}).content.decode()
    assert "cannot have this size" in client.post(address, {**given, "block_sizes": "4"}).content.decode()
    assert client.post(address, given).status_code == 302
    made = RandomisationList.objects.get()
    assert (made.shares, made.block_sizes, made.strata) == ({"ketamine": 2, "midazolam": 1}, [3, 6], STRATA)
    told = client.get(reverse("enrolment_set_up", args=["main"])).content.decode()
    assert made.commitment[:16] in told
    assert made.seed not in told
    assert "[3, 6]" not in told
