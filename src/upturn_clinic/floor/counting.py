"""What the entries of a session come to: what syringe or bag hold, and whether an emergency runs. One place for each.

It only reads, and a session that was read with its entries is asked nothing more.
"""

from __future__ import annotations

from upturn_clinic.floor.models import EmergencyStep, Filling, Session

__all__ = ["emergency_runs", "emergency_steps", "filling_ml", "newest_filling", "steps_of_the_last"]

_ENDS = (EmergencyStep.Step.OVER, EmergencyStep.Step.HANDED_OVER)


def newest_filling(session: Session) -> Filling | None:
    """Find the newest volume that counts; None where none was entered."""
    found = [each for each in session.fillings.all() if each.counts]
    return max(found, key=lambda each: (each.at, each.noted_at), default=None)


def filling_ml(session: Session) -> float | None:
    """Give what syringe or bag hold [ml], by the newest entry that counts; None where nothing was entered."""
    found = newest_filling(session)
    return None if found is None else float(found.ml)


def emergency_steps(session: Session) -> list[EmergencyStep]:
    """Give the steps of the emergency path that count, in the order of their times."""
    return sorted(
        (each for each in session.emergencysteps.all() if each.counts), key=lambda each: (each.at, each.noted_at)
    )


def emergency_runs(session: Session) -> bool:
    """Tell whether the emergency path is open: it was opened, and is neither over nor in other hands."""
    return any(each.step not in _ENDS for each in emergency_steps(session)[-1:])


def steps_of_the_last(session: Session) -> set[str]:
    """Name the steps of the newest emergency that are written down: what follows the end of the one before it.

    Opened again before its end, it is the same emergency; a step written down after its end belongs to it, too.
    """
    found: set[str] = set()
    has_ended = False
    for each in emergency_steps(session):
        if has_ended and each.step == EmergencyStep.Step.OPENED:
            found, has_ended = set(), False
        found.add(each.step)
        has_ended = has_ended or each.step in _ENDS
    return found
