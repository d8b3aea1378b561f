"""What the page of a session shows, made ready for templates and for the page's own script. No writing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from upturn.protocol import Gate
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.assessments.queries import due_for
from upturn_clinic.floor import queries
from upturn_clinic.floor.asked import Asked, Way
from upturn_clinic.floor.counting import emergency_runs, newest_filling
from upturn_clinic.floor.dose.kinds import FITTING, MISSED
from upturn_clinic.floor.due import all_due_in
from upturn_clinic.floor.gates import Standing, closures_of, house_standings, standings_of
from upturn_clinic.floor.giving import Giving
from upturn_clinic.floor.holding import way_on
from upturn_clinic.floor.limits import AHEAD_OF_CLOCK
from upturn_clinic.floor.marks import until
from upturn_clinic.floor.measures import unit_of
from upturn_clinic.floor.models import (
    Administration,
    EmergencyStep,
    Entered,
    Filling,
    GateDecision,
    Reading,
    Session,
)
from upturn_clinic.floor.phases import Phase, minutes_between, phase_of
from upturn_clinic.floor.series import series_of
from upturn_clinic.floor.sheet import Cell, Row, sheet_of
from upturn_clinic.participants.queries import consent_of, identity_of, is_masked
from upturn_clinic.safety.queries import events_of
from upturn_clinic.safety.terms import terms
from upturn_clinic.stock.amounts import base_mg
from upturn_clinic.stock.queries import Preparation, changed_after, gone_until, needs_draw, preparation_of, usable_of
from upturn_clinic.treatments.models import ConcomitantDrug
from upturn_clinic.treatments.queries import course_of, dose_shown, weight_of

__all__ = ["PARTS", "emergency_screen", "session_screen", "sheet_data", "stamp", "turns_at"]

# The parts of the page that the server writes anew, by the name of their template.
PARTS = ("against", "head", "now", "emergency", "before", "giving", "effects", "story")
DECISION = GateDecision.Decision
ALL = Decimal(100)
# What is done with the dose and read from there.
ON_RECORD = (DECISION.PAUSED, DECISION.STOPPED)
# What may be written down at a closed gate, by what it asks for; the first is offered first.
OFFERED = {
    "decide": (DECISION.GO_ON, DECISION.WAIT, DECISION.CANCELLED),
    "closer": (DECISION.CLOSER, DECISION.TOLD, DECISION.PAUSED, DECISION.STOPPED),
    "pause": (DECISION.PAUSED, DECISION.TOLD, DECISION.STOPPED),
    "stop": (DECISION.STOPPED, DECISION.TOLD),
    "emergency": (DECISION.EMERGENCY, DECISION.STOPPED),
    "hard": (DECISION.WAIT, DECISION.CANCELLED),
    # At what stands before the dose, when it closes after its start.
    "late decide": (DECISION.GO_ON, DECISION.WAIT, DECISION.STOPPED),
    "late hard": (DECISION.TOLD, DECISION.STOPPED),
}
ASKS = {
    "decide": "A decision, written down.", "closer": "Closer readings.", "pause": "Pause the dose.",
    "stop": "Stop the dose.", "emergency": "Emergency care at once.",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A gate or a line of the checklist as the page shows it."""

    standing: Standing
    source: str
    asks: str
    offered: tuple[DECISION, ...]
    may_override: bool
    answered: tuple[Entered, ...] = ()
    every_min: float = 0.0
    # Tells two boxes of one gate apart.
    mark: str = ""
    # How the dose can go on, while it is held back.
    way_on: str = ""
    # Whether the dose itself is to be paused or stopped, where that is done.
    to_dose: bool = False


