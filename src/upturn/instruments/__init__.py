"""Rating scales and measures as data: items, range, scoring, bands, recall and licence, each with a source.

What lives here: one file per instrument under ``scales/``, and the door to them. The text of items is there where its
terms allow it; other instruments have short names of ours, and a place for a site's own licensed text (``packs``). What
does not live here: endpoints such as response or remission, which belong to a protocol.

Examples
--------
>>> from upturn import instruments
>>> madrs = instruments.get("MADRS")
>>> madrs.total.most, madrs.band(33)
(60.0, 'moderate')
"""

from upturn.instruments.evidence import Evidence, Status
from upturn.instruments.instrument import Band, Bands, Instrument, Items, Kind, Licence, Mode, Range, Recall
from upturn.instruments.items import Alerts, Codes, Item, Level, Missing, Part, Pattern, Scoring, Wording
from upturn.instruments.packs import TextPack, items_of, read_text_packs
from upturn.instruments.scoring import Finding, PartScore, Score, score
from upturn.instruments.shelf import LOINC_NOTICE, all_ids, get

__all__ = [
    "LOINC_NOTICE",
    "Alerts",
    "Band",
    "Bands",
    "Codes",
    "Evidence",
    "Finding",
    "Instrument",
    "Item",
    "Items",
    "Kind",
    "Level",
    "Licence",
    "Missing",
    "Mode",
    "Part",
    "PartScore",
    "Pattern",
    "Range",
    "Recall",
    "Score",
    "Scoring",
    "Status",
    "TextPack",
    "Wording",
    "all_ids",
    "get",
    "items_of",
    "read_text_packs",
    "score",
]
