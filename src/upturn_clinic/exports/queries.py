"""Gathering the five records of a participant or a programme, as far as the masking of its arms allows."""

from __future__ import annotations

import hmac
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl
from django.db.models import QuerySet

from upturn import records as tables
from upturn.errors import CannotError
from upturn_clinic.accounts.models import Facility
from upturn_clinic.exports.models import Unmasking
from upturn_clinic.exports.rows import (
    ANOTHER_TERM,
    dose_rows,
    event_rows,
    hours_of,
    observation_rows,
    person_row,
    told_observations,
)
from upturn_clinic.participants.models import Participant, RandomisationList
from upturn_clinic.participants.queries import arm_of, randomisation_of
from upturn_clinic.programmes.models import Programme, ProtocolVersion
from upturn_clinic.programmes.queries import programmes_at
from upturn_clinic.treatments.queries import course_of

__all__ = ["Export", "ProgrammeRow", "export_of", "is_unmasked", "people_of", "programme_rows", "records_of"]

Row = dict[str, object]
LEFT_OUT = (
    "doses, adverse events, and observations after the first dose that no blinded rater rated: readings of sessions, "
    "ratings by the treating team, self-ratings. They can tell a masked arm, and so can their number. They are in this "
    "export once the masking has ended, which a clinician of the leading facility signs when nobody takes part any more"
)


@dataclass(frozen=True)
class Export:
    """The records of a programme, and what must be known to read them.

    Parameters
    ----------
    records
        The five tables, checked by the library's own rules.
    version
        The protocol version that most of the people follow.
    about
        Facts in words and numbers: who is left out and why, what is masked.
    """

    records: tables.Records
    version: ProtocolVersion | None
    about: Mapping[str, object] = field(default_factory=dict)


def people_of(programme: Programme, facility: Facility | None) -> QuerySet[Participant]:
    """Everybody whose records may be exported at a facility: at the one that leads, all; elsewhere, its own people.

    Parameters
    ----------
    facility
        None at the server's own terminal: all.
    """
    people = Participant.objects.filter(programme=programme).select_related(
        "facility", "programme", "protocol_version", "allocation"
    )
    if facility is not None and facility.pk != programme.lead_id:
        people = people.filter(facility=facility)
    return people.order_by("pseudonym")


def is_unmasked(programme: Programme) -> bool:
    """Tell whether the arms of a programme may be named in records: it was never masked, or its masking has ended."""
    found = randomisation_of(programme)
    return found is None or not found.is_masked or Unmasking.objects.filter(programme=programme).exists()


@dataclass(frozen=True)
class ProgrammeRow:
    """A programme of whose records an export can be made."""

    programme: Programme
    people: int
    masked: bool
    may_unmask: bool


def programme_rows(facility: Facility) -> list[ProgrammeRow]:
    """List the programmes of a facility, each with the number of people who have enrolled."""
    rows: list[ProgrammeRow] = []
    for programme in programmes_at(facility):
        people, masked = people_of(programme, facility), not is_unmasked(programme)
        running = people.exclude(status__in=["completed", "withdrawn"]).exists()
        rows.append(
            ProgrammeRow(
                programme, people.exclude(enrolled_at=None).count(), masked,
                masked and not running and programme.lead_id == facility.pk,
            )
        )  # fmt: skip
    return rows


def records_of(participant: Participant) -> tables.Records:
    """Give one participant's records with the arm named, for computing; a page or a file asks ``export_of``.

    Raises
    ------
    CannotError
        No dose was given yet: there is no hour 0. Or the amount of a masked dose cannot be worked out any more.
    """
    course = course_of(participant)
    hours = hours_of(course)
    if course is None or hours is None or course.first_given_at is None:
        raise CannotError(
            "No dose has been given yet, so there is no first dose to count hours from.",
            remedy="export this participant after the first dose",
        )
    return _checked(
        [person_row(participant, course.arm, hours)], dose_rows(course, hours), observation_rows(course, hours),
        event_rows(participant, hours),
    )  # fmt: skip


def export_of(programme: Programme, facility: Facility | None) -> Export:
    """Gather the records of everybody in a programme, de-identified.

    While a masked study runs, its arms are letters, and nothing stands beside them that can tell an arm: no doses, no
    adverse events, and of observations only what was seen before the first dose and what blinded raters rated. The rest
    is in the same export once the masking has ended (``actions.unmask``).

    Raises
    ------
    RecordsError
        What the clinic holds does not fit the library's declaration; nothing is given then.
    """
    masked = not is_unmasked(programme)
    code = _code_of_arms(programme) if masked else _itself
    people: list[Row] = []
    doses: list[Row] = []
    seen: list[Row] = []
    events: list[Row] = []
    no_hour_zero, versions, not_judged = 0, dict[ProtocolVersion, int](), 0
    for person in people_of(programme, facility).exclude(enrolled_at=None):
        course = course_of(person)
        hours = hours_of(course)
        if course is None or hours is None:
            no_hour_zero += 1
            continue
        people.append(person_row(person, code(arm_of(person)), hours))
        versions[person.protocol_version] = versions.get(person.protocol_version, 0) + 1
        if masked:
            # Also of somebody whose arm was chosen openly: their dose beside a letter would open the letter for all.
            seen += [row for row, tells in told_observations(course, hours) if not tells]
            continue
        doses += dose_rows(course, hours)
        seen += observation_rows(course, hours)
        events += event_rows(person, hours)
        not_judged += _unjudged(person)
    most = max(versions, key=lambda each: (versions[each], each.number), default=None)
    about = {
        "programme": programme.name,
        "people": len(people),
        "left out, no dose given yet": no_hour_zero,
        "protocol versions": {f"version {each.number}, {each.digest}": count for each, count in versions.items()},
        "arms": "letters: the study is masked and runs" if masked else "as in the protocol",
        "what is left out while masked": LEFT_OUT if masked else "nothing",
        "adverse events in other words than the list's, written as other": sum(
            row["term"] == ANOTHER_TERM for row in events
        ),
        "adverse events that no clinician has judged yet, written as not serious": not_judged,
        "updates": "empty until the clinic has belief-updating tasks",
        "times": "hours from the first dose; in an arm without doses, from the planned beginning",
        "notice": "De-identified, not anonymous. Do not try to find out who somebody is.",
    }  # fmt: skip
    return Export(_checked(people, doses, seen, events), most, about)


def _unjudged(person: Participant) -> int:
    return person.adverse_events.filter(struck_at=None, is_serious=None).count()


def _itself(arm: str) -> str:
    return arm


def _code_of_arms(programme: Programme) -> Callable[[str], str]:
    """Give each arm of a masked list a letter: the same at every export, and not to be guessed without the seed."""
    found: RandomisationList | None = randomisation_of(programme)
    if found is None:
        return _itself
    order = sorted(found.shares, key=lambda arm: hmac.digest(found.seed.encode(), f"letter {arm}".encode(), "sha256"))
    letters = {arm: f"arm {string.ascii_uppercase[place]}" for place, arm in enumerate(order)}
    return lambda arm: letters.get(arm, "arm not on the list")


def _checked(people: Iterable[Row], doses: Iterable[Row], seen: Iterable[Row], events: Iterable[Row]) -> tables.Records:
    def frame(name: str, rows: Iterable[Row]) -> pl.DataFrame:
        return pl.DataFrame(list(rows), schema=tables.schema(name))

    return tables.validate(
        tables.Records(
            participants=frame("participants", people), doses=frame("doses", doses),
            observations=frame("observations", seen), adverse_events=frame("adverse_events", events),
        )
    )  # fmt: skip
