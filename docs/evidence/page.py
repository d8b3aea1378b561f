"""Write ``docs/evidence.md`` from the tables of the evidence room.

Run from the root of the repository: ``python docs/evidence/page.py``. What lives here: tables of tables. What does not:
any number (``src/upturn/evidence/tables/``), any word (``page.md``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from upturn import evidence
from upturn.errors import EvidenceError
from upturn.evidence.columns import KINDS

HERE = Path(__file__).parent
PAGE = HERE.parent / "evidence.md"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Write a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "/") for cell in line) + " |" for line in lines)


def counts() -> str:
    known = evidence.shipped()
    return (
        f"{len(known.findings)} findings on {len(known.arms)} arms of {len(evidence.trials())} trials are here, "
        f"{len(evidence.adverse_events())} counts of adverse events, {len(evidence.pooled())} pooled results"
    )


def columns() -> str:
    rows = [
        (
            kind,
            ", ".join(f"`{column.name}`" for column in KINDS[kind] if not column.optional),
            ", ".join(f"`{column.name}`" for column in KINDS[kind] if column.optional),
        )
        for kind in KINDS
    ]
    return table(["kind", "columns", "optional"], rows)


def trials() -> str:
    known = evidence.shipped()
    runnable = set(evidence.protocol_names())
    rows = []
    for trial in evidence.trials():
        arms = [arm for arm in known.arms.values() if arm.trial == trial]
        own = [arm for arm in arms if not arm.within and arm.design != "pooled"] or arms
        found = [each for each in known.findings if each.trial == trial]
        splits = Counter(each.split for each in found)
        crossover = own[0].design == "crossover"
        people = [arm.participants for arm in own]
        measures = Counter(f"{each.instrument} {each.measure}".strip() for each in found)
        name = trial.lower().replace("_", "-")
        rows.append(
            (
                trial,
                "; ".join(dict.fromkeys(arm.condition for arm in arms)),
                len(arms),
                "?" if None in people else (max if crossover else sum)(int(n or 0) for n in people),
                "; ".join(f"{measure} × {number}" for measure, number in measures.items()) or "none",
                " / ".join(str(splits[split]) for split in ("calibration", "validation", "duplicate")),
                f"`{name}`" if name in runnable else obstacle(trial),
            )
        )
    return table(["trial", "condition", "a", "n", "findings", "c / v / d", "protocol"], rows)


def obstacle(trial: str) -> str:
    """Say why a trial has no protocol."""
    try:
        evidence.trial_protocol(trial)
    except EvidenceError as error:
        return f"none: {error.came}"
    raise AssertionError(trial)


def not_used() -> str:
    rows = [(each.trial, each.arm, each.what, each.why) for each in evidence.not_used()]
    return table(["trial", "arm", "what", "why"], rows)


def kinds_of_measure() -> str:
    found = Counter((each.table, each.measure) for each in evidence.shipped().findings)
    rows = [(kind, measure, number) for (kind, measure), number in sorted(found.items())]
    return table(["table", "measure", "shipped findings"], rows)


def claims() -> str:
    rows = [(each.id, each.claim, each.verdict, each.reason) for each in evidence.claims()]
    return table(["", "claim", "verdict", "reason"], rows)


def conditions() -> str:
    rows = [
        (each.title, "yes" if each.calibrated else "no", each.scope, "; ".join(fact.text for fact in each.findings))
        for each in evidence.conditions()
    ]
    return table(["condition", "in the calibration", "how far", "what was found"], rows)


def pooled() -> str:
    rows = [
        (
            each.quantity,
            f"{each.value:g}{'' if each.low is None else f' ({each.low:g} to {each.high:g})'}",
            each.unit,
            each.k or "",
            each.n or "",
            each.caution,
        )
        for each in evidence.pooled()
    ]
    return table(["quantity", "value", "unit", "trials", "people", "caution"], rows)


TABLES = {
    each.__name__: each for each in (counts, columns, trials, not_used, kinds_of_measure, claims, conditions, pooled)
}


def page() -> str:
    """Write the whole page: the words of ``page.md``, its ``{{...}}`` filled in."""
    words = (HERE / "page.md").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda asked: TABLES[asked[1]](), words)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
