"""Where protocols come from and what identifies them: files, schema, canonical text, digest.

What lives here: the public doors of the room. What does not: what a protocol is (``study``).
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from upturn.errors import ProtocolError
from upturn.protocol.document import parse
from upturn.protocol.doses import Dose
from upturn.protocol.faults import Fault, faults_in, protocol_error, suggestion
from upturn.protocol.study import Protocol

__all__ = ["canonical_json", "digest", "json_schema", "load", "read", "shipped"]

_SUFFIXES = (".yaml", ".yml", ".json")


def shipped() -> tuple[str, ...]:
    """Name the protocols that come with upturn.

    Examples
    --------
    >>> "six-infusions" in shipped()
    True
    """
    folder = files("upturn.protocol").joinpath("shipped")
    return tuple(sorted(each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml")))


def load(source: str | Path) -> Protocol:
    """Load a protocol: a shipped one by its name, or one from a file.

    Parameters
    ----------
    source
        A shipped name, such as ``"six-infusions"``, or the path of a .yaml file.

    Raises
    ------
    ProtocolError
        An unknown name; a file that is not there or cannot be read; every fault inside the document.

    Examples
    --------
    >>> protocol = load("six-infusions")
    >>> protocol.arms["ketamine"].doses[0].on_h[:3]
    (0.0, 48.0, 96.0)
    """
    if isinstance(source, str) and source in shipped():
        resource = files("upturn.protocol").joinpath("shipped", f"{source}.yaml")
        return read(resource.read_text(encoding="utf-8"), file=f"{source}.yaml")
    path = Path(source)
    if isinstance(source, str) and path.name == source and not path.is_file() and path.suffix not in _SUFFIXES:
        raise ProtocolError(
            f"There is no protocol called {source}.",
            expected=f"a shipped protocol ({', '.join(shipped())}) or the path of a .yaml file",
            came=source,
            remedy=suggestion(source, shipped()) or "upturn protocol list names the shipped protocols",
        )
    return read(_text(path), file=path.name)


def read(text: str, *, file: str = "protocol") -> Protocol:
    """Read a protocol from the text of a YAML (or JSON) document; ``file`` names it in messages.

    Raises
    ------
    ProtocolError
        Every fault of the document; the first few are told in full.
    """
    document = parse(text, file=file)
    if not isinstance(document.content, dict):
        fault = Fault(
            (),
            "The file holds no protocol.",
            expected="named entries, beginning with upturn: 1",
            came="an empty file"
            if document.content is None
            else "a list"
            if isinstance(document.content, list)
            else "text",
        )
        raise protocol_error([fault], file=file, lines=document.lines)
    try:
        return Protocol.model_validate(document.content)
    except ValidationError as error:
        faults = faults_in(error.errors(include_url=False), schema=json_schema())
        raise protocol_error(faults, file=file, lines=document.lines) from None


def read_dose(*, drug: str, route: str, amount: str, over: str | None = None, file: str = "the dose") -> Dose:
    """Read a single dose as somebody wrote it, by the rules that hold in a protocol.

    Examples
    --------
    >>> read_dose(drug="ketamine", route="intravenous", amount="0.5 mg/kg", over="40 min").over_h == 40 / 60
    True
    """
    written = {"id": "dose", "drug": drug, "route": route, "amount": amount, "on": ["P0D"]}
    try:
        return Dose.model_validate(written if over is None else {**written, "over": over})
    except ValidationError as error:
        schema = {**Dose.model_json_schema(by_alias=True)}
        raise protocol_error(faults_in(error.errors(include_url=False), schema=schema), file=file, lines={}) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        expected = "the path of a .yaml file, or the name of a shipped protocol"
        raise ProtocolError("There is no such file.", expected=expected, came=str(path)) from None
    except UnicodeDecodeError:
        raise ProtocolError("The file is not text in UTF-8.", expected="a YAML file", where=str(path)) from None
    except (OSError, ValueError) as error:
        came = error.strerror if isinstance(error, OSError) else str(error)
        raise ProtocolError("The file cannot be read.", came=came, where=str(path)) from None


@cache
def _schema_text() -> str:
    schema = Protocol.model_json_schema(by_alias=True, mode="validation")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:upturn:protocol:1",
        "title": "upturn protocol, format 1",
    }
    return json.dumps({**schema, **head}, ensure_ascii=False, sort_keys=True)


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of the format.

    It states the shape; rules that compare entries (windows, references, amounts) are for ``load`` alone.

    Examples
    --------
    >>> json_schema()["$id"]
    'urn:upturn:protocol:1'
    """
    schema: dict[str, Any] = json.loads(_schema_text())
    return schema


def canonical_json(protocol: Protocol) -> str:
    """Write a protocol as canonical JSON.

    Names are sorted, durations are in ISO 8601, ``like`` is written out, and entries that only repeat a
    default are left out, so that two files that mean the same are written the same.

    Examples
    --------
    >>> canonical_json(load("six-infusions"))[:20]
    '{"arms":{"escitalopr'
    """
    content = protocol.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(protocol: Protocol) -> str:
    """Give the digest of a protocol: SHA-256 of its canonical JSON.

    Examples
    --------
    >>> digest(load("six-infusions"))[:7]
    'sha256:'
    """
    return "sha256:" + hashlib.sha256(canonical_json(protocol).encode("utf-8")).hexdigest()
