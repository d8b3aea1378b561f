"""A busy floor, written straight into the tables: for what many sessions cost, not for how they come about."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.floor.asked import asked_of
from upturn_clinic.floor.measures import check
from upturn_clinic.floor.models import Administration, Answer, Filling, Reading, Session
from upturn_clinic.participants.models import Identity, Participant
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.treatments.models import Dose, Plan

MINUTE = timedelta(minutes=1)


def busy_floor(
    plan: Plan, by: User, *, now: datetime, sessions: int, times: int, left: int = 0, begun_min: int = 70,
    first_room: int = 0,
) -> None:  # fmt: skip
    """Make open sessions that began a while ago, and others that are over, each with readings at so many times.

    Parameters
    ----------
    plan
        Of somebody whose programme, version and arm the others share.
    sessions, left
        How many are open, and how many of the same day are over.
    first_room
        The place of the first one's room among the facility's rooms.
    times
        How many rows of the sheet each has: one for each of the protocol's times, then rows that were added.
    """
    facility, person = plan.facility, plan.participant
    asked = asked_of(protocol_of(plan.protocol_version), dose=plan.doses.get(number=1).dose, arm="ketamine")
    measures = [each for each in asked.measures if each != "weight"]
    everything: dict[type, list[object]] = {
        kind: [] for kind in (Participant, Identity, Plan, Dose, Session, Reading, Answer, Filling, Administration)
    }
    for number in range(sessions + left):
        is_over = number >= sessions
        began = now - (begun_min + (300 if is_over else number % 20)) * MINUTE
        somebody = Participant(
            pseudonym=f"B{number:03}-{uuid4().hex[:7].upper()}", facility=facility, programme=person.programme,
            protocol_version=person.protocol_version, arm="ketamine", age_y=40, status="enrolled", sex="female",
            registered_at=began,
        )  # fmt: skip
        own = Plan(participant=somebody, facility=facility, protocol_version=plan.protocol_version, begins_at=began,
                   made_at=began)  # fmt: skip
        dose = Dose(
            plan=own, facility=facility, protocol_version=plan.protocol_version, number=1,
            dose=plan.doses.get(number=1).dose, offset_h=0, target=began, earliest=began, latest=began,
            planned_at=began, told_at=began, state="given", given_at=began,
        )  # fmt: skip
        session = Session(
            dose=dose, participant=somebody, facility=facility,
            room="" if is_over else _room(facility, first_room + number),
            arrived_at=began - 30 * MINUTE, ready_at=began - 5 * MINUTE, began_at=began,
            dosed_until=began + 40 * MINUTE, left_at=began + 150 * MINUTE if is_over else None,
            may_leave_at=began + 130 * MINUTE if is_over else None, left_how="ready" if is_over else "",
        )  # fmt: skip
        everything[Participant].append(somebody)
        everything[Identity].append(Identity(participant=somebody, full_name="Nobody", date_of_birth=date(1980, 1, 1)))
        everything[Plan].append(own)
        everything[Dose].append(dose)
        everything[Session].append(session)
        entered = {"session": session, "by": by}
        nominal = [minute for minute, _ in asked.timepoints]
        rows: list[tuple[int | None, UUID | None]] = [(minute, None) for minute in nominal[:times]]
        rows += [(None, uuid4()) for _ in range(times - len(rows))]
        for place, (minute, row) in enumerate(rows):
            at = began + (minute if minute is not None else 41 + place) * MINUTE
            if at > now:
                continue
            everything[Reading] += [
                Reading(**entered, at=at, noted_at=at, instrument=name, value=Decimal(_value(name, place)),
                        unit=check(name, Decimal(_value(name, place))), nominal_min=minute, row=row)
                for name in measures
            ]  # fmt: skip
        everything[Answer] += [
            Answer(**entered, at=began, noted_at=began, list="arrival", criterion=f"arrival/{each.id}", text=each.text,
                   answer="yes") for each in asked.arrival
        ]  # fmt: skip
        everything[Filling].append(Filling(**entered, at=began, noted_at=began, ml=Decimal(50)))
        everything[Administration] += [
            Administration(**entered, at=began, noted_at=began, kind="start", rate_ml_h=Decimal(75)),
            Administration(**entered, at=began + 40 * MINUTE, noted_at=began, kind="stop"),
        ]
    for kind, rows_of_kind in everything.items():
        kind.objects.bulk_create(rows_of_kind, batch_size=2000)  # type: ignore[attr-defined]


def _room(facility: Facility, number: int) -> str:
    names = facility.room_names
    return names[number % len(names)] if names else ""


def _value(name: str, place: int) -> str:
    calm = {"SBP": 120, "DBP": 78, "HR": 70, "SpO2": 98, "MOAA/S": 5, "CADSS": 0, "C-SSRS": 0}
    # Every seventh pressure is high, so that gates close and what they ask for is worked out.
    return str(190 if name == "SBP" and place % 7 == 3 else calm.get(name, 1))
