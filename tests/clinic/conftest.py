"""The cast: an owner, a colleague, a stranger, and anybody in any role; each with a real code app."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.db import connection
from django.test import Client, TransactionTestCase
from django.utils import timezone

from upturn.protocol import raised
from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.assessments import actions as assessments
from upturn_clinic.assessments.links import actions as links
from upturn_clinic.assessments.models import Rating, SelfRatingLink
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.ground.append_only import keep_rows, let_rows_go
from upturn_clinic.participants import actions as participants
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.screening import actions as screening
from upturn_clinic.programmes import actions as programmes
from upturn_clinic.programmes.models import Programme, ProtocolVersion, TakenRule
from upturn_clinic.programmes.queries import examples_of, protocol_of
from upturn_clinic.programmes.reading import shipped_document
from upturn_clinic.safety import actions as safety
from upturn_clinic.safety.models import AdverseEvent, Concern
from upturn_clinic.stock.booking.actions import book
from upturn_clinic.stock.models import Draw
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.treatments.course import first_doses, first_visits
from upturn_clinic.treatments.models import Dose, MonitoringCheck, Plan, Visit
from upturn_clinic.treatments.others import actions as others
from upturn_clinic.treatments.watch import actions as watch

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
PASSWORD = "nine quiet herons at dusk"  # noqa: S105
SECRET = base64.b32encode(b"twenty bytes exactly").decode()

ONLY_GROW = (
    "ledger_entry", "audit_signature", "participants_consentdocument", "participants_criteriondecision",
    "participants_allocation", "participants_unblinding", "stock_movement", "exports_unmasking", "programmes_takenrule",
    "treatments_stopdecision",
)  # fmt: skip
# What every entry of a session keeps as it was.
ENTERED = ("id", "session_id", "at", "device_at", "noted_at", "by_id")
# Tables of which some columns never change, and no row goes: they are named in the tables' migrations.
COLUMNS_STAY = {
    "floor_session": ("id", "dose_id", "participant_id", "facility_id"),
    "floor_reading": (*ENTERED, "instrument", "value", "unit", "nominal_min", "row"),
    "floor_answer": (*ENTERED, "list", "criterion", "text", "answer", "note"),
    "floor_sign": (*ENTERED, "gate", "sign", "is_present"),
    "floor_gatedecision": (*ENTERED, "gate", "text", "because_of", "decision", "reason", "role"),
    "floor_filling": (*ENTERED, "ml"),
    "floor_administration": (*ENTERED, "kind", "rate_ml_h", "percent", "because", "why"),
    "floor_emergencystep": (*ENTERED, "step", "gate", "signs", "who", "note"),
    "stock_draw": ("id", "lot_id", "dose_id", "facility_id", "taken", "taken_at", "by_id"),
    "stock_lot": (
        "id", "facility_id", "drug", "form", "number", "unit", "amount_each", "mg_per_ml", "basis", "is_masked",
    ),
    "assessments_rating": (
        "id", "participant_id", "instrument", "instrument_version", "rater_kind", "mode", "rater_id", "planned_h",
        "rated_at", "entered_at", "recall_h", "answers", "total",
    ),
    "assessments_selfratinglink": ("id", "participant_id", "token_hash", "made_at", "expires_at"),
    "programmes_protocolversion": (
        "id", "programme_id", "number", "document", "digest", "title", "protocol_id", "protocol_version",
        "uploaded_at",
    ),
    "participants_participant": ("id", "pseudonym", "programme_id", "registered_at"),
    "ledger_personkey": ("person",),
}  # fmt: skip

MakePerson = Callable[..., User]
LogIn = Callable[[User], Client]


def code_now(offset: int = 0, *, secret: str = SECRET) -> str:
    """The code that an app shows now, or some half minutes from now."""
    (now,) = yield_hotp_counters_from_time()
    return format_hotp_value(hotp_value(secret, now + offset))


def without_tokens(text: str) -> str:
    """A page or a file without its long runs of drawn characters: in them any short word stands now and then."""
    return re.sub(r"[\w-]{40,}", "", text)


@pytest.fixture(autouse=True, scope="session")
def _guards_stand_aside_when_a_test_is_cleared() -> Iterator[None]:
    """A test with real transactions ends by emptying all tables; those that only grow would refuse."""
    with pytest.MonkeyPatch.context() as patch:
        original = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

        def teardown(case: TransactionTestCase) -> None:
            for table in (*ONLY_GROW, *COLUMNS_STAY):
                let_rows_go(connection, table)
            original(case)
            for table in (*ONLY_GROW, *COLUMNS_STAY):
                keep_rows(connection, table, columns=COLUMNS_STAY.get(table, ()))

        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield


@pytest.fixture(autouse=True)
def _codes_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code holds as long as a test: a busy machine may take a while from reading it off the app to sending it."""
    begun = time.time()
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.time", SimpleNamespace(time=lambda: begun))


