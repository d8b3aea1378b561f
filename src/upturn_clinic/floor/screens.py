"""What the page of a session shows, made ready for templates and for the page's own script. No writing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.urls import reverse

from upturn.protocol import Gate
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.assessments.queries import due_for
from upturn_clinic.floor import queries
from upturn_clinic.floor.asked import Asked, Way
from upturn_clinic.floor.counting import emergency_runs, emergency_steps, newest_filling, steps_of_the_last
from upturn_clinic.floor.dose.allowed import can_begin
from upturn_clinic.floor.dose.kinds import FITTING, MISSED
from upturn_clinic.floor.due import all_due_in
from upturn_clinic.floor.gates import Standing, closures_of, house_standings, standings_of
from upturn_clinic.floor.giving import Giving, next_device_at
from upturn_clinic.floor.holding import time_out_counts_until, way_on
from upturn_clinic.floor.leaving.lines import judged_at
from upturn_clinic.floor.marks import until
from upturn_clinic.floor.measures import codes_of, unit_of
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
from upturn_clinic.floor.series import Series, series_of
from upturn_clinic.floor.sheet import Cell, Row, sheet_of
from upturn_clinic.floor.story import over_words, stamp, story_of
from upturn_clinic.participants.models import Consent, ConsentDocument
from upturn_clinic.participants.queries import consent_in_use, consent_of, identity_of, is_masked
from upturn_clinic.safety.queries import events_of
from upturn_clinic.safety.terms import terms
from upturn_clinic.stock.queries import Preparation, changed_after, needs_draw, preparation_of
from upturn_clinic.treatments.models import ConcomitantDrug
from upturn_clinic.treatments.queries import DoseShown, course_of, dose_shown, weight_given_by, weight_of

__all__ = ["PARTS", "emergency_signs", "session_screen", "sheet_data", "stamp", "turns_at"]

# The parts of the page that the server writes anew, by the name of their template.
PARTS = ("against", "head", "now", "emergency", "before", "giving", "effects", "story")
DECISION = GateDecision.Decision
# How much of what is due is listed at least.
NEAR = 5
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
    # The values by which it was judged, for a line that readings decide.
    found: str = ""

    @property
    def about(self) -> str:
        """Its words, for something to follow them."""
        return self.standing.text.rstrip(".")


def session_screen(session: Session, reader: Actor, *, now: datetime) -> dict[str, Any]:
    """Gather all that the parts of the page show.

    Parameters
    ----------
    session
        Read whole (``queries.whole``).
    """
    asked = queries.asked_in(session)
    phase, state = phase_of(session), queries.giving_in(session, asked, until=now)
    # Of a session that is over all stands as it stood when it ended.
    series, then = series_of(session), judged_at(session, now)
    judged = standings_of(session, asked, now=then, series=series)
    standings = (*judged, *house_standings(session, asked, "time-out"))
    so = _so(session, phase, state)
    lines = [replace(_line(each, session, asked, reader, so), found=_found(each, session, asked, then, series))
             for each in standings]  # fmt: skip
    course = course_of(session.participant)
    person, dose, began_at = session.participant, session.dose, session.began_at
    # What was measured later says nothing about a dose that has begun.
    weight = weight_of(person) if began_at is None else weight_given_by(dose, began_at=began_at)
    due = all_due_in(session, asked, now=now, standings=judged, series=series)
    # All that is late is listed, and of the rest what is near.
    near = max([NEAR, *(place for place, each in enumerate(due, start=1) if each.is_late)])
    consent = consent_of(person)
    identity = identity_of(person) if reader.may(Permission.SEE_IDENTITY) else None
    shown = dose_shown(course, dose, weight=weight, reader=reader, at=began_at or now) if course else None
    preparation = preparation_of(dose, reader, began_at=began_at)
    filling, changed_at = queries.filling_ml(session), _volume_changed_at(session, asked)
    # Nothing is reckoned from a volume that no longer holds.
    holds = filling if changed_at is None else None
    rate = None if not (holds and asked.manner.over_min) else round(holds * 60 / asked.manner.over_min, 1)
    time_out_until = time_out_counts_until(session, asked)
    may_record = reader.may(Permission.RECORD_SESSION) and session.is_open
    closed = [each for each in lines if each.standing.verdict == "closed"]
    urgent = [each for each in closed if _is_urgent(each, phase)]
    return {
        "session": session, "person": person, "dose": dose, "asked": asked, "phase": phase, "now": now,
        "identity": identity, "consent": consent, "is_masked": is_masked(person), "shown": shown, "weight": weight,
        "may_record": may_record,
        "can_begin": may_record and can_begin(session, asked, rate_ml_h=rate, by=reader, at=now),
        "may_correct": reader.may(Permission.RECORD_SESSION), "giving": state, "filling": filling,
        "planned_rate": rate, "volume_changed_at": changed_at, "preparation": preparation,
        "needs_draw": bool(course and needs_draw(course, dose)),
        "concentration": _concentration(preparation, holds),
        "lines": lines, "before": [each for each in lines if each.standing.stands == "before"],
        "during_by_hand": [each for each in lines
                           if each.standing.stands == "during" and each.standing.is_answered_by_hand],
        "with_signs": [each for each in lines if each.standing.signs and each.standing.asks != "emergency"],
        "closed": urgent, "unwritten": _unwritten(session, asked, reader, so, lines, urgent, then),
        "due": due, "due_shown": due[:near], "due_more": len(due[near:]), "next": due[0] if due else None,
        "late": [each for each in due if each.is_late], "ratings": _ratings(session, asked, reader, now),
        "newer_consent": _newer_consent(session, consent), "check_until": _check_until(session, asked, preparation),
        "is_weight_of_another_day": _is_weight_of_another_day(session, shown, now),
        "ratings_at": reverse("ratings", args=[session.facility.slug, person.pk])
        if reader.may(Permission.SEE_RATINGS) else "",
        "drugs": list(ConcomitantDrug.objects.filter(participant=person, ended_on=None)),
        "effects": [each for each in events_of(person) if each.source == f"session/{session.pk}"],
        "signs_seen": _signs_seen(session), "differs": _differs(shown, preparation),
        "terms": terms(), "story": list(story_of(session)), "steps": _steps(session),
        "next_steps": _next_steps(session),
        "is_emergency": emergency_runs(session), "emergency_signs": emergency_signs(asked),
        "minutes": minutes_between(session.began_at, now) if session.began_at else None, "phases": Phase,
        "devices": _devices(session, asked),
        "time_out": next((each for each in lines if each.standing.key == "house/time-out"), None),
        "holding": [each for each in lines if each.standing.holds_back and each.standing.stands == "before"
                    and (each.standing.key != "house/time-out" or each.standing.verdict == "closed")],
        "kinds": Administration.Kind, "pace": queries.pace_of(session, asked, state),
        "stop_reasons": asked.stop_reasons, "corrections": _corrections(session),
        "missed": [each for each in MISSED if each in FITTING[asked.manner.way]],
        "is_old": time_out_until is not None and now > time_out_until, "over": over_words(session),
        "codes": [(each, codes_of(each)) for each in asked.measures if codes_of(each)],
    }  # fmt: skip


def sheet_data(session: Session, asked: Asked, reader: Actor) -> dict[str, Any]:
    """Give the flowsheet to the page's script."""
    sheet = sheet_of(session, asked)
    return {
        "columns": [{"id": each, "name": each[0].upper() + each[1:], "unit": unit_of(each)} for each in sheet.columns],
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
    return until(now, (*late, *(each.at for each in shown["due"]), *_grow_old_at(shown["session"], shown["asked"])))


def _grow_old_at(session: Session, asked: Asked) -> Iterator[datetime]:
    """Say when what was done before a dose no longer counts: while the dose has not begun."""
    if session.began_at is not None:
        return
    if time_out_until := time_out_counts_until(session, asked):
        yield time_out_until
    yield from {each.at + asked.fresh.readings for each in session.readings.all() if each.counts}


def emergency_signs(asked: Asked) -> list[tuple[str, str]]:
    """List the signs of the gates that ask for emergency care, each with the id of its gate."""
    return [(each.id, sign) for each in asked.gates if each.asks == "emergency" for sign in each.signs]


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
    asks = ASKS[standing.asks]
    if standing.asks in ("pause", "stop") and session.dosed_until is not None:
        asks = "Tell a clinician: the dose has ended."
    elif standing.asks in ("pause", "stop") and not has_begun:
        asks = "No dose while it stands."
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


def _is_urgent(line: Line, phase: Phase) -> bool:
    """Tell whether a closed gate belongs to the top of the page: before the dose its own kind, later what came up."""
    early = phase in (Phase.ARRIVING, Phase.READY)
    return (line.standing.stands == "before") == early


def _ratings(session: Session, asked: Asked, reader: Actor, now: datetime) -> list[object]:
    """List the ratings that can be done now; of those that were missed, the ones of this day."""
    if not session.is_open:
        return []
    zone = session.facility.zone
    today = now.astimezone(zone).date()
    # What the flowsheet asks for is entered there.
    found = [each for each in due_for(session.participant, at=now, reader=reader)
             if each.rater_kind != "treating" or each.instrument not in asked.measures]  # fmt: skip
    return [each for each in found if each.state == "open"
            or (each.state == "late" and each.slot.target.astimezone(zone).date() == today)]  # fmt: skip


def _newer_consent(session: Session, consent: Consent | None) -> ConsentDocument | None:
    """Find the document that is in use now, where the person has consented to an earlier one and no dose has begun."""
    if session.began_at is not None or not session.is_open or consent is None or consent.withdrawn_at is not None:
        return None
    document = consent_in_use(session.participant.programme)
    return None if document is None or document.pk == consent.document_id else document


def _check_until(session: Session, asked: Asked, preparation: Preparation) -> datetime | None:
    """Say until when the second check counts, while the dose is still to begin."""
    since = preparation.checked_since
    if since is None or session.began_at is not None or not session.is_open:
        return None
    return since + asked.fresh.check


def _is_weight_of_another_day(session: Session, shown: DoseShown | None, now: datetime) -> bool:
    """Tell whether an amount that is still to be given follows from a weight that was not measured today."""
    weight = shown.computed.weight if shown and shown.computed else None
    if weight is None or session.began_at is not None or not session.is_open:
        return False
    zone = session.facility.zone
    return weight.measured_at.astimezone(zone).date() != now.astimezone(zone).date()


def _devices(session: Session, asked: Asked) -> list[tuple[int, float, datetime | None, datetime | None]]:
    """List the devices: number, minute after the first, when it was used, and from when on the next one may be."""
    times = asked.manner.devices_min
    acts = [each for each in session.administrations.all() if each.counts and each.kind == Administration.Kind.DEVICE]
    used = sorted(each.at for each in acts if each.percent != 0)
    return [
        (number + 1, minute, used[number] if number < len(used) else None,
         next_device_at(asked.manner, used[-1]) if used and number == len(used) and not session.dosed_until else None)
        for number, minute in enumerate(times)
    ]  # fmt: skip


def _found(standing: Standing, session: Session, asked: Asked, now: datetime, series: Series[Reading]) -> str:
    """Write the newest values by which a line before the dose is judged, and when they were read."""
    if standing.stands != "before" or standing.verdict != "open" or standing.is_answered_by_hand:
        return ""
    until = session.began_at or now
    measures = [rule.measure for rule in getattr(standing.part, "rules", ())]
    newest = series.newest(measures, until=until, since=until - asked.fresh.readings)
    zone, read = session.facility.zone, [each for name in dict.fromkeys(measures) for each in newest.get(name, ())]
    # The same value from two people is one.
    values = dict.fromkeys((f"{each.at.astimezone(zone):%H:%M}", str(each)) for each in read)
    clocks = dict.fromkeys(clock for clock, _ in values)
    return "; ".join(f"{', '.join(value for at, value in values if at == clock)}, {clock}" for clock in clocks)


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


def _differs(shown: DoseShown | None, preparation: Preparation) -> str:
    """Say by how much the prepared amount is another one than was worked out; empty where a reader may not know."""
    if not (shown and shown.computed and shown.computed.mg and preparation.draws and preparation.mg):
        return ""
    more = float(preparation.mg) - shown.computed.mg
    # Less than half a hundredth of a milligram is the arithmetic's, not anybody's.
    return "" if abs(more) < 0.005 else f"{abs(more):.3g} mg {'more' if more > 0 else 'less'}"


def _signs_seen(session: Session) -> list[str]:
    """List the signs that were seen, also those that opened the emergency path; each once, the first first."""
    seen = [(each.at, each.sign) for each in session.signs.all() if each.counts and each.is_present]
    seen += [(each.at, sign) for each in emergency_steps(session) for sign in each.signs]
    return list(dict.fromkeys(sign for _, sign in sorted(seen)))


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


def _next_steps(session: Session) -> list[dict[str, Any]]:
    """List what may follow in the emergency path; what is not written down yet in this one is offered first."""
    was = steps_of_the_last(session)
    every = [each for each in EmergencyStep.Step if each is not EmergencyStep.Step.OPENED]
    first = next((each for each in every if each not in was), every[-1])
    return [{"step": each, "was": each in was, "is_next": each is first} for each in every]


def _steps(session: Session) -> list[tuple[EmergencyStep, str]]:
    return [(each, stamp(session, each.at)) for each in emergency_steps(session)]
