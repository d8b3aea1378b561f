"""Doses and observations as a NONMEM or ADPPK event table, and back.

What lives here: the codes and their legend (``codes``), the table (``table``) and the two files (``files``).
What does not: belief-updating trials and adverse events, for which the format has no place.

Examples
--------
>>> from upturn.records import Records
>>> to_event_table(Records()).columns[:7]
['ID', 'TIME', 'AMT', 'RATE', 'DUR', 'EVID', 'CMT']
"""

from upturn.interchange.nonmem.codes import Legend, legend
from upturn.interchange.nonmem.files import read_event_table, write_event_table
from upturn.interchange.nonmem.table import COLUMNS, from_event_table, to_event_table

__all__ = [
    "COLUMNS",
    "Legend",
    "from_event_table",
    "legend",
    "read_event_table",
    "to_event_table",
    "write_event_table",
]
