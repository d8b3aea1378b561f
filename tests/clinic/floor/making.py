"""Sessions at any stage of any shipped protocol, made through the real actions once somebody has a plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from upturn.protocol import load
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.floor import queries
from upturn_clinic.floor.actions import arrive
from upturn_clinic.floor.asked import manner_of
from upturn_clinic.floor.entries.actions import Result, enter
from upturn_clinic.floor.gates import standings_of
from upturn_clinic.floor.leaving.actions import leave_by_decision
from upturn_clinic.floor.models import Session
from upturn_clinic.participants import actions as participants
from upturn_clinic.participants.models import Measure, Participant
from upturn_clinic.participants.screening import actions as screening
from upturn_clinic.programmes import actions as programmes
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.queries import examples_of, protocol_of
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.treatments.course import first_doses, first_visits
from upturn_clinic.treatments.models import Dose, Plan, Visit
from upturn_clinic.treatments.queries import course_of

# What closes no gate of any shipped protocol.
CALM: Mapping[str, str] = {
    "SBP": "122", "DBP": "78", "HR": "70", "SpO2": "98", "CADSS": "0", "CADSS-6": "0", "MOAA/S": "5", "C-SSRS": "0",
    "weight": "80.5", "BPRS+": "4",
}  # fmt: skip
MINUTE = timedelta(minutes=1)


def signed_version(
    name: str, by: Actor, at: datetime, *, taken_on: bool = True, put_in: Mapping[str, str] = MappingProxyType({})
) -> ProtocolVersion:
    """A shipped protocol in force at the actor's facility, with all its examples taken on unless asked otherwise.

    Parameters
    ----------
    put_in
        What a site writes differently: text of the document, and what stands there instead.
    """
    assert by.user is not None
    document = files("upturn.protocol").joinpath("shipped", f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in put_in.items():
        assert document.count(old) == 1, old
        document = document.replace(old, new)
    programme = programmes.create_programme(name=f"{name} {uuid4().hex[:6]}", purpose="", by=by, at=at)
    draft = programmes.add_version(programme=programme, document=document, file=f"{name}.yaml", by=by, at=at)
    keys = {each.key for each in examples_of(protocol_of(draft))} if taken_on else set()
    return programmes.put_into_force(
        protocol_version=draft, version=draft.version, proof=Proof(by.user, at), by=by, at=at, taken_on=keys
    )


def person_with_plan(version: ProtocolVersion, arm: str, by: Actor, *, begins_at: datetime, at: datetime) -> Plan:
    """Somebody in an open arm with consent and plan; how people get there is tested elsewhere."""
    person = participants.register(
        protocol_version=version, identity={"full_name": f"P {uuid4().hex}", "date_of_birth": date(1980, 2, 29)},
        sex="female", by=by, at=at,
    )  # fmt: skip
    document = screening.publish_consent_document(
        programme=version.programme, title="Taking part", text="You can stop at any time.", by=by, at=at
    )
    screening.record_consent(participant=person, document=document, given_at=at, has_capacity=True, by=by, at=at)
    Participant.objects.filter(pk=person.pk).update(arm=arm, status="enrolled", enrolled_at=at)
    person.refresh_from_db()
    Measure.objects.create(participant=person, instrument="weight", value=Decimal("80.5"), unit="kg", at=at)
    plan = Plan(participant=person, facility=person.facility, protocol_version=version, begins_at=begins_at, made_at=at)
    plan.save()
    Dose.objects.bulk_create(first_doses(plan, protocol_of(version), arm))
    Visit.objects.bulk_create(first_visits(plan, protocol_of(version), arm, now=at))
    return plan


def prepared(dose: Dose, drawer: Actor, checker: User, at: datetime, *, amount: Decimal | None = None) -> None:
    """Stock for a dose, drawn and checked by two people: what the protocol wants for 80.5 kg, unless told otherwise."""
    course = course_of(dose.plan.participant)
    assert course is not None
    entry = course.entry(dose)
    form = {"intranasal": "device", "oral": "tablet", "sublingual": "tablet"}.get(entry.route, "vial")
    if amount is None:
        computed = entry.amount.mg(80.5) if entry.amount.per_kg else entry.amount.value
        amount = Decimal(str(computed)).quantize(Decimal("0.1"))
    inert = entry.is_inert
    each = Decimal(28) if form == "device" and not inert else Decimal(200)
    delivery = shelf.Delivery(
        drug=entry.drug, form=form, number=f"N{uuid4().hex[:5]}", expires_on=date(2030, 1, 1), containers=10,
        amount_each=Decimal(1) if inert else each, mg_per_ml=Decimal(10) if form == "vial" and not inert else None,
    )  # fmt: skip
    lot = shelf.receive(facility=dose.facility, delivery=delivery, by=drawer, at=at)
    if inert:
        amount = Decimal(len(manner_of(course.protocol, dose=dose.dose, arm=course.arm).devices_min) or 1)
    drawn = stock.draw(dose=dose, lot=lot, amount=amount, by=drawer, at=at)
    stock.check(draw=drawn, version=drawn.version, checker=Proof(checker, at), by=drawer, at=at)


def sent(kind: str, at: datetime, **values: Any) -> dict[str, Any]:
    """An entry as a page sends it."""
    return {"id": str(uuid4()), "kind": kind, "at": at.isoformat(), "device_at": at.isoformat(), **values}


def said(session: Session, by: Actor, now: datetime, *entries: dict[str, Any]) -> list[Result]:
    return enter(session=session, entries=entries, by=by, at=now)


def all_saved(results: list[Result]) -> None:
    assert [each.words for each in results if each.state != "saved"] == []


def arrived(plan: Plan, by: Actor, at: datetime, *, number: int = 1, room: str = "") -> Session:
    return arrive(dose=plan.doses.get(number=number), room=room, arrived_at=at, by=by, at=at)


def baseline(session: Session, at: datetime, **changed: str) -> list[dict[str, Any]]:
    """The readings before the dose."""
    asked = queries.asked_in(session)
    minute, measures = asked.timepoints[0]
    assert minute < 0
    values = {**CALM, **changed}
    return [sent("reading", at, instrument=name, value=values[name], nominal_min=minute) for name in measures]


def good_answers(session: Session, at: datetime) -> list[dict[str, Any]]:
    """Every line of the checklist that a person answers, answered well."""
    found = standings_of(queries.whole(session), queries.asked_in(session), now=at)
    return [
        sent("answer", at, list="arrival", criterion=each.key, answer="yes" if each.is_criterion else "no")
        for each in found if each.is_answered_by_hand and each.stands == "before"
    ]  # fmt: skip


def time_out(at: datetime) -> dict[str, Any]:
    return sent("answer", at, list="time-out", criterion="house/time-out", answer="yes")


def made_ready(session: Session, by: Actor, at: datetime) -> None:
    """Everything before the dose, done."""
    all_saved(said(session, by, at, *baseline(session, at), *good_answers(session, at), time_out(at)))


def begun(session: Session, by: Actor, at: datetime) -> None:
    """The dose is on its way: an infusion runs, the first device is used, or all of it is given."""
    way = queries.asked_in(session).manner.way
    if way == "infusion":
        all_saved(said(session, by, at, sent("filling", at, ml="50"), sent("start", at, rate_ml_h="75")))
    else:
        all_saved(said(session, by, at, sent("device" if way == "devices" else "given", at)))


def given_in_session(
    dose: Dose, by: Actor, checker: User, began_at: datetime, *, minutes: int = 40, amount: Decimal | None = None,
    because: str = "", taken: bool = True,
) -> Dose:  # fmt: skip
    """A dose as it is given: prepared, checked, begun and ended in its session, which a clinician then ends early.

    Parameters
    ----------
    by, checker
        A clinician, and somebody else who checks.
    taken
        Whether the plan takes it; else it was given up on the plan while it ran, and is planned again.
    """
    assert by.user is not None
    before, end = began_at - 20 * MINUTE, began_at + minutes * MINUTE
    prepared(dose, by, checker, before, amount=amount)
    session = arrive(dose=dose, room="", arrived_at=before, by=by, at=before)
    measured = [each for each in standings_of(queries.whole(session), queries.asked_in(session), now=before)
                if not each.is_answered_by_hand and each.stands == "before"]  # fmt: skip
    ready = began_at - 5 * MINUTE
    values = baseline(session, ready) if measured else []
    all_saved(said(session, by, ready, *values, *good_answers(session, ready), time_out(ready)))
    way = queries.asked_in(session).manner.way
    if way == "infusion":
        rate = f"{50 * 60 / minutes:.2f}"
        started = [sent("filling", began_at, ml="50"), sent("start", began_at, rate_ml_h=rate, because=because)]
    else:
        started = [sent("device" if way == "devices" else "given", began_at, because=because)]
    all_saved(said(session, by, began_at, *started))
    if not taken:
        Dose.objects.filter(pk=dose.pk).update(state="cancelled")
    if way == "infusion":
        all_saved(said(session, by, end, sent("stop", end, because=because)))
    elif way == "devices":
        for device, minute in enumerate(queries.asked_in(session).manner.devices_min):
            if device:
                at = began_at + minute * MINUTE
                all_saved(said(session, by, at, sent("device", at, because=because)))
    if not taken:
        Dose.objects.filter(pk=dose.pk).update(state="planned")
    left = end + MINUTE
    found = queries.whole(session)
    leave_by_decision(
        session=found, version=found.version, left_at=left, reason="a test", proof=Proof(by.user, left), by=by, at=left
    )
    return Dose.objects.select_related("plan__participant__facility", "plan__facility").get(pk=dose.pk)


def protocols_with_sessions() -> list[tuple[str, str]]:
    """Every shipped protocol and arm that has a session: a dose that is not taken at home."""
    from upturn.protocol import shipped  # noqa: PLC0415
    from upturn_clinic.treatments.schedule import steps_of  # noqa: PLC0415

    found = []
    for name in shipped():
        protocol = load(name)
        if protocol.session is None:
            continue
        found += [
            (name, arm) for arm in protocol.arms if any(not step.is_home_course for step in steps_of(protocol, arm))
        ]
    return found
