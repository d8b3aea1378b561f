"""A way to spoil the small sound protocol."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

Path = tuple[str | int, ...]
Spoil = Callable[[Path, object], str]

REMOVED = "(removed)"


@pytest.fixture
def spoil(small_document: Any) -> Spoil:
    """Give the small protocol as text, with one entry replaced (or removed)."""

    def spoiled(path: Path, value: object) -> str:
        document: Any = copy.deepcopy(small_document)
        inner = document
        for part in path[:-1]:
            inner = inner[part]
        if value == REMOVED:
            del inner[path[-1]]
        elif isinstance(inner, list) and path[-1] == len(inner):
            inner.append(value)
        else:
            inner[path[-1]] = value
        return str(yaml.safe_dump(document, sort_keys=False))

    return spoiled