def session_screen(session: Session, reader: Actor, *, now: datetime) -> dict[str, Any]:
    """Gather all that the parts of the page show.

    Parameters
    ----------
    session
        Read whole (``queries.whole``).
    """
    asked = queries.asked_in(session)
    phase, state = phase_of(session), queries.giving_in(session, asked, until=now)
    series = series_of(session)
    judged = standings_of(session, asked, now=now, series=series)
    standings = (*judged, *house_standings(session, asked, "time-out"))
    so = _so(session, phase, state)
    lines = [_line(each, session, asked, reader, so) for each in standings]
    course = course_of(session.participant)
    person, dose = session.participant, session.dose
    weight = weight_of(person)
    due = all_due_in(session, asked, now=now, standings=judged, series=series)
    consent = consent_of(person)
    identity = identity_of(person) if reader.may(Permission.SEE_IDENTITY) else None
    shown = dose_shown(course, dose, weight=weight, reader=reader, at=now) if course else None
    preparation = preparation_of(dose, reader, began_at=session.began_at)
    filling, changed_at = queries.filling_ml(session), _volume_changed_at(session, asked)
    # Nothing is reckoned from a volume that no longer holds.
    holds = filling if changed_at is None else None
    rate = None if not (holds and asked.manner.over_min) else round(holds * 60 / asked.manner.over_min, 1)
    closed = [each for each in lines if each.standing.verdict == "closed"]
    urgent = [each for each in closed if _is_urgent(each, phase)]
    return {
        "session": session, "person": person, "dose": dose, "asked": asked, "phase": phase, "now": now,
        "identity": identity, "consent": consent, "is_masked": is_masked(person), "shown": shown, "weight": weight,
        "may_record": reader.may(Permission.RECORD_SESSION) and session.is_open,
        "may_correct": reader.may(Permission.RECORD_SESSION), "giving": state, "filling": filling,
        "planned_rate": rate, "volume_changed_at": changed_at, "preparation": preparation,
        "needs_draw": bool(course and needs_draw(course, dose)),
        "concentration": _concentration(preparation, holds),
        "lines": lines, "before": [each for each in lines if each.standing.stands == "before"],
        "during_by_hand": [each for each in lines
                           if each.standing.stands == "during" and each.standing.is_answered_by_hand],
        "with_signs": [each for each in lines if each.standing.signs and each.standing.asks != "emergency"],
        "closed": urgent, "unwritten": _unwritten(session, asked, reader, so, lines, urgent, now),
        "due": due, "next": due[0] if due else None,
        "late": [each for each in due if each.is_late], "ratings": _ratings(session, reader, now),
        "ratings_at": reverse("ratings", args=[session.facility.slug, person.pk])
        if reader.may(Permission.SEE_RATINGS) else "",
        "drugs": list(ConcomitantDrug.objects.filter(participant=person, ended_on=None)),
        "effects": [each for each in events_of(person) if each.source == f"session/{session.pk}"],
        "terms": terms(), "story": list(_story(session)), "steps": _steps(session),
        "is_emergency": emergency_runs(session), "emergency_signs": emergency_signs(asked),
        "minutes": minutes_between(session.began_at, now) if session.began_at else None, "phases": Phase,
        "devices": [(number + 1, minute) for number, minute in enumerate(asked.manner.devices_min)],
        "time_out": next((each for each in lines if each.standing.key == "house/time-out"), None),
        "holding": [each for each in lines if each.standing.holds_back and each.standing.stands == "before"
                    and (each.standing.key != "house/time-out" or each.standing.verdict == "closed")],
        "kinds": Administration.Kind, "pace": queries.pace_of(session, asked, state),
        "stop_reasons": asked.stop_reasons, "corrections": _corrections(session),
        "missed": [each for each in MISSED if each in FITTING[asked.manner.way]],
        "is_old": _is_old(session, asked, now),
    }  # fmt: skip


def sheet_data(session: Session, asked: Asked, reader: Actor) -> dict[str, Any]:
    """Give the flowsheet to the page's script."""
    sheet = sheet_of(session, asked)
    return {
        "columns": [{"id": each, "unit": unit_of(each)} for each in sheet.columns],
        "rows": [_row(each, session) for each in sheet.rows],
        "may_record": reader.may(Permission.RECORD_SESSION) and session.is_open,
    }


