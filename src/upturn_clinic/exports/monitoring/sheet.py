"""What stands in the monitoring form of one session: each field, where its value comes from, and what is missing.

The fields are those of the form as read in 2021 to 2024 versions and an overview of the newer one (care notes a1).
Fields that were only recalled are marked: the current form decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from upturn_clinic.exports.numbers import MINIMUM_MONITORING_MIN, PRESSURE_AFTER_MIN
from upturn_clinic.floor.models import Administration, Answer, Reading, Session
from upturn_clinic.ground import dates
from upturn_clinic.participants.models import Identity
from upturn_clinic.safety.models import AdverseEvent
from upturn_clinic.stock.amounts import written
from upturn_clinic.stock.models import Draw
from upturn_clinic.treatments.models import ConcomitantDrug, Dose

__all__ = ["CLASSES", "HAPPENED", "MONITORING", "CheckedField", "Held", "Section", "sections_of"]

MINUTE = timedelta(minutes=1)
MONITORING, HAPPENED = "Monitoring", "What happened"
# The classes the form asks for, by the words that the clinic knows drugs by.
CLASSES: Mapping[str, str] = {
    "benzodiazepine": "Benzodiazepines",
    "sedative": "Other sedatives or hypnotics (here together with opioids)",
    "psychostimulant": "Psychostimulants",
    "maoi": "Monoamine oxidase inhibitors",
}


@dataclass(frozen=True)
class CheckedField:
    """One field: what it asks, what stands in it, and from where.

    Parameters
    ----------
    label, value
        Empty values are to be filled in.
    origin
        ``record`` (read from the record), ``filled`` (written by somebody), or empty.
    recalled
        The field was not seen in a form but recalled: to be checked against the current one.
    help
        What the record says beside it.
    key
        By which somebody writes it where the record does not say it.
    """

    label: str
    value: str = ""
    origin: str = ""
    recalled: bool = False
    help: str = ""
    key: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether nobody and nothing has filled it."""
        return not self.value


@dataclass(frozen=True)
class Section:
    """Fields under one heading."""

    title: str
    fields: tuple[CheckedField, ...]


@dataclass(frozen=True)
class Held:
    """All that the record holds about one session, read once."""

    dose: Dose
    identity: Identity | None
    session: Session | None
    readings: tuple[Reading, ...]
    devices: tuple[Administration, ...]
    arrival: tuple[Answer, ...]
    drugs: tuple[ConcomitantDrug, ...]
    events: tuple[AdverseEvent, ...]
    draws: tuple[Draw, ...]
    is_first: bool


def sections_of(held: Held, answers: Mapping[str, Any]) -> tuple[Section, ...]:
    """Fill the form from the record, and from what somebody wrote where the record does not say."""
    return (
        Section("Patient", tuple(_patient(held, answers))),
        Section("Treatment", tuple(_treatment(held, answers))),
        Section("Medicines of the same time", tuple(_medicines(held, answers))),
        Section(MONITORING, tuple(_monitoring(held, answers))),
        Section(HAPPENED, tuple(_events(held, answers))),
        Section("Prescriber and setting", tuple(_setting(held, answers))),
    )


def _patient(held: Held, answers: Mapping[str, Any]) -> Iterable[CheckedField]:
    who = held.identity
    yield _record("Name (first, middle initial, last)", who.full_name if who else "")
    yield _record("Date of birth", _day(who.date_of_birth if who else None))
    yield _record("Sex", held.dose.plan.participant.sex)
    yield _record("First treatment session", _yes(held.is_first))
    said = next((each.answer for each in held.arrival if each.criterion.endswith("safety-programme")), "")
    yield CheckedField(
        "Enrolled in the safety programme", said or answers.get("enrolled", ""), "record" if said else "filled",
        key="enrolled",
    )  # fmt: skip


