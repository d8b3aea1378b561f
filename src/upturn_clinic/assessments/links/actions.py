"""All that is written about links: made, answered, taken back. An answer by link is the participant's own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2s

from django.db import transaction

from upturn.errors import InputError
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.assessments.actions import raise_concerns, record_rating
from upturn_clinic.assessments.judging import asking, asks_for_help
from upturn_clinic.assessments.limits import LINK_LONGEST_H
from upturn_clinic.assessments.links.queries import asks_anew, held_link, held_questionnaire
from upturn_clinic.assessments.links.tokens import new_token
from upturn_clinic.assessments.models import LinkedQuestionnaire, Rating, SelfRatingLink
from upturn_clinic.assessments.queries import due_for, standing_for
from upturn_clinic.assessments.texts import sheet_of
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import held, present

__all__ = ["answer_by_link", "answer_too_late", "make_link", "read_help", "revoke_link"]

TOO_LATE = "by link, too late to be recorded"
CHANGED = "by link, after other answers were recorded"
LEFT_OUT = "left out by the participant"
READ = "the participant said so"
ANSWERED = "answered by link"


@transaction.atomic
def make_link(
    *, participant: Participant, instruments: Sequence[str], valid_h: int, by: Actor, at: datetime
) -> tuple[SelfRatingLink, str]:
    """Make a link for some questionnaires, each to be answered once.

    Parameters
    ----------
    instruments
        What is asked, in this order. Each fulfils the self-rating of the protocol that is due now or was due last,
        where there is one.
    valid_h
        For how long [h].

    Returns
    -------
    The link, and the secret of its address: it is told this once and kept nowhere.

    Raises
    ------
    Refused
        Nothing is asked, something that has no words here or is not meant for self-rating, or it holds too long.
    """
    by.must(Permission.SEND_QUESTIONNAIRES)
    person = present(participant, by)
    asked = list(dict.fromkeys(instruments))
    if not asked:
        raise Refused("Which questionnaires?", expected="at least one")
    if not 0 < valid_h <= LINK_LONGEST_H:
        raise Refused("A link holds for a limited time.", expected=f"1 to {LINK_LONGEST_H} hours", came=str(valid_h))
    for each in asked:
        try:
            alone = sheet_of(each).may_be_answered_alone
        except InputError as error:
            raise Refused(error.fault, came=error.came) from error
        if not alone:
            raise Refused(f"{each} cannot be answered by link here.", remedy="rate it in an interview")
    token, kept = new_token()
    link = SelfRatingLink(
        participant=person, token_hash=kept, made_by=by.user, made_at=at, expires_at=at + timedelta(hours=valid_h)
    )
    writing.insert(link, action="made a link for self-rating", by=by, at=at)
    planned = _planned(person, asked, at)
    questionnaires = [
        LinkedQuestionnaire(link=link, instrument=each, position=place, planned_h=planned.get(each))
        for place, each in enumerate(asked)
    ]
    writing.insert_many(questionnaires, action="asked for a self-rating", by=by, at=at)
    return link, token


@transaction.atomic
def revoke_link(*, link: SelfRatingLink, version: int, reason: str, by: Actor, at: datetime) -> SelfRatingLink:
    """Take a link back: it opens nothing any more. What was sent with it stays.

    Raises
    ------
    Refused
        It was taken back already.
    Conflict
        Somebody else took it back first.
    """
    by.must(Permission.SEND_QUESTIONNAIRES)
    held(link.participant, by)
    if link.revoked_at:
        raise Refused("This link was taken back already.")
    return writing.change(link, action="took a link back", by=by, at=at, reason=reason, version=version, revoked_at=at)


@transaction.atomic
def answer_by_link(
    *, link: SelfRatingLink, instrument: str, answers: Mapping[str, int], by: Actor, at: datetime
) -> Rating | None:
    """Record what a participant sent. Each questionnaire counts once: what comes again is not written again.

    Parameters
    ----------
    by
        The system at the participant's facility: whoever holds the link is taken for the participant.

    Returns
    -------
    The rating; None when this questionnaire was sent before.

    Raises
    ------
    Refused
        The link is closed, does not ask this, or an answer cannot be.
    """
    by.must(Permission.SEE_OWN_RECORD)
    now = held_link(link)
    asked = held_questionnaire(now, instrument)
    if asked is None or not now.is_open(at):
        raise Refused("This link is closed.")
    if asked.sent_at is not None:
        return None
    planned_h = asked.planned_h
    if planned_h is not None and standing_for(
        now.participant, instrument=instrument, planned_h=planned_h, rater_kind=Rating.Rater.SELF
    ):
        # Somebody copied it from paper meanwhile: both stay, this one beside the protocol's times.
        planned_h = None
    rating = record_rating(
        participant=now.participant, instrument=instrument, answers=answers, rated_at=at, planned_h=planned_h,
        mode=Rating.Mode.LINK, rater_kind=Rating.Rater.SELF, missing_because=LEFT_OUT, by=by, at=at,
    )  # fmt: skip
    needs_help = asks_for_help(now.participant, instrument, answers)
    writing.change(
        asked, action="sent a self-rating", by=by, at=at, reason=ANSWERED, rating=rating, sent_at=at,
        needs_help=needs_help,
    )  # fmt: skip
    return rating


@transaction.atomic
def answer_too_late(
    *, link: SelfRatingLink, instrument: str, answers: Mapping[str, int], by: Actor, at: datetime
) -> bool:
    """Look through answers that cannot be recorded any more, and raise the concerns that they ask for.

    They come after the link has closed, or when this questionnaire was recorded already: somebody changed an answer
    because nothing told them that the first ones had arrived.

    Returns
    -------
    Whether the team was told. It is not where the link was taken back (who has it may be somebody else), where this
    questionnaire is not asked, or where nothing asks for help that what is recorded had not told already.
    """
    by.must(Permission.SEE_OWN_RECORD)
    now = held_link(link)
    asked = held_questionnaire(now, instrument)
    if asked is None or now.revoked_at is not None or (asked.sent_at is not None and not asks_anew(asked, answers)):
        return False
    # The same answers open one task, however often they come; graver ones another.
    what = json.dumps(sorted(asking(now.participant, instrument, answers).items()))
    source = f"late answers/{asked.pk}/{blake2s(what.encode(), digest_size=8).hexdigest()}"
    raise_concerns(
        participant=now.participant, instrument=instrument, answers=answers, source=source,
        how=TOO_LATE if asked.sent_at is None else CHANGED, by=by, at=at,
    )  # fmt: skip
    return asks_for_help(now.participant, instrument, answers)


@transaction.atomic
def read_help(*, link: SelfRatingLink, instrument: str, by: Actor, at: datetime) -> None:
    """Write down that the participant says they have read where to find help."""
    by.must(Permission.SEE_OWN_RECORD)
    asked = held_questionnaire(held_link(link), instrument)
    if asked is not None and asked.needs_help and asked.help_read_at is None:
        writing.change(asked, action="was shown crisis help", by=by, at=at, reason=READ, help_read_at=at)


def _planned(person: Participant, asked: Sequence[str], at: datetime) -> dict[str, float]:
    """Find for each questionnaire the protocol's time that is open, else the last one that was missed."""
    found: dict[str, float] = {}
    for due in due_for(person, at=at):
        wanted = due.rater_kind == Rating.Rater.SELF and due.instrument in asked
        if wanted and due.state in ("open", "late"):
            found[due.instrument] = due.planned_h
    return found
