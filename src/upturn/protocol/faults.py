"""From a fault in the document to a message that a trial designer can act on.

What lives here: the shape of a fault, and the translation of pydantic's findings into plain words with the
path and the line. What does not: any rule; each rule stands beside the thing it is about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails, PydanticCustomError

from upturn.errors import ProtocolError

__all__ = ["Fault", "Lines", "Path", "faults_in", "protocol_error", "refuse", "suggestion"]

Path = tuple[str | int, ...]
Lines = Mapping[Path, int]

REPORTED_AT_ONCE = 5
_LONGEST_CAME = 120
_FAULTS = "upturn_faults"

_PLAIN = {
    "string_type": ("is not text", "text; put quotes around it if it looks like a number"),
    "float_type": ("is not a number", "a number, without unit and without quotes"),
    "int_type": ("is not a whole number", "a whole number"),
    "int_from_float": ("is not a whole number", "a whole number"),
    "finite_number": ("is not a finite number", "a finite number"),
    "bool_type": ("is neither true nor false", "true or false"),
    "tuple_type": ("is not a list", "a list, such as [first, second]"),
    "list_type": ("is not a list", "a list, such as [first, second]"),
    "dict_type": ("is not a set of named entries", "named entries, one per line, as in name: value"),
    "model_type": ("is not a set of named entries", "named entries, one per line, as in name: value"),
    "mapping_type": ("is not a set of named entries", "named entries, one per line, as in name: value"),
    "greater_than": ("is too small", "more than {gt:g}"),
    "greater_than_equal": ("is too small", "{ge:g} or more"),
    "less_than": ("is too large", "less than {lt:g}"),
    "less_than_equal": ("is too large", "{le:g} or less"),
    "too_short": ("has too few entries", "at least {min_length}"),
    "string_too_short": ("is empty", "some text"),
    "string_pattern_mismatch": (
        "is not a plain name",
        "lower-case letters, digits, '.', '_' and '-', such as six-infusions",
    ),
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, where it stands, and what would be right."""

    at: Path
    sentence: str
    expected: str | None = None
    came: str | None = None
    remedy: str | None = None


def refuse(faults: Iterable[Fault]) -> None:
    """Raise when there is any fault; for use inside a pydantic validator."""
    found = tuple(faults)
    if found:
        raise PydanticCustomError(_FAULTS, "faults", {"faults": found})


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """Give ``did you mean …?`` for a near miss.

    Examples
    --------
    >>> suggestion("ketamin", ["ketamine", "saline"])
    'did you mean ketamine?'
    """
    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}?" if near else None


def protocol_error(faults: Iterable[Fault], *, file: str, lines: Lines) -> ProtocolError:
    """Make one error of all faults, in the order of the document; the first few are told in full.

    Parameters
    ----------
    faults
        At least one fault.
    file
        The file's name, for the message.
    lines
        From the path inside the document to its line.
    """
    found = sorted(_without_echoes(list(faults), lines), key=lambda fault: _line(fault.at, lines))
    errors = [
        ProtocolError(
            fault.sentence,
            expected=fault.expected,
            came=fault.came,
            where=_where(fault.at, file=file, lines=lines),
            remedy=fault.remedy,
        )
        for fault in found
    ]
    if len(errors) == 1:
        return errors[0]
    told = [_numbered(number, error) for number, error in enumerate(errors[:REPORTED_AT_ONCE], start=1)]
    more = f" The first {REPORTED_AT_ONCE} are told here." if len(errors) > REPORTED_AT_ONCE else ""
    return ProtocolError("\n".join([f"{file} has {len(errors)} faults.{more}", *told]))


def faults_in(details: Iterable[ErrorDetails], *, schema: Mapping[str, Any]) -> Iterator[Fault]:
    """Translate pydantic's findings; ``schema`` (the JSON Schema) says what each entry is for."""
    for detail in details:
        path = tuple(part for part in detail["loc"] if not _is_marker(part))
        if detail["type"] == "invalid_key":
            path = (*path[:-1], str(path[-1]))
        if detail["type"] == _FAULTS:
            yield from (replace(fault, at=(*path, *fault.at)) for fault in detail["ctx"]["faults"])
        else:
            yield _plain(detail, path, schema)


