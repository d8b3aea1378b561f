"""A few invented concerns and adverse events, so that the pages of safety show something. Made by real actions."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from upturn.protocol import raised
from upturn_clinic.accounts.actor import system
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.demo.cast import Staff
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.safety import actions
from upturn_clinic.safety.models import AdverseEvent
from upturn_clinic.treatments.models import Dose

__all__ = ["worry"]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def worry(staff: Staff, version: ProtocolVersion, now: datetime) -> None:
    """Let some things have happened: an answer that nobody looked at yet, one that was closed, events of sessions."""
    nurse, clinician = staff[Role.SESSION_NURSE], staff[Role.CLINICIAN]
    people = Participant.objects.filter(protocol_version=version, status="enrolled").order_by("registered_at")
    persons = list(people.select_related("facility", "protocol_version", "programme"))
    if not persons:
        return
    safety = protocol_of(version).safety
    for place, (answer, ago) in enumerate(((1, 15 * HOUR), (2, 3 * DAY), (1, 2 * HOUR))):
        person = persons[place % len(persons)]
        words = ("", "several days", "more than half the days")[answer]
        for rule in raised(safety, instrument="PHQ-9", total=None, items={"9": answer}):
            concern = actions.raise_concern(
                participant=person, rule=rule, because=f"Invented: item 9 of the PHQ-9, {words}.",
                source=f"demo/{place}", by=system(person.facility), at=now - ago,
            )  # fmt: skip
            if ago > DAY:
                actions.close_concern(
                    concern=concern, version=concern.version, by=clinician, at=now - ago + HOUR,
                    done="Invented: spoke with the person on the telephone, no plan, seen the next morning.",
                )  # fmt: skip
    given = Dose.objects.filter(plan__participant__in=persons, given_at__isnull=False).order_by("given_at")
    seen = (("nausea", "mild"), ("dizziness", "moderate"))
    for dose, (term, severity) in zip(given.select_related("plan__participant__facility"), seen, strict=False):
        began = dose.given_at
        if began is None:
            continue
        actions.record_event(
            entry=uuid4(), participant=dose.plan.participant, term=term, severity=severity,
            started_at=began + 20 * MINUTE, peak_at=began + 40 * MINUTE, ended_at=began + 90 * MINUTE,
            detail="Invented.", by=nurse, at=began + 2 * HOUR,
        )  # fmt: skip
    # What is over for a week was judged the day after.
    for event in AdverseEvent.objects.filter(ended_at__lt=now - 7 * DAY, judged_at=None, struck_at=None):
        if event.ended_at is None:
            continue
        actions.judge_event(
            event=event, version=event.version, criteria=(), relatedness=AdverseEvent.Relatedness.PROBABLE,
            is_expected=True, outcome=AdverseEvent.Outcome.RESOLVED, reason="", by=clinician, at=event.ended_at + DAY,
        )  # fmt: skip
