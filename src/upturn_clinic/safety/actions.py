"""All that is written about safety. Each action: who may, one transaction, one row in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from upturn.protocol import Concern as Rule
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission, Role
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import held
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.safety import queries
from upturn_clinic.safety.models import AdverseEvent, Concern

__all__ = [
    "close_concern", "correct_event", "end_event", "judge_event", "raise_by_hand", "raise_concern", "record_event",
    "report_event", "strike_event", "take_concern",
]  # fmt: skip

FIRST_JUDGEMENT = "first judgement"
ENDED = "it ended"
REPORTED = "it was reported"
TAKEN = "somebody looks at it"
NO_RULE = "An answer asks for help. No rule of the protocol speaks of it."


@transaction.atomic
def raise_concern(
    *, participant: Participant, rule: Rule | None, because: str, source: str, text: str = "", by: Actor, at: datetime
) -> Concern:
    """Open a task from an answer, once for each answer and rule. No permission is asked: the answer itself opens it.

    Parameters
    ----------
    rule
        Of the protocol. None for an answer that no rule speaks of: a clinician's task, due at once.
    because
        What was answered, in words.
    source
        What was answered, as a key: ``rating/<key>``. The same source and rule open one task, however often it is sent.
    text
        What the team reads, where there is no rule.

    Returns
    -------
    The concern; the one that is there already for this source and rule.
    """
    person = held(participant, by)
    name = rule.id if rule else ""
    known = queries.concern_from(person, source=source, rule=name)
    if known is not None:
        return known
    due = timedelta(hours=rule.within_h) if rule else timedelta(0)
    concern = Concern(
        participant=person, facility_id=person.facility_id, rule=name, source=source,
        text=" ".join(rule.text.split()) if rule else text or NO_RULE, because=because,
        citation=queries.source_in_words(person, rule.citation) if rule else "", status=rule.status if rule else "",
        owner=rule.owner if rule else Role.CLINICIAN, raised_at=at, due_at=at + due, raised_by=by.user,
    )  # fmt: skip
    return writing.insert(concern, action="raised a concern", by=by, at=at)


@transaction.atomic
def raise_by_hand(
    *, entry: UUID, participant: Participant, text: str, because: str, owner: str, due_at: datetime, by: Actor,
    at: datetime,
) -> Concern:  # fmt: skip
    """Open a task that no answer opened: something that somebody saw or heard.

    Raises
    ------
    Refused
        It would be due in the past.
    """
    by.must(Permission.RAISE_CONCERN)
    person = held(participant, by)
    source = f"by hand/{entry}"
    known = queries.concern_from(person, source=source, rule="")
    if known is not None:
        return known
    # A form knows minutes: what is due now is not past.
    if due_at < at.replace(second=0, microsecond=0):
        raise Refused("It would be due in the past.", remedy="give a time from now on")
    concern = Concern(
        participant=person, facility_id=person.facility_id, source=source, text=text, because=because, owner=owner,
        raised_at=at, due_at=due_at, raised_by=by.user,
    )  # fmt: skip
    return writing.insert(concern, action="raised a concern", by=by, at=at)


@transaction.atomic
def take_concern(*, concern: Concern, version: int, by: Actor, at: datetime) -> Concern:
    """Say: I look at this. Who took it before is told.

    Raises
    ------
    Refused
        It is closed, or it is another role's task.
    Conflict
        Somebody took it first.
    """
    _owned(concern, by)
    return writing.change(
        concern, action="took the concern", by=by, at=at, reason=TAKEN, version=version, taken_by_id=by.user_id,
        taken_at=at,
    )  # fmt: skip


@transaction.atomic
def close_concern(*, concern: Concern, version: int, done: str, by: Actor, at: datetime) -> Concern:
    """Write down what was done; the task is over. Who closes it without having taken it has taken it now.

    Raises
    ------
    Refused
        It is closed already, nothing was written, or it is another role's task.
    Conflict
        Somebody changed it first.
    """
    _owned(concern, by)
    if not done.strip():
        raise Refused("What was done?", expected="a sentence")
    taken = {} if concern.taken_at else {"taken_by_id": by.user_id, "taken_at": at}
    return writing.change(
        concern, action="closed the concern", by=by, at=at, reason=done, version=version, done=done,
        closed_by_id=by.user_id, closed_at=at, **taken,
    )  # fmt: skip


def _owned(concern: Concern, by: Actor) -> None:
    by.must(Permission.HANDLE_CONCERN)
    held(concern.participant, by)
    if not concern.is_open:
        raise Refused("This concern is closed.", remedy="raise a new one if there is more to look at")
    if not queries.is_for(concern, by):
        raise Refused(f"This is a task for a {concern.owner}.", remedy=f"tell a {concern.owner} at once")


@transaction.atomic
def record_event(
    *, entry: UUID, participant: Participant, term: str, severity: str, started_at: datetime,
    peak_at: datetime | None = None, ended_at: datetime | None = None, detail: str = "", source: str = "",
    noted_at: datetime | None = None, by: Actor, at: datetime,
) -> AdverseEvent:  # fmt: skip
    """Record an adverse event; also after somebody left, since what happened then counts.

    Parameters
    ----------
    entry
        A key made by who first writes it: what is sent again is not written again.
    term, severity
        A word for it (``terms``), and how strong it was.
    source
        Where it was written down: ``session/<key>``.
    noted_at
        When it was typed, by the device's own clock, where that differs.

    Raises
    ------
    Refused
        In the future, or its times are not in order; or the key belongs to somebody else's event.
    """
    by.must(Permission.RECORD_EVENT)
    person = held(participant, by)
    known = queries.event_with(entry)
    if known is not None:
        if known.participant_id != person.pk:
            raise Refused("This entry belongs to another participant.")
        return known
    _in_order(started_at, peak_at, ended_at, at)
    event = AdverseEvent(
        pk=entry, participant=person, facility_id=person.facility_id, source=source, term=term.strip(), detail=detail,
        severity=severity, started_at=started_at, peak_at=peak_at, ended_at=ended_at, recorded_at=at,
        recorded_by=by.user, noted_at=noted_at, known_at=at,
    )  # fmt: skip
    return writing.insert(event, action="recorded an adverse event", by=by, at=at)


@transaction.atomic
def end_event(
    *, event: AdverseEvent, version: int, ended_at: datetime, by: Actor, at: datetime, outcome: str = ""
) -> AdverseEvent:
    """Say when an event was over, and how.

    Raises
    ------
    Refused
        Before it began, in the future, over already, or struck out.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.RECORD_EVENT)
    _counting(event, by)
    if event.is_over:
        raise Refused("It is over already.", remedy="correct the event instead, with a reason")
    _in_order(event.started_at, event.peak_at, ended_at, at)
    given = {"outcome": outcome} if outcome else {}
    return writing.change(
        event, action="ended the adverse event", by=by, at=at, reason=ENDED, version=version, ended_at=ended_at, **given
    )


