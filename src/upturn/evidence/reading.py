"""The door for tables from outside: any CSV in one of three shapes, also one never seen.

What lives here: the door. What does not: what a row of each kind says (``timecourse``, ``contrasts``, ``durability``).
"""

from __future__ import annotations

from pathlib import Path

from upturn.evidence.cells import read_sheet
from upturn.evidence.contrasts import read_contrasts
from upturn.evidence.durability import read_durability
from upturn.evidence.rows import Evidence, digest_of
from upturn.evidence.shelf import shipped
from upturn.evidence.timecourse import read_timecourse

__all__ = ["read_table"]


def read_table(path: str | Path) -> Evidence:
    """Read a CSV table of published numbers; its columns tell of which kind it is.

    A table of arms in time has ``arm_id`` and ``time_hours_from_first_dose``; one of differences has ``contrast`` and
    ``estimate``; one of relapse has ``metric`` and ``at_risk_definition``. ``docs/evidence.md`` names all columns.
    Words are read generously, numbers strictly. A row that is sound but not understood becomes a refusal with its
    reason, and the rest is read.

    Raises
    ------
    EvidenceError
        A file that cannot be read, an unknown or missing column, text where a number belongs, a number that cannot be
        (a spread of 0, 130 %, more responders than people, a change beyond the scale, an interval turned round), the
        same study row twice. Names file, row (data rows count from 1), column, what was expected and what came; the
        first five faults are listed.
    """
    sheet = read_sheet(path)
    if sheet.kind == "timecourse":
        arms, findings, refusals = read_timecourse(sheet)
    elif sheet.kind == "contrasts":
        arms, findings, refusals = read_contrasts(sheet, known=shipped().arms)
    else:
        arms, findings, refusals = read_durability(sheet, known=shipped().arms)
    return Evidence(arms, tuple(findings), tuple(refusals), digest_of(arms, findings, refusals))
