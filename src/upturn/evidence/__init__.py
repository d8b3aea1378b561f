"""Published numbers with their sources: what was found, in whom, with what error, and what cannot be used.

What lives here: the shipped tables, the door for tables from outside (``read_table``), and a trial's arms as a
protocol. What does not: any fit; and no number of the model rests on a recalled one. This room loads without JAX.

Times are hours after the first dose (day 1 = 0 h, day 28 = 648 h) unless ``Finding.since`` says ``event``. A negative
change or difference is an improvement; shares run from 0 to 1.
"""

from upturn.evidence.protocols import protocol_names, trial_protocol
from upturn.evidence.reading import read_table
from upturn.evidence.rows import (
    AdverseEvent,
    Arm,
    Claim,
    Condition,
    Evidence,
    Fact,
    Finding,
    NotUsed,
    Pooled,
    Refusal,
)
from upturn.evidence.shelf import adverse_events, claims, conditions, not_used, outside_ages, pooled, shipped, trials

__all__ = [
    "AdverseEvent",
    "Arm",
    "Claim",
    "Condition",
    "Evidence",
    "Fact",
    "Finding",
    "NotUsed",
    "Pooled",
    "Refusal",
    "adverse_events",
    "claims",
    "conditions",
    "not_used",
    "outside_ages",
    "pooled",
    "protocol_names",
    "read_table",
    "shipped",
    "trial_protocol",
    "trials",
]