@pytest.fixture(autouse=True)
def _fresh_counters() -> Iterator[None]:
    """Rate limits and used codes start anew in every test."""
    cache.clear()
    yield
    cache.clear()
    timezone.deactivate()


@pytest.fixture
def facility(db: None) -> Facility:
    return actions.create_facility(slug="main", name="Main clinic", time_zone="Europe/Copenhagen", by=system(), at=NOW)


@pytest.fixture
def elsewhere(db: None) -> Facility:
    return actions.create_facility(
        slug="elsewhere", name="Elsewhere", time_zone="Pacific/Auckland", by=system(), at=NOW
    )


@pytest.fixture
def make_person(db: None) -> MakePerson:
    """Make somebody with roles at a facility and, unless asked otherwise, a code app."""

    def make(name: str, facility: Facility, *roles: Role, code_app: bool = True) -> User:
        user = actions.create_person(
            email=f"{name.lower()}@example.org", name=name, password=PASSWORD, by=system(facility), at=NOW
        )
        for role in roles:
            actions.give_role(user=user, role=role, facility=facility, by=system(facility), at=NOW)
        if code_app:
            TOTP.activate(user, SECRET)
            assert Authenticator.objects.get(user=user).data["secret"] != SECRET
        return user

    return make


@pytest.fixture
def owner(make_person: MakePerson, facility: Facility) -> User:
    """Runs the house."""
    return make_person("Owner", facility, Role.ADMINISTRATOR)


@pytest.fixture
def colleague(make_person: MakePerson, facility: Facility) -> User:
    """Treats people at the same facility."""
    return make_person("Colleague", facility, Role.CLINICIAN)


@pytest.fixture
def stranger(make_person: MakePerson, elsewhere: Facility) -> User:
    """Everything at another facility, nothing here."""
    return make_person("Stranger", elsewhere, *(role for role in Role if role is not Role.PARTICIPANT))


@pytest.fixture
def as_owner(owner: User, facility: Facility) -> Actor:
    return Actor(owner, facility, frozenset({Role.ADMINISTRATOR}))


@pytest.fixture
def as_clinician(colleague: User, facility: Facility) -> Actor:
    return Actor(colleague, facility, frozenset({Role.CLINICIAN}))


@pytest.fixture
def programme(as_clinician: Actor) -> Programme:
    return programmes.create_programme(name="Infusions", purpose="For low mood", by=as_clinician, at=NOW)


@pytest.fixture
def draft(programme: Programme, as_clinician: Actor) -> ProtocolVersion:
    """The shipped six infusions, not signed yet."""
    document, file = shipped_document("six-infusions")
    return programmes.add_version(programme=programme, document=document, file=file, by=as_clinician, at=NOW)


@pytest.fixture
def in_force(draft: ProtocolVersion, as_clinician: Actor, colleague: User) -> ProtocolVersion:
    """The shipped six infusions, signed into force."""
    return programmes.put_into_force(
        protocol_version=draft, version=draft.version, proof=Proof(colleague, NOW), by=as_clinician, at=NOW
    )


