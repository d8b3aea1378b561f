"""The mapping file of a foreign table of belief-updating trials: which column is what.

What lives here: reading the file and refusing what it cannot mean. What does not: the table (``belief_tables``).

A mapping file is YAML::

    columns: {participant: id, group: cohort, visit: session, event: item, base_rate: BR, first_estimate: E1,
              second_estimate: E2}               # our name: the table's name
    constants: {group: all}                      # the same in every row
    one_row_per_person: false                    # true: the number of the row is the participant
    visits: {T1: -24, T2: 4}                     # hours from the first dose, where there is no column for time_h;
                                                 # a list, [T1, T2], where only the order is known: 0, 1, ...
    scale: {base_rate: 100, rt_first_ms: 1000}   # what a number is multiplied with
    words: {group: {"0": control}}               # what a word of the table stands for
    missing: [NA]                                # cells that hold nothing, besides empty ones
    leave_out: [comment]                         # columns that are not needed; or: all
    people: {table: people.csv, columns: {participant: id, age_y: age, cov_baseline_madrs: madrs}}
    observations: {table: scores.csv, columns: {participant: id, visit: session},
                   values: {madrs_total: {instrument: MADRS, unit: points}}}

``people`` and ``observations`` may be absent; each takes ``constants``, ``scale``, ``words``, ``missing`` and
``leave_out`` of its own, and lies beside the mapping file. A row without a base rate is a filler event.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from upturn.errors import InputError

__all__ = ["read_mapping", "visit_hours"]

_PARTS = ("columns", "constants", "scale", "words", "missing", "leave_out")
_KEYS = {
    "": (*_PARTS, "one_row_per_person", "visits", "people", "observations"),
    "people": (*_PARTS, "table"),
    "observations": (*_PARTS, "table", "values"),
}
_KINDS: Mapping[str, type] = {
    "columns": dict, "constants": dict, "scale": dict, "words": dict, "values": dict, "missing": list,
    "leave_out": list,
}  # fmt: skip


def read_mapping(file: Path) -> dict[str, Any]:
    """Read a mapping file and check its keys; what they name is checked against the tables.

    Raises
    ------
    InputError
        No such file, not YAML, an unknown key, or one that is misshapen; names the key.
    """
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            "The mapping file cannot be read.",
            expected="a YAML file in UTF-8",
            came=getattr(error, "strerror", None) or " ".join(str(error).split()),
            where=str(file),
        ) from None
    _check(document, "", file)
    if not isinstance(document.get("one_row_per_person", False), bool):
        raise InputError(
            "A key of the mapping is misshapen.",
            expected="true or false",
            came=str(document["one_row_per_person"]),
            where=f"{file.name}, one_row_per_person",
        )
    for part in ("people", "observations"):
        if document.get(part) is not None:
            _check(document[part], part, file)
    return dict(document)


def _check(part: Any, path: str, file: Path) -> None:
    where = f"{file.name}, {path}" if path else file.name
    if not isinstance(part, dict) or not isinstance(part.get("columns"), dict):
        raise InputError("The mapping names no columns.", expected="columns: {our name: its name, ...}", where=where)
    for key, value in part.items():
        if key not in _KEYS[path]:
            near = get_close_matches(str(key), _KEYS[path], n=1)
            raise InputError(
                "The mapping has an unknown key.",
                expected=", ".join(_KEYS[path]),
                came=str(key),
                where=where,
                remedy=f"did you mean {near[0]}?" if near else None,
            )
        kind = _KINDS.get(key)
        if kind is not None and not isinstance(value, kind) and not (key == "leave_out" and value == "all"):
            expected = "a list" if kind is list else "a mapping of names"
            raise InputError(
                "A key of the mapping is misshapen.", expected=expected, came=str(value), where=f"{where}, {key}"
            )
    for key, values in {"scale": part.get("scale", {}), "words": part.get("words", {})}.items():
        for name, value in values.items():
            if isinstance(value, bool) or not isinstance(value, (int, float) if key == "scale" else dict):
                expected = "a number to multiply with" if key == "scale" else "a mapping of its words to ours"
                raise InputError(
                    "A key of the mapping is misshapen.",
                    expected=expected,
                    came=str(value),
                    where=f"{where}, {key}, {name}",
                )
    for key in [key for key in ("table", "values") if key in _KEYS[path]]:
        if not part.get(key):
            raise InputError(f"The mapping names no {key}.", expected=f"{key} of the {path}", where=where)


def visit_hours(document: Mapping[str, Any], file: Path) -> dict[str, float] | None:
    """Give the hours of each visit; where only the order of visits is known, their number stands for them.

    Raises
    ------
    InputError
        The visits are neither a list of names nor names with hours.

    Examples
    --------
    >>> visit_hours({"visits": {"T1": -24, "T2": 4}}, Path("map.yaml"))
    {'T1': -24.0, 'T2': 4.0}
    >>> visit_hours({"visits": ["T1", "T2"]}, Path("map.yaml"))
    {'T1': 0.0, 'T2': 1.0}
    """
    visits = document.get("visits")
    if visits is None:
        return None
    listed = dict(zip(map(str, visits), range(len(visits)), strict=True)) if isinstance(visits, list) else visits
    if not isinstance(listed, dict) or not all(_is_number(hours) for hours in listed.values()):
        raise InputError(
            "The visits have no hours.",
            expected="visits: {name: hours from the first dose}, or a list of visits in order",
            came=str(visits),
            where=f"{file.name}, visits",
        )
    return {str(name): float(hours) for name, hours in listed.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