def turns_at(shown: Mapping[str, Any]) -> datetime:
    """Say until when the clock alone changes nothing of a screen; of an infusion that runs it always does.

    Parameters
    ----------
    shown
        What ``session_screen`` gathered.
    """
    now: datetime = shown["now"]
    if shown["giving"].is_running:
        return now
    late = [each.turns_late_at for each in shown["due"] if each.can_be_late and not each.is_late]
    return until(now, (*late, *_grow_old_at(shown["session"], shown["asked"])))


def _grow_old_at(session: Session, asked: Asked) -> Iterator[datetime]:
    """Say when what was done before a dose no longer counts: while the dose has not begun."""
    if session.began_at is not None:
        return
    if session.ready_at is not None:
        yield session.ready_at + asked.fresh.time_out
    yield from {each.at + asked.fresh.readings for each in session.readings.all() if each.counts}


def stamp(session: Session, at: datetime) -> str:
    """Write a time by the facility's clock and, once the dose has begun, in minutes from its start.

    On the night on which the clocks change an hour comes twice: the minutes say which is meant, and so does the zone.
    """
    local = at.astimezone(session.facility.zone)
    changes = session.arrived_at.astimezone(session.facility.zone).utcoffset() != local.utcoffset()
    clock = f"{local:%H:%M}" + (f" {local:%Z}" if changes else "")
    if session.began_at is None:
        return clock
    return f"{clock} ({minutes_between(session.began_at, at):+.0f} min)"


def emergency_signs(asked: Asked) -> list[tuple[str, str]]:
    """List the signs of the gates that ask for emergency care, each with the id of its gate."""
    return [(each.id, sign) for each in asked.gates if each.asks == "emergency" for sign in each.signs]


def emergency_screen(session: Session, reader: Actor, *, now: datetime) -> dict[str, Any]:
    """Gather the printable sheet for whoever comes to help: who, what was given, the last values, what was seen."""
    shown = session_screen(session, reader, now=now)
    readings = [each for each in session.readings.all() if each.counts]
    readings.sort(key=lambda each: (each.at, each.noted_at))
    last = {each.instrument: each for each in readings}
    return {**shown, "last": [(each, stamp(session, each.at)) for each in last.values()],
            "given_mg": _given_mg(shown["preparation"], shown["giving"], shown["asked"])}  # fmt: skip


def _given_mg(preparation: Preparation, state: Giving, asked: Asked) -> Decimal | None:
    """Work out the milligrams given so far, for who may know what was drawn; None where nobody can know it."""
    draws = [each.draw for each in preparation.draws]
    if not draws or state.began_at is None or state.percent is None:
        return None
    if asked.manner.way is Way.DEVICES:
        return base_mg(draws[0].lot, draws[0].lot.amount_each) * sum(state.shares, Decimal(0)) / ALL
    until = gone_until(draws, began_at=state.began_at, ended_at=state.ended_at)
    prepared = sum((base_mg(each.lot, usable_of(each, until=until)) for each in draws), Decimal(0))
    return prepared * Decimal(str(state.percent)) / ALL


def _line(standing: Standing, session: Session, asked: Asked, reader: Actor, so: frozenset[DECISION]) -> Line:
    wanted = OFFERED[standing.asks]
    has_begun = session.began_at is not None
    if standing.stands == "before":
        wanted = OFFERED[("late " if has_begun else "") + ("hard" if standing.is_hard else "decide")]
    offered = tuple(each for each in wanted if each not in ON_RECORD or each in so)
    if offered != wanted and DECISION.TOLD not in offered:
        offered = (*offered, DECISION.TOLD)
    roles = {str(role) for role in reader.roles}
    answered = tuple(
        each for each in sorted(session.answers.all(), key=lambda each: each.at)
        if each.criterion == standing.key and each.counts
    )  # fmt: skip
    is_overridden = standing.decision is not None and standing.decision.decision == DECISION.OVERRIDE
    asks = ASKS[standing.asks] if has_begun or standing.asks not in ("pause", "stop") else "No dose while it stands."
    return Line(
        standing, asked.source_words(standing.citation), asks, offered,
        standing.is_hard and not is_overridden and bool(set(standing.may_override) & roles), answered,
        (standing.part.every_h or 0) * 60 if isinstance(standing.part, Gate) else 0.0,
        way_on=way_on(standing, has_begun=has_begun) if standing.holds_back and standing.stands == "before"
        and session.dosed_until is None else "",
        to_dose=offered != wanted and has_begun and session.dosed_until is None,
    )  # fmt: skip


