"""All that is written about ratings. Each action: who may, one transaction, one row in the ledger for each record."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from upturn.instruments import Score
from upturn.protocol import Concern
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.assessments import queries
from upturn_clinic.assessments.due import asked_by
from upturn_clinic.assessments.judging import Answers, rules_raised, scored
from upturn_clinic.assessments.models import Rating
from upturn_clinic.assessments.texts import Sheet
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Measure, Participant
from upturn_clinic.participants.queries import held, present
from upturn_clinic.participants.screening.actions import step_back
from upturn_clinic.safety.actions import raise_concern

__all__ = ["correct_rating", "raise_concerns", "record_rating", "strike_rating"]

CORRECTED = "replaced by a corrected rating"


@transaction.atomic
def record_rating(
    *, participant: Participant, instrument: str, answers: Answers, rated_at: datetime, planned_h: float | None = None,
    recall_h: Decimal | None = None, mode: str = "interview", rater_kind: str = "treating", missing_because: str = "",
    by: Actor, at: datetime,
) -> Rating:  # fmt: skip
    """Record the answers to an instrument; the total stands beside them as a measure, and concerns are raised.

    Parameters
    ----------
    answers
        Item and answer; an item that is not there was not answered.
    planned_h
        The protocol's time after the first dose [h] that this rating is for; None for one that it does not ask for.
    recall_h
        How far the questions look back [h]; as the protocol or the instrument says unless given.
    mode, rater_kind
        How the answers came, and who rates: words of ``Rating.Mode`` and ``Rating.Rater``.
    missing_because
        Why items are missing; needed when some are.

    Raises
    ------
    Refused
        An answer that cannot be, a time in the future or that the protocol does not ask for, a rating that is there
        already, missing items without a reason.
    """
    by.must(_permission(rater_kind))
    person = present(participant, by)
    return _record(
        person, instrument, answers, rated_at, planned_h, recall_h, mode, rater_kind, missing_because, None, by, at
    )


@transaction.atomic
def strike_rating(*, rating: Rating, version: int, reason: str, by: Actor, at: datetime) -> Rating:
    """Strike out a rating that was entered by mistake, and its total. Both stay; neither counts any more.

    Raises
    ------
    Refused
        It is struck out already, or no reason is given.
    Conflict
        Somebody struck it out or corrected it first.
    """
    by.must(_permission(rating.rater_kind))
    person = held(rating.participant, by)
    struck = _strike(rating, version, reason, by, at)
    step_back(person=person, by=by, at=at)
    return struck


@transaction.atomic
def correct_rating(
    *, rating: Rating, version: int, answers: Answers, rated_at: datetime, missing_because: str, reason: str, by: Actor,
    at: datetime,
) -> Rating:  # fmt: skip
    """Enter a rating anew: the earlier one is struck out with the reason, the new one takes its place.

    Returns
    -------
    The new rating.

    Raises
    ------
    Refused
        As ``record_rating``; or the earlier one is struck out already.
    Conflict
        Somebody struck it out or corrected it first.
    """
    by.must(_permission(rating.rater_kind))
    person = held(rating.participant, by)
    # Whether it takes eligibility back is seen once, when the new one stands.
    struck = _strike(rating, version, reason, by, at)
    return _record(
        person, rating.instrument, answers, rated_at, rating.planned_h, rating.recall_h, rating.mode,
        rating.rater_kind, missing_because, struck, by, at,
    )  # fmt: skip


def _permission(rater_kind: str) -> Permission:
    return Permission.RATE if rater_kind == Rating.Rater.BLINDED else Permission.ENTER_RATINGS


def _record(
    person: Participant, instrument: str, answers: Answers, rated_at: datetime, planned_h: float | None,
    recall_h: Decimal | None, mode: str, rater_kind: str, missing_because: str, replaces: Rating | None, by: Actor,
    at: datetime,
) -> Rating:  # fmt: skip
    sheet, score = scored(instrument, answers)
    if rated_at > at:
        raise Refused("It cannot have been rated in the future.", came=f"{rated_at:%Y-%m-%d %H:%M %Z}")
    if score.missing and not missing_because.strip():
        raise Refused(
            "Items are not answered.", expected=f"an answer to {_listed(score.missing)}",
            remedy="answer them, or say why they are missing",
        )  # fmt: skip
    _must_be_asked(person, instrument, planned_h, rater_kind)
    recall = _recall(person, sheet, planned_h, rater_kind) if recall_h is None else recall_h
    measure = None
    if score.total is not None:
        measure = Measure(
            participant=person, instrument=instrument, value=Decimal(str(score.total)), unit=sheet.instrument.unit,
            at=rated_at, recall_h=recall, rater=by.user,
        )  # fmt: skip
        writing.insert(measure, action="recorded a measure", by=by, at=at)
    rating = Rating(
        participant=person, instrument=instrument, instrument_version=score.version, language=sheet.language,
        text_edition=sheet.edition, rater_kind=rater_kind, mode=mode, rater=by.user,
        # A corrected answer does not blind who rated first.
        rater_sees_sessions=queries.could_know_of_doses(by, person, at=at)
        or (replaces is not None and replaces.rater_sees_sessions),
        planned_h=planned_h,
        rated_at=rated_at, entered_at=at, recall_h=recall,
        answers={item: int(value) for item, value in answers.items()},
        total=None if score.total is None else Decimal(str(score.total)), band=score.band or "",
        parts={part.id: part.value for part in score.parts}, findings={each.id: each.holds for each in score.findings},
        missing=list(score.missing), missing_because=missing_because.strip() if score.missing else "",
        measure=measure, replaces=replaces,
    )  # fmt: skip
    writing.insert(rating, action="recorded a rating", by=by, at=at)
    step_back(person=person, by=by, at=at)
    raise_concerns(
        participant=person, instrument=instrument, answers=answers, source=f"rating/{queries.root_of(rating)}",
        how=rating.get_mode_display(), by=by, at=at,
    )  # fmt: skip
    return rating


def _must_be_asked(person: Participant, instrument: str, planned_h: float | None, rater_kind: str) -> None:
    if planned_h is None:
        return
    protocol = queries.protocol_for(person)
    asked = {(each.instrument, each.planned_h, each.rater_kind) for each in asked_by(protocol, list(protocol.arms))}
    if (instrument, planned_h, rater_kind) not in asked:
        raise Refused("The protocol does not ask for this rating at this time.", remedy="record it as one of its own")
    if queries.standing_for(person, instrument=instrument, planned_h=planned_h, rater_kind=rater_kind):
        raise Refused(
            "This rating is recorded already.",
            remedy="open it and correct it, or record one beside the protocol's times",
        )


def _recall(person: Participant, sheet: Sheet, planned_h: float | None, rater_kind: str) -> Decimal | None:
    """Find how far the questions look back: as the protocol says for this time, else as the instrument does."""
    protocol = queries.protocol_for(person)
    for each in asked_by(protocol, list(protocol.arms)):
        if (each.instrument, each.planned_h, each.rater_kind) == (sheet.instrument.id, planned_h, rater_kind):
            if each.recall_h is not None:
                return Decimal(str(each.recall_h))
            break
    return Decimal(str(sheet.instrument.recall.hours)) if sheet.instrument.recall else None


def _strike(rating: Rating, version: int, reason: str, by: Actor, at: datetime) -> Rating:
    if not rating.counts:
        raise Refused("This rating is struck out already.")
    if rating.measure is not None and rating.measure.struck_at is None:
        writing.change(rating.measure, action="struck out a measure", by=by, at=at, reason=reason, struck_at=at)
    return writing.change(
        rating, action="struck out a rating", by=by, at=at, reason=reason, version=version, struck_at=at,
        struck_because=reason.strip(),
    )  # fmt: skip


def raise_concerns(
    *, participant: Participant, instrument: str, answers: Answers, source: str, how: str, by: Actor, at: datetime
) -> None:
    """Open the tasks that the protocol's rules ask for; an answer that asks for help and that none covers opens one.

    Parameters
    ----------
    source
        What was answered, as a key; the same source and rule open one task.
    how
        How the answers came, in words.
    """
    sheet, score = scored(instrument, answers)
    rules = rules_raised(participant, score, answers)
    because = _because(sheet, score, answers, how)
    for rule in rules:
        raise_concern(participant=participant, rule=rule, because=because, source=source, by=by, at=at)
    alerts = sheet.instrument.alerts
    if alerts is not None and not all(any(_covers(rule, item, sheet) for rule in rules) for item in score.alerts):
        raise_concern(
            participant=participant, rule=None, because=because, source=source, text=alerts.text, by=by, at=at
        )


def _covers(rule: Concern, item: str, sheet: Sheet) -> bool:
    """Tell whether a raised rule is about an item: it names it, or speaks of a level, which such items alone make.

    ``total`` stands for the total of a scale whose total asks for help.
    """
    scoring = sheet.instrument.scoring
    is_level = scoring is not None and scoring.total == "level"
    return rule.item == item or (rule.item is None and (item == "total" or is_level))


def _because(sheet: Sheet, score: Score, answers: Answers, how: str) -> str:
    """Say what was answered: the total, and each answer that asks for help in its own words.

    Of a scale of levels every answer is told, and what was left out: its level rests on all of them.
    """
    total = f"{score.total:g}{f' ({score.band})' if score.band else ''}" if score.total is not None else "no total"
    if score.total is None and score.at_least is not None:
        total = f"at least {score.at_least:g}"
    told = [f"{score.instrument}: {total}, {how}."]
    is_level = sheet.instrument.scoring is not None and sheet.instrument.scoring.total == "level"
    for item in sheet.items:
        if is_level and item.id in score.missing:
            told.append(f"{item.id}. {item.name}: left out.")
        elif item.id in score.alerts or (is_level and item.id in answers):
            value = int(answers[item.id])
            words = item.answers.get(value, "")
            told.append(f"{item.id}. {item.name}: {value}{f', {words}' if words else ''}.")
    return " ".join(told)


def _listed(items: tuple[str, ...]) -> str:
    return f"item{'s' if len(items) > 1 else ''} {', '.join(items)}"