def _treatment(held: Held, answers: Mapping[str, Any]) -> Iterable[CheckedField]:
    dose, zone = held.dose, held.dose.plan.facility.zone
    yield _record("Treatment date", _day(dose.given_at.astimezone(zone) if dose.given_at else None))
    yield _record("Dose (56 mg, 84 mg, or another)", f"{dose.given_mg.normalize():f} mg" if dose.given_mg else "")
    lots = dict.fromkeys(f"{each.lot.number} (expires {dates.day(each.lot.expires_on)})" for each in held.draws)
    yield CheckedField(
        "Lot number of the devices", ", ".join(lots) or answers.get("lot", ""), "record" if lots else "filled",
        key="lot",
    )  # fmt: skip
    begin, end = _begin(held), held.session.left_at if held.session else None
    whole = _minutes(begin, end)
    least = f"the minimum is {MINIMUM_MONITORING_MIN:g} min" if whole and int(whole) < MINIMUM_MONITORING_MIN else ""
    yield _record("Whole duration, from the first device to the end of monitoring (min)", whole, help=least)
    ready = _minutes(begin, held.session.may_leave_at if held.session else None)
    short = bool(ready) and int(ready) < MINIMUM_MONITORING_MIN
    yield _record(
        f"Ready to leave, if there were no minimum of {MINIMUM_MONITORING_MIN:g} min (min after the first device)",
        ready, help="" if short or not ready else "ready only after the minimum",
    )  # fmt: skip


def _medicines(held: Held, answers: Mapping[str, Any]) -> Iterable[CheckedField]:
    day = (held.dose.given_at or held.dose.planned_at).astimezone(held.dose.plan.facility.zone).date()
    taken = [each for each in held.drugs if (each.began_on is None or each.began_on <= day)
             and (each.ended_on is None or each.ended_on >= day)]  # fmt: skip
    for kind, label in CLASSES.items():
        names = [f"{each.name} {each.dose}" for each in taken if each.drug_class == kind]
        yield _record(label, f"yes: {', '.join(names)}" if names else "none recorded")
    yield CheckedField("Opioids, apart", str(answers.get("opioids", "")), "filled", recalled=True)


def _monitoring(held: Held, answers: Mapping[str, Any]) -> Iterable[CheckedField]:
    begin = _begin(held)
    yield _filled("Vital signs acceptable before the dose", answers, "vitals_before")
    yield _record("Blood pressure before the dose", _pressure(held, begin, before=True))
    # What was read in the middle says nothing about the end, nor the other way round: each reading belongs to the time
    # that it is nearer to.
    end = held.session.left_at if held.session else None
    at_40 = begin + PRESSURE_AFTER_MIN * MINUTE if begin else None
    parts = at_40 + (end - at_40) / 2 if at_40 and end else None
    if begin and at_40 and end and end < at_40:
        parts = begin
    yield _record(f"Blood pressure at {PRESSURE_AFTER_MIN:g} min", _pressure(held, begin, near=at_40, until=parts))
    last = _pressure(held, begin, since=parts) if parts else ""
    lacks = "" if last else "none was read nearer to the end" if end else "the monitoring has not ended on record"
    yield _record("Blood pressure before the end of monitoring", last, help=lacks)
    yield _filled("Vital signs acceptable before the end", answers, "vitals_after")
    low = min((each.value for each in _since(held, begin) if each.instrument == "SpO2"), default=None)
    seen = "" if low is None else f"{written(low)} %"
    unread = "none was read after the first device" if low is None else ""
    yield CheckedField("Lowest oxygen saturation", seen, "record", recalled=True, help=unread)


