"""Making a plan, following what really happened, moving, missing, boosters, other treatment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import PASSWORD
from tests.clinic.floor.making import given_in_session
from tests.clinic.participants.making import document_of, measured, signed
from tests.clinic.treatments.conftest import COPENHAGEN, FIRST, NOW

from upturn.protocol import load
from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.exports.queries import records_of
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger.chain import verify
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants import actions as participants
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes import actions as programmes
from upturn_clinic.treatments import actions, queries
from upturn_clinic.treatments.boosters import actions as boosters
from upturn_clinic.treatments.models import ConcomitantDrug, Dose, Plan, Visit
from upturn_clinic.treatments.others import actions as others

pytestmark = pytest.mark.django_db


def local(day: str, clock: str = "09:00") -> datetime:
    return datetime.fromisoformat(f"2026-{day}T{clock}").replace(tzinfo=COPENHAGEN)


def written(at: datetime) -> str:
    return f"{at.astimezone(COPENHAGEN):%m-%d %H:%M}"


def days(plan: Plan) -> list[str]:
    return [written(dose.planned_at) for dose in Dose.objects.filter(plan=plan).order_by("number")]


def dose(plan: Plan, number: int) -> Dose:
    return Dose.objects.select_related("plan__participant__facility", "plan__facility").get(plan=plan, number=number)


def visit(plan: Plan, encounter: str) -> Visit:
    return Visit.objects.select_related("plan__participant__facility", "plan__facility").get(
        plan=plan, encounter=encounter
    )


def give(plan: Plan, number: int, at: datetime, by: Actor, *, mg: str = "40.3", reason: str = "") -> Dose:
    """Give a dose the way it is given: in a session."""
    return given_in_session(dose(plan, number), by, checker(), at, amount=Decimal(mg), because=reason)


def checker() -> User:
    found = User.objects.filter(email="checker@example.org").first()
    if found is None:
        here = Facility.objects.get(slug="main")
        found = accounts.create_person(
            email="checker@example.org", name="Checker", password=PASSWORD, by=system(here), at=NOW
        )
        accounts.give_role(user=found, role=Role.SESSION_NURSE, facility=here, by=system(here), at=NOW)
    return found


def write(plan: Plan, number: int, at: datetime, by: Actor, *, mg: str = "40.3", reason: str = "") -> Dose:
    """Write a dose of which the session is over to the plan: what the session does itself at its end."""
    one = dose(plan, number)
    given = actions.AsGiven(at, Decimal(40), mg=Decimal(mg), reason=reason)
    return actions.give_dose(dose=one, version=one.version, given=given, by=by, at=at + timedelta(hours=1))


def test_a_plan_follows_the_protocol_by_the_facilitys_clock(plan: Plan) -> None:
    assert days(plan) == ["03-23 09:00", "03-25 09:00", "03-27 09:00", "03-30 09:00", "04-01 09:00", "04-03 09:00"]
    assert {each.state for each in Dose.objects.all()} == {"planned"}
    assert written(visit(plan, "day-28").planned_at) == "04-20 09:00"
    # Screening is over when somebody is enrolled.
    assert not Visit.objects.filter(encounter="screening").exists()
    assert Entry.objects.filter(object_type="treatments.Dose").count() == 6
    planned = len(load("six-infusions").encounters) - 1
    assert Entry.objects.filter(object_type="treatments.Visit").count() == Visit.objects.count() == planned


def test_the_trail_says_nothing_that_could_name_an_arm(plan: Plan) -> None:
    for entry in Entry.objects.filter(object_type="treatments.Dose"):
        assert "induction" not in entry.changes
        assert "ketamine" not in entry.changes


def test_a_plan_is_for_who_is_enrolled_and_made_once(plan: Plan, person: Participant, clinician: Actor) -> None:
    with pytest.raises(Refused, match="a plan already"):
        actions.make_plan(participant=person, begins_at=FIRST, by=clinician, at=NOW)
    left = participants.withdraw(participant=person, version=person.version, reason="moved away", by=clinician, at=NOW)
    one = dose(plan, 1)
    with pytest.raises(Refused, match="for people who are enrolled"):
        actions.move_due(due=one, version=1, planned_at=FIRST, reason="any", by=clinician, at=NOW)
    assert left.has_ended


def test_the_first_dose_is_not_planned_for_the_past(person: Participant, clinician: Actor) -> None:
    with pytest.raises(Refused, match="day is over"):
        actions.make_plan(participant=person, begins_at=NOW - timedelta(days=1), by=clinician, at=NOW)
    assert not Plan.objects.exists()


def test_a_dose_on_its_day_moves_nothing_and_records_its_visit(plan: Plan, clinician: Actor) -> None:
    before = days(plan)[1:]
    given = give(plan, 1, local("03-23", "09:25"), clinician)
    assert (given.state, given.given_mg, given.computed_mg) == ("given", Decimal("40.3"), Decimal("40.3"))
    assert given.weight_kg == Decimal("80.5")
    assert given.duration_min == Decimal(40)
    assert days(plan)[1:] == before
    came = visit(plan, "day-0")
    assert (came.state, came.done_at) == ("done", local("03-23", "09:25"))


def test_after_a_late_dose_the_plan_follows_it(plan: Plan, clinician: Actor) -> None:
    give(plan, 1, local("03-25", "10:10"), clinician, reason="influenza")
    assert days(plan)[1:] == ["03-27 09:00", "03-29 09:00", "04-01 09:00", "04-03 09:00", "04-05 09:00"]
    assert written(visit(plan, "day-28").target) == "04-22 09:00"
    third = dose(plan, 3)
    assert (written(third.earliest), written(third.latest)) == ("03-29 00:00", "03-29 21:00")
    moved = Entry.objects.filter(action="followed with the dose")
    assert moved.count() == 5
    assert "was given 25 Mar 2026, 10:10" in moved[0].reason
    assert verify(Entry.objects.all()).fault == ""


def test_what_was_moved_by_hand_stays_when_the_plan_follows(plan: Plan, clinician: Actor) -> None:
    four = visit(plan, "day-28")
    actions.move_due(due=four, version=four.version, planned_at=local("04-21"), reason="holiday", by=clinician, at=NOW)
    give(plan, 1, local("03-24"), clinician, reason="no room")
    four = visit(plan, "day-28")
    assert (written(four.planned_at), written(four.target)) == ("04-21 09:00", "04-21 09:00")
    give(plan, 2, local("03-26"), clinician)
    five = visit(plan, "day-35")
    assert written(five.planned_at) == "04-28 09:00"


def test_a_moved_dose_takes_its_visit_along_and_no_other(plan: Plan, clinician: Actor) -> None:
    two = dose(plan, 2)
    actions.move_due(due=two, version=1, planned_at=local("03-26", "13:00"), reason="no nurse", by=clinician, at=NOW)
    assert days(plan)[1:3] == ["03-26 13:00", "03-27 09:00"]
    assert written(visit(plan, "day-2").planned_at) == "03-26 09:00"
    assert written(visit(plan, "day-3").planned_at) == "03-26 09:00"
    two = dose(plan, 2)
    assert two.is_moved
    assert two.is_outside
    assert two.because == "no nurse"


def test_a_missed_dose_leaves_the_others_where_they_are(plan: Plan, clinician: Actor) -> None:
    give(plan, 1, FIRST, clinician)
    two, others_before = dose(plan, 2), days(plan)[2:]
    with pytest.raises(Refused, match="has not come yet"):
        actions.end_due(due=two, version=two.version, is_missed=True, reason="x", by=clinician, at=FIRST)
    later = local("03-26")
    gone = actions.end_due(due=two, version=two.version, is_missed=True, reason="ill", by=clinician, at=later)
    assert (gone.state, gone.because) == ("missed", "ill")
    assert days(plan)[2:] == others_before
    with pytest.raises(Refused, match="still to be given"):
        give(plan, 2, local("03-27", "08:00"), clinician)
    # It can be planned again.
    again = dose(plan, 2)
    actions.move_due(
        due=again, version=again.version, planned_at=local("03-26", "15:00"), reason="came after all", by=clinician,
        at=later,
    )  # fmt: skip
    assert dose(plan, 2).state == "planned"


@pytest.mark.parametrize(
    ("at", "mg", "why"),
    [
        (local("03-24"), "40.3", "outside the window"),
        (local("03-23"), "44", "is not the 40.3 mg that were computed"),
        (local("03-23"), "38", "is not the 40.3 mg"),
    ],
)
def test_what_differs_from_the_plan_needs_a_reason(
    plan: Plan, clinician: Actor, at: datetime, mg: str, why: str
) -> None:
    # Its session is over, and the plan has not taken it yet.
    given_in_session(dose(plan, 1), clinician, checker(), at, because="no nurse", taken=False)
    with pytest.raises(Refused) as refused:
        write(plan, 1, at, clinician, mg=mg)
    assert why in refused.value.fault
    assert write(plan, 1, at, clinician, mg=mg, reason="the pump was set by hand").state == "given"


def test_a_small_difference_needs_none_and_a_correction_does(plan: Plan, clinician: Actor) -> None:
    given = give(plan, 1, FIRST, clinician, mg="40")
    with pytest.raises(Refused, match="it is a correction"):
        write(plan, 1, FIRST, clinician)
    corrected = write(plan, 1, FIRST, clinician, reason="the scale was wrong")
    assert corrected.version == given.version + 1
    assert corrected.given_mg == Decimal("40.3")


def test_a_dose_keeps_the_weight_it_was_given_by(plan: Plan, clinician: Actor, person: Participant) -> None:
    """Somebody gains weight after the first dose; what is corrected late is computed as it was then."""
    given = give(plan, 1, FIRST, clinician)
    # Its session is over, and the plan has not taken it yet.
    given_in_session(dose(plan, 2), clinician, checker(), local("03-25"), taken=False)
    measured(person, "weight", Decimal("90.5"), clinician, local("04-01"))
    corrected = write(plan, 1, FIRST, clinician, mg="20", reason="the pump said so")
    assert (corrected.given_mg, corrected.computed_mg) == (Decimal(20), Decimal("40.3"))
    assert corrected.weight_kg == given.weight_kg == Decimal("80.5")
    assert corrected.weight_at == given.weight_at
    late = write(plan, 2, local("03-25"), clinician)
    assert (late.computed_mg, late.weight_kg) == (Decimal("40.3"), Decimal("80.5"))
    assert late.weight_at is not None
    assert late.weight_at <= local("03-25")


def test_a_dose_is_not_given_in_the_future_nor_out_of_order(plan: Plan, clinician: Actor) -> None:
    third = given_in_session(dose(plan, 3), clinician, checker(), local("03-27"), taken=False)
    as_given = actions.AsGiven(local("03-27"), Decimal(40), mg=Decimal(40))
    with pytest.raises(Refused, match="in the future"):
        actions.give_dose(dose=third, version=third.version, given=as_given, by=clinician, at=NOW)
    give(plan, 2, local("03-28"), clinician, reason="late")
    # The session ends all the same; the plan does not take what it gave.
    assert give(plan, 1, local("03-29"), clinician, reason="late").state == "planned"
    with pytest.raises(Refused, match="out of order"):
        write(plan, 1, local("03-29"), clinician, reason="late")


def test_a_dose_under_supervision_is_recorded_by_its_session_and_by_nobody_else(plan: Plan, clinician: Actor) -> None:
    with pytest.raises(Refused, match="given in a session"):
        write(plan, 1, FIRST, clinician, reason="it was given, I was there")
    assert dose(plan, 1).given_at is None
    give(plan, 1, FIRST, clinician)
    # Nor is its time another one than that of the session.
    with pytest.raises(Refused, match="given in a session"):
        write(plan, 1, FIRST + timedelta(minutes=5), clinician, reason="the clock on the wall was wrong")
    assert dose(plan, 1).given_at == FIRST


def test_a_dose_is_recorded_though_its_person_left_the_programme_while_it_ran(plan: Plan, clinician: Actor) -> None:
    given_in_session(dose(plan, 1), clinician, checker(), FIRST, taken=False)
    person = plan.participant
    participants.withdraw(participant=person, version=person.version, reason="wants no more", by=clinician, at=FIRST)
    assert write(plan, 1, FIRST, clinician, reason="they left while it ran").state == "given"
    assert days(plan)[1] == "03-25 09:00"


def test_an_infusion_needs_its_time_and_a_dose_its_amount(plan: Plan, clinician: Actor) -> None:
    after = FIRST + timedelta(hours=1)
    given_in_session(dose(plan, 1), clinician, checker(), FIRST, taken=False)
    one = dose(plan, 1)
    with pytest.raises(Refused, match="the time it ran"):
        actions.give_dose(dose=one, version=1, given=actions.AsGiven(FIRST, mg=Decimal(40)), by=clinician, at=after)
    with pytest.raises(Refused, match="How much"):
        actions.give_dose(dose=one, version=1, given=actions.AsGiven(FIRST, Decimal(40)), by=clinician, at=after)


def test_the_second_of_two_is_told(plan: Plan, clinician: Actor) -> None:
    one = dose(plan, 1)
    actions.move_due(due=one, version=1, planned_at=local("03-23", "11:00"), reason="x", by=clinician, at=NOW)
    with pytest.raises(Conflict):
        actions.move_due(due=one, version=1, planned_at=local("03-23", "12:00"), reason="y", by=clinician, at=NOW)
    assert written(dose(plan, 1).planned_at) == "03-23 11:00"


@pytest.mark.parametrize("edge", ["earliest", "latest"])
def test_a_visit_at_the_edge_of_its_window_needs_no_reason(plan: Plan, clinician: Actor, edge: str) -> None:
    three = visit(plan, "day-3")
    at, beyond = getattr(three, edge), timedelta(minutes=-1 if edge == "earliest" else 1)
    with pytest.raises(Refused, match="needs a reason: "):
        actions.attend_visit(
            visit=three, version=1, done_at=at + beyond, reason="", by=clinician, at=at + timedelta(days=1)
        )
    done = actions.attend_visit(visit=three, version=1, done_at=at, reason="", by=clinician, at=at + timedelta(days=1))
    assert done.state == "done"


def rated(person: Participant, by: Actor, *scores: tuple[str, int]) -> None:
    for day, score in scores:
        measured(person, "MADRS", Decimal(score), by, local(day))


def test_a_booster_comes_when_the_rule_holds_on_an_allowed_day(
    plan: Plan, person: Participant, clinician: Actor
) -> None:
    give(plan, 1, local("03-23", "09:20"), clinician)
    rated(person, clinician, ("03-30", 12), ("04-06", 24))
    with pytest.raises(Refused) as refused:
        boosters.plan_booster(participant=person, by=clinician, at=local("04-06", "12:00"))
    assert "1 in a row (24)" in str(refused.value.came)
    rated(person, clinician, ("04-10", 26))
    booster = boosters.plan_booster(participant=person, by=clinician, at=local("04-10", "12:00"))
    # Not sooner than day 21, at the hour of the appointments; the offset is the protocol's.
    assert (written(booster.planned_at), booster.offset_h, booster.origin) == ("04-13 09:00", 504, "rule")
    with pytest.raises(Refused, match="planned already"):
        boosters.plan_booster(participant=person, by=clinician, at=local("04-10", "12:00"))
    give(plan, booster.number, local("04-13"), clinician)
    course = queries.course_of(person)
    assert course is not None
    assert not queries.finding_of(course).relapsed


def test_a_clinician_decides_on_a_booster_with_a_reason_and_a_coordinator_does_not(
    plan: Plan, person: Participant, clinician: Actor, actor_as: Callable[[Role], Actor]
) -> None:
    give(plan, 1, FIRST, clinician)
    when = local("04-15", "10:00")
    with pytest.raises(PermissionDenied):
        boosters.decide_booster(
            participant=person, planned_at=when, reason="sinking", by=actor_as(Role.COORDINATOR), at=FIRST
        )
    with pytest.raises(Refused, match="needs a reason: "):
        boosters.decide_booster(participant=person, planned_at=when, reason=" ", by=clinician, at=FIRST)
    booster = boosters.decide_booster(participant=person, planned_at=when, reason="sinking", by=clinician, at=FIRST)
    assert (booster.origin, booster.because, booster.offset_h) == ("decision", "sinking", 23 * 24)
    assert Entry.objects.get(object_id=str(booster.pk)).reason == "sinking"


def test_other_treatment_and_drugs_are_recorded_changed_and_ended(
    person: Participant, clinician: Actor, actor_as: Callable[[Role], Actor]
) -> None:
    values = {"kind": "CBT", "what": "", "given_by": "a psychologist", "began_on": date(2026, 3, 1), "ended_on": None,
              "sessions": 3}  # fmt: skip
    thing = others.record_co_intervention(participant=person, values=values, by=clinician, at=NOW)
    changed = others.change_co_intervention(
        co_intervention=thing, version=1, values={"sessions": 4}, reason="one more", by=clinician, at=NOW
    )
    assert (changed.sessions, changed.version) == (4, 2)
    with pytest.raises(Refused, match="ended before it began"):
        others.change_co_intervention(
            co_intervention=changed, version=2, values={"ended_on": date(2026, 2, 1)}, reason="x", by=clinician, at=NOW
        )
    drug = others.record_drug(
        participant=person, by=clinician, at=NOW,
        values={"name": "lorazepam", "drug_class": "benzodiazepine", "dose": "1 mg at night", "began_on": None,
                "ended_on": None},
    )  # fmt: skip
    assert ConcomitantDrug.objects.get() == drug
    with pytest.raises(PermissionDenied):
        others.record_drug(participant=person, values={}, by=actor_as(Role.COORDINATOR), at=NOW)


def test_nobody_of_another_facility_writes_here(plan: Plan, person: Participant, clinician: Actor, stranger: object,
                                                elsewhere: object) -> None:  # fmt: skip
    outside = Actor(stranger, elsewhere, frozenset({Role.CLINICIAN}))  # type: ignore[arg-type]
    one = dose(plan, 1)
    with pytest.raises(Refused, match="another facility"):
        actions.move_due(due=one, version=1, planned_at=FIRST, reason="x", by=outside, at=NOW)
    with pytest.raises(Refused, match="another facility"):
        others.record_drug(participant=person, values={}, by=outside, at=NOW)


def test_the_records_are_those_of_the_library(plan: Plan, person: Participant, clinician: Actor) -> None:
    give(plan, 1, local("03-23", "09:30"), clinician)
    give(plan, 2, local("03-25", "10:30"), clinician, mg="42", reason="weighed again at the bedside")
    found = records_of(person)
    assert found.doses.drop("participant").rows() == [
        (1, "ketamine", "intravenous", 40.3, 0.0, 40 / 60, 0.0),
        (2, "ketamine", "intravenous", 42.0, 49.0, 40 / 60, 48.0),
    ]
    assert found.participants.row(0)[1:5] == ("ketamine", 46.0, "female", 80.5)


def test_across_the_change_of_clocks_records_count_hours_that_passed(
    plan: Plan, person: Participant, clinician: Actor
) -> None:
    for number, day in ((1, "03-23"), (2, "03-25"), (3, "03-27"), (4, "03-30")):
        give(plan, number, local(day), clinician)
    # By the calendar a week, by the clock an hour less.
    assert records_of(person).doses["start_h"].to_list() == [0, 48, 96, 167]


def test_after_a_move_to_another_version_the_plan_is_renewed_and_what_was_given_stays(
    plan: Plan, person: Participant, clinician: Actor, colleague: User, log_in: Callable[[User], Client]
) -> None:
    give(plan, 1, local("03-23"), clinician)
    give(plan, 2, local("03-25"), clinician)
    with pytest.raises(Refused, match="already"):
        actions.renew_plan(plan=plan, version=plan.version, reason="x", by=clinician, at=local("03-25", "12:00"))
    # Four infusions in place of six, the last two a day later.
    fewer = document_of("six-infusions").replace('version: "1.3.0"', 'version: "1.4.0"', 1)
    fewer = fewer.replace("on: [P0D, P2D, P4D, P7D, P9D, P11D]", "on: [P0D, P2D, P5D, P8D]", 1)
    draft = programmes.add_version(
        programme=person.programme, document=fewer, file="p.yaml", by=clinician, at=local("03-25")
    )
    newer = signed(draft, clinician, local("03-25"))
    moved = participants.move_to_version(
        participant=person, version=person.version, to=newer, reason="amendment 1", by=clinician, at=local("03-25")
    )
    found = Plan.objects.select_related("participant__protocol_version", "participant__facility", "facility").get()
    page = log_in(colleague).get(reverse("renew_plan", args=["main", person.pk])).content.decode()
    assert "Open doses of version 1 and its visits to come are cancelled" in page
    assert "What version 2 asks for is planned anew" in page
    actions.renew_plan(
        plan=found, version=found.version, reason="amendment 1", by=clinician, at=local("03-25", "12:00")
    )
    kept = [(each.number, each.state, written(each.planned_at)) for each in Dose.objects.order_by("number")]
    assert kept[:2] == [(1, "given", "03-23 09:00"), (2, "given", "03-25 09:00")]
    assert [state for _, state, _ in kept[2:6]] == ["cancelled"] * 4
    assert kept[6:] == [(7, "planned", "03-28 09:00"), (8, "planned", "03-31 09:00")]
    assert Visit.objects.filter(encounter="day-28", state="planned").count() == 1
    assert Visit.objects.filter(encounter="day-0").count() == 1
    # A late dose of the new version anchors what follows it, and the records know both versions.
    assert moved.protocol_version == newer
    give(plan, 7, local("03-29"), clinician, reason="late")
    assert written(dose(plan, 8).planned_at) == "04-01 09:00"
    assert records_of(moved).doses["planned_h"].to_list() == [0, 48, 120]
