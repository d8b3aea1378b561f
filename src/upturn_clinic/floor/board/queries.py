"""What the board shows: each room with who is in it, what is due and what is late; who left, who is expected.

A constant number of questions to the database, however many sessions: all entries of all open sessions come together,
only the columns that the board needs. A picture says until when the clock alone leaves it as it is (``floor.marks``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.floor.asked import Asked, asked_of
from upturn_clinic.floor.counting import emergency_runs
from upturn_clinic.floor.due import Due, all_due_in
from upturn_clinic.floor.gates import Standing, house_standings, standings_of
from upturn_clinic.floor.holding import time_out_counts_until
from upturn_clinic.floor.marks import until
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.floor.phases import Phase, minutes_between, phase_of, stretch
from upturn_clinic.floor.queries import ENTRIES
from upturn_clinic.floor.series import Series, Value
from upturn_clinic.pages.addresses import addresses
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import withdrawn_at
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.queries import protocol_of, rules_in_force
from upturn_clinic.treatments.models import Dose

__all__ = ["Board", "Card", "Expected", "Gone", "Room", "picture"]

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
UNUSUAL = {
    Session.Left.DECISION.value: ", by a clinician's decision", Session.Left.AGAINST_ADVICE.value: ", against advice",
}  # fmt: skip
BEFORE_START = (Phase.ARRIVING, Phase.READY)
BEFORE_END = (*BEFORE_START, Phase.DOSING)
# What of each kind of entry the board's rules look at; who wrote it and why is on the session's own page. Readings are
# many: they come as plain rows.
TIMES = ("session", "at", "noted_at", "struck_at")
COLUMNS = {
    "answers": (*TIMES, "criterion", "answer", "note"),
    "signs": (*TIMES, "gate", "sign", "is_present"),
    "gatedecisions": (*TIMES, "gate", "because_of", "decision", "by__name"),
    "fillings": (*TIMES, "ml"),
    "administrations": (*TIMES, "kind", "rate_ml_h", "percent"),
    "emergencysteps": (*TIMES, "step"),
}
NOTHING_READ = Series[Value](())


@dataclass(frozen=True)
class Card:
    """One session as the board shows it; all times are words by the facility's clock.

    Parameters
    ----------
    key
        By which the page knows the card again when the picture is renewed.
    phase
        In words, and as a name for its colour.
    since
        How long: minutes since the dose began, or since when the person is here.
    next
        What is due next; empty where nothing is.
    late
        What is late, the longest first.
    waiting
        Gates that closed and about which nobody has written down yet what was decided.
    held
        What holds the dose back all the same: somebody said wait, or an answer is missing that was there.
    notes
        What else to see at a glance: paused, an emergency, the minimum stay.
    """

    key: UUID
    pseudonym: str
    address: str
    leaving: str
    room: str
    phase: str
    phase_name: str
    since: str
    next: str
    late: tuple[str, ...]
    waiting: tuple[str, ...]
    held: tuple[str, ...]
    notes: tuple[str, ...]
    is_emergency: bool = False

    @property
    def is_late(self) -> bool:
        """Whether somebody must look here."""
        return bool(self.late or self.waiting or self.is_emergency)


@dataclass(frozen=True)
class Room:
    """A room, and who is in it; nobody where it is free. Two in one room are shown, not hidden."""

    name: str
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Gone:
    """Somebody who left today, or whose session was given up."""

    key: UUID
    pseudonym: str
    address: str
    words: str


@dataclass(frozen=True)
class Expected:
    """Somebody who is planned for today and has not arrived."""

    key: UUID
    pseudonym: str
    address: str
    words: str
    is_late: bool


@dataclass(frozen=True)
class Board:
    """The whole picture, when it was made, and until when the clock alone leaves it as it is."""

    rooms: tuple[Room, ...]
    elsewhere: tuple[Card, ...]
    gone: tuple[Gone, ...]
    expected: tuple[Expected, ...]
    at: str
    until: datetime

    @property
    def emergencies(self) -> tuple[Card, ...]:
        """In which of them the emergency path is open."""
        every = (*(card for room in self.rooms for card in room.cards), *self.elsewhere)
        return tuple(card for card in every if card.is_emergency)

    @property
    def open(self) -> int:
        """How many sessions go on."""
        return sum(len(room.cards) for room in self.rooms) + len(self.elsewhere)

    @property
    def late(self) -> int:
        """In how many of them something is late or waits for a decision."""
        return sum(card.is_late for room in self.rooms for card in room.cards) + sum(
            card.is_late for card in self.elsewhere
        )


def picture(facility: Facility, reader: Actor, *, now: datetime) -> Board:
    """Gather the board.

    Parameters
    ----------
    reader
        Who looks; must be allowed to see sessions, which the page's gate asks.
    now
        The time at which lateness and minutes are judged.
    """
    midnight = datetime.combine(now.astimezone(facility.zone).date(), time.min, tzinfo=facility.zone)
    drawing = _Drawing(facility, now)
    sessions = _open_sessions(facility)
    read, withdrawn = _readings(sessions), withdrawn_at([each.participant_id for each in sessions])
    cards = [
        drawing.card(each, read.get(each.pk, NOTHING_READ), withdrawn=withdrawn.get(each.participant_id))
        for each in sessions
    ]
    names = facility.room_names
    used = dict.fromkeys((*names, *sorted({card.room for card in cards if card.room})))
    return Board(
        rooms=tuple(Room(name, tuple(card for card in cards if card.room == name)) for name in used),
        elsewhere=tuple(card for card in cards if not card.room),
        gone=tuple(drawing.gone(facility, since=midnight)),
        expected=tuple(
            drawing.expected(
                facility, begin=midnight, end=midnight + DAY, may_begin=reader.may(Permission.RECORD_SESSION)
            )
        ),
        at=f"{now.astimezone(facility.zone):%H:%M:%S}",
        until=until(now, drawing.turns),
    )


def _open_sessions(facility: Facility) -> Sequence[Session]:
    """Read the sessions that go on, with the columns that the board needs: seven questions, however many there are."""
    return list(
        Session.objects.filter(facility=facility, left_at=None, cancelled_at=None)
        .select_related("participant__allocation", "dose")
        .only(
            "room", "arrived_at", "ready_at", "began_at", "dosed_until", "ended_early", "may_leave_at", "left_at",
            "cancelled_at", "facility", "participant__pseudonym", "participant__arm", "participant__allocation__arm",
            "dose__dose", "dose__planned_at", "dose__protocol_version",
        )
        .prefetch_related(*(Prefetch(name, queryset=_entries(name)) for name in COLUMNS))
    )  # fmt: skip


def _entries(name: str) -> QuerySet[Any]:
    found = ENTRIES[name]._default_manager.filter(struck_at=None).only(*COLUMNS[name])
    if name == "gatedecisions":
        found = found.select_related("by")
    if name == "answers":
        # The checklist of the arrival says nothing any more once the dose has ended.
        found = found.filter(Q(session__dosed_until=None) | Q(criterion__startswith="gates/"))
    return found


def _readings(sessions: Sequence[Session]) -> Mapping[UUID, Series[Value]]:
    """Read every value that counts in some sessions, as plain rows."""
    found = Reading.objects.filter(session__in=[each.pk for each in sessions], struck_at=None)
    rows = map(Value._make, found.order_by("session", "at", "noted_at").values_list(*Value._fields))
    return {key: Series(values) for key, values in groupby(rows, key=lambda each: each.session_id)}


class _Drawing:
    """Draws the cards of one picture. What several sessions share is read once."""

    def __init__(self, facility: Facility, now: datetime) -> None:
        self.now, self.zone = now, facility.zone
        self.session_at = addresses("session", facility.slug)
        self.leaving_at = addresses("leaving", facility.slug)
        self.arrival_at = addresses("arrive", facility.slug)
        self.known: dict[tuple[UUID, str, str], Asked] = {}
        self.versions: dict[UUID, tuple[ProtocolVersion, frozenset[str]]] = {}
        # When a line gets late, or a time-out too old.
        self.turns: list[datetime] = []

    def card(self, session: Session, series: Series[Value], *, withdrawn: datetime | None = None) -> Card:
        """Draw one open session.

        Parameters
        ----------
        withdrawn
            When consent was withdrawn, if it was.
        """
        asked = self._asked(session)
        phase = phase_of(session)
        standings = standings_of(session, _now_asked(asked, phase), now=self.now, series=series)
        due = all_due_in(session, asked, now=self.now, standings=standings, series=series)
        if phase in BEFORE_END:
            standings = (*standings, *house_standings(session, asked, "time-out"))
        late = [each for each in due if each.is_late]
        coming = next((each for each in due if not each.is_late), None)
        self.turns += [each.turns_late_at for each in due if each.can_be_late and not each.is_late]
        emergency = emergency_runs(session)
        return Card(
            key=session.pk, pseudonym=session.participant.pseudonym, address=self.session_at(session.pk),
            leaving=self.leaving_at(session.pk) if phase in (Phase.OBSERVING, Phase.READY_TO_LEAVE) else "",
            room=session.room.strip(), phase=str(phase), phase_name=phase.name.lower().replace("_", "-"),
            since=self._since(session, asked, phase), next=self._next(coming, phase), late=tuple(map(self._late, late)),
            waiting=tuple(_waiting(standings, phase)),
            held=(*self._taken_back(withdrawn, phase), *self._held(standings, phase)),
            notes=tuple(self._notes(session, asked, phase, emergency)), is_emergency=emergency,
        )  # fmt: skip

    def gone(self, facility: Facility, *, since: datetime) -> Iterator[Gone]:
        """List who left since a time."""
        found = (
            Session.objects.filter(Q(left_at__gte=since) | Q(cancelled_at__gte=since), facility=facility)
            .order_by("left_at", "cancelled_at")
            .values_list("pk", "participant__pseudonym", "left_at", "left_how", "cancelled_at")
        )
        for key, pseudonym, left_at, left_how, cancelled_at in found:
            at = left_at or cancelled_at
            assert at is not None  # noqa: S101  (the filter asks for one of the two)
            words = f"{'left' if left_at else 'given up'} {self._clock(at)}"
            yield Gone(key, pseudonym, self.session_at(key), words + UNUSUAL.get(left_how, ""))

    def expected(self, facility: Facility, *, begin: datetime, end: datetime, may_begin: bool) -> Iterator[Expected]:
        """List whose dose is planned for a day and who is not here yet."""
        here = Session.objects.filter(dose=OuterRef("pk"), cancelled_at=None)
        found: QuerySet[Dose] = Dose.objects.filter(
            ~Exists(here), facility=facility, state=Dose.State.PLANNED, is_home_course=False, planned_at__gte=begin,
            planned_at__lt=end, plan__participant__status=Participant.Status.ENROLLED,
        )  # fmt: skip
        rows = found.order_by("planned_at").values_list("pk", "plan__participant__pseudonym", "planned_at", "number")
        for key, pseudonym, planned_at, number in rows:
            yield Expected(
                key, pseudonym, self.arrival_at(key) if may_begin else "",
                f"{self._clock(planned_at)}, dose {number}", planned_at < self.now,
            )  # fmt: skip

    def _asked(self, session: Session) -> Asked:
        """Find what the protocol asks: worked out once for all sessions of one version, dose and arm."""
        person, dose = session.participant, session.dose
        version, in_force = self._version(dose.protocol_version_id)
        # A masked arm is computed with and never shown: the board says nothing that differs between arms.
        allocation = getattr(person, "allocation", None)
        arm = person.arm or (allocation.arm if allocation else "")
        key = (version.pk, dose.dose, arm)
        if key not in self.known:
            self.known[key] = asked_of(protocol_of(version), dose=dose.dose, arm=arm, in_force=in_force)
        return self.known[key]

    def _version(self, key: UUID) -> tuple[ProtocolVersion, frozenset[str]]:
        if key not in self.versions:
            version = ProtocolVersion.objects.get(pk=key)
            self.versions[key] = version, rules_in_force(version)
        return self.versions[key]

    def _clock(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%H:%M}"

    def _since(self, session: Session, asked: Asked, phase: Phase) -> str:
        if session.began_at is not None:
            return f"{_minutes(session.began_at, self.now)} min since the dose began"
        time_out_until = time_out_counts_until(session, asked)
        if time_out_until is not None:
            if self.now > time_out_until:
                return f"but the time-out counted until {self._clock(time_out_until)}: do it again"
            self.turns.append(time_out_until)
        since = session.ready_at if phase is Phase.READY and session.ready_at else session.arrived_at
        return f"{'ready' if phase is Phase.READY else 'here'} since {self._clock(since)}"

    def _next(self, due: Due | None, phase: Phase) -> str:
        if due is None:
            return "the way home" if phase is Phase.READY_TO_LEAVE else ""
        if due.waits:
            return f"{due.nominal_min} min after the dose begins: {due.what}"
        if due.is_before_dose:
            return f"before the dose: {due.what}"
        ahead = _minutes(self.now, due.at)
        when = "now" if ahead <= 0 else f"in {stretch(ahead)}"
        return f"{self._clock(due.at)} ({when}): {due.what}"

    def _late(self, due: Due) -> str:
        return f"{due.what}: due {self._clock(due.at)}, {stretch(_minutes(due.at, self.now))} ago"

    def _held(self, standings: Sequence[Standing], phase: Phase) -> Iterator[str]:
        """Say what holds the dose back although a word was written; while it runs, also what lost its answer."""
        for each in standings:
            if phase not in BEFORE_END or each.stands != "before" or not each.holds_back or each.needs_word:
                continue
            said = each.decision
            if said is not None:
                who = f"{said.by.name}, " if said.by else ""
                yield f"{_words(each)} {str(said.get_decision_display()).capitalize()} ({who}{self._clock(said.at)})."
            elif phase is Phase.DOSING:
                yield f"{each.text} Not answered, or not measured."

    def _taken_back(self, withdrawn: datetime | None, phase: Phase) -> Iterator[str]:
        if withdrawn is not None and phase in BEFORE_END:
            yield f"Consent was withdrawn at {self._clock(withdrawn)}. No dose may begin or go on."

    def _notes(self, session: Session, asked: Asked, phase: Phase, emergency: bool) -> Iterator[str]:
        if emergency:
            yield "Emergency path is open"
        if phase is Phase.DOSING and _is_paused(session):
            yield "Paused"
        if session.ended_early:
            yield "The dose ended early"
        if session.may_leave_at is not None:
            yield f"Called ready at {self._clock(session.may_leave_at)}"
        if session.began_at is not None and asked.minimum_stay_min:
            until = session.began_at + MINUTE * asked.minimum_stay_min
            if until > self.now:
                yield f"Stays until {self._clock(until)} at least"


def _now_asked(asked: Asked, phase: Phase) -> Asked:
    """Leave out what is over: once the dose has ended, what stood before it."""
    if phase in BEFORE_END:
        return asked
    return replace(asked, arrival=(), gates=asked.gates_that("during"))


def _minutes(earlier: datetime, later: datetime) -> int:
    return int(minutes_between(earlier, later))


def _waiting(standings: Sequence[Standing], phase: Phase) -> Iterator[str]:
    """Say which gates closed without a word yet: those before the dose until it has ended, those during it from then.

    A gate before it closes after its start when an entry arrives late.
    """
    wanted = {"before"} if phase in BEFORE_START else {"before", "during"} if phase in BEFORE_END else {"during"}
    yield from (_words(each) for each in standings if each.needs_word and each.stands in wanted)


def _words(standing: Standing) -> str:
    return f"{standing.text} {'; '.join(standing.because)}".strip()


def _is_paused(session: Session) -> bool:
    acts = [each for each in session.administrations.all() if each.counts]
    last = max(acts, key=_order, default=None)
    return last is not None and last.kind == "pause"


_order: Callable[..., tuple[datetime, datetime]] = lambda each: (each.at, each.noted_at)  # noqa: E731
