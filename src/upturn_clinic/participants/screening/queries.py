"""What screening asks of a participant, what was answered, and what still stands in the way of enrolment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from upturn import instruments
from upturn.protocol import Protocol
from upturn_clinic.participants.models import (
    CriterionDecision,
    CriterionResult,
    Measure,
    Participant,
    TreatmentTrial,
)
from upturn_clinic.participants.queries import consent_in_use, consent_of, randomisation_of
from upturn_clinic.programmes.criteria import HISTORY, Criterion, criteria_of
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.queries import protocol_of, versions_in_force_at

__all__ = [
    "HISTORY", "Criterion", "Screening", "Standing", "asks_about_suicide", "criteria_of", "measures_wanted",
    "obstacles", "obstacles_in_screening", "screening_of",
]  # fmt: skip

State = Literal["open", "clear", "decided", "undecided", "stopped"]


@dataclass(frozen=True)
class Standing:
    """A criterion, what was found, and what follows.

    Parameters
    ----------
    measured
        The newest values that the criterion's limits speak of.
    missing
        Instruments that its limits speak of and that were not measured.
    closes
        Whether a measured value, or the count of treatment trials, says that the criterion is present.
    """

    criterion: Criterion
    result: CriterionResult | None
    decision: CriterionDecision | None
    measured: tuple[Measure, ...]
    missing: tuple[str, ...]
    closes: bool

    @property
    def state(self) -> State:
        """Where the criterion stands: ``open`` until answered, ``stopped`` where a hard one is present."""
        if self.result is None or self.result.finding == CriterionResult.Finding.UNKNOWN:
            return "open"
        if self.result.finding == CriterionResult.Finding.ABSENT:
            # A later measure may speak against an earlier answer.
            return "open" if self.closes else "clear"
        if self.decision:
            return "decided"
        return "stopped" if self.criterion.kind == "hard" else "undecided"


@dataclass(frozen=True)
class Screening:
    """All that screening knows of a participant."""

    standings: tuple[Standing, ...]
    trials: tuple[TreatmentTrial, ...]
    measures: tuple[Measure, ...]
    wanted: tuple[str, ...]

    @property
    def failed_trials(self) -> int:
        """How many earlier treatments count as failed: adequate by the assessor's word, without response."""
        return sum(trial.counts_as_failed for trial in self.trials)

    @property
    def trials_wanted(self) -> int | None:
        """How many the protocol's population has at least, if it says so."""
        return next((each.criterion.trials_wanted for each in self.standings if each.criterion.trials_wanted), None)

    def standing(self, criterion: str) -> Standing | None:
        """Find one criterion."""
        return next((each for each in self.standings if each.criterion.id == criterion), None)


def measures_wanted(protocol: Protocol) -> tuple[str, ...]:
    """List what must be measured before enrolment: what response is counted from, what a gate limits, weight for doses.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> measures_wanted(load("six-infusions")), measures_wanted(load("esketamine-trd"))
    (('MADRS', 'weight'), ('MADRS',))
    """
    wanted: list[str] = [protocol.endpoints.response.instrument]
    wanted += [rule.measure for gate in protocol.gates if gate.at == "screening" for rule in gate.rules]
    if any(dose.amount.per_kg for arm in protocol.arms.values() for dose in arm.doses):
        wanted.append("weight")
    # Age is known from registration.
    return tuple(dict.fromkeys(each for each in wanted if each != "age"))


def asks_about_suicide(measure: str) -> bool:
    """Tell whether an answer of a scale can ask for help: it is entered answer by answer, never as a bare total.

    Examples
    --------
    >>> asks_about_suicide("MADRS"), asks_about_suicide("YMRS"), asks_about_suicide("weight")
    (True, False, False)
    """
    return measure in instruments.all_ids() and instruments.get(measure).alerts is not None


