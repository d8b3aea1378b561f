"""All that screening writes. Each action: who may, one transaction, one row in the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from upturn import instruments
from upturn.errors import InputError
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.actions import sign
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.ledger.queries import conflict_since
from upturn_clinic.operation import SHORTEST_REASON
from upturn_clinic.participants.limits import BODY
from upturn_clinic.participants.models import (
    Consent,
    ConsentDocument,
    CriterionDecision,
    CriterionResult,
    Measure,
    Participant,
    TreatmentTrial,
)
from upturn_clinic.participants.queries import consent_in_use, consent_of, held, lead_only, present
from upturn_clinic.participants.screening.queries import (
    Standing,
    asks_about_suicide,
    obstacles_in_screening,
    screening_of,
)
from upturn_clinic.programmes.models import Programme
from upturn_clinic.programmes.queries import hold

__all__ = [
    "OVERRIDDEN", "WEIGHT", "assess", "change_trial", "conclude", "decide", "override", "publish_consent_document",
    "record_consent", "record_measure", "record_trial", "step_back", "strike_measure", "withdraw_consent",
]  # fmt: skip

OVERRIDDEN = "I override this criterion for this participant and answer for it."
# Doses by weight need it at every session, where nobody screens.
WEIGHT = "weight"
CHANGED_SINCE = "what was recorded since then stands in the way"


@transaction.atomic
def assess(
    *, participant: Participant, criterion: str, version: int, finding: str, evidence: str, source: str, reason: str,
    by: Actor, at: datetime,
) -> CriterionResult:  # fmt: skip
    """Answer one criterion, or answer it again.

    Parameters
    ----------
    criterion
        The id of the gate.
    version
        The version of the answer that was on screen; 0 when there was none.
    finding, evidence, source
        What was found, on what evidence, from where.
    reason
        Why an earlier answer changes; may be empty for a first answer.

    Raises
    ------
    Refused
        No such criterion; a limit whose measure is missing; an answer that a recorded value contradicts.
    Conflict
        Somebody answered it first; nothing was overwritten.
    """
    by.must(Permission.SCREEN)
    person = present(participant, by)
    standing = _standing(person, criterion)
    _must_fit(standing, finding)
    answer = {"finding": finding, "evidence": evidence, "source": source, "text": standing.criterion.text}
    saved = CriterionResult.objects.filter(participant=person, criterion=criterion).first()
    if saved is None:
        result = CriterionResult(participant=person, criterion=criterion, assessor=by.user, assessed_at=at, **answer)
        writing.insert(result, action="assessed a criterion", by=by, at=at)
    elif version == 0:
        raise conflict_since(saved, 0)
    else:
        result = writing.change(
            saved, action="assessed a criterion again", by=by, at=at, reason=reason, version=version,
            assessor_id=by.user_id, assessed_at=at, **answer,
        )  # fmt: skip
    step_back(person=person, by=by, at=at)
    return result


@transaction.atomic
def decide(*, result: CriterionResult, version: int, reason: str, by: Actor, at: datetime) -> CriterionDecision:
    """Decide to go on although a soft criterion is present, and write down why.

    Raises
    ------
    Refused
        The criterion is hard or not present, or the reason says nothing.
    Conflict
        The answer was changed since it was on screen.
    """
    by.must(Permission.SCREEN)
    return _decide(result, version, reason, by, at, is_override=False)


@transaction.atomic
def override(
    *, result: CriterionResult, version: int, reason: str, proof: Proof, by: Actor, at: datetime
) -> CriterionDecision:
    """Override a hard criterion, with a reason and a signature.

    Raises
    ------
    Refused
        The criterion is soft or not present, the reason says nothing, or the proof does not hold.
    Conflict
        The answer was changed since it was on screen.
    """
    by.must(Permission.OVERRIDE_CRITERION)
    decision = _decide(result, version, reason, by, at, is_override=True)
    sign(thing=decision, meaning=OVERRIDDEN, permission=Permission.OVERRIDE_CRITERION, proof=proof, by=by, at=at)
    return decision


@transaction.atomic
def conclude(*, participant: Participant, version: int, by: Actor, at: datetime) -> Participant:
    """Call somebody eligible: every criterion is answered, and none stops.

    Raises
    ------
    Refused
        Something is open; it says what.
    Conflict
        Somebody changed the participant first.
    """
    by.must(Permission.SCREEN)
    person = present(participant, by)
    if person.status != Participant.Status.SCREENING:
        raise Refused("The screening is concluded already.", came=person.status)
    missing = obstacles_in_screening(screening_of(person))
    if missing:
        raise Refused("The screening is not complete.", expected=" ".join(missing))
    return writing.change(
        person, action="concluded the screening", by=by, at=at, reason="every criterion is answered and none stops",
        version=version, status=Participant.Status.ELIGIBLE,
    )  # fmt: skip


@transaction.atomic
def record_trial(*, participant: Participant, values: Mapping[str, Any], by: Actor, at: datetime) -> TreatmentTrial:
    """Write down an earlier treatment; whether it was adequate is the assessor's word."""
    by.must(Permission.SCREEN)
    person = present(participant, by)
    trial = TreatmentTrial(participant=person, assessor=by.user, assessed_at=at, **values)
    return writing.insert(trial, action="recorded an earlier treatment", by=by, at=at)


