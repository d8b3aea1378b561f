"""The study document: one YAML file says what is done to whom and when.

What lives here: the format, its validation and digest, and the shipped protocols. What does not: running one
(``upturn.trials``). This room loads without JAX.
"""

from upturn.protocol.doses import Dose, Drug, Route, device_times_h, nasal_devices_mg
from upturn.protocol.library import canonical_json, digest, json_schema, load, read, read_dose, shipped
from upturn.protocol.people import Arm, Contrast, Distribution, Population
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
from upturn.protocol.visits import Assessment, BeliefTask, Criterion, Encounter, Gate, Rule, Session, Timepoint, Window

__all__ = [
    "Arm",
    "Assessment",
    "BeliefTask",
    "Contrast",
    "Criterion",
    "Distribution",
    "Dose",
    "Drug",
    "Encounter",
    "Endpoints",
    "Gate",
    "Population",
    "Protocol",
    "Relapse",
    "Remission",
    "Response",
    "Route",
    "Rule",
    "Session",
    "Simulation",
    "Source",
    "SustainedResponse",
    "Timepoint",
    "Window",
    "canonical_json",
    "device_times_h",
    "digest",
    "json_schema",
    "load",
    "nasal_devices_mg",
    "read",
    "read_dose",
    "shipped",
]