@transaction.atomic
def correct_event(
    *, event: AdverseEvent, version: int, values: Mapping[str, Any], reason: str, by: Actor, at: datetime
) -> AdverseEvent:
    """Correct what was recorded: word, strength, times. What it was before stays in the trail.

    Raises
    ------
    Refused
        Its times are not in order, no reason, or it is struck out.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.RECORD_EVENT)
    _counting(event, by)
    now = {"started_at": event.started_at, "peak_at": event.peak_at, "ended_at": event.ended_at, **values}
    _in_order(now["started_at"], now["peak_at"], now["ended_at"], at)
    return writing.change(
        event, action="corrected the adverse event", by=by, at=at, reason=reason, version=version, **values
    )


@transaction.atomic
def strike_event(*, event: AdverseEvent, version: int, reason: str, by: Actor, at: datetime) -> AdverseEvent:
    """Strike out an event that was written by mistake. It stays, and no longer counts.

    Raises
    ------
    Refused
        A judged event by somebody who does not judge; struck out already; no reason.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.JUDGE_EVENT if event.judged_at else Permission.RECORD_EVENT)
    _counting(event, by)
    return writing.change(
        event, action="struck out the adverse event", by=by, at=at, reason=reason, version=version, struck_at=at
    )


@transaction.atomic
def judge_event(
    *, event: AdverseEvent, version: int, criteria: Sequence[str], relatedness: str, is_expected: bool, outcome: str,
    reason: str, by: Actor, at: datetime,
) -> AdverseEvent:  # fmt: skip
    """Judge an event: what makes it serious (nothing: it is not), related, expected, and what became of it.

    A serious event starts the protocol's clock from when it became known here.

    Parameters
    ----------
    criteria
        Of ``AdverseEvent.Criterion``; any one makes it serious.
    reason
        Why it is judged anew; not needed the first time.

    Raises
    ------
    Refused
        An outcome that does not fit, a second judgement without a reason, or it is struck out.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.JUDGE_EVENT)
    person = _counting(event, by)
    if unknown := set(criteria) - set(AdverseEvent.Criterion.values):
        raise Refused("This is no criterion of seriousness.", came=", ".join(sorted(unknown)))
    if (outcome == AdverseEvent.Outcome.FATAL) != (AdverseEvent.Criterion.DEATH in criteria):
        raise Refused("Outcome and criteria do not fit.", expected="fatal together with death, or neither")
    if outcome == AdverseEvent.Outcome.ONGOING and event.is_over:
        raise Refused("It has an end, so it is over.", remedy="choose another outcome, or correct its end")
    if event.judged_at and not reason.strip():
        raise Refused("It was judged before.", expected="why it is judged anew")
    clock = queries.serious_clock(protocol_of(person.protocol_version)) if criteria else None
    return writing.change(
        event, action="judged the adverse event", by=by, at=at, reason=reason or FIRST_JUDGEMENT, version=version,
        is_serious=bool(criteria), criteria=sorted(criteria), relatedness=relatedness, is_expected=is_expected,
        outcome=outcome, judged_by_id=by.user_id, judged_at=at,
        report_due_at=event.known_at + clock if clock is not None else None,
    )  # fmt: skip


@transaction.atomic
def report_event(
    *, event: AdverseEvent, version: int, reported_at: datetime, reported_to: str, by: Actor, at: datetime
) -> AdverseEvent:
    """Write down that a serious event was reported, when and to whom. The report itself is made elsewhere.

    Raises
    ------
    Refused
        It is not serious, was reported already, or a time before it was known or in the future.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.JUDGE_EVENT)
    _counting(event, by)
    if not event.is_serious:
        raise Refused("Only a serious event is reported.", remedy="judge it first")
    if event.reported_at:
        raise Refused("It was reported already.", came=event.reported_to)
    if not event.started_at <= reported_at <= at:
        raise Refused("The report lies before the event, or in the future.", remedy="look at day and time")
    return writing.change(
        event, action="reported the adverse event", by=by, at=at, reason=REPORTED, version=version,
        reported_at=reported_at, reported_to=reported_to,
    )  # fmt: skip


def _counting(event: AdverseEvent, by: Actor) -> Participant:
    person = held(event.participant, by)
    if not event.counts:
        raise Refused("This event is struck out.")
    return person


def _in_order(started_at: datetime, peak_at: datetime | None, ended_at: datetime | None, at: datetime) -> None:
    times = [each for each in (started_at, peak_at, ended_at) if each is not None]
    if times != sorted(times):
        raise Refused("The times are not in order.", expected="beginning, then peak, then end")
    if max(times) > at:
        raise Refused("It cannot have happened in the future.", remedy="look at day and time")