def screening_of(participant: Participant) -> Screening:
    """Read everything about somebody's screening, in a fixed number of queries."""
    protocol = protocol_of(participant.protocol_version)
    results = {
        each.criterion: each
        for each in CriterionResult.objects.filter(participant=participant)
        .select_related("assessor")
        .prefetch_related("decisions__decided_by")
    }
    trials = tuple(TreatmentTrial.objects.filter(participant=participant).select_related("assessor"))
    measures = tuple(Measure.objects.filter(participant=participant).select_related("rater", "rating"))
    newest: dict[str, Measure] = {}
    for measure in measures:
        if measure.struck_at is None:
            newest.setdefault(measure.instrument, measure)
    failed = sum(trial.counts_as_failed for trial in trials)
    standings = tuple(
        _standing(criterion, results.get(criterion.id), newest, failed, participant.age_y)
        for criterion in criteria_of(protocol)
    )
    return Screening(standings, trials, measures, measures_wanted(protocol))


def obstacles_in_screening(screening: Screening) -> tuple[str, ...]:
    """Say, one sentence each, what is not yet answered, measured or decided."""
    return tuple(_obstacles_in_screening(screening))


def obstacles(participant: Participant, screening: Screening) -> tuple[str, ...]:
    """Say, one sentence each, all that stands in the way of enrolment. Nothing when it may go ahead."""
    return (*_obstacles_in_screening(screening), *_obstacles_around(participant))


def _standing(
    criterion: Criterion, result: CriterionResult | None, newest: Mapping[str, Measure], failed: int, age_y: int
) -> Standing:
    if result is not None and result.text != criterion.text:
        # Answered in the words of another version: to be answered anew.
        result = None
    limits = [rule for rule in criterion.rules if rule.measure != "age"]
    measured = tuple(newest[each] for each in dict.fromkeys(rule.measure for rule in limits) if each in newest)
    missing = tuple(dict.fromkeys(rule.measure for rule in limits if rule.measure not in newest))
    closes = (
        any(rule.closes_at(float(newest[rule.measure].value)) for rule in limits if rule.measure in newest)
        or any(rule.closes_at(age_y) for rule in criterion.rules if rule.measure == "age")
        or (criterion.trials_wanted is not None and failed < criterion.trials_wanted)
    )
    decisions: Sequence[CriterionDecision] = list(result.decisions.all()) if result else ()
    counting = [each for each in decisions if result and each.result_version == result.version]
    return Standing(criterion, result, counting[-1] if counting else None, measured, missing, closes)


def _obstacles_in_screening(screening: Screening) -> Iterator[str]:
    # What stops is no gap to fill: it is told first.
    for each in screening.standings:
        if each.state == "stopped":
            text = each.criterion.text.rstrip(".")
            yield f"“{text}” was answered with yes. It stops enrolment, unless it is overridden with a signature."
    done = {measure.instrument for measure in screening.measures if measure.struck_at is None}
    for instrument in screening.wanted:
        if instrument not in done:
            yield f"{instrument} has not been measured."
    for each in screening.standings:
        text = each.criterion.text.rstrip(".")
        if each.state == "open":
            again = each.result is not None and each.result.finding == CriterionResult.Finding.ABSENT
            yield (
                f"“{text}” was answered with no, but what is recorded speaks against it: answer it again."
                if again
                else f"“{text}” is not answered yet."
            )
        elif each.state == "undecided":
            yield f"“{text}” is present: a decision with its reason is missing."


def _obstacles_around(participant: Participant) -> Iterator[str]:
    document, consent = consent_in_use(participant.programme), consent_of(participant)
    if document is None:
        yield "The programme has no consent document yet."
    elif consent is None:
        yield "Consent has not been recorded."
    elif consent.withdrawn_at:
        yield "Consent was withdrawn."
    elif consent.document_id != document.pk:
        yield f"Consent is to version {consent.document.number} of the document; version {document.number} is in use."
    version = participant.protocol_version
    if version.state != ProtocolVersion.State.IN_FORCE:
        yield f"Version {version.number} of the protocol is {version.state}, not in force."
    elif not versions_in_force_at(participant.facility).filter(pk=version.pk).exists():
        yield "The programme does not run at this facility."
    randomisation = randomisation_of(participant.programme)
    if randomisation is not None and not set(randomisation.shares) <= set(protocol_of(version).arms):
        yield "The randomisation list allocates arms that this version of the protocol does not have."
