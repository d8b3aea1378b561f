"""Reading what leaving shows: the list as it stands, and what can be done next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from upturn_clinic.floor.leaving.lines import Line, LineState, judged_at, lines_of, of_the_person, unmet
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.phases import minutes_between
from upturn_clinic.floor.queries import asked_in
from upturn_clinic.safety.models import AdverseEvent
from upturn_clinic.safety.queries import events_of

__all__ = ["GoingsOn", "goings_on", "lines_in"]


@dataclass(frozen=True)
class GoingsOn:
    """What the page of leaving shows beside the list.

    Parameters
    ----------
    minutes
        Since the dose began; None before that, and when the session is over.
    is_ready, may_leave
        Whether every line about the person is met; whether every line is.
    is_over
        Whether the dose has ended, so that somebody can leave at all.
    open_ones
        The lines that are not met and are asked now: those about the person, until somebody has said "ready".
    open_later
        Those that are not met and are asked when the person leaves.
    effects
        Side effects of this session that have not ended, or had not when it ended.
    left_out
        Lines of the protocol that rest on no source that was read and that this site did not take on.
    """

    minutes: int | None
    is_ready: bool
    may_leave: bool
    is_over: bool
    open_ones: tuple[Line, ...]
    open_later: tuple[Line, ...]
    effects: tuple[AdverseEvent, ...]
    left_out: tuple[str, ...]

    @property
    def missing(self) -> int:
        """Of how many of the open lines nothing is known yet: not measured, or not answered."""
        return sum(each.state is LineState.MISSING for each in self.open_ones)


def lines_in(session: Session, *, now: datetime) -> tuple[Line, ...]:
    """Say how every line of a session stands; of one that is over, how it stood when it ended."""
    return lines_of(session, asked_in(session), now=judged_at(session, now), is_past=not session.is_open)


def goings_on(session: Session, lines: Sequence[Line], *, now: datetime) -> GoingsOn:
    """Gather what else to see before somebody leaves."""
    every, of_person, at = unmet(lines), unmet(of_the_person(lines)), judged_at(session, now)
    open_ones = of_person if session.may_leave_at is None else every
    effects = events_of(session.participant).filter(
        Q(ended_at=None) | Q(ended_at__gt=at), struck_at=None, started_at__gte=session.arrived_at, started_at__lte=at
    )
    minutes = int(minutes_between(session.began_at, now)) if session.began_at and session.is_open else None
    return GoingsOn(
        minutes, not of_person, not every,
        session.dosed_until is not None, open_ones, tuple(each for each in every if each not in open_ones),
        tuple(effects),
        tuple(each.text for each in asked_in(session).left_out if each.section == "discharge"),
    )  # fmt: skip
