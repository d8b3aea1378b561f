"""A masked arm stays masked: in the plan, when a dose is recorded, in the trail; and raters see no doses at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import without_tokens
from tests.clinic.floor.making import all_saved, good_answers, said, sent, time_out
from tests.clinic.participants.making import document_of, enrolled, registered, version_in_force
from tests.clinic.treatments.conftest import FIRST, NOW

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.exports.queries import records_of
from upturn_clinic.floor.actions import arrive
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants import actions as participants
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import arm_of
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.treatments import actions, queries, screens
from upturn_clinic.treatments.boosters import actions as boosters
from upturn_clinic.treatments.models import Dose, Plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def masked(clinician: Actor) -> Participant:
    """Enrolled by a masked list of ketamine and midazolam."""
    return masked_person(clinician)


def masked_person(clinician: Actor, *, document: str = "") -> Participant:
    before = NOW - timedelta(days=1)
    version = version_in_force(clinician, before, document=document)
    participants.set_up_randomisation(
        protocol_version=version, shares={"ketamine": 1, "midazolam": 1}, block_sizes=[2, 4],
        strata={"sex": ["female", "male"]},
        by_facility=False, is_masked=True, by=clinician, at=before, seed="a seed for a test",
    )  # fmt: skip
    return enrolled(registered(version, clinician, before), clinician, NOW, arm="", strata={"sex": "female"})


@pytest.fixture
def masked_plan(masked: Participant, clinician: Actor) -> Plan:
    return actions.make_plan(participant=masked, begins_at=FIRST, by=clinician, at=NOW)


def first_dose(plan: Plan) -> Dose:
    return Dose.objects.select_related("plan__participant__facility").get(plan=plan, number=1)


def in_session(dose: Dose, by: Actor, pharmacist: Actor) -> Dose:
    """A masked infusion as it is given: drawn by the pharmacist, checked by another one; the plan has not taken it."""
    assert by.user is not None
    assert pharmacist.user is not None
    ready, course = FIRST - timedelta(minutes=5), queries.course_of(dose.plan.participant)
    assert course is not None
    drug = course.entry(dose).drug
    second = User.objects.create(email="second@example.org", name="Second")
    accounts.give_role(user=second, role=Role.PHARMACIST, facility=dose.facility, by=system(dose.facility), at=NOW)
    delivery = shelf.Delivery(drug=drug, form="vial", number="M-1", expires_on=date(2030, 1, 1), containers=1,
                              amount_each=Decimal(200), mg_per_ml=Decimal(10), is_masked=True)  # fmt: skip
    lot = shelf.receive(facility=dose.facility, delivery=delivery, by=pharmacist, at=ready)
    amount = {"ketamine": Decimal("40.3"), "midazolam": Decimal("3.62")}[drug]
    drawn = stock.draw(dose=dose, lot=lot, amount=amount, by=pharmacist, at=ready)
    stock.check(draw=drawn, version=drawn.version, checker=Proof(second, ready), by=pharmacist, at=ready)
    session = arrive(dose=dose, room="", arrived_at=ready, by=by, at=ready)
    all_saved(said(session, by, ready, *good_answers(session, ready), time_out(ready)))
    all_saved(said(session, by, FIRST, sent("filling", FIRST, ml="50"), sent("start", FIRST, rate_ml_h="75")))
    Dose.objects.filter(pk=dose.pk).update(state="cancelled")
    end = FIRST + timedelta(minutes=40)
    all_saved(said(session, by, end, sent("stop", end)))
    Dose.objects.filter(pk=dose.pk).update(state="planned")
    return first_dose(dose.plan)


def test_what_a_dose_holds_is_told_to_the_pharmacy_only(
    masked_plan: Plan, masked: Participant, clinician: Actor, actor_as: Callable[[Role], Actor]
) -> None:
    course = queries.course_of(masked)
    assert course is not None
    weight, dose = queries.weight_of(masked), first_dose(masked_plan)
    for reader in (clinician, actor_as(Role.SESSION_NURSE), actor_as(Role.COORDINATOR)):
        assert queries.dose_shown(course, dose, weight=weight, reader=reader, at=NOW) == queries.DoseShown(None)
    shown = queries.dose_shown(course, dose, weight=weight, reader=actor_as(Role.PHARMACIST), at=NOW)
    assert str(shown.what).startswith(arm_of(masked))
    assert shown.computed is not None


def test_a_masked_dose_is_recorded_as_a_share(
    masked_plan: Plan, masked: Participant, clinician: Actor, actor_as: Callable[[Role], Actor]
) -> None:
    after = FIRST + timedelta(hours=1)
    dose = in_session(first_dose(masked_plan), clinician, actor_as(Role.PHARMACIST))
    with pytest.raises(Refused, match="of what was prepared"):
        actions.give_dose(
            dose=dose, version=dose.version, given=actions.AsGiven(FIRST, Decimal(40), mg=Decimal(40)), by=clinician,
            at=after,
        )  # fmt: skip
    with pytest.raises(Refused) as refused:
        actions.give_dose(
            dose=dose, version=dose.version, given=actions.AsGiven(FIRST, Decimal(40), percent=Decimal(50)),
            by=clinician, at=after,
        )  # fmt: skip
    assert refused.value.fault == "This needs a reason: not all of it was given."
    given = actions.AsGiven(FIRST, Decimal(40), percent=Decimal(50), reason="the cannula slipped")
    saved = actions.give_dose(dose=dose, version=dose.version, given=given, by=clinician, at=after)
    assert (saved.given_mg, saved.computed_mg, saved.given_percent) == (None, None, Decimal(50))
    # For who may know, the milligrams follow from protocol, arm, weight and share.
    row = records_of(masked).doses.row(0, named=True)
    per_kg = {"ketamine": 0.5, "midazolam": 0.045}[row["drug"]]
    assert row["amount_mg"] == pytest.approx(per_kg * 80.5 / 2, rel=0.005)
    for entry in Entry.objects.filter(object_type__startswith="treatments."):
        assert "ketamine" not in entry.changes + entry.reason
        assert "midazolam" not in entry.changes + entry.reason


def test_a_booster_would_tell_the_arm(masked_plan: Plan, masked: Participant, clinician: Actor) -> None:
    with pytest.raises(Refused, match="masked to you"):
        boosters.plan_booster(participant=masked, by=clinician, at=NOW)
    with pytest.raises(Refused, match="masked to you"):
        boosters.decide_booster(participant=masked, planned_at=FIRST, reason="low", by=clinician, at=NOW)


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.SESSION_NURSE, Role.COORDINATOR, Role.RATER])
def test_no_page_of_a_masked_plan_names_a_drug(
    role: Role, masked_plan: Plan, masked: Participant, make_person: Callable[..., User],
    log_in: Callable[[User], Client],
) -> None:  # fmt: skip
    client = log_in(make_person("Reader", masked.facility, role))
    pages = [reverse("plan", args=["main", masked.pk]), reverse("plan", args=["main", masked.pk]) + "?view=month"]
    if role in (Role.CLINICIAN, Role.SESSION_NURSE):
        pages.append(reverse("give_dose", args=["main", first_dose(masked_plan).pk]))
    for path in pages:
        page = without_tokens(client.get(path).content.decode())
        assert "midazolam" not in page
        assert "ketamine" not in page
        assert "mg" not in page.partition("<main")[2].replace("img", "")


def test_a_rater_sees_visits_and_no_doses_whatever_the_arm(
    plan: Plan, person: Participant, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    rater = log_in(make_person("Rater", person.facility, Role.RATER))
    for view in ("list", "month", "week"):
        page = rater.get(reverse("plan", args=["main", person.pk]), {"view": view, "on": "2026-03-23"}).content.decode()
        assert "Day 1" in page
        assert "Dose 1" not in page
        assert "First dose" not in page
    nurse = log_in(make_person("Nurse", person.facility, Role.SESSION_NURSE))
    page = nurse.get(reverse("plan", args=["main", person.pk])).content.decode()
    assert "Dose 1" in page
    assert "ketamine 0.5 mg/kg, intravenous, over 40 min" in page
    assert "40.3 mg" in page


def test_the_plan_lists_the_ratings_of_all_arms_to_who_may_not_know_the_arm(
    clinician: Actor, actor_as: Callable[[Role], Actor]
) -> None:
    # Here people on ketamine are rated by another scale than people on midazolam.
    scales = {"ketamine": "HAM-D17", "midazolam": "YMRS"}
    first = "  - {instrument: MADRS, at: [PT2H, PT4H, P1D, P3D], recall: PT24H, rater: blinded}\n"
    more = [f"  - {{instrument: {scale}, at: [P1D], recall: P7D, rater: blinded, arms: [{arm}]}}\n"
            for arm, scale in scales.items()]  # fmt: skip
    document = document_of("six-infusions")
    assert first in document
    person = masked_person(clinician, document=document.replace(first, first + "".join(more)))
    actions.make_plan(participant=person, begins_at=FIRST, by=clinician, at=NOW)

    def rated(reader: Actor) -> set[str]:
        rows = screens.plan_screen(person, reader, now=NOW, form="list", day="")["rows"]
        found = {scale for row in rows if not row.is_dose for scale in row.detail.split(", ")}
        return found & set(scales.values())

    assert rated(clinician) == rated(actor_as(Role.RATER)) == set(scales.values())
    assert rated(actor_as(Role.PHARMACIST)) == {scales[arm_of(person)]}