def _plain(detail: ErrorDetails, path: Path, schema: Mapping[str, Any]) -> Fault:
    kind, came, context = detail["type"], detail["input"], detail.get("ctx", {})
    name = _written(path[-1:]) or "The document"
    about = _description(schema, path)
    if kind == "missing":
        return Fault(path, f"{name} is missing.", expected=about or f"an entry {name}", came="nothing")
    if kind in {"extra_forbidden", "invalid_key"}:
        known = _names(schema, path[:-1])
        return Fault(
            path,
            f"There is no entry called {name} here.",
            expected=", ".join(known) or None,
            came=name,
            remedy=suggestion(str(path[-1]), known) or "remove it, or correct the name",
        )
    if kind in {"literal_error", "enum"}:
        wanted = context["expected"].replace("'", "")
        known = wanted.replace(" or ", ", ").split(", ")
        return Fault(
            path,
            f"{name} has a value that is not known.",
            expected=wanted,
            came=_shown(came),
            remedy=suggestion(str(came), known),
        )
    sentence, expected = _PLAIN.get(kind, ("cannot be read", about or "another value"))
    expected = expected.format(**context) + (f" ({about.rstrip('.')})" if about and kind in _PLAIN else "")
    return Fault(path, f"{name} {sentence}.", expected=expected, came=_shown(came))


def _without_echoes(faults: list[Fault], lines: Lines) -> list[Fault]:
    # What ``like`` copies is judged again in the copy; a fault is told where it is written.
    told = {(fault.sentence, fault.expected, fault.came) for fault in faults if fault.at in lines}
    return [fault for fault in faults if fault.at in lines or (fault.sentence, fault.expected, fault.came) not in told]


def _is_marker(part: str | int) -> bool:
    # Union branches carry a tag in guillemets; keys of mappings carry pydantic's own "[key]".
    return isinstance(part, str) and (part.startswith("«") or part == "[key]")


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_CAME else text[:_LONGEST_CAME] + " …"


def _written(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _line(path: Path, lines: Lines) -> int:
    for length in range(len(path), -1, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


def _where(path: Path, *, file: str, lines: Lines) -> str:
    place = f"{file}, line {_line(path, lines)}" if lines else file
    return f"{_written(path)} ({place})" if path else place


def _numbered(number: int, error: ProtocolError) -> str:
    first, *rest = str(error).splitlines()
    return "\n".join([f"{number}. {first}", *(f"   {line}" for line in rest)])


def _follow(schema: Mapping[str, Any], path: Path) -> list[Mapping[str, Any]]:
    """Give every branch of the schema that may stand at a path."""
    branches = _branches(schema, schema)
    for part in path:
        ahead = [
            branch["items"]
            if isinstance(part, int) and "items" in branch
            else branch.get("properties", {}).get(part) or _any_name(branch)
            for branch in branches
        ]
        branches = [each for branch in ahead if branch for each in _branches(branch, schema)]
    return branches


def _any_name(branch: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give what the schema says about entries whose names are free, such as the arms."""
    named = branch.get("patternProperties") or {"": branch.get("additionalProperties") or {}}
    found: Mapping[str, Any] = next(iter(named.values()))
    return found


def _branches(branch: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = [branch]
    if "$ref" in branch:
        found += _branches(schema["$defs"][branch["$ref"].rpartition("/")[2]], schema)
    for each in (*branch.get("anyOf", ()), *branch.get("oneOf", ())):
        found += _branches(each, schema)
    return found


def _description(schema: Mapping[str, Any], path: Path) -> str | None:
    return next((str(each["description"]) for each in _follow(schema, path) if "description" in each), None)


def _names(schema: Mapping[str, Any], path: Path) -> list[str]:
    return [name for each in _follow(schema, path) for name in each.get("properties", ())]
