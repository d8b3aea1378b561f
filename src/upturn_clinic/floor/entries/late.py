"""What an entry says against a leaving that is over already: it reached the server only afterwards. Pure."""

from __future__ import annotations

from upturn_clinic.floor.asked import Asked
from upturn_clinic.floor.gates import closures_of
from upturn_clinic.floor.leaving.lines import LineState, lines_of
from upturn_clinic.floor.models import Reading, Session, Sign
from upturn_clinic.floor.series import series_of

__all__ = ["against_leaving"]


def against_leaving(session: Session, asked: Asked, entry: Reading | Sign) -> tuple[str, ...]:
    """Say what an entry would have closed: gates, and lines of the list that it is the newest reading for.

    Parameters
    ----------
    session
        Read whole, with the entry; somebody has left it.
    """
    assert session.left_at is not None  # noqa: S101  (asked before)
    key = str(entry.pk)
    closed = [
        f"{each.text} {'; '.join(each.because)}." for each in closures_of(session, asked, now=session.left_at)
        if key in each.because_of
    ]  # fmt: skip
    if isinstance(entry, Reading):
        newest = series_of(session).newest([entry.instrument], until=session.left_at).get(entry.instrument, ())
        lines = (
            lines_of(session, asked, now=session.left_at, is_past=True)
            if entry.pk in {each.pk for each in newest}
            else ()
        )
        mine = _lines_about(entry.instrument, asked)
        closed += [
            f"{each.text} {'; '.join(each.why)}."
            for each in lines
            if each.state is LineState.UNMET and each.key in mine
        ]
    return tuple(dict.fromkeys(" ".join(each.split()) for each in closed))


def _lines_about(instrument: str, asked: Asked) -> frozenset[str]:
    """Name the lines before leaving that a measure decides."""
    parts = [(f"discharge/{each.id}", each.rules) for each in asked.discharge]
    parts += [(f"gates/{each.id}", each.rules) for each in asked.gates_that("leaving")]
    return frozenset(key for key, rules in parts if any(rule.measure == instrument for rule in rules))