@transaction.atomic
def change_trial(
    *, trial: TreatmentTrial, version: int, values: Mapping[str, Any], struck: bool, reason: str, by: Actor,
    at: datetime,
) -> TreatmentTrial:  # fmt: skip
    """Correct an earlier treatment, or strike it out: it stays, and counts no more.

    Raises
    ------
    Conflict
        Somebody saved another version first.
    """
    by.must(Permission.SCREEN)
    person = present(trial.participant, by)
    struck_at = (trial.struck_at or at) if struck else None
    changed = writing.change(
        trial, action="struck out an earlier treatment" if struck else "corrected an earlier treatment", by=by, at=at,
        reason=reason, version=version, assessor_id=by.user_id, assessed_at=at, struck_at=struck_at, **values,
    )  # fmt: skip
    step_back(person=person, by=by, at=at)
    return changed


@transaction.atomic
def record_measure(
    *, participant: Participant, instrument: str, value: Decimal, measured_at: datetime, recall_h: Decimal | None,
    by: Actor, at: datetime,
) -> Measure:  # fmt: skip
    """Write down a value measured before treatment. A scale that asks about suicide is a rating, not a bare total.

    Parameters
    ----------
    instrument
        From the library's shelf, or weight [kg] or height [cm].
    value
        In the instrument's unit.
    recall_h
        How far the rating looks back [h]; that of the instrument unless given.

    Raises
    ------
    Refused
        The instrument cannot give this value, it was measured in the future, or one of its answers can ask for help:
        a total alone would hide it.
    """
    by.must(Permission.WEIGH if instrument == WEIGHT else Permission.SCREEN)
    person = present(participant, by)
    if measured_at > at:
        raise Refused("It cannot have been measured in the future.", came=f"{measured_at:%Y-%m-%d %H:%M %Z}")
    if asks_about_suicide(instrument):
        raise Refused(
            f"{instrument} is entered answer by answer: an answer in it can ask for help.",
            remedy="enter it as a rating",
        )
    unit, recall = _checked(instrument, value)
    measure = Measure(
        participant=person, instrument=instrument, value=value, unit=unit, at=measured_at,
        recall_h=recall if recall_h is None else recall_h, rater=by.user,
    )  # fmt: skip
    writing.insert(measure, action="recorded a measure", by=by, at=at)
    step_back(person=person, by=by, at=at)
    return measure


@transaction.atomic
def strike_measure(*, measure: Measure, version: int, reason: str, by: Actor, at: datetime) -> Measure:
    """Strike out a value that was entered by mistake: it stays, and counts no more. The right one is entered anew.

    Raises
    ------
    Refused
        It is struck out already, or it is the total of a rating, which is struck out as a whole.
    """
    by.must(Permission.WEIGH if measure.instrument == WEIGHT else Permission.SCREEN)
    person = present(measure.participant, by)
    if measure.struck_at:
        raise Refused("This value is struck out already.")
    if hasattr(measure, "rating"):
        raise Refused("This is the total of a rating.", remedy="strike out the rating")
    struck = writing.change(
        measure, action="struck out a measure", by=by, at=at, reason=reason, version=version, struck_at=at
    )
    step_back(person=person, by=by, at=at)
    return struck


@transaction.atomic
def publish_consent_document(
    *, programme: Programme, title: str, text: str, by: Actor, at: datetime
) -> ConsentDocument:
    """Put a new version of what people consent to into use. Earlier ones stay; a new one asks everybody anew.

    Raises
    ------
    Refused
        It says the same as the version in use.
    """
    by.must(Permission.PREPARE_PROGRAMME)
    lead_only(programme, by)
    hold(programme)
    before = consent_in_use(programme)
    # Line ends differ between browsers; the words are what is consented to.
    words = "\n".join(text.splitlines()).strip() + "\n"
    text_hash = hashlib.sha256(words.encode()).hexdigest()
    if before is not None and (before.text_hash, before.title) == (text_hash, title):
        raise Refused("This is the version in use already, word for word.", remedy="change the text first")
    document = ConsentDocument(
        programme=programme,
        number=before.number + 1 if before else 1,
        title=title,
        text=words,
        text_hash=text_hash,
        at=at,
    )
    return writing.insert(document, action="put a consent document into use", by=by, at=at)


