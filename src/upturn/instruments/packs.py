"""A site's own licensed text of an instrument: a YAML file that is never part of this package.

What lives here: the shape of such a file, and its check. What does not: any text.

A file holds one or more packs, separated by ``---``::

    upturn_text_pack: 1
    instrument: MADRS
    version: "1"                # of this package's description of the instrument; a pack fits one version
    edition: Site form of 2026
    language: en
    licence: Licence 1234, held by the site, until 2027-12-31
    notice: The words that the owner wants beside the items
    instruction: The words above the items
    items:
      "1": {text: The first question, answers: {0: The lowest answer, 6: The highest answer}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from upturn.errors import InputError
from upturn.instruments.items import Item
from upturn.instruments.shelf import get

__all__ = ["TextPack", "items_of", "read_text_packs"]

FORMAT = 1
WORDS = ("instrument", "version", "edition", "language", "licence", "notice", "instruction")


@dataclass(frozen=True)
class TextPack:
    """The licensed words of one instrument, as a site loaded them."""

    instrument: str
    version: str
    edition: str
    language: str
    licence: str
    notice: str
    instruction: str
    items: Mapping[str, Mapping[str, Any]]


def items_of(instrument: str, pack: TextPack | None = None) -> tuple[Item, ...]:
    """Give the items of an instrument, in order, in the words of a pack where there is one.

    Raises
    ------
    InputError
        An unknown instrument, or a pack of another one.

    Examples
    --------
    >>> [item.id for item in items_of("CADSS-6")]
    ['1', '2', '6', '7', '15', '22']
    >>> items_of("MADRS")[0].text
    ''
    """
    scale = get(instrument)
    members = scale.items.members if scale.items else ()
    if pack is None:
        return members
    if pack.instrument != scale.id:
        raise InputError("The text pack is of another instrument.", expected=scale.id, came=pack.instrument)
    return tuple(
        replace(each, text=pack.items[each.id]["text"], answers={**each.answers, **pack.items[each.id]["answers"]})
        if each.id in pack.items
        else each
        for each in members
    )


def read_text_packs(path: Path) -> tuple[TextPack, ...]:
    """Read and check the packs of a file, or of all ``.yaml`` files in a folder.

    Raises
    ------
    InputError
        The file is not there or is no pack, or does not fit the instrument; it says where.
    """
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    found: dict[str, TextPack] = {}
    for file in files:
        for pack in _packs(file):
            if pack.instrument in found:
                raise InputError(f"There are two text packs of {pack.instrument}.", expected="one", where=str(file))
            found[pack.instrument] = pack
    return tuple(found.values())


def _packs(file: Path) -> Iterator[TextPack]:
    try:
        documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError("The text pack cannot be read.", where=str(file), came=str(error).splitlines()[0]) from error
    for document in documents:
        yield _checked(document, str(file))


def _checked(document: Any, where: str) -> TextPack:
    if not isinstance(document, dict) or document.get("upturn_text_pack") != FORMAT:
        raise InputError("This is no text pack.", expected=f"upturn_text_pack: {FORMAT}", where=where)
    strange = sorted(set(document) - {*WORDS, "items", "upturn_text_pack"})
    if strange:
        raise InputError("A text pack has a key that is not known.", came=", ".join(strange), where=where)
    for word in WORDS:
        if not isinstance(document.get(word), str) or not document[word].strip():
            raise InputError(f"The text pack lacks {word}.", expected="some words, in quotes where needed", where=where)
    scale = get(document["instrument"])
    if not scale.licence.takes_text_pack:
        raise InputError(
            f"{scale.id} takes no text pack.", expected=scale.licence.terms, where=where,
            remedy="enter its numbers from paper",
        )  # fmt: skip
    if document["version"] != scale.version:
        raise InputError(
            f"The text pack fits another version of {scale.id}.", expected=f'version: "{scale.version}"',
            came=document["version"], where=where,
        )  # fmt: skip
    items = document.get("items")
    if not isinstance(items, dict) or not items:
        raise InputError("The text pack has no items.", where=where)
    return TextPack(**{word: document[word] for word in WORDS}, items=dict(_items(scale.id, items, where)))


def _items(instrument: str, items: Mapping[Any, Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    scale = get(instrument)
    for id, entry in items.items():
        item = scale.item(str(id))
        if (
            not isinstance(entry, dict)
            or not isinstance(entry.get("text"), str)
            or not set(entry) <= {"text", "answers"}
        ):
            raise InputError(f"Item {id} of the text pack is not whole.", expected="text, and answers", where=where)
        answers = entry.get("answers", {})
        if not isinstance(answers, dict) or not set(answers) <= set(item.values):
            raise InputError(
                f"Item {id} of the text pack has answers that the item cannot have.",
                expected=", ".join(map(str, item.values)), came=", ".join(map(str, answers)), where=where,
            )  # fmt: skip
        yield item.id, {"text": entry["text"], "answers": {value: str(words) for value, words in answers.items()}}
    absent = [each.id for each in items_of(instrument) if each.scored and each.id not in {str(id) for id in items}]
    if absent:
        raise InputError(f"The text pack of {instrument} lacks items.", expected=", ".join(absent), where=where)
