"""The study document: one YAML file says what is done to whom and when.

What lives here: the format, its validation and digest, and the shipped protocols. What does not: running one
(``upturn.trials``). This room loads without JAX.
"""

from upturn.protocol.doses import Dose, Drug, Route, device_times_h, nasal_devices_mg
from upturn.protocol.library import canonical_json, digest, json_schema, load, read, read_dose, shipped
from upturn.protocol.naming import NamedRule, rules_of
from upturn.protocol.people import Arm, Contrast, Distribution, Population
from upturn.protocol.rules import (
    Consequence,
    Criterion,
    Gate,
    Readings,
    Rule,
    StaffRole,
    Verdict,
    applies,
    closing,
    judge,
    missing,
)
from upturn.protocol.safety import Concern, Monitoring, NoResponse, Safety, Serious, Spacing, Stopping, raised
from upturn.protocol.study import (
    Endpoints,
    Protocol,
    Relapse,
    Remission,
    Response,
    Simulation,
    Source,
    SustainedResponse,
)
from upturn.protocol.visits import Assessment, BeforeDose, BeliefTask, Encounter, Session, Timepoint, Window

__all__ = [
    "Arm",
    "Assessment",
    "BeforeDose",
    "BeliefTask",
    "Concern",
    "Consequence",
    "Contrast",
    "Criterion",
    "Distribution",
    "Dose",
    "Drug",
    "Encounter",
    "Endpoints",
    "Gate",
    "Monitoring",
    "NamedRule",
    "NoResponse",
    "Population",
    "Protocol",
    "Readings",
    "Relapse",
    "Remission",
    "Response",
    "Route",
    "Rule",
    "Safety",
    "Serious",
    "Session",
    "Simulation",
    "Source",
    "Spacing",
    "StaffRole",
    "Stopping",
    "SustainedResponse",
    "Timepoint",
    "Verdict",
    "Window",
    "applies",
    "canonical_json",
    "closing",
    "device_times_h",
    "digest",
    "json_schema",
    "judge",
    "load",
    "missing",
    "nasal_devices_mg",
    "raised",
    "read",
    "read_dose",
    "rules_of",
    "shipped",
]
