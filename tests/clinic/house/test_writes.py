"""The source itself: each write goes through the ledger, each view begins with the gate, nothing hides in signals."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import upturn_clinic

SOURCE = Path(upturn_clinic.__file__).parent
FILES = sorted(file for file in SOURCE.rglob("*.py") if "migrations" not in file.parts)
WRITES = {"save", "create", "update", "delete", "get_or_create", "update_or_create", "bulk_create", "bulk_update",
          "acreate", "asave", "adelete", "aupdate", "raw", "executemany", "add_to_class"}  # fmt: skip
# The one place that writes.
LEDGER = SOURCE / "ledger" / "writing.py"
LEDGER_VERBS = {"insert", "insert_many", "change", "note", "forget", "take_away", "renew_secrets"}
GATES = {"require", "require_person", "require_nobody"}
# Views that guard nothing, by decision: errors and the answer to a supervisor.
WITHOUT_A_GATE = {SOURCE / "pages" / "views.py"}


def calls(file: Path) -> Iterator[tuple[ast.Call, ast.Attribute]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node, node.func


def is_plain_dict_update(call: ast.Call) -> bool:
    """Dictionaries have `update` too, but take one positional mapping; a query's takes keywords."""
    return len(call.args) == 1 and not call.keywords


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_nothing_writes_but_the_ledger(file: Path) -> None:
    found = [
        f"line {call.lineno}: .{function.attr}("
        for call, function in calls(file)
        if function.attr in WRITES and not (function.attr == "update" and is_plain_dict_update(call))
    ]
    if file == LEDGER:
        assert found, "the test sees no write where the writes are: it looks wrongly"
    else:
        assert found == [], f"writes belong in an action, through ledger.writing: {found}"


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_the_ledger_is_called_by_actions_only(file: Path) -> None:
    called = {f.attr for _, f in calls(file) if isinstance(f.value, ast.Name) and f.value.id == "writing"}
    if file.name != "actions.py":
        assert not called & LEDGER_VERBS


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_no_signals_and_no_hidden_saves(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").endswith(("signals", "dispatch")), node.lineno
            assert "admin" not in (node.module or "").split("."), "there is no admin site"
        if isinstance(node, ast.FunctionDef):
            assert node.name not in ("save", "delete"), f"line {node.lineno}: a save of its own"


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("actions.py")), ids=lambda f: f.parent.name)
def test_an_action_takes_names_only_and_says_by_whom_and_when(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    assert found
    for action in found:
        assert not action.args.args, f"{action.name} takes something by place"
        names = {argument.arg for argument in action.args.kwonlyargs}
        assert "at" in names, action.name
        assert "by" in names or action.name == "accept", action.name


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("views.py")), ids=lambda f: f.parent.name)
def test_the_first_line_of_every_view_is_the_gate(file: Path) -> None:
    if file in WITHOUT_A_GATE:
        return
    tree = ast.parse(file.read_text(encoding="utf-8"))
    views = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    assert views
    for view in views:
        first = view.body[1] if isinstance(view.body[0], ast.Expr) and ast.get_docstring(view) else view.body[0]
        value = first.value if isinstance(first, ast.Assign | ast.Expr) else None
        assert isinstance(value, ast.Call), view.name
        assert isinstance(value.func, ast.Name), view.name
        assert value.func.id in GATES, view.name
