"""Write ``docs/clinic/rules.md``: every rule by which the clinic refuses something, read from its source.

Run it after a rule was added or changed: ``python docs/rules.py``. A test compares the page with the source.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "upturn_clinic"
PAGE = Path(__file__).parent / "clinic" / "rules.md"
# What refuses: an action's rule, a form's.
VERBS = {"Refused": 0, "ValidationError": 0, "add_error": 1}
HEAD = """# Rules of the clinic

Every rule by which an action or a form refuses what was entered, as the person at the screen reads it: rules for one
field, for fields together (times in their order, a reason that another answer asks for), and for who may do it when.
Values of a protocol (gates, limits, checklists) are not here: they stand in the [protocol file](../protocol.md).
Numbers are in `parameters/*.yaml`. "…" stands for what is filled in. This page is written from the source by
`python docs/rules.py`, and a test compares them; the tests of each room show the rules at work.
"""


def text_of(node: ast.expr) -> str:
    """Give the words of a literal, with … for what is filled in; empty where the words come from elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.IfExp):
        return " / ".join(filter(None, (text_of(node.body), text_of(node.orelse))))
    return ""


def rules_in(file: Path) -> Iterator[tuple[str, str]]:
    """Give each rule of a file, and what it expects, where that is said."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name not in VERBS or len(node.args) <= VERBS[name]:
            continue
        expected = next((text_of(each.value) for each in node.keywords if each.arg == "expected"), "")
        if words := text_of(node.args[VERBS[name]]):
            yield words, expected


def page() -> str:
    """Write the page: one table for each room."""
    rooms: dict[str, list[str]] = {}
    for file in sorted(SOURCE.rglob("*.py")):
        place = file.relative_to(SOURCE)
        if "migrations" in place.parts or place.parts[0] == "demo":
            continue
        for words, expected in dict.fromkeys(rules_in(file)):
            row = " | ".join(each.replace("|", "\\|").replace("\n", " ") for each in (words, expected or "–"))
            rooms.setdefault(place.parts[0], []).append(f"| {row} | `{place.with_suffix('').as_posix()}` |")
    tables = (
        f"\n## {room}\n| rule | expected instead | where |\n|---|---|---|\n" + "\n".join(rows) + "\n"
        for room, rows in rooms.items()
    )
    return HEAD + "".join(tables)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