@pytest.fixture
def participant(in_force: ProtocolVersion, as_clinician: Actor) -> Participant:
    """Somebody in screening, with one thing of each kind in their record."""
    person = participants.register(
        protocol_version=in_force, identity={"full_name": "Ada Byron", "date_of_birth": date(1980, 2, 29)},
        sex="female", by=as_clinician, at=NOW,
    )  # fmt: skip
    document = screening.publish_consent_document(
        programme=in_force.programme, title="What taking part means", text="You can stop at any time.", by=as_clinician,
        at=NOW,
    )  # fmt: skip
    screening.record_consent(
        participant=person, document=document, given_at=NOW, has_capacity=True, by=as_clinician, at=NOW
    )
    screening.assess(
        participant=person, criterion="pregnancy", version=0, finding="present", evidence="the test is missing",
        source="laboratory", reason="", by=as_clinician, at=NOW,
    )  # fmt: skip
    treatment = {"drug": "sertraline", "dose": "150 mg a day", "duration_weeks": 8, "adherence": "good",
                 "outcome": "no response", "in_current_episode": True, "is_adequate": True,
                 "evidence": "letter of the general practitioner"}  # fmt: skip
    screening.record_trial(participant=person, values=treatment, by=as_clinician, at=NOW)
    screening.record_measure(
        participant=person, instrument="weight", value=Decimal("80.5"), measured_at=NOW, recall_h=None, by=as_clinician,
        at=NOW,
    )  # fmt: skip
    return person


@pytest.fixture
def planned(participant: Participant, as_clinician: Actor) -> Plan:
    """A plan, another treatment and another drug of the same person, who stays in screening: for pages alone."""
    Participant.objects.filter(pk=participant.pk).update(arm="ketamine")
    participant.refresh_from_db()
    begins_at = timezone.now() + timedelta(days=3)
    plan = Plan(
        participant=participant, facility=participant.facility, protocol_version=participant.protocol_version,
        begins_at=begins_at, made_at=NOW,
    )  # fmt: skip
    plan.save()
    protocol = protocol_of(participant.protocol_version)
    Dose.objects.bulk_create(first_doses(plan, protocol, "ketamine"))
    Visit.objects.bulk_create(first_visits(plan, protocol, "ketamine", now=NOW))
    treatment = {"kind": "CBT", "given_by": "a psychologist", "began_on": date(2026, 2, 2), "ended_on": None}
    others.record_co_intervention(participant=participant, values=treatment, by=as_clinician, at=NOW)
    drug = {"name": "lorazepam", "drug_class": "benzodiazepine", "dose": "1 mg", "began_on": None, "ended_on": None}
    others.record_drug(participant=participant, values=drug, by=as_clinician, at=NOW)
    return plan


@pytest.fixture
def drawn(planned: Plan, as_clinician: Actor) -> Draw:
    """A lot on the shelf, and what was drawn from it for the first dose of the plan: for pages alone."""
    vials = shelf.Delivery("ketamine", "vial", "K-1", date(2027, 1, 31), 2, Decimal(200), mg_per_ml=Decimal(10))
    lot = shelf.receive(facility=planned.facility, delivery=vials, by=as_clinician, at=NOW)
    draw = Draw(
        lot=lot, dose=planned.doses.get(number=1), facility=planned.facility, taken=Decimal("40.3"), taken_at=NOW,
        by=as_clinician.user,
    )  # fmt: skip
    draw.save()
    book(lot=lot, kind="drawn", shelf=-draw.taken, drawn=draw.taken, of=draw, by=as_clinician, at=NOW)
    return draw


@pytest.fixture
def rated(participant: Participant, as_clinician: Actor) -> Rating:
    """A blinded rating of the same person, beside the protocol's times."""
    answers = {str(item): 3 for item in range(1, 11)}
    return assessments.record_rating(
        participant=participant, instrument="MADRS", answers=answers, rated_at=NOW, rater_kind="blinded",
        by=as_clinician, at=NOW,
    )  # fmt: skip


