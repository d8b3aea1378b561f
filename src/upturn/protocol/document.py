"""Reading YAML as YAML 1.2 means it, and remembering on which line everything stands.

PyYAML speaks YAML 1.1, where the key ``on`` is the value *true*, ``10:30`` is 630 and ``2026-01-02`` is a
date: a schedule would be misread without a word. What lives here: the strict reader. What does not: what the
entries mean.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import yaml

from upturn.errors import ProtocolError
from upturn.protocol.faults import Lines, Path

__all__ = ["Document", "parse"]

_LARGEST_FILE = 1_000_000


@dataclass(frozen=True)
class Document:
    """What a file says, and the line of each entry."""

    content: Any
    lines: Lines


class _NotAllowed(yaml.MarkedYAMLError):
    """Good YAML that a protocol must not use; the note is what to do."""


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of the YAML 1.2 core schema, without aliases and without repeated keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own way)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _NotAllowed(problem="an alias (*)", problem_mark=mark, note="write the entry out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _NotAllowed(
                    problem="a list or a group of entries used as a name",
                    problem_mark=key.start_mark,
                    note="a name is one word",
                )
            if key.value in seen:
                problem = f"the entry {key.value!r} stands twice, first on line {seen[key.value]}"
                raise _NotAllowed(problem=problem, problem_mark=key.start_mark, note="keep one of the two")
            seen[key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep=deep)

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        text = str(self.construct_scalar(node))
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))
# No dates, sets or binary data, not even with an explicit tag.
_Loader.yaml_constructors = {
    tag: _Loader.yaml_constructors[tag]
    for tag in (
        None,
        *(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map")),
    )
}
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_integer)


def parse(text: str, *, file: str) -> Document:
    """Read one YAML document.

    Parameters
    ----------
    text
        The text of the file.
    file
        Its name, for messages.

    Raises
    ------
    ProtocolError
        Text that is not YAML, with line and column; a repeated key; an alias; more than one document.

    Examples
    --------
    >>> parse("{on: [P0D], start: 10:30, version: 1.0.0}", file="x.yaml").content
    {'on': ['P0D'], 'start': '10:30', 'version': '1.0.0'}
    """
    if len(text) > _LARGEST_FILE:
        raise ProtocolError(
            "The file is too large for a protocol.",
            expected=f"up to {_LARGEST_FILE} characters",
            came=f"{len(text)} characters",
            where=file,
        )
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        content = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise _malformed(error, file=file) from error
    except RecursionError as error:
        raise ProtocolError("The file is nested too deeply for a protocol.", where=file) from error
    lines: dict[Path, int] = {}
    if node is not None:
        _note_lines(node, (), lines)
    return Document(content, lines)


def _note_lines(node: yaml.Node, path: Path, lines: dict[Path, int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*path, key.value)] = key.start_mark.line + 1
            _note_lines(value, (*path, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _note_lines(value, (*path, position), lines)


def _malformed(error: yaml.YAMLError, *, file: str) -> ProtocolError:
    mark = getattr(error, "problem_mark", None)
    place = f"{file}, line {mark.line + 1}, column {mark.column + 1}" if mark else file
    if isinstance(error, _NotAllowed):
        return ProtocolError(
            "The file uses something that a protocol must not hold.",
            expected="each entry written once, where it belongs",
            came=error.problem,
            where=place,
            remedy=error.note,
        )
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not well formed"
    return ProtocolError(
        "The file is not well-formed YAML.",
        expected="entries as name: value, lists as [first, second], the same indent for one level",
        came=str(problem),
        where=place,
        remedy="look at that line and the one above: often a colon, a bracket or a quote is missing",
    )
