"""What the entries of a session come to: what syringe or bag hold, and whether an emergency runs. One place for each.

It only reads, and a session that was read with its entries is asked nothing more.
"""

from __future__ import annotations

from upturn_clinic.floor.models import EmergencyStep, Filling, Session

__all__ = ["emergency_runs", "filling_ml", "last_emergency_step", "newest_filling", "steps_since_the_last_end"]

_ENDS = (EmergencyStep.Step.OVER, EmergencyStep.Step.HANDED_OVER)


def newest_filling(session: Session) -> Filling | None:
    """Find the newest volume that counts; None where none was entered."""
    found = [each for each in session.fillings.all() if each.counts]
    return max(found, key=lambda each: (each.at, each.noted_at), default=None)


def filling_ml(session: Session) -> float | None:
    """Give what syringe or bag hold [ml], by the newest entry that counts; None where nothing was entered."""
    found = newest_filling(session)
    return None if found is None else float(found.ml)


def last_emergency_step(session: Session) -> EmergencyStep | None:
    """Find the newest step of the emergency path that counts; None where it was never opened."""
    found = [each for each in session.emergencysteps.all() if each.counts]
    return max(found, key=lambda each: (each.at, each.noted_at), default=None)


def emergency_runs(session: Session) -> bool:
    """Tell whether the emergency path is open: it was opened, and is neither over nor in other hands."""
    last = last_emergency_step(session)
    return last is not None and last.step not in _ENDS


def steps_since_the_last_end(session: Session) -> tuple[EmergencyStep, ...]:
    """Give the steps of the emergency that runs, in order: those after the last one that ended one."""
    steps = sorted(
        (each for each in session.emergencysteps.all() if each.counts), key=lambda each: (each.at, each.noted_at)
    )
    ends = [place for place, each in enumerate(steps) if each.step in _ENDS]
    return tuple(steps[ends[-1] + 1 if ends else 0 :])
