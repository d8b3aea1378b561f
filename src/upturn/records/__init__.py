"""The five tables: what was done and what was seen, one shape for the clinic and for virtual people.

What lives here: the schema, reading, checking and writing. What does not: rating scales, other people's
formats, anything that computes an effect.

Examples
--------
>>> import polars as pl
>>> from upturn import records
>>> seen = records.empty("observations")
>>> seen.columns[:4]
['participant', 'time_h', 'planned_h', 'instrument']
"""

from upturn.records.reading import read
from upturn.records.schema import TABLES, Column, Table, empty, schema
from upturn.records.tables import Records
from upturn.records.validation import validate
from upturn.records.writing import RecordsWriter, write

__all__ = [
    "TABLES",
    "Column",
    "Records",
    "RecordsWriter",
    "Table",
    "empty",
    "read",
    "schema",
    "validate",
    "write",
]
