"""Gathering the five records of a participant or a programme, as far as the masking of its arms allows."""

from __future__ import annotations

import hmac
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl
from django.db.models import Exists, OuterRef, QuerySet

from upturn import records as tables
from upturn.errors import CannotError
from upturn_clinic.accounts.models import Facility
from upturn_clinic.exports.keys import key_of
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
from upturn_clinic.programmes.queries import in_force, programmes_at, protocol_of
from upturn_clinic.safety.models import AdverseEvent
from upturn_clinic.treatments.models import Dose, Plan
from upturn_clinic.treatments.queries import course_of

__all__ = [
    "Export", "ProgrammeRow", "Unmaskable", "export_of", "is_unmasked", "people_of", "programme_row", "programme_rows",
    "records_of", "unmaskable",
]  # fmt: skip

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
        The protocol version that most of the people follow; while there is nobody, the one that is in force.
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
    """A programme of whose records an export can be made.

    Parameters
    ----------
    enrolled, in_file
        How many people have enrolled, and how many of them have an hour 0, so that their records are given.
    unjudged
        Adverse events in the file of which no clinician has said yet whether they are serious.
    """

    programme: Programme
    enrolled: int
    in_file: int
    unjudged: int
    masked: bool


def programme_rows(facility: Facility) -> list[ProgrammeRow]:
    """List the programmes of a facility, each with the number of people who are in its records."""
    return [programme_row(each, facility) for each in programmes_at(facility)]


def programme_row(programme: Programme, facility: Facility) -> ProgrammeRow:
    """Say how many people an export would hold, without making it."""
    people = people_of(programme, facility).exclude(enrolled_at=None)
    had_a_dose = Exists(Dose.objects.filter(plan__participant=OuterRef("pk"), given_at__isnull=False))
    has_a_plan = Exists(Plan.objects.filter(participant=OuterRef("pk")))
    counted = list(people.filter(had_a_dose).values_list("pk", flat=True))
    # In an arm without doses, hour 0 is the planned beginning.
    counted += [each.pk for each in people.filter(has_a_plan).exclude(had_a_dose) if _is_without_doses(each)]
    masked = not is_unmasked(programme)
    events = AdverseEvent.objects.filter(participant__in=counted, struck_at=None, is_serious=None)
    return ProgrammeRow(programme, people.count(), len(counted), 0 if masked else events.count(), masked)


def _is_without_doses(person: Participant) -> bool:
    arm = protocol_of(person.protocol_version).arms.get(arm_of(person))
    return arm is not None and not arm.doses


@dataclass(frozen=True)
class Unmaskable:
    """Whether the masking of a programme can be ended, and by whom.

    Parameters
    ----------
    running
        How many people still take part.
    """

    running: int
    is_over: bool
    leads: bool


def unmaskable(programme: Programme, facility: Facility | None) -> Unmaskable:
    """Say what stands in the way of ending the masking of a programme; None for a facility is the server's terminal."""
    running = people_of(programme, None).exclude(status__in=["completed", "withdrawn"]).count()
    return Unmaskable(running, is_unmasked(programme), facility is None or facility.pk == programme.lead_id)


def records_of(participant: Participant) -> tables.Records:
    """Give one participant's records with pseudonym and arm, for computing; a page or a file asks ``export_of``.

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
    """Gather the records of everybody in a programme, de-identified: each under a key of the records' own (``keys``).

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
    no_hour_zero, versions, keys = 0, dict[ProtocolVersion, int](), dict[object, str]()
    for person in people_of(programme, facility).exclude(enrolled_at=None):
        course = course_of(person)
        hours = hours_of(course)
        if course is None or hours is None:
            no_hour_zero += 1
            continue
        keys[person.pseudonym] = key_of(person)
        people.append(person_row(person, code(arm_of(person)), hours))
        versions[person.protocol_version] = versions.get(person.protocol_version, 0) + 1
        if masked:
            # Also of somebody whose arm was chosen openly: their dose beside a letter would open the letter for all.
            seen += [row for row, tells in told_observations(course, hours) if not tells]
            continue
        doses += dose_rows(course, hours)
        seen += observation_rows(course, hours)
        events += event_rows(person, hours)
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
        "adverse events that no clinician has judged yet, serious left empty": sum(
            row["serious"] is None for row in events
        ),
        "updates": "empty until the clinic has belief-updating tasks",
        "times": "hours from the first dose; in an arm without doses, from the planned beginning",
        "participant": "a key of these records, the same at every export; only the clinic can say whose it is",
        "notice": "De-identified, not anonymous. Do not try to find out who somebody is.",
    }  # fmt: skip
    under_keys = [_under_keys(rows, keys) for rows in (people, doses, seen, events)]
    return Export(_checked(*under_keys), most or in_force(programme), about)


def _under_keys(rows: Iterable[Row], keys: Mapping[object, str]) -> list[Row]:
    """Put the key of the records in place of the pseudonym, and people in the order of their keys."""
    found = [{**row, "participant": keys[row["participant"]]} for row in rows]
    return sorted(found, key=lambda row: str(row["participant"]))


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
