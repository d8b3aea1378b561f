"""Which parts of the mood model an arm has, from what is given in it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["COMPARATORS", "ArmMood", "arm_mood"]

RAPID = frozenset({"ketamine", "esketamine"})

# Treatments whose improvement is a curve of its own, and the name of its size in the mood numbers.
COMPARATORS = {
    "escitalopram": "antidepressant",
    "citalopram": "antidepressant",
    "bupropion": "antidepressant",
    "antidepressant": "antidepressant",
    "dextromethorphan-bupropion": "dextromethorphan_bupropion",
    "ECT": "ect",
}


@dataclass(frozen=True)
class ArmMood:
    """Which parts of the mood model an arm has.

    Parameters
    ----------
    belief
        Name of the belief parameter: how far people in the arm think that they get the drug.
    session
        Whether there is a session that people respond to at once.
    slow
        Name of the slow non-specific part.
    comparator
        Name of the size of a comparator's own improvement, where one is begun; else None.
    responds
        False for healthy comparison groups.
    """

    belief: str
    session: bool
    slow: str
    comparator: str | None
    responds: bool


def arm_mood(given: Collection[tuple[str, str]], *, tablets: bool, background: str, condition: str) -> ArmMood:
    """Read off what is given which parts of the mood model an arm has.

    Parameters
    ----------
    given
        Drug and route of everything given.
    tablets
        Whether all of it is taken daily at home, without sessions.
    background
        ``new antidepressant`` where one is begun with the first dose.
    condition
        What the people have.

    Examples
    --------
    >>> arm_mood({("midazolam", "intravenous")}, tablets=False, background="none", condition="major depression").belief
    'belief_midazolam'
    """
    names = {drug for drug, _ in given}
    if names & RAPID:
        belief = "belief_active"
    elif "midazolam" in names:
        belief = "belief_midazolam"
    elif tablets:
        belief = "belief_daily_tablets"
    elif any(route == "intranasal" for _, route in given):
        belief = "belief_nasal_placebo"
    elif "saline" in names:
        belief = "belief_saline"
    else:
        belief = "belief_other_placebo"
    own = [COMPARATORS[name] for name in sorted(names) if name in COMPARATORS]
    comparator = own[0] if own else ("antidepressant" if background == "new antidepressant" else None)
    begins = comparator is not None or (tablets and bool(given))
    resistant = condition == "treatment-resistant depression"
    slow = ("slow_started_resistant" if resistant else "slow_started") if begins else "slow_ongoing"
    return ArmMood(belief, not tablets and bool(given), slow, comparator, condition != "healthy")
