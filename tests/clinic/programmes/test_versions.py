"""Versions of a protocol: taken as written, signed, never changed, replaced, retired; at one or more facilities."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from tests.clinic.conftest import NOW

from upturn.errors import ProtocolError
from upturn.protocol import digest, load
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.models import Signature
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.programmes import actions, queries
from upturn_clinic.programmes.models import Expectation, Programme, ProtocolVersion
from upturn_clinic.programmes.reading import shipped_document
from upturn_clinic.programmes.sizes import EXPECTATION_PATIENCE, LARGEST_FILE

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)
STATES = ProtocolVersion.State


def added(programme: Programme, name: str, by: Actor) -> ProtocolVersion:
    document, file = shipped_document(name)
    return actions.add_version(programme=programme, document=document, file=file, by=by, at=NOW)


def signed(version: ProtocolVersion, by: Actor) -> ProtocolVersion:
    assert by.user is not None
    return actions.put_into_force(
        protocol_version=version, version=version.version, proof=Proof(by.user, NOW), by=by, at=NOW
    )


def test_the_document_is_kept_to_the_letter_with_the_librarys_digest(draft: ProtocolVersion) -> None:
    draft.refresh_from_db()
    assert draft.document == shipped_document("six-infusions")[0]
    assert draft.digest == digest(load("six-infusions"))
    assert queries.protocol_of(draft) == load("six-infusions")
    assert (draft.number, draft.state, draft.protocol_id) == (1, STATES.DRAFT, "six-infusions")


def test_a_document_with_faults_is_refused_with_their_places(programme: Programme, as_clinician: Actor) -> None:
    document = shipped_document("six-infusions")[0].replace("over: PT40M", "over: 40", 1)
    with pytest.raises(ProtocolError) as fault:
        actions.add_version(programme=programme, document=document, file="mine.yaml", by=as_clinician, at=NOW)
    told = str(fault.value)
    assert "expected:" in told
    assert "came:" in told
    assert "mine.yaml, line" in told
    assert not ProtocolVersion.objects.exists()


@pytest.mark.parametrize("trick", ["a: &x [1]\nb: *x\n", "!!python/object/apply:os.getcwd []", "a: 1\na: 2\n"])
def test_a_document_that_does_more_than_tell_is_refused(trick: str, programme: Programme, as_clinician: Actor) -> None:
    with pytest.raises(ProtocolError):
        actions.add_version(programme=programme, document=trick, file="trick.yaml", by=as_clinician, at=NOW)


def test_a_file_that_is_too_large_is_not_even_read(programme: Programme, as_clinician: Actor) -> None:
    with pytest.raises(Refused, match="too large"):
        actions.add_version(programme=programme, document="a" * (LARGEST_FILE + 1), file="x", by=as_clinician, at=NOW)


def test_the_same_protocol_twice_in_a_row_is_refused(
    draft: ProtocolVersion, programme: Programme, as_clinician: Actor
) -> None:
    document = "# only a remark more\n" + draft.document
    with pytest.raises(Refused, match="says the same"):
        actions.add_version(programme=programme, document=document, file="x.yaml", by=as_clinician, at=NOW)
    assert added(programme, "single-infusion", as_clinician).number == 2


def test_a_signature_carries_the_digest(in_force: ProtocolVersion, colleague: User) -> None:
    assert in_force.state == STATES.IN_FORCE
    assert in_force.in_force_at == NOW
    signature = Signature.objects.get()
    assert (signature.signer, signature.meaning) == (colleague, actions.PUT_INTO_FORCE)
    assert "sha256:" + signature.content_hash == digest(load("six-infusions"))
    assert [each.holds for each in queries.signatures_under(in_force)] == [True]


def test_a_new_version_in_force_retires_the_one_before(
    in_force: ProtocolVersion, programme: Programme, as_clinician: Actor
) -> None:
    second = signed(added(programme, "single-infusion", as_clinician), as_clinician)
    in_force.refresh_from_db()
    assert (in_force.state, second.state) == (STATES.RETIRED, STATES.IN_FORCE)
    assert queries.in_force(programme) == second
    # The signature under the first one still holds: its document is the same.
    assert [each.holds for each in queries.signatures_under(in_force)] == [True]
    with pytest.raises(Refused, match="Only a draft"):
        signed(in_force, as_clinician)


@pytest.mark.parametrize(
    "change",
    [
        "document = 'another'", "digest = 'sha256:0'", "number = 9", "title = 'another'", "protocol_id = 'another'",
        "id = '00000000000000000000000000000001'",
    ],
)  # fmt: skip
def test_the_database_refuses_to_change_what_was_written(change: str, in_force: ProtocolVersion) -> None:
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE programmes_protocolversion SET {change}")  # noqa: S608
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM programmes_protocolversion")


def test_two_who_sign_at_once_the_second_is_told(draft: ProtocolVersion, as_clinician: Actor) -> None:
    on_screen = ProtocolVersion.objects.select_related("programme").get(pk=draft.pk)
    signed(draft, as_clinician)
    with pytest.raises(Conflict):
        signed(on_screen, as_clinician)
    assert Signature.objects.count() == 1


def test_a_stale_or_foreign_proof_signs_nothing(draft: ProtocolVersion, as_clinician: Actor, owner: User) -> None:
    for proof, at in ((Proof(owner, NOW), NOW), (Proof(as_clinician.user, NOW - timedelta(hours=1)), NOW)):  # type: ignore[arg-type]
        with pytest.raises(Refused, match="confirmed"):
            actions.put_into_force(protocol_version=draft, version=1, proof=proof, by=as_clinician, at=at)
    draft.refresh_from_db()
    assert draft.state == STATES.DRAFT
    assert not Entry.objects.filter(action="put the protocol version into force").exists()


def test_retiring_needs_a_reason_and_a_signature(in_force: ProtocolVersion, as_clinician: Actor) -> None:
    assert as_clinician.user is not None
    proof = Proof(as_clinician.user, LATER)
    with pytest.raises(Refused, match="reason"):
        actions.retire(protocol_version=in_force, version=2, reason=" ", proof=proof, by=as_clinician, at=LATER)
    retired = actions.retire(
        protocol_version=in_force, version=2, reason="a new trial changed our mind", proof=proof, by=as_clinician,
        at=LATER,
    )  # fmt: skip
    assert (retired.state, retired.retired_at) == (STATES.RETIRED, LATER)
    assert queries.in_force(in_force.programme) is None
    with pytest.raises(Refused, match="already"):
        actions.retire(protocol_version=retired, version=3, reason="again", proof=proof, by=as_clinician, at=LATER)


@pytest.mark.parametrize("role", [each for each in Role if each not in (Role.CLINICIAN, Role.COORDINATOR)])
def test_other_roles_prepare_nothing(role: Role, programme: Programme, owner: User, facility: Facility) -> None:
    by = Actor(owner, facility, frozenset({role}))
    with pytest.raises(PermissionDenied):
        added(programme, "single-infusion", by)


def test_a_coordinator_prepares_but_does_not_sign(programme: Programme, owner: User, facility: Facility) -> None:
    by = Actor(owner, facility, frozenset({Role.COORDINATOR}))
    version = added(programme, "single-infusion", by)
    with pytest.raises(PermissionDenied):
        signed(version, by)


def test_another_facility_takes_a_programme_up_by_its_own_signature(
    in_force: ProtocolVersion, programme: Programme, as_clinician: Actor, stranger: User, elsewhere: Facility,
    facility: Facility,
) -> None:  # fmt: skip
    there = Actor(stranger, elsewhere, frozenset({Role.CLINICIAN}))
    assert not queries.programmes_at(elsewhere).exists()
    site = actions.offer(programme=programme, facility=elsewhere, by=as_clinician, at=NOW)
    assert programme in queries.programmes_at(elsewhere)
    assert not queries.versions_in_force_at(elsewhere).exists()
    with pytest.raises(Refused, match="nothing to take up"):
        actions.take_up(
            site=site, version=1, proof=Proof(as_clinician.user, NOW), by=as_clinician, at=NOW  # type: ignore[arg-type]
        )  # fmt: skip
    actions.take_up(site=site, version=1, proof=Proof(stranger, NOW), by=there, at=NOW)
    assert list(queries.versions_in_force_at(elsewhere)) == [in_force]
    assert list(queries.versions_in_force_at(facility)) == [in_force]
    assert {each.time_zone for each in programme.facilities.all()} == {"Europe/Copenhagen", "Pacific/Auckland"}
    # What the lead decides is not decided elsewhere.
    with pytest.raises(Refused, match="lead facility"):
        added(programme, "single-infusion", there)
    site.refresh_from_db()
    actions.leave(site=site, version=site.version, reason="no room for sessions", by=there, at=LATER)
    assert not queries.versions_in_force_at(elsewhere).exists()
    assert list(queries.versions_at(elsewhere)) == [in_force], "who takes part there still finds the protocol"


def test_the_lead_cannot_leave_and_a_name_is_taken_once(programme: Programme, as_clinician: Actor) -> None:
    with pytest.raises(Refused, match="lead facility stays"):
        actions.leave(site=programme.sites.get(), version=1, reason="tired of it", by=as_clinician, at=NOW)
    with pytest.raises(Refused, match="of this name"):
        actions.create_programme(name="infusions", purpose="", by=as_clinician, at=NOW)


def test_an_answer_about_another_protocol_is_not_kept(draft: ProtocolVersion, facility: Facility) -> None:
    by = system(facility)
    begun = actions.begin_expectation(protocol_version=draft, by=by, at=NOW)
    with pytest.raises(Refused, match="runs already"):
        actions.begin_expectation(protocol_version=draft, by=by, at=NOW + EXPECTATION_PATIENCE / 2)
    other = {"protocol": {"digest": "sha256:0"}}
    with pytest.raises(Exception, match="another protocol"):
        actions.end_expectation(expectation=begun, answer=other, fault="", by=by, at=LATER)
    failed = actions.end_expectation(expectation=begun, answer=None, fault="no memory", by=by, at=LATER)
    assert (failed.state, failed.answer) == (Expectation.State.FAILED, "")
    again = actions.begin_expectation(protocol_version=draft, by=by, at=LATER + EXPECTATION_PATIENCE * 2)
    assert queries.expectation_of(draft) == again


def test_everything_written_stands_in_the_trail(
    in_force: ProtocolVersion, make_person: Callable[..., User], facility: Facility
) -> None:
    told = list(Entry.objects.filter(object_type__startswith="programmes.").values_list("action", flat=True))
    assert told == [
        "began the programme", "leads the programme", "added a protocol version", "put the protocol version into force",
    ]  # fmt: skip
