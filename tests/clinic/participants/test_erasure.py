"""Erasing who a participant was: gone everywhere, the trail whole, the pages alive, the erasure itself written down."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from io import StringIO

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import ONLY_GROW, PASSWORD, code_now
from tests.clinic.participants.making import enrolled, registered

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Invitation, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.queries import signatures_of
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger.models import Entry, PersonKey
from upturn_clinic.participants import actions, queries
from upturn_clinic.participants.erasure.actions import ERASED, erase_identity
from upturn_clinic.participants.erasure.queries import account_of, fields_about_participants
from upturn_clinic.participants.models import Identity, Participant
from upturn_clinic.programmes.models import ProtocolVersion

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]
TELLING = ("Ada", "Byron", "Lovelace", "ada@home.example", "555 0101", "1980-02-29", "married name")


@pytest.fixture
def ended(person: Participant, clinician: Actor, now: datetime) -> Participant:
    """Somebody with an account and a corrected name, who has withdrawn."""
    letter = actions.invite(participant=person, by=clinician, at=now)
    accounts.accept(invitation=letter, user=None, name=person.pseudonym, password=PASSWORD, at=now)
    identity = queries.identity_of(person)
    actions.correct_identity(
        identity=identity, version=identity.version, values={"full_name": "Ada Lovelace"},
        reason="Ada has a married name", by=clinician, at=now,
    )  # fmt: skip
    return actions.withdraw(participant=person, version=person.version, reason="moved away", by=clinician, at=now)


def erased(person: Participant, by: Actor, at: datetime, *, reason: str = "asked for it; the law lets us") -> Identity:
    assert by.user is not None
    identity = queries.identity_of(person)
    return erase_identity(
        participant=person, version=identity.version, reason=reason, proof=Proof(by.user, at), by=by, at=at
    )


def everything_stored() -> str:
    """Every row of every table, as text."""
    found: list[object] = []
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  (names come from the database itself)
            found.extend(cursor.fetchall())
    return json.dumps(found, default=str)


def told(texts: Iterable[str], page: str) -> list[str]:
    """The words that stand there as words: in what is sealed three letters stand side by side by chance."""
    return [text for text in texts if re.search(rf"(?<![\w+/=-]){re.escape(text)}(?![\w+/=-])", page)]


def test_nothing_that_tells_is_left_in_any_table(ended: Participant, clinician: Actor, now: datetime) -> None:
    assert told(TELLING[2:4], everything_stored())
    trail = Entry.objects.filter(person=ended.pk).count()
    erased(ended, clinician, now)
    assert told(TELLING, everything_stored()) == []
    assert Entry.objects.filter(person=ended.pk).count() == trail + 1
    assert PersonKey.objects.get(pk=ended.pk).key == ""


def test_the_trail_is_whole_and_says_who_erased_and_why(ended: Participant, clinician: Actor, now: datetime) -> None:
    out = StringIO()
    call_command("verify_audit", stdout=out)
    anchor = out.getvalue().strip().rsplit(" ", 1)[1]
    erased(ended, clinician, now)
    call_command("verify_audit", anchor=anchor, stdout=StringIO())
    row = Entry.objects.get(action="erased who the participant was")
    assert (row.by_id, row.object_id, row.reason) == (clinician.user_id, str(ended.pk), "asked for it; the law lets us")
    (signature,) = [each for each in signatures_of("participants.Participant", str(ended.pk)) if each.meaning == ERASED]
    assert signature.signer_id == clinician.user_id


def test_the_pages_live_on_without_the_name(
    ended: Participant, clinician: Actor, colleague: User, owner: User, log_in: LogIn, now: datetime
) -> None:
    erased(ended, clinician, now)
    staff = log_in(colleague)
    pages = {
        name: staff.get(reverse(name, args=["main", ended.pk])).content.decode()
        for name in ("participant", "participant_trail", "erase_identity", "correct_identity")
    }
    pages["participants"] = staff.get(reverse("participants", args=["main"])).content.decode()
    pages["trail"] = log_in(owner).get(reverse("trail", args=["main"])).content.decode()
    for name, page in pages.items():
        assert told(TELLING, page) == [], name
        assert ended.pseudonym in page or name == "trail", name
    assert "Erased for good" in pages["participant"]
    assert "Correct</a>" not in pages["participant"]
    assert "asked for it; the law lets us" in pages["participant_trail"]
    assert "erased" in pages["participant_trail"]
    history = reverse("history", args=["main", "participants.Identity", queries.identity_of(ended).pk])
    assert told(TELLING, log_in(owner).get(history).content.decode()) == []


def test_the_account_is_closed_and_its_sessions_end(
    ended: Participant, clinician: Actor, log_in: LogIn, now: datetime
) -> None:
    account = account_of(ended)
    assert account is not None
    theirs = log_in(account)
    assert theirs.get(reverse("own", args=["main"])).status_code == 200
    erased(ended, clinician, now)
    assert theirs.get(reverse("own", args=["main"])).status_code == 302
    given = {"login": account.email, "password": PASSWORD}
    answer = Client().post(reverse("account_login"), given)
    assert "_auth_user_id" not in answer.wsgi_request.session
    assert PersonKey.objects.get(pk=account.pk).key == ""


def test_who_takes_part_cannot_be_erased(person: Participant, clinician: Actor, now: datetime) -> None:
    enrolled(person, clinician, now)
    with pytest.raises(Refused, match="takes part"):
        erased(person, clinician, now)
    assert queries.identity_of(person).full_name == "Ada Byron"


def test_a_reason_that_names_the_person_is_refused(ended: Participant, clinician: Actor, now: datetime) -> None:
    with pytest.raises(Refused, match="names the person"):
        erased(ended, clinician, now, reason="Mrs lovelace asked us to")
    with pytest.raises(Refused, match="too short"):
        erased(ended, clinician, now, reason="asked")


def test_erasing_happens_once_with_a_proof_and_a_permission(
    ended: Participant, clinician: Actor, actor_as: Callable[[Role], Actor], now: datetime
) -> None:
    for role in set(Role) - {Role.CLINICIAN}:
        with pytest.raises(PermissionDenied):
            erased(ended, actor_as(role), now)
    assert clinician.user is not None
    somebody = actor_as(Role.CLINICIAN).user
    assert somebody is not None
    with pytest.raises(Refused, match="password and code"):
        erase_identity(
            participant=ended, version=2, reason="asked for it", proof=Proof(somebody, now), by=clinician, at=now
        )
    with pytest.raises(Conflict):
        erase_identity(
            participant=ended, version=1, reason="asked for it", proof=Proof(clinician.user, now), by=clinician, at=now
        )
    assert queries.identity_of(ended).full_name == "Ada Lovelace"
    erased(ended, clinician, now)
    with pytest.raises(Refused, match="already"):
        erased(ended, clinician, now)
    identity = queries.identity_of(ended)
    with pytest.raises(Refused, match="has been erased"):
        actions.correct_identity(
            identity=identity, version=identity.version, values={"full_name": "Ada"}, reason="back", by=clinician,
            at=now,
        )  # fmt: skip


def test_others_are_not_touched(
    ended: Participant, version: ProtocolVersion, clinician: Actor, colleague: User, log_in: LogIn, now: datetime
) -> None:
    other = registered(version, clinician, now, name="Mary Somerville")
    erased(ended, clinician, now)
    page = log_in(colleague).get(reverse("participant_trail", args=["main", other.pk])).content.decode()
    assert "Mary Somerville" in page


def test_by_the_page_with_the_pseudonym_typed_once_more(ended: Participant, colleague: User, log_in: LogIn) -> None:
    page, client = reverse("erase_identity", args=["main", ended.pk]), log_in(colleague)
    given = {"version": "2", "reason": "asked for it; nothing obliges us", "pseudonym": "AAA-AAA", "password": PASSWORD,
             "code": code_now()}  # fmt: skip
    assert "not the pseudonym" in client.post(page, given).content.decode()
    assert client.post(page, {**given, "pseudonym": ended.pseudonym.lower()}).status_code == 302
    assert queries.identity_of(ended).erased_at is not None


def test_every_field_that_tells_who_a_participant_is_can_be_emptied() -> None:
    found = fields_about_participants()
    assert found[Identity] == Identity.classified.identifying
    for model, names in found.items():
        assert model._meta.db_table not in ONLY_GROW, "a row that never changes cannot be erased"
        for name in names:
            (field,) = (each for each in model._meta.concrete_fields if each.name == name)
            assert field.null or field.blank, f"{model._meta.label}.{name} cannot be emptied"


def test_whose_key_seals_which_model() -> None:
    """Each model with identifying fields, and whom they are about. A new one is thought about once, here."""
    from upturn_clinic.ground.classification import FOREIGN, classification_of  # noqa: PLC0415

    about_themselves = {"accounts.User", "accounts.Invitation", "accounts.EmergencyAccess", "ledger.Entry"}
    about_staff = {"account.EmailAddress": "user", "audit.Signature": "signer"}
    participants = {model._meta.label for model in fields_about_participants()}
    for model in apps.get_models():
        classes = classification_of(model)
        if not classes.identifying:
            continue
        label = model._meta.label
        if label in about_themselves:
            assert not classes.about
        elif label in about_staff:
            assert classes.about == about_staff[label]
        else:
            assert label in participants, f"whom are the identifying fields of {label} about?"
    assert set(FOREIGN) & set(about_staff)


def test_an_invitation_of_a_participant_holds_no_name(ended: Participant) -> None:
    assert {each.email for each in Invitation.objects.all()} == {f"{ended.pseudonym.lower()}@participant.invalid"}


def test_a_correction_empties_nobody(person: Participant, clinician: Actor, now: datetime) -> None:
    identity = queries.identity_of(person)
    for empty in ({"full_name": " "}, {"date_of_birth": None}):
        with pytest.raises(Refused, match="are needed"):
            actions.correct_identity(
                identity=identity, version=1, values=empty, reason="to be tried", by=clinician, at=now
            )
    assert queries.identity_of(person).full_name == "Ada Byron"
