"""Everything that was entered in a session, as sentences, the newest first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from upturn_clinic.floor.limits import AHEAD_OF_CLOCK
from upturn_clinic.floor.models import Administration, Answer, EmergencyStep, Entered, GateDecision, Session
from upturn_clinic.floor.phases import minutes_between
from upturn_clinic.floor.queries import ENTRIES

__all__ = ["Told", "over_words", "stamp", "story_of"]


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


def story_of(session: Session) -> Iterator[Told]:
    """Tell everything that was entered, the newest first; what was struck out with who did it and why."""
    entries: list[Entered] = [each for name in ENTRIES for each in getattr(session, name).all()]
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
    if isinstance(entry, Answer):
        return f"{entry.text.rstrip('.')} – {entry.get_answer_display()}{'. ' + entry.note if entry.note else ''}"
    return f"Volume {entry}" if hasattr(entry, "ml") else str(entry)


def stamp(session: Session, at: datetime) -> str:
    """Write a time by the facility's clock and, once the dose has begun, in minutes from its start.

    On the night on which the clocks change an hour comes twice: the minutes say which is meant, and so does the zone.
    """
    local = at.astimezone(session.facility.zone)
    changes = session.arrived_at.astimezone(session.facility.zone).utcoffset() != local.utcoffset()
    clock = f"{local:%H:%M}" + (f" {local:%Z}" if changes else "")
    if session.began_at is None:
        return clock
    return f"{clock} ({round(minutes_between(session.began_at, at)):+d} min)".replace("-", "−")


def over_words(session: Session) -> str:
    """Say since when a session is over; empty while it goes on."""
    end = session.left_at or session.cancelled_at
    if end is None:
        return ""
    local = end.astimezone(session.facility.zone)
    words = f"Over: {'left' if session.left_at else 'given up'} {local.day} {local:%b %Y, %H:%M}"
    if session.began_at is None:
        return words
    return f"{words}, {minutes_between(session.began_at, end):.0f} min after the dose began"
