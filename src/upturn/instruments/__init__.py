"""Rating scales and measures as data: range, direction, bands, recall and licence, each with a source.

What lives here: one file per instrument under ``scales/``, and the door to them. What does not: the text of
any item, and endpoints such as response or remission, which belong to a protocol.

Examples
--------
>>> from upturn import instruments
>>> madrs = instruments.get("MADRS")
>>> madrs.total.most, madrs.band(33)
(60.0, 'moderate')
"""

from upturn.instruments.instrument import (
    Band,
    Bands,
    Evidence,
    Instrument,
    Items,
    Kind,
    Licence,
    Range,
    Recall,
    Status,
)
from upturn.instruments.shelf import all_ids, get

__all__ = [
    "Band",
    "Bands",
    "Evidence",
    "Instrument",
    "Items",
    "Kind",
    "Licence",
    "Range",
    "Recall",
    "Status",
    "all_ids",
    "get",
]
