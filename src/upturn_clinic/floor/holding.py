"""What keeps a session from going on: a gate, a line of the checklist, its end, another facility. No writing."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor import queries
from upturn_clinic.floor.asked import Asked
from upturn_clinic.floor.gates import Standing, blocking, house_standings, standings_of
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.phases import Phase, phase_of
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import consent_of
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.models import Dose
from upturn_clinic.treatments.queries import course_of
from upturn_clinic.treatments.watch.queries import holding_back

__all__ = [
    "course_in", "last_act_of", "must_be_enrolled", "must_be_free", "must_be_here", "must_be_on_the_plan",
    "must_be_open", "must_consent", "must_not_be_stopped", "time_out_counts_until", "way_on",
]  # fmt: skip


def must_be_free(session: Session, asked: Asked, *, at: datetime) -> None:
    """Refuse to begin or to go on while a gate or a line of the checklist holds the dose back."""
    standings = (*standings_of(session, asked, now=at), *house_standings(session, asked, "time-out"))
    held_back = blocking(standings)
    if held_back:
        first = held_back[0]
        open_ones = [each for each in held_back if each.verdict == "unknown"]
        raise Refused(
            f"{'Not answered yet' if first in open_ones else 'This holds the dose back'}: {first.text} "
            f"Source: {asked.source_words(first.citation)} ({first.status}).",
            came="; ".join(first.because) or f"{len(held_back)} open",
            remedy=way_on(first, has_begun=session.began_at is not None),
        )


def way_on(standing: Standing, *, has_begun: bool) -> str:
    """Say how a dose can go on that a line before it holds back."""
    if standing.verdict == "unknown":
        return "enter what was read before the dose, or answer it" if has_begun else (
            "answer it, or measure what is missing"
        )  # fmt: skip
    end = "stop the dose" if has_begun else "give the dose up"
    again = "strike the answer out if it was wrong" if standing.is_answered_by_hand else (
        "strike out what was wrong" if has_begun else "measure again"
    )  # fmt: skip
    if not standing.is_hard:
        return f"{again}, or write down that you go on, and why"
    if standing.may_override:
        return f"only a {' or a '.join(standing.may_override)} may go on, with a signature"
    if standing.is_answered_by_hand:
        return f"{again}; else {end}"
    return f"nobody may go on: {end}"


def time_out_counts_until(session: Session, asked: Asked) -> datetime | None:
    """Say until when the time-out counts; None where it was not done, or the dose has begun, or no dose will."""
    if session.ready_at is None or session.began_at is not None or not session.is_open:
        return None
    return session.ready_at + asked.fresh.time_out


def must_be_open(session: Session, by: Actor) -> Session:
    """Hold a session that still goes on, and read it whole."""
    must_be_here(session.facility_id, by)
    found = queries.held(session)
    phase = phase_of(found)
    if phase in (Phase.LEFT, Phase.CANCELLED):
        again = "if the dose was given all the same, open a session of this dose again and enter it there"
        raise Refused("This session is over.", came=phase, remedy=again if phase is Phase.CANCELLED else "")
    return found


def must_be_here(facility_id: UUID, by: Actor) -> None:
    """Refuse who acts at another facility."""
    if by.facility_id not in (None, facility_id):
        raise Refused("This session is at another facility.")


def must_be_enrolled(person: Participant, *, at: datetime | None = None) -> None:
    """Refuse for somebody who does not take part; where a time is given, who no longer did so then."""
    if person.status != Participant.Status.ENROLLED and not _is_later(person.ended_at, at):
        raise Refused("A session is for people who are enrolled.", came=str(person.get_status_display()))


def must_consent(person: Participant, *, at: datetime | None = None) -> None:
    """Refuse without a written consent that still holds; where a time is given, one that still held then."""
    last = consent_of(person)
    if last is None:
        raise Refused("No written consent is recorded.", remedy="record the consent on the participant's page")
    if last.withdrawn_at is None or _is_later(last.withdrawn_at, at):
        return
    raise Refused(
        "Consent was withdrawn.", came=f"on {last.withdrawn_at.astimezone(person.facility.zone):%d %b %Y, %H:%M}",
        remedy="no dose is given; if the person consents again, record it on the participant's page",
    )  # fmt: skip


def _is_later(ended_at: datetime | None, at: datetime | None) -> bool:
    """Tell whether something ended only after a time: what was done by then, and arrives late, was rightly done."""
    return ended_at is not None and at is not None and ended_at > at


def must_be_on_the_plan(dose: Dose) -> None:
    """Refuse a dose that somebody gave up on the plan while its session was open."""
    if dose.state in (Dose.State.MISSED, Dose.State.CANCELLED):
        raise Refused(
            "This dose was given up on the plan.", came=dose.because or dose.state,
            remedy="ask who gave it up; if it is given all the same, plan it again first",
        )  # fmt: skip


def must_not_be_stopped(course: Course, *, at: datetime) -> None:
    """Refuse while one of the protocol's reasons to stop is there and no clinician has decided to go on."""
    held_back = holding_back(course, now=at)
    if held_back:
        first = held_back[0]
        raise Refused(
            f"A reason to stop, by the protocol: {' '.join(first.rule.text.split())}", came=" ".join(first.sentences),
            remedy="a clinician decides on the plan, with reason and signature",
        )  # fmt: skip


def last_act_of(session: Session) -> str:
    """Say who did what last, for somebody who comes second."""
    acts = [each for each in session.administrations.all() if each.counts]
    if not acts:
        return ""
    last = max(acts, key=lambda each: (each.at, each.noted_at))
    who = last.by.name if last.by else "the system"
    return f"{last} by {who}, {last.at.astimezone(session.facility.zone):%H:%M:%S}"


def course_in(session: Session) -> Course:
    """Read the plan that a session belongs to; refuse where there is none."""
    course = course_of(session.participant)
    if course is None:
        raise Refused("There is no plan any more.")
    return course
