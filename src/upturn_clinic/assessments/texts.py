"""In whose words the items are shown: those of the package, or a site's own licensed text, read when the server starts.

The site's file or folder is named by ``UPTURN_TEXT_PACKS``; its words are shown on pages where answers are entered and
nowhere else, and never leave this server by an export.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from upturn import instruments
from upturn.instruments import Instrument, Item, TextPack

__all__ = ["Sheet", "packs", "sheet_of"]


@dataclass(frozen=True)
class Sheet:
    """An instrument as it is put on a page.

    Parameters
    ----------
    items
        In order, in the words that may be shown here.
    instruction, notice
        What stands above and below them; may be empty.
    language, edition
        Of the words; the edition is empty for those of the package.
    has_words
        Whether there are questions to read, or only short names for somebody who has the form at hand.
    """

    instrument: Instrument
    items: tuple[Item, ...]
    instruction: str
    notice: str
    language: str
    edition: str
    has_words: bool

    @property
    def may_be_answered_alone(self) -> bool:
        """Whether a participant can answer it without anybody asking: it is meant for it, and has words."""
        return self.has_words and "self" in self.instrument.modes


def sheet_of(instrument: str) -> Sheet:
    """Give an instrument in the words that may be shown here.

    Raises
    ------
    InputError
        There is no such instrument.

    Examples
    --------
    >>> sheet_of("PHQ-9").may_be_answered_alone, sheet_of("MADRS").has_words
    (True, False)
    """
    scale = instruments.get(instrument)
    pack = packs().get(scale.id)
    items = instruments.items_of(scale.id, pack)
    if pack is not None:
        return Sheet(scale, items, pack.instruction, pack.notice, pack.language, pack.edition, True)
    words = scale.wording
    return Sheet(
        scale, items, words.instruction if words else "", words.notice if words else "",
        words.language if words else "", "", scale.ships_item_text,
    )  # fmt: skip


@cache
def packs() -> Mapping[str, TextPack]:
    """Read the site's text packs; none where the site names none."""
    where = settings.TEXT_PACKS
    return {pack.instrument: pack for pack in instruments.read_text_packs(Path(where))} if where else {}
