"""What the pages of a plan ask for and tell: what is signed, what is needed, and what cannot be chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import PASSWORD, Clock, LogIn, code_now
from tests.clinic.participants.making import measured
from tests.clinic.treatments.conftest import FIRST

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.assessments.queries import due_at, due_for
from upturn_clinic.audit.models import Signature
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.models import TakenRule
from upturn_clinic.programmes.queries import examples_of, protocol_of
from upturn_clinic.treatments import actions
from upturn_clinic.treatments.boosters import actions as boosters
from upturn_clinic.treatments.models import ConcomitantDrug, Dose, Plan, StopDecision, Visit

pytestmark = pytest.mark.django_db

ActorAs = Callable[[Role], Actor]


def shown(client: Client, name: str, *rest: Any) -> str:
    """A page without its tags, one space for any space."""
    return bare(client.get(reverse(name, args=["main", *rest])).content.decode())


def bare(page: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", page).split())


@pytest.fixture
def taken(plan: Plan) -> Plan:
    """A plan whose version took on every example, and whose first dose was given."""
    version = plan.protocol_version
    keys = [each.key for each in examples_of(protocol_of(version))]
    TakenRule.objects.bulk_create([TakenRule(protocol_version=version, rule=key) for key in keys])
    Dose.objects.filter(plan=plan, number=1).update(state="given", given_at=FIRST)
    return plan


def sent(page: str) -> dict[str, str]:
    """What a browser sends of the page of a reason to stop: its hidden fields as they stand, and a signature."""
    hidden = {
        name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', page) for name in ("seen", "decision")
    }  # fmt: skip
    typed = {"reason": "agreed with the person", "password": PASSWORD, "code": code_now()}
    return {name: found.group(1) for name, found in hidden.items() if found} | typed


def test_a_reason_that_is_not_there_is_not_told_as_a_fact(
    taken: Plan, person: Participant, colleague: User, log_in: LogIn, clock: Clock
) -> None:
    clock.stand_at(FIRST + timedelta(days=2))
    client = log_in(colleague)
    address = reverse("decide_stopping", args=["main", person.pk, "pregnancy"])
    page = client.get(address).content.decode()
    assert "<strong>The person is pregnant.</strong>" not in page
    assert "<strong>Now: not there.</strong>" in page
    assert "<button>Sign: no dose for now</button>" in page
    assert client.post(address, sent(page)).status_code == 302
    assert StopDecision.objects.get().decision == "stop"
    assert Signature.objects.filter(meaning__contains="No dose is given for now").count() == 1
    # Now it is there: the same page is about going on, and says so on the button and in what is signed.
    page = client.get(address).content.decode()
    assert "<strong>Now: it is there; no dose begins.</strong>" in page
    assert "<button>Sign: doses go on</button>" in page
    assert "Doses go on all the same" in page
    assert "Decide about it" in client.get(reverse("plan", args=["main", person.pk])).content.decode()


def test_after_a_change_meanwhile_the_page_is_about_what_is_there_now(
    taken: Plan, person: Participant, clinician: Actor, colleague: User, log_in: LogIn, clock: Clock
) -> None:
    at = FIRST + timedelta(days=15)
    measured(person, "MADRS", Decimal(30), clinician, at)
    clock.stand_at(at + timedelta(hours=1))
    client = log_in(colleague)
    address = reverse("decide_stopping", args=["main", person.pk, "no-response"])
    page = client.get(address).content.decode()
    assert "A response is a MADRS of 16.5 or less (50 % below the 33 of 20 Mar 2026)" in page
    measured(person, "MADRS", Decimal(29), clinician, at + timedelta(minutes=1))
    again = client.post(address, sent(page))
    told = again.content.decode()
    assert "What is there has changed meanwhile" in told
    assert not StopDecision.objects.exists()
    # The next signature is about what this page shows.
    assert "29 (7 Apr 2026)" in sent(told)["seen"]


def relapsed(person: Participant, by: Actor) -> None:
    for day, score in ((1, 10), (14, 30), (21, 30)):
        measured(person, "MADRS", Decimal(score), by, FIRST + timedelta(days=day))


def test_where_the_rule_holds_day_and_amount_are_told(
    taken: Plan, person: Participant, clinician: Actor, colleague: User, log_in: LogIn, clock: Clock
) -> None:
    relapsed(person, clinician)
    clock.stand_at(FIRST + timedelta(days=22))
    client = log_in(colleague)
    assert (
        reverse("plan_booster", args=["main", person.pk])
        in client.get(reverse("plan", args=["main", person.pk])).content.decode()
    )
    page = shown(client, "plan_booster", person.pk)
    assert "The rule holds." in page
    assert "It is planned for 20 Apr 2026, 09:00" in page
    assert "0.5 mg/kg × 80.5 kg = 40.25 mg → 40.3 mg" in page
    assert client.post(reverse("plan_booster", args=["main", person.pk]), {"is_seen": "on"}).status_code == 302
    booster = Dose.objects.get(origin="rule")
    assert booster.planned_at == FIRST.replace(month=4, day=20)
    assert "A booster is planned already." in shown(client, "plan_booster", person.pk)


def test_who_may_not_read_ratings_neither_reads_them_here_nor_says_to_have_looked(
    taken: Plan, person: Participant, clinician: Actor, actor_as: ActorAs, log_in: LogIn, clock: Clock
) -> None:
    coordinator = actor_as(Role.COORDINATOR)
    assert coordinator.user is not None
    now = FIRST + timedelta(days=22)
    clock.stand_at(now)
    client = log_in(coordinator.user)
    address = reverse("plan_booster", args=["main", person.pk])
    page = shown(client, "plan_booster", person.pk)
    assert "The rule of the protocol does not hold." in page
    assert "MADRS" not in page
    assert address not in client.get(reverse("plan", args=["main", person.pk])).content.decode()
    with pytest.raises(Refused) as refusal:
        boosters.plan_booster(participant=person, asked_by="Dr Lind", by=coordinator, at=now)
    assert refusal.value.came is None
    relapsed(person, clinician)
    assert address in client.get(reverse("plan", args=["main", person.pk])).content.decode()
    page = shown(client, "plan_booster", person.pk)
    assert "I have looked at the ratings" not in page
    assert "A clinician has looked at the ratings and asked for this booster." in page
    assert "MADRS" not in page
    with pytest.raises(Refused, match="A clinician looks at the ratings first"):
        boosters.plan_booster(participant=person, by=coordinator, at=now)
    assert client.post(address, {"is_seen": "on"}).status_code == 200
    assert not Dose.objects.filter(origin="rule").exists()
    assert client.post(address, {"is_seen": "on", "asked_by": "Dr Lind"}).status_code == 302
    assert Dose.objects.get(origin="rule").because.endswith("Asked for by Dr Lind.")


def test_a_visit_that_is_done_is_corrected_with_a_reason(
    plan: Plan, colleague: User, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    visit = Visit.objects.get(encounter="day-1")
    clock.stand_at(visit.planned_at + timedelta(hours=1))
    client = log_in(colleague)
    address = reverse("attend_visit", args=["main", visit.pk])
    first = shown(client, "attend_visit", visit.pk)
    assert "Day 1: it took place" in first
    assert "Needed for a time outside the window." in first
    assert "may stay empty" not in first
    given = {"version": visit.version, "done_at": f"{visit.planned_at.astimezone(FIRST.tzinfo):%Y-%m-%dT%H:%M}"}
    assert client.post(address, given).status_code == 302
    visit.refresh_from_db()
    page = shown(client, "attend_visit", visit.pk)
    assert "Day 1: correct when it took place" in page
    assert "Reason for the correction" in page
    refused = client.post(address, {**given, "version": visit.version}).content.decode()
    assert "This field is required." in refused
    more = {"version": visit.version, "reason": "another day's note"}
    assert client.post(address, {**given, **more}).status_code == 302


def test_what_is_still_to_come_is_cancelled_and_not_missed(
    plan: Plan, colleague: User, log_in: LogIn, clock: Clock
) -> None:
    visit = Visit.objects.get(encounter="day-7")
    address = reverse("end_visit", args=["main", visit.pk])
    clock.stand_at(visit.planned_at - timedelta(minutes=1))
    client = log_in(colleague)
    page = shown(client, "end_visit", visit.pk)
    assert "Day 7: cancel" in page
    listed = shown(client, "plan", visit.plan.participant_id)
    assert "Cancel : Day 7" in listed
    assert "Missed or cancelled : Day 7" not in listed
    assert "It was missed" not in page
    assert "ratings that go with this visit alone leave the list of the day" in page
    clock.stand_at(visit.planned_at)
    client = log_in(colleague)
    assert "It was missed" in shown(client, "end_visit", visit.pk)
    clock.stand_at(visit.planned_at - timedelta(minutes=1))
    client = log_in(colleague)
    sent = {"version": visit.version, "outcome": "cancelled", "reason": "travels that week"}
    assert client.post(address, sent).status_code == 302
    visit.refresh_from_db()
    assert visit.state == "cancelled"


def test_what_is_rated_at_a_cancelled_visit_leaves_the_list_of_the_day_alone(plan: Plan, clinician: Actor) -> None:
    """As the page says of it: no dose is given on day 14, so its ratings go with the visit alone."""
    visit = Visit.objects.select_related("plan__participant__facility", "plan__facility").get(encounter="day-14")
    at = visit.planned_at

    def listed() -> tuple[set[str], set[str]]:
        of_the_day = [each for one in due_at(plan.facility, at=at, reader=clinician) for each in one.dues]
        of_the_person = due_for(plan.participant, at=at)
        day, person = ({each.instrument for each in found if each.planned_h == visit.offset_h}
                       for found in (of_the_day, of_the_person))  # fmt: skip
        return day, person

    assert listed() == ({"MADRS", "PHQ-9"}, {"MADRS", "PHQ-9"})
    actions.end_due(due=visit, version=1, is_missed=False, reason="travels", by=clinician, at=FIRST)
    assert listed() == (set(), {"MADRS", "PHQ-9"})


def test_that_a_visit_took_place_before_its_time_is_not_offered_and_recorded_with_a_reason(
    plan: Plan, colleague: User, log_in: LogIn, clock: Clock
) -> None:
    visit = Visit.objects.select_related("plan__participant__facility", "plan__facility").get(encounter="day-7")
    early, person = visit.earliest - timedelta(minutes=1), visit.plan.participant_id
    clock.stand_at(early)
    client = log_in(colleague)
    assert "Took place : Day 7" not in shown(client, "plan", person)
    clock.stand_at(visit.earliest)
    client = log_in(colleague)
    assert "Took place : Day 7" in shown(client, "plan", person)
    assert "Did it take place already?" not in shown(client, "move_visit", visit.pk)
    # Who came early and is written down a day later is neither moved nor told elsewhere.
    clock.stand_at(early)
    client, told_at = log_in(colleague), visit.told_at
    assert "Did it take place already?" in shown(client, "move_visit", visit.pk)
    assert "When it took place" in shown(client, "attend_visit", visit.pk)
    address = reverse("attend_visit", args=["main", visit.pk])
    came = early - timedelta(days=1)
    sent = {"version": 1, "done_at": f"{came.astimezone(FIRST.tzinfo):%Y-%m-%dT%H:%M}", "reason": ""}
    assert "outside the window of the protocol" in bare(client.post(address, sent).content.decode())
    assert client.post(address, {**sent, "reason": "came early"}).status_code == 302
    visit.refresh_from_db()
    assert (visit.state, visit.told_at, visit.is_moved) == ("done", told_at, False)


def test_no_class_of_drug_is_chosen_for_who_types_fast(person: Participant, colleague: User, log_in: LogIn) -> None:
    client = log_in(colleague)
    address = reverse("record_drug", args=["main", person.pk])
    refused = client.post(address, {"name": "sertraline", "dose": "50 mg", "drug_class": ""})
    assert refused.status_code == 200
    assert not ConcomitantDrug.objects.exists()
    for name in ("record_drug", "record_co_intervention"):
        page = client.get(reverse(name, args=["main", person.pk])).content.decode()
        assert re.search(r'<option value="" selected>\s*Choose', page), name


def test_pages_of_a_plan_name_the_person_to_who_may_know(
    plan: Plan, person: Participant, actor_as: ActorAs, colleague: User, log_in: LogIn
) -> None:
    """A booster or a drug at the wrong person is a dose at the wrong person."""
    assert "Ada Byron, born 29 Feb 1980" in shown(log_in(colleague), "record_drug", person.pk)
    assert person.pseudonym in shown(log_in(colleague), "decide_booster", person.pk)
    assert "Ada Byron, born 29 Feb 1980" in shown(log_in(colleague), "plan", person.pk)


def test_a_dose_that_was_given_outside_its_window_keeps_the_mark(
    plan: Plan, person: Participant, colleague: User, log_in: LogIn
) -> None:
    client, first = log_in(colleague), Dose.objects.filter(plan=plan, number=1)
    first.update(state="given", given_at=FIRST)
    assert "outside the window" not in shown(client, "plan", person.pk)
    first.update(given_at=first.get().latest + timedelta(minutes=1))
    assert shown(client, "plan", person.pk).count("outside the window") == 1
    first.update(state="cancelled")
    assert "outside the window" not in shown(client, "plan", person.pk)


def test_milligrams_are_for_who_may_know_the_drug(
    plan: Plan, person: Participant, colleague: User, actor_as: ActorAs, log_in: LogIn
) -> None:
    """37 mg for 74 kg name ketamine to whoever knows the protocol; and an open programme has no study drug."""
    Dose.objects.filter(plan=plan, number=1).update(state="given", given_at=FIRST, given_mg=Decimal("40.3"))
    assert "given 40.3 mg" in shown(log_in(colleague), "plan", person.pk)
    coordinator = actor_as(Role.COORDINATOR)
    assert coordinator.user is not None
    page = shown(log_in(coordinator.user), "plan", person.pk)
    assert "Dose 1" in page
    assert "40.3" not in page
    assert "study drug" not in page