@transaction.atomic
def record_consent(
    *, participant: Participant, document: ConsentDocument, given_at: datetime, has_capacity: bool, by: Actor,
    at: datetime,
) -> Consent:  # fmt: skip
    """Write down that somebody consented, to which text, and when.

    Raises
    ------
    Refused
        Another version is in use; capacity is not confirmed; it lies in the future; or it is recorded already.
    """
    by.must(Permission.RECORD_CONSENT)
    person = present(participant, by)
    in_use = consent_in_use(person.programme)
    if in_use is None or in_use.pk != document.pk:
        raise Refused("A newer version of the document is in use.", remedy="go through the newer version together")
    if not has_capacity:
        raise Refused("Nobody consents for another here.", expected="somebody who can decide, and does so freely")
    if given_at > at:
        raise Refused("Consent cannot have been given in the future.")
    earlier = consent_of(person)
    if earlier is not None and earlier.document_id == document.pk and earlier.withdrawn_at is None:
        raise Refused("Consent to this version is recorded already.")
    consent = Consent(
        participant=person, document=document, text_hash=document.text_hash, given_at=given_at, has_capacity=True,
        recorded_by=by.user, recorded_at=at,
    )  # fmt: skip
    return writing.insert(consent, action="recorded consent", by=by, at=at)


@transaction.atomic
def withdraw_consent(*, consent: Consent, version: int, reason: str, by: Actor, at: datetime) -> Consent:
    """Write down that somebody takes their consent back. What was recorded until then stays.

    Raises
    ------
    Refused
        It was withdrawn already.
    Conflict
        Somebody else wrote it down first.
    """
    by.must(Permission.RECORD_CONSENT)
    held(consent.participant, by)
    if consent.withdrawn_at:
        raise Refused("This consent was withdrawn already.")
    return writing.change(
        consent, action="recorded that consent was withdrawn", by=by, at=at, reason=reason, version=version,
        withdrawn_at=at, withdrawn_because=reason,
    )  # fmt: skip


def _standing(person: Participant, criterion: str) -> Standing:
    found = screening_of(person).standing(criterion)
    if found is None:
        raise Refused("The protocol has no such criterion.", came=criterion)
    return found


def _must_fit(standing: Standing, finding: str) -> None:
    """Refuse an answer that contradicts a recorded value, or that a missing one must carry."""
    if finding == CriterionResult.Finding.UNKNOWN:
        return
    if standing.missing:
        raise Refused(
            "This criterion is a measured limit.", expected=f"a value of {', '.join(standing.missing)}",
            remedy="record the measure first",
        )  # fmt: skip
    says = "; ".join(map(str, standing.measured)) or "the treatment history"
    is_limit = bool(standing.criterion.rules) or standing.criterion.trials_wanted is not None
    if is_limit and standing.closes != (finding == CriterionResult.Finding.PRESENT):
        raise Refused(
            "What is recorded says otherwise.", expected="yes" if standing.closes else "no", came=says,
            remedy="answer accordingly, or correct the record first",
        )  # fmt: skip


def _decide(
    result: CriterionResult, version: int, reason: str, by: Actor, at: datetime, *, is_override: bool
) -> CriterionDecision:
    person = present(result.participant, by)
    standing = _standing(person, result.criterion)
    if standing.result is not None and standing.result.version != version:
        raise conflict_since(standing.result, version)
    if standing.state not in ("undecided", "stopped"):
        raise Refused("There is nothing to decide about this criterion.", came=standing.state)
    if (standing.criterion.kind == "hard") != is_override:
        kind = "a hard criterion is overridden with a signature; a soft one is decided with a reason"
        raise Refused("This is not how this criterion is decided.", expected=kind)
    if len(reason.strip()) < SHORTEST_REASON:
        raise Refused("The reason is too short.", expected=f"at least {SHORTEST_REASON} characters")
    decision = CriterionDecision(
        result=standing.result, result_version=version, is_override=is_override, reason=reason.strip(),
        decided_by=by.user, at=at,
    )  # fmt: skip
    action = "overrode a criterion" if is_override else "decided about a criterion"
    return writing.insert(decision, action=action, by=by, at=at, reason=reason)


def step_back(*, person: Participant, by: Actor, at: datetime) -> None:
    """Take eligibility back where what was just written stands in its way. It follows by itself: nobody is asked."""
    if person.status == Participant.Status.ELIGIBLE and obstacles_in_screening(screening_of(person)):
        writing.change(
            person, action="opened the screening again", by=by, at=at, reason=CHANGED_SINCE,
            status=Participant.Status.SCREENING,
        )  # fmt: skip


def _checked(instrument: str, value: Decimal) -> tuple[str, Decimal | None]:
    """Check a value; give its unit and, for a rating, how far it looks back [h]."""
    if instrument in BODY:
        unit, least, most = BODY[instrument]
        if not least <= value <= most:
            raise Refused(
                f"{instrument} cannot have this value.",
                expected=f"from {least:g} to {most:g} {unit}",
                came=f"{value:f}",
            )
        return unit, None
    try:
        found = instruments.get(instrument)
        found.check(float(value))
    except InputError as error:
        raise Refused(error.fault, expected=error.expected, came=error.came) from error
    return found.unit, Decimal(str(found.recall.hours)) if found.recall else None
