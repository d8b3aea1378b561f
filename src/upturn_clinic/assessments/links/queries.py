"""Reading links: by the secret in an address, or all of one participant."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Prefetch, QuerySet

from upturn_clinic.assessments.judging import Answers, asks_more
from upturn_clinic.assessments.limits import LATE_ANSWERS, LINKS_SHOWN
from upturn_clinic.assessments.links.tokens import read_token
from upturn_clinic.assessments.models import LinkedQuestionnaire, SelfRatingLink
from upturn_clinic.participants.models import Participant

__all__ = [
    "asks_anew", "held_link", "held_questionnaire", "help_to_read", "late_link_of", "link_of", "links_of",
    "next_questionnaire",
]  # fmt: skip


def link_of(token: str, *, now: datetime) -> SelfRatingLink | None:
    """Find the link that an address opens; None for one that is not ours, has run out or was taken back.

    Which of these it was is not told: who tries links learns nothing.
    """
    link = _link(token)
    return link if link is not None and link.is_open(now) else None


def late_link_of(token: str, *, now: datetime) -> SelfRatingLink | None:
    """Find a link that ran out so lately that what is still sent with it is looked through for what asks for help."""
    link = _link(token)
    return link if link is not None and link.revoked_at is None and now < link.expires_at + LATE_ANSWERS else None


def is_ours(token: str) -> bool:
    """Tell whether a secret was once one of a link here: somebody mistyped or guessed, or their link is over."""
    kept = read_token(token)
    return kept is not None and SelfRatingLink.objects.filter(token_hash=kept).exists()


def links_of(participant: Participant) -> list[SelfRatingLink]:
    """List the newest links of a participant, each with its questionnaires."""
    asked = Prefetch("questionnaires", LinkedQuestionnaire.objects.select_related("rating"))
    mine = SelfRatingLink.objects.filter(participant=participant).select_related("made_by").prefetch_related(asked)
    return list(mine[:LINKS_SHOWN])


def held_link(link: SelfRatingLink) -> SelfRatingLink:
    """Hold a link until the transaction ends: what is sent twice at once is answered one after the other."""
    return SelfRatingLink.objects.select_for_update(of=("self",)).select_related("participant").get(pk=link.pk)


def held_questionnaire(link: SelfRatingLink, instrument: str) -> LinkedQuestionnaire | None:
    """Find one questionnaire of a link, by whatever name was sent."""
    # PostgreSQL takes no such character, not even to look for it.
    return None if "\0" in instrument else _asked(link).filter(instrument=instrument).first()


def asks_anew(asked: LinkedQuestionnaire, answers: Answers) -> bool:
    """Tell whether answers ask for somebody with something that those recorded of this questionnaire did not."""
    recorded = asked.rating.answers if asked.rating else {}
    return asks_more(asked.link.participant, asked.instrument, answers, than=recorded)


def next_questionnaire(link: SelfRatingLink) -> LinkedQuestionnaire | None:
    """Find the first questionnaire that was not sent yet."""
    return _asked(link).filter(sent_at=None).first()


def help_to_read(link: SelfRatingLink) -> LinkedQuestionnaire | None:
    """Find a questionnaire whose answer asked for help that nobody said they have read."""
    return _asked(link).filter(needs_help=True, help_read_at=None).first()


def _link(token: str) -> SelfRatingLink | None:
    kept = read_token(token)
    if kept is None:
        return None
    return SelfRatingLink.objects.filter(token_hash=kept).select_related("participant__facility").first()


def _asked(link: SelfRatingLink) -> QuerySet[LinkedQuestionnaire]:
    return LinkedQuestionnaire.objects.filter(link=link)
