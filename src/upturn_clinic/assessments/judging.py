"""What answers mean: their score, the protocol's rules that they raise, and whether help is shown."""

from __future__ import annotations

from collections.abc import Mapping

from upturn import instruments
from upturn.errors import InputError
from upturn.instruments import Score
from upturn.protocol import Concern, raised
from upturn_clinic.assessments import queries
from upturn_clinic.assessments.texts import Sheet, sheet_of
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.models import Participant

__all__ = ["Answers", "asking", "asks_for_help", "asks_more", "left_open", "rules_raised", "scored"]

Answers = Mapping[str, int]


def scored(instrument: str, answers: Answers) -> tuple[Sheet, Score]:
    """Score answers.

    Raises
    ------
    Refused
        An answer that cannot be.
    """
    try:
        return sheet_of(instrument), instruments.score(instrument, answers)
    except InputError as error:
        raise Refused(error.fault, expected=error.expected, came=error.came) from error


def rules_raised(participant: Participant, score: Score, answers: Answers) -> tuple[Concern, ...]:
    """Find the rules of the protocol that answers raise."""
    # An open total that is high already raises what it would raise at least.
    return raised(
        queries.protocol_for(participant).safety, instrument=score.instrument, total=score.at_least,
        items={item: float(value) for item, value in answers.items()},
    )  # fmt: skip


def asks_for_help(participant: Participant, instrument: str, answers: Answers) -> bool:
    """Tell whether crisis help is shown: the instrument's own alert asks for it, or a rule of the protocol does."""
    score = scored(instrument, answers)[1]
    return bool(score.alerts) or any(rule.show_help for rule in rules_raised(participant, score, answers))


def asking(participant: Participant, instrument: str, answers: Answers) -> dict[str, int]:
    """Name what in answers asks for somebody: items, each with its answer, and rules of the protocol."""
    score = scored(instrument, answers)[1]
    rules = rules_raised(participant, score, answers)
    return {item: answers.get(item, 0) for item in score.alerts} | {f"rule {rule.id}": 1 for rule in rules}


def asks_more(participant: Participant, instrument: str, answers: Answers, *, than: Answers) -> bool:
    """Tell whether answers ask for somebody with something that earlier ones did not, or with a graver answer."""
    before = asking(participant, instrument, than)
    now = asking(participant, instrument, answers)
    return any(now[what] > before.get(what, -1) for what in now)


def left_open(participant: Participant, instrument: str, answers: Answers) -> tuple[str, ...]:
    """Name the items that somebody is asked about once more before their answers count.

    All of them where nothing was answered: one slip of a thumb sends an empty sheet. Else those whose answer could ask
    for help. None where the answers ask for help already: that comes first.
    """
    if asks_for_help(participant, instrument, answers):
        return ()
    sheet, score = scored(instrument, answers)
    alerts = sheet.instrument.alerts
    if not answers:
        return score.missing
    return tuple(item for item in score.missing if alerts is not None and item in alerts.items)