def _so(session: Session, phase: Phase, state: Giving) -> frozenset[DECISION]:
    """Say what is so on record: nobody writes down in words that a dose was stopped while it runs."""
    paused = {DECISION.PAUSED} if phase is Phase.DOSING and not state.is_running else set()
    return frozenset(paused | ({DECISION.STOPPED} if session.ended_early else set()))


def _unwritten(
    session: Session, asked: Asked, reader: Actor, so: frozenset[DECISION], every: list[Line], shown: list[Line],
    now: datetime,
) -> list[Line]:  # fmt: skip
    """Find what is open still, apart from what stands at the top already: what closed and nobody wrote about.

    A gate before the dose may close after its start, when an entry arrives late: then it holds the dose back, and is
    listed until it is settled, whatever was written down meanwhile.
    """
    if session.began_at is None:
        return []
    before = [each.standing for each in every if each.standing.stands == "before" and each.standing.holds_back]
    if session.dosed_until is not None:
        before = [each for each in before if each.answer and each.needs_word]
    there = {key for each in (*(line.standing for line in shown), *before) for key in each.because_of}
    found = [
        each for each in closures_of(session, asked, now=now) if each.needs_word and not there & set(each.because_of)
    ]
    held_back = {each.key for each in before}
    lines = (_line(each, session, asked, reader, so) for each in (*before, *found))
    return [replace(each, mark=f"-{number}", may_override=each.may_override and each.standing.key in held_back)
            for number, each in enumerate(lines)]  # fmt: skip


def _corrections(session: Session) -> list[tuple[Entered, str]]:
    """List what was entered of the dose and can be corrected, once it has begun: each with its kind."""
    if session.began_at is None:
        return []
    entered: list[Filling | Administration] = [*session.fillings.all(), *session.administrations.all()]
    entered.sort(key=lambda each: (each.at, each.noted_at))
    kinds = ((each, "filling" if isinstance(each, Filling) else str(each.kind)) for each in entered if each.counts)
    return [(each, kind) for each, kind in kinds if kind != Administration.Kind.PAUSE]


def _is_old(session: Session, asked: Asked, now: datetime) -> bool:
    """Tell whether the time-out was done and must be done again before the dose."""
    ready = session.ready_at
    return session.began_at is None and ready is not None and now - ready > asked.fresh.time_out


def _is_urgent(line: Line, phase: Phase) -> bool:
    """Tell whether a closed gate belongs to the top of the page: before the dose its own kind, later what came up."""
    early = phase in (Phase.ARRIVING, Phase.READY)
    return (line.standing.stands == "before") == early


def _ratings(session: Session, reader: Actor, now: datetime) -> list[object]:
    found = due_for(session.participant, at=now, reader=reader)
    return [each for each in found if each.state in ("open", "late")]


def _volume_changed_at(session: Session, asked: Asked) -> datetime | None:
    """Say when what was drawn changed after its volume was told, as long as that matters; None where it did not."""
    filling = newest_filling(session)
    if asked.manner.way is not Way.INFUSION or filling is None or session.dosed_until is not None:
        return None
    return changed_after(session.dose, filling.at)