def _events(held: Held, answers: Mapping[str, Any]) -> Iterable[CheckedField]:
    begin = _begin(held)
    for label, words, key, measure, worst in (
        ("Sedation", ("sedation", "loss of consciousness"), "sedation", "MOAA/S", min),
        ("Dissociation", ("dissociation",), "dissociation", "CADSS", max),
    ):
        found = [each for each in held.events if each.term in words]
        value = worst((each.value for each in _since(held, begin) if each.instrument == measure), default=None)
        edge = "lowest" if worst is min else "highest"
        shown = "" if value is None else f"{measure} at its {edge}: {written(value)}"
        yield CheckedField(
            label, "yes" if found else answers.get(key, ""), "record" if found else "filled", help=shown, key=key
        )  # fmt: skip
        yield CheckedField(
            f"{label}: began and ended (min after the first device)",
            "; ".join(_span(each, begin) for each in found) or answers.get(f"{key}_times", ""),
            "record" if found else "filled", recalled=True, key=f"{key}_times",
        )  # fmt: skip
    serious = [each for each in held.events if each.is_serious]
    unjudged = [each for each in held.events if each.is_serious is None]
    told = f"{len(unjudged)} event{'s' if len(unjudged) > 1 else ''} not judged by a clinician yet" if unjudged else ""
    yield CheckedField(
        "Serious adverse event", "yes" if serious else answers.get("serious", ""), "record" if serious else "filled",
        help=told, key="serious",
    )  # fmt: skip
    detail = "; ".join(f"{each.term}, {each.severity}, {_span(each, begin)}" for each in serious)
    yield CheckedField(
        "Serious adverse event: details", detail or answers.get("details", ""), "record" if detail else "filled",
        recalled=True, key="details",
    )  # fmt: skip


def _setting(held: Held, answers: Mapping[str, Any]) -> Iterable[CheckedField]:
    yield _filled("Prescriber: name", answers, "prescriber")
    yield _filled("Prescriber: telephone", answers, "prescriber_phone")
    yield _filled("Prescriber: email", answers, "prescriber_email")
    here = held.dose.plan.facility
    yield _record("Healthcare setting", here.name)
    written_by_hand = str(answers.get("address", ""))
    yield CheckedField(
        "Healthcare setting: address", written_by_hand or here.address,
        "filled" if written_by_hand or not here.address else "record",
    )  # fmt: skip


def _record(label: str, value: str, *, help: str = "") -> CheckedField:
    return CheckedField(label, value, "record", help=help)


def _filled(label: str, answers: Mapping[str, Any], key: str) -> CheckedField:
    return CheckedField(label, str(answers.get(key, "")), "filled")


def _day(on: date | None) -> str:
    return dates.day(on) if on else ""


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _begin(held: Held) -> datetime | None:
    first = min((each.at for each in held.devices), default=None)
    return first or (held.session.began_at if held.session else None) or held.dose.given_at


def _minutes(begin: datetime | None, end: datetime | None) -> str:
    return f"{(end - begin) / MINUTE:.0f}" if begin and end else ""


def _span(event: AdverseEvent, begin: datetime | None) -> str:
    return f"{_minutes(begin, event.started_at) or '?'} to {_minutes(begin, event.ended_at) or 'not over'}"


def _since(held: Held, begin: datetime | None) -> list[Reading]:
    """What was read from the first device on: what was read before it says nothing of what the drug did."""
    return [each for each in held.readings if begin is not None and each.at >= begin]


def _pressure(
    held: Held, begin: datetime | None, *, before: bool = False, near: datetime | None = None,
    since: datetime | None = None, until: datetime | None = None,
) -> str:  # fmt: skip
    """Write a pair of pressures: the last before the dose, the nearest to a time after it, or the last of a stretch."""
    if begin is None:
        return ""
    found: list[str] = []
    for instrument in ("SBP", "DBP"):
        rows = [each for each in held.readings if each.instrument == instrument]
        rows = [each for each in rows if (each.at < begin) == before]
        rows = [each for each in rows if (since is None or each.at >= since) and (until is None or each.at < until)]
        if near is not None:
            rows.sort(key=lambda each: abs(each.at - near))
        else:
            rows.sort(key=lambda each: each.at, reverse=True)
        if not rows:
            return ""
        found.append(f"{written(rows[0].value)}")
        minute = _minutes(begin, rows[0].at)
    pair = f"{'/'.join(found)} mmHg"
    if not before:
        return f"{pair}, {minute} min after the first device"
    ago = minute.lstrip("-")
    return f"{pair}, {f'{ago} min' if int(ago) else 'just'} before the first device"
