"""Concerns: raised once, owned, due, taken by one, closed with what was done; late ones told to every clinician."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import NOW, Clock, LogIn

from upturn.protocol import load, raised, shipped
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import ROLES, Permission, Role
from upturn_clinic.floor.models import Session
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.models import Identity, Participant
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.safety import actions, queries
from upturn_clinic.safety.models import Concern

pytestmark = pytest.mark.django_db


def rules(participant: Participant, level: float) -> tuple[object, ...]:
    return raised(protocol_of(participant.protocol_version).safety, instrument="C-SSRS", total=level, items={})


@pytest.fixture
def nurse(make_person: Callable[..., User], facility: Facility) -> Actor:
    return Actor(make_person("Nurse", facility, Role.SESSION_NURSE), facility, frozenset({Role.SESSION_NURSE}))


def test_an_answer_opens_a_task_with_owner_deadline_and_source(concern: Concern, participant: Participant) -> None:
    assert (concern.rule, concern.owner, concern.status) == ("phq-item-9", "clinician", "assumed")
    assert concern.due_at - concern.raised_at == timedelta(hours=8)
    assert concern.citation.startswith("Does suicidal ideation")
    assert concern.is_open
    row = Entry.objects.get(object_type="safety.Concern")
    assert (row.action, row.facility_id) == ("raised a concern", participant.facility_id)


@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize("level", [1.0, 2.0, 3.0])
def test_every_shipped_rule_becomes_a_task(
    name: str, level: float, participant: Participant, facility: Facility
) -> None:
    (rule,) = raised(load(name).safety, instrument="C-SSRS", total=level, items={})
    made = actions.raise_concern(
        participant=participant, rule=rule, because="x", source="s", by=system(facility), at=NOW
    )
    assert (made.due_at - NOW).total_seconds() == rule.within_h * 3600
    assert made.raised_by is None


def test_the_same_answer_sent_again_opens_nothing_new(concern: Concern, participant: Participant) -> None:
    (rule,) = raised(protocol_of(participant.protocol_version).safety, instrument="PHQ-9", total=9.0, items={"9": 3})
    again = {"participant": participant, "rule": rule, "because": "sent twice", "by": system(), "at": NOW}
    assert actions.raise_concern(source="rating/1", **again) == concern  # type: ignore[arg-type]
    assert actions.raise_concern(source="rating/2", **again) != concern  # type: ignore[arg-type]
    assert Concern.objects.count() == 2


def test_an_answer_that_no_rule_speaks_of_is_due_at_once(participant: Participant, facility: Facility) -> None:
    made = actions.raise_concern(
        participant=participant, rule=None, text="An answer asks for help.", because="x", source="s",
        by=system(facility), at=NOW,
    )  # fmt: skip
    assert (made.owner, made.due_at, made.text) == ("clinician", NOW, "An answer asks for help.")


def test_a_rater_raises_by_an_answer_and_sees_nothing_of_it(
    participant: Participant, make_person: Callable[..., User], facility: Facility, log_in: LogIn
) -> None:
    person = make_person("Rater", facility, Role.RATER)
    rater = Actor(person, facility, frozenset({Role.RATER}))
    actions.raise_concern(participant=participant, rule=None, because="x", source="s", by=rater, at=NOW)
    for name, rest in (("safety", []), ("participant_safety", [participant.pk])):
        assert log_in(person).get(reverse(name, args=["main", *rest])).status_code == 403


def test_nobody_at_another_facility_touches_it(
    concern: Concern, participant: Participant, make_person: Callable[..., User], elsewhere: Facility
) -> None:
    other = Actor(make_person("Doc", elsewhere, Role.CLINICIAN), elsewhere, frozenset({Role.CLINICIAN}))
    with pytest.raises(PermissionDenied):
        actions.raise_concern(participant=participant, rule=None, because="x", source="s", by=other, at=NOW)
    with pytest.raises(PermissionDenied):
        actions.take_concern(concern=concern, version=1, by=other, at=NOW)
    with pytest.raises(PermissionDenied):
        actions.close_concern(concern=concern, version=1, done="x", by=other, at=NOW)


def test_two_who_take_it_at_once_are_told(concern: Concern, as_clinician: Actor) -> None:
    taken = actions.take_concern(concern=concern, version=1, by=as_clinician, at=NOW)
    assert (taken.taken_by, taken.taken_at) == (as_clinician.user, NOW)
    with pytest.raises(Conflict):
        actions.take_concern(concern=concern, version=1, by=as_clinician, at=NOW)


def test_it_is_closed_once_with_words(concern: Concern, as_clinician: Actor) -> None:
    with pytest.raises(Refused, match="What was done"):
        actions.close_concern(concern=concern, version=1, done="  ", by=as_clinician, at=NOW)
    closed = actions.close_concern(concern=concern, version=1, done="Spoke with her.", by=as_clinician, at=NOW)
    assert not closed.is_open
    # Who closes it without having taken it has taken it now.
    assert (closed.taken_by, closed.closed_by) == (as_clinician.user, as_clinician.user)
    for act in (actions.take_concern, actions.close_concern):
        more = {"done": "again"} if act is actions.close_concern else {}
        with pytest.raises(Refused, match="closed"):
            act(concern=closed, version=2, by=as_clinician, at=NOW, **more)


def test_a_clinicians_task_is_not_closed_by_a_nurse_but_a_nurses_by_a_clinician(
    concern: Concern, participant: Participant, nurse: Actor, as_clinician: Actor
) -> None:
    with pytest.raises(Refused, match="a task for a clinician"):
        actions.close_concern(concern=concern, version=1, done="x", by=nurse, at=NOW)
    own = actions.raise_by_hand(
        entry=uuid4(), participant=participant, text="Call tomorrow", because="asked for it", owner="session nurse",
        due_at=NOW + timedelta(hours=1), by=nurse, at=NOW,
    )  # fmt: skip
    assert actions.take_concern(concern=own, version=1, by=nurse, at=NOW).taken_by == nurse.user
    other = actions.raise_by_hand(
        entry=uuid4(), participant=participant, text="Call", because="x", owner="session nurse", due_at=NOW, by=nurse,
        at=NOW,
    )  # fmt: skip
    assert not actions.close_concern(concern=other, version=1, done="called", by=as_clinician, at=NOW).is_open


def test_by_hand_once_per_entry_and_not_into_the_past(participant: Participant, as_clinician: Actor) -> None:
    entry = uuid4()
    given = {"participant": participant, "text": "x", "because": "y", "owner": "clinician", "by": as_clinician,
             "at": NOW}  # fmt: skip
    with pytest.raises(Refused, match="past"):
        actions.raise_by_hand(entry=entry, due_at=NOW - timedelta(minutes=1), **given)  # type: ignore[arg-type]
    first = actions.raise_by_hand(entry=entry, due_at=NOW, **given)  # type: ignore[arg-type]
    assert actions.raise_by_hand(entry=entry, due_at=NOW, **given) == first  # type: ignore[arg-type]


@pytest.mark.parametrize(("minutes", "late"), [(8 * 60 - 1, False), (8 * 60, False), (8 * 60 + 1, True)])
def test_late_begins_after_the_deadline(minutes: int, late: bool, concern: Concern, facility: Facility) -> None:
    now = NOW + timedelta(minutes=minutes)
    assert (concern.is_late(now), concern.is_untaken(now)) == (late, late)
    assert list(queries.untaken_at(facility, now)) == ([concern] if late else [])


def test_untaken_first_then_late_then_the_others(
    participant: Participant, concern: Concern, as_clinician: Actor, facility: Facility
) -> None:
    def by_hand(hours: float) -> Concern:
        return actions.raise_by_hand(
            entry=uuid4(), participant=participant, text=f"in {hours} h", because="x", owner="clinician",
            due_at=NOW + timedelta(hours=hours), by=as_clinician, at=NOW,
        )  # fmt: skip

    soon, later, done = by_hand(1), by_hand(20), by_hand(2)
    actions.take_concern(concern=soon, version=1, by=as_clinician, at=NOW)
    actions.close_concern(concern=done, version=1, done="x", by=as_clinician, at=NOW)
    lists = queries.lists_at(facility, NOW + timedelta(hours=9))
    assert ([*lists.untaken], [*lists.late], [*lists.open]) == ([concern], [soon], [later])


def test_what_asks_for_somebody_at_once_goes_before_what_is_longer_late(
    participant: Participant, concern: Concern, as_clinician: Actor, facility: Facility
) -> None:
    now = NOW + timedelta(days=3)
    at_once = actions.raise_concern(
        participant=participant, rule=None, text="An answer asks for help.", because="x", source="s",
        by=as_clinician, at=now,
    )  # fmt: skip
    assert at_once.is_due_at_once
    later = now + timedelta(minutes=1)
    assert [*queries.lists_at(facility, later).untaken] == [at_once, concern]
    assert [*queries.untaken_at(facility, later)] == [at_once, concern]


def test_every_clinician_and_nurse_reads_at_the_top_what_nobody_took(
    concern: Concern, facility: Facility, colleague: User, owner: User, make_person: Callable[..., User],
    log_in: LogIn, clock: Clock, as_clinician: Actor,
) -> None:  # fmt: skip
    address = reverse("facility", args=["main"])
    clock.stand_at(concern.due_at)
    assert "nobody has taken" not in log_in(colleague).get(address).content.decode()
    clock.stand_at(concern.due_at + timedelta(minutes=1))
    second = make_person("Second", facility, Role.CLINICIAN)
    for reader in (colleague, second):
        text = log_in(reader).get(address).content.decode()
        assert "1 concern late, and nobody has taken it" in text
        assert text.index("nobody has taken it") < text.index('class="cards"')
    for role in set(Role) - {Role.CLINICIAN, Role.SESSION_NURSE}:
        reader = owner if role == Role.ADMINISTRATOR else make_person(f"A{role.value}", facility, role)
        assert concern.text not in log_in(reader).get(address).content.decode()
    actions.take_concern(concern=concern, version=1, by=as_clinician, at=concern.due_at + timedelta(minutes=2))
    assert "nobody has taken" not in log_in(second).get(address).content.decode()


def test_who_may_what() -> None:
    seeing = {role for role, may in ROLES.items() if Permission.SEE_SAFETY in may}
    assert seeing == {Role.CLINICIAN, Role.SESSION_NURSE}
    assert {role for role, may in ROLES.items() if Permission.JUDGE_EVENT in may} == {Role.CLINICIAN}
    assert not ROLES[Role.RATER] & {Permission.SEE_SAFETY, Permission.RECORD_EVENT, Permission.HANDLE_CONCERN}


def test_the_pages_from_raising_to_closing(participant: Participant, colleague: User, log_in: LogIn) -> None:
    client: Client = log_in(colleague)
    new = reverse("raise_concern", args=["main", participant.pk])
    text = client.get(new).content.decode()
    # It says "do not write, call": so it says whom.
    assert "call your local emergency number" in text
    entry = text.split('name="entry" value="')[1].split('"')[0]
    given = {"entry": entry, "text": "Sounded hopeless", "because": "on the telephone", "owner": "clinician",
             "due_at": "2099-01-01T10:00"}  # fmt: skip
    for _ in range(2):
        assert client.post(new, given).status_code == 302
    concern = Concern.objects.get()
    assert client.post(reverse("take_concern", args=["main", concern.pk]), {"version": 1}).status_code == 302
    conflict = client.post(reverse("take_concern", args=["main", concern.pk]), {"version": 1})
    assert conflict.status_code == 409
    close = reverse("close_concern", args=["main", concern.pk])
    assert client.post(close, {"version": 2, "done": ""}).status_code == 200
    assert client.post(close, {"version": 2, "done": "Talked; plan agreed."}).status_code == 302
    page = client.get(reverse("participant_safety", args=["main", participant.pk])).content.decode()
    assert "Talked; plan agreed." in page
    assert "not an alarm system" in page


def test_an_open_concern_is_read_at_once_and_late_ones_first(
    concern: Concern, facility: Facility, colleague: User, owner: User, log_in: LogIn, clock: Clock,
    as_clinician: Actor,
) -> None:  # fmt: skip
    address = reverse("facility", args=["main"])
    clock.stand_at(concern.raised_at)
    text = log_in(colleague).get(address).content.decode()
    assert "1 open concern" in text
    assert concern.text in text
    assert "Not taken yet" in text
    assert text.index(concern.text) < text.index('class="cards"')
    assert concern.text not in log_in(owner).get(address).content.decode()
    actions.take_concern(concern=concern, version=1, by=as_clinician, at=NOW)
    later = actions.raise_by_hand(
        entry=uuid4(), participant=concern.participant, text="Sounded hopeless", because="x", owner="clinician",
        due_at=concern.due_at + timedelta(hours=1), by=as_clinician, at=NOW,
    )  # fmt: skip
    now = concern.due_at + timedelta(minutes=1)
    assert queries.open_at(facility, now) == [(concern, True), (later, False)]
    clock.stand_at(now)
    text = log_in(colleague).get(address).content.decode()
    assert text.index("<strong>Late.</strong> It was due") < text.index(later.text)
    assert "Colleague looks at it" in text


def test_a_session_shows_the_open_concerns_of_its_person_to_who_may_see_them(
    seated: Session, concern: Concern, colleague: User, log_in: LogIn, as_clinician: Actor
) -> None:
    page, state = (reverse(name, args=["main", seated.pk]) for name in ("session", "session_state"))
    client = log_in(colleague)
    text = client.get(page).content.decode()
    assert "1 open concern" in text
    assert text.index(concern.text) < text.index("<dt>Phase</dt>")
    assert concern.text in client.get(state).json()["parts"]["head"]
    actions.close_concern(concern=concern, version=1, done="Spoke with her.", by=as_clinician, at=NOW)
    assert concern.text not in client.get(page).content.decode()


def test_a_concern_is_raised_as_the_form_begins_and_is_not_late_then(
    participant: Participant, colleague: User, log_in: LogIn, clock: Clock
) -> None:
    clock.stand_at(NOW + timedelta(seconds=20))
    client, new = log_in(colleague), reverse("raise_concern", args=["main", participant.pk])
    text = client.get(new).content.decode()
    begun = {name: text.split(f'name="{name}" value="')[1].split('"')[0] for name in ("entry", "due_at")}
    clock.stand_at(NOW + timedelta(seconds=50))
    given = {**begun, "text": "Sounded hopeless", "because": "on the telephone", "owner": "clinician"}
    assert client.post(new, given).status_code == 302
    assert Concern.objects.get().due_at == NOW + timedelta(hours=8)


def test_now_is_a_time_to_look_at_it_by(participant: Participant, as_clinician: Actor) -> None:
    made = actions.raise_by_hand(
        entry=uuid4(), participant=participant, text="x", because="y", owner="clinician", due_at=NOW, by=as_clinician,
        at=NOW + timedelta(seconds=50),
    )  # fmt: skip
    assert made.is_due_at_once


def test_the_page_of_a_concern_speaks_to_staff_and_says_how_to_reach_the_person(
    participant: Participant, concern: Concern, colleague: User, log_in: LogIn
) -> None:
    Identity.objects.filter(participant=participant).update(phone="555 0101")
    raising = log_in(colleague).get(reverse("raise_concern", args=["main", participant.pk])).content.decode()
    assert "Is the person in danger now?" in raising
    assert "harm yourself" not in raising
    taking = log_in(colleague).get(reverse("take_concern", args=["main", concern.pk])).content.decode()
    assert "Ada Byron" in taking
    assert 'href="tel:5550101"' in taking
    assert reverse("participant", args=["main", participant.pk]) in taking


def test_a_nurse_is_told_at_once_whose_task_it_is_and_writes_nothing_for_nothing(
    participant: Participant, concern: Concern, nurse: Actor, seated: Session, log_in: LogIn, clock: Clock
) -> None:
    assert nurse.user is not None
    clock.stand_at(concern.due_at + timedelta(minutes=1))
    client = log_in(nurse.user)
    own = actions.raise_by_hand(
        entry=uuid4(), participant=participant, text="Call tomorrow", because="asked for it", owner="session nurse",
        due_at=concern.due_at + timedelta(hours=1), by=nurse, at=NOW,
    )  # fmt: skip
    take, close = (reverse(name, args=["main", concern.pk]) for name in ("take_concern", "close_concern"))
    for name, rest in (("facility", []), ("safety", []), ("participant_safety", [participant.pk]),
                       ("session", [seated.pk])):  # fmt: skip
        text = client.get(reverse(name, args=["main", *rest])).content.decode()
        assert take not in text, name
        assert close not in text, name
        assert "Tell one now" in text or "Tell a clinician now" in text, name
        assert reverse("take_concern", args=["main", own.pk]) in text, name
    for page in (take, close):
        text = client.get(page).content.decode()
        assert "This is for a clinician. Tell one now." in text
        assert 'id="safety"' not in text
    assert 'id="safety"' in client.get(reverse("take_concern", args=["main", own.pk])).content.decode()