def _concentration(preparation: object, filling: float | None) -> str:
    mg = getattr(preparation, "mg", None)
    if not (filling and mg and getattr(preparation, "draws", ())):
        return ""
    return f"{float(mg) / filling:.3g} mg/ml"


def _row(row: Row, session: Session) -> dict[str, Any]:
    return {
        "key": row.key, "nominal": row.nominal_min, "row": str(row.row) if row.row else None,
        "due": stamp(session, row.due_at).split(" (")[0] if row.due_at else "",
        "at": stamp(session, row.at) if row.at else "",
        "cells": {cell.instrument: _cell(cell, session) for cell in row.cells},
    }  # fmt: skip


def _cell(cell: Cell, session: Session) -> dict[str, Any]:
    return {
        "asked": cell.is_asked, "disputed": cell.is_disputed,
        "values": [_value(each, session) for each in cell.readings],
        "struck": [_value(each, session) for each in cell.struck],
    }  # fmt: skip


def _value(reading: Reading, session: Session) -> dict[str, str]:
    return {
        "id": str(reading.pk), "text": f"{reading.value.normalize():f}", "who": reading.by.name if reading.by else "",
        "at": stamp(session, reading.at), "instant": reading.at.isoformat(), "because": reading.struck_because,
    }  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One line of the story of a session."""

    at: datetime
    stamp: str
    what: str
    who: str
    entry: Entered | None = None
    struck: str = ""
    is_late: bool = False

    @property
    def may_be_struck(self) -> bool:
        """Whether it can be struck out: not what was decided, nor a step of the emergency path."""
        stays = isinstance(self.entry, (GateDecision, EmergencyStep))
        return self.entry is not None and self.entry.counts and not stays


def _story(session: Session) -> Iterator[Told]:
    entries: list[Entered] = [each for name in queries.ENTRIES for each in getattr(session, name).all()]
    for each in sorted(entries, key=lambda entry: (entry.at, entry.noted_at), reverse=True):
        struck = ""
        if each.struck_at is not None:
            by = each.struck_by.name if each.struck_by else "the system"
            struck = f"Struck out by {by}, {stamp(session, each.struck_at)}: {each.struck_because}"
        yield Told(
            each.at, stamp(session, each.at), _words(each), each.by.name if each.by else "the system", each, struck,
            each.noted_at - each.at > AHEAD_OF_CLOCK,
        )  # fmt: skip


def _words(entry: Entered) -> str:
    if isinstance(entry, Administration):
        rate = f", {entry.rate_ml_h.normalize():f} ml/h" if entry.rate_ml_h else ""
        share = f", {entry.percent.normalize():f} %" if entry.percent is not None else ""
        gave_nothing = entry.kind == Administration.Kind.DEVICE and entry.percent == 0
        words = "A device gave nothing" if gave_nothing else f"Dose {entry}{rate}{share}"
        return f"{words}{': ' + entry.because if entry.because else ''}"
    if isinstance(entry, GateDecision):
        return f"{entry.get_decision_display().capitalize()}: {entry.reason} – {entry.text}"
    if isinstance(entry, EmergencyStep):
        seen = ", ".join(entry.signs)
        return ": ".join(each for each in (str(entry).capitalize(), seen, entry.who, entry.note) if each)
    sign = getattr(entry, "sign", None)
    if sign is not None:
        return f"Seen: {sign}" if getattr(entry, "is_present", True) else "Looked for signs: none"
    text, answer = getattr(entry, "text", ""), getattr(entry, "answer", "")
    if answer:
        note = getattr(entry, "note", "")
        return f"{text} – {answer}{'. ' + note if note else ''}"
    return f"Volume {entry}" if hasattr(entry, "ml") else str(entry)


def _steps(session: Session) -> list[tuple[EmergencyStep, str]]:
    found = [each for each in session.emergencysteps.all() if each.counts]
    found.sort(key=lambda each: (each.at, each.noted_at))
    return [(each, stamp(session, each.at)) for each in found]