@pytest.fixture
def asked(participant: Participant, as_clinician: Actor) -> SelfRatingLink:
    """An open link of the same person."""
    link, _ = links.make_link(
        participant=participant, instruments=["PHQ-9"], valid_h=48, by=as_clinician, at=timezone.now()
    )
    return link


@pytest.fixture
def concern(participant: Participant, as_clinician: Actor) -> Concern:
    """A concern about the participant, as item 9 raises it."""
    (rule,) = raised(
        protocol_of(participant.protocol_version).safety, instrument="PHQ-9", total=None, items={"9": 1}
    )  # fmt: skip
    return safety.raise_concern(
        participant=participant, rule=rule, because="Item 9 of the PHQ-9: several days.", source="rating/1",
        by=as_clinician, at=NOW,
    )  # fmt: skip


@pytest.fixture
def event(participant: Participant, as_clinician: Actor) -> AdverseEvent:
    """A serious adverse event of the participant, judged and not reported yet."""
    found = safety.record_event(
        entry=uuid4(), participant=participant, term="loss of consciousness", severity="severe",
        started_at=NOW - timedelta(hours=1), by=as_clinician, at=NOW,
    )  # fmt: skip
    return safety.judge_event(
        event=found, version=1, criteria=["life-threatening"], relatedness="possible", is_expected=True,
        outcome="unknown", reason="", by=as_clinician, at=NOW,
    )  # fmt: skip


@pytest.fixture
def watched(planned: Plan, as_clinician: Actor) -> MonitoringCheck:
    """One look of the long-term monitoring that was done; others are due, since a dose was given in March."""
    version = planned.protocol_version
    examples = [each.key for each in examples_of(protocol_of(version))]
    TakenRule.objects.bulk_create([TakenRule(protocol_version=version, rule=key) for key in examples])
    Dose.objects.filter(plan=planned, number=2).update(state="given", given_at=NOW)
    return watch.record_check(
        participant=planned.participant, look="bladder", key="672", done_at=NOW + timedelta(days=28),
        finding="nothing", note="", by=as_clinician, at=NOW + timedelta(days=28),
    )  # fmt: skip


@pytest.fixture
def seated(planned: Plan, as_clinician: Actor) -> Session:
    """A session of the first dose of the plan, dosed and observed, with one value: for pages alone."""
    now = timezone.now()
    session = Session(
        dose=planned.doses.get(number=1), participant=planned.participant, facility=planned.facility,
        arrived_at=now - timedelta(minutes=150), ready_at=now - timedelta(minutes=130),
        began_at=now - timedelta(minutes=125), dosed_until=now - timedelta(minutes=85),
    )  # fmt: skip
    session.save()
    Reading(
        session=session, at=now - timedelta(minutes=5), noted_at=now, by=as_clinician.user, instrument="SBP",
        value=Decimal(122), unit="mmHg", nominal_min=120,
    ).save()  # fmt: skip
    return session


@pytest.fixture
def with_form(as_clinician: Actor) -> Dose:
    """A session of nasal esketamine that was given, for pages about its monitoring form alone."""
    from tests.clinic.floor.making import person_with_plan, signed_version  # noqa: PLC0415  (it builds on this file)

    version = signed_version("esketamine-trd", as_clinician, NOW)
    plan = person_with_plan(version, "esketamine", as_clinician, begins_at=NOW + timedelta(days=1), at=NOW)
    dose = plan.doses.get(number=1)
    Dose.objects.filter(pk=dose.pk).update(state="given", given_at=NOW + timedelta(days=1), given_mg=Decimal(56))
    return Dose.objects.get(pk=dose.pk)


@pytest.fixture
def log_in() -> LogIn:
    """Give a browser in which somebody is logged in."""

    def log(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return log


@dataclass(frozen=True)
class Clock:
    """A clock that a test moves."""

    patch: pytest.MonkeyPatch

    def stand_at(self, at: datetime) -> None:
        """Let all views see this time; the machinery of sessions keeps the real one, that of codes the test's start."""
        self.patch.setattr("django.utils.timezone.now", lambda: at)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)
