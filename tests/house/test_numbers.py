"""Every number has a source: in the files all of them, in the code none but those that are listed here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

import upturn
from upturn.parameters import Status, read

SOURCE = Path(upturn.__file__).parent
FILES = sorted(SOURCE.rglob("parameters/*.yaml"))
ROOMS = ("pharmacology", "plasticity", "beliefs", "mood", "population")

# Numbers in the code of the science rooms that are not parameters, each with its reason.
ALLOWED: dict[tuple[str, float], str] = {}
EXPLAINED = {
    "LN_2": "the natural logarithm of 2",
    "REFERENCE_WEIGHT_KG": "explained where it stands first, Simons 2022",
}
PLAIN = {0.0, 0.5, 1.0, 2.0, 4.0, 10.0, 60.0, 100.0}  # halves, unit changes


def entries(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every mapping that holds a value, wherever it stands in a file."""
    if isinstance(node, dict):
        if "value" in node:
            yield path, node
        for key, value in node.items():
            yield from entries(value, f"{path}.{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from entries(value, f"{path}[{place}]")


def numbers(node: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(node, bool):
        return
    if isinstance(node, int | float):
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from numbers(value, f"{path}.{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from numbers(value, f"{path}[{place}]")


def test_there_are_parameter_files() -> None:
    assert len(FILES) >= 9


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_every_number_has_value_unit_source_and_status(file: Path) -> None:
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert all(document[key] for key in ("title", "source", "limits", "parameters"))
    known = {path for path, _ in entries(document["parameters"], "")}
    for path, entry in entries(document["parameters"], ""):
        assert isinstance(entry["value"], int | float), path
        assert str(entry["unit"]).strip(), path
        assert str(entry["source"]).strip(), path
        assert entry["status"] in get_args(Status), path
    # No number hides elsewhere: each belongs to such an entry, or is the spread of one.
    for path, _ in numbers(document["parameters"], ""):
        owner = (
            path.removesuffix(".value") if path.endswith(".value") else path.split(".variability")[0].split(".prior")[0]
        )
        assert owner in known, path
        assert path.endswith((".value", ".sd")), path
    assert not list(numbers({k: v for k, v in document.items() if k != "parameters"}, ""))


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_every_file_can_be_read_by_its_room(file: Path) -> None:
    package = ".".join(("upturn", *file.relative_to(SOURCE).parts[:-2]))
    found = read(package, file.stem)
    assert [p.name for p in found]


def constants(tree: ast.Module) -> Iterator[tuple[float, int]]:
    """Numbers that stand in code, but for named constants of the module."""
    named: set[int] = set()
    for statement in tree.body:
        target: ast.expr | None = statement.target if isinstance(statement, ast.AnnAssign) else None
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        if isinstance(target, ast.Name) and target.id.isupper():
            named |= {id(node) for node in ast.walk(statement)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or isinstance(node.value, bool) or id(node) in named:
            continue
        if isinstance(node.value, float | int):
            yield float(node.value), node.lineno


def is_plain(value: float) -> bool:
    """Small integers (indices, powers), halves, and powers of ten are arithmetic, not measurements."""
    if value in PLAIN or (value == int(value) and abs(value) <= 10):
        return True
    mantissa = f"{abs(value):e}".partition("e")[0].rstrip("0").rstrip(".")
    return mantissa == "1" and (value < 1e-3 or value >= 100)


@pytest.mark.parametrize("room", ROOMS)
def test_no_scientific_number_stands_in_code(room: str) -> None:
    found = []
    for file in sorted((SOURCE / room).glob("*.py")):
        name = f"{room}/{file.name}"
        for value, line in constants(ast.parse(file.read_text(encoding="utf-8"))):
            if not is_plain(value) and (name, value) not in ALLOWED:
                found.append(f"{name}:{line}: {value:g}")
    assert not found, "give it a source in parameters/, or a reason in ALLOWED"


@pytest.mark.parametrize("room", ROOMS)
def test_every_named_constant_says_why(room: str) -> None:
    silent = []
    for file in sorted((SOURCE / room).glob("*.py")):
        text = file.read_text(encoding="utf-8")
        lines = text.splitlines()
        for statement in ast.parse(text).body:
            value = getattr(statement, "value", None)
            if not isinstance(statement, ast.Assign | ast.AnnAssign) or not isinstance(value, ast.Constant):
                continue
            if isinstance(value.value, float) and not is_plain(value.value):
                here, above = lines[statement.lineno - 1], lines[statement.lineno - 2]
                known = any(name in here for name in EXPLAINED)
                if "#" not in here and not above.startswith("#") and not known:
                    silent.append(f"{room}/{file.name}:{statement.lineno}: {here}")
    assert not silent


def test_no_reason_is_given_for_a_number_that_is_gone() -> None:
    for name, value in ALLOWED:
        found = {v for v, _ in constants(ast.parse((SOURCE / name).read_text(encoding="utf-8")))}
        assert value in found, (name, value)
