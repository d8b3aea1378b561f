"""All that is written about other treatments and other drugs of the same time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.treatments.models import CoIntervention, ConcomitantDrug

__all__ = ["change_co_intervention", "change_drug", "record_co_intervention", "record_drug"]


def record_co_intervention(
    *, participant: Participant, values: Mapping[str, object], by: Actor, at: datetime
) -> CoIntervention:
    """Record another treatment of the same time."""
    by.must(Permission.RECORD_TREATMENTS)
    _must_be_here(participant, by)
    thing = CoIntervention(participant=participant, recorded_at=at, **values)
    _in_order(thing.began_on, thing.ended_on)
    return writing.insert(thing, action="recorded another treatment", by=by, at=at)


def change_co_intervention(
    *, co_intervention: CoIntervention, version: int, values: Mapping[str, object], reason: str, by: Actor, at: datetime
) -> CoIntervention:
    """Change or end another treatment."""
    by.must(Permission.RECORD_TREATMENTS)
    _must_be_here(co_intervention.participant, by)
    _in_order(values.get("began_on", co_intervention.began_on), values.get("ended_on", co_intervention.ended_on))
    return writing.change(
        co_intervention, action="changed another treatment", by=by, at=at, reason=reason, version=version, **values
    )


def record_drug(*, participant: Participant, values: Mapping[str, object], by: Actor, at: datetime) -> ConcomitantDrug:
    """Record another drug of the same time."""
    by.must(Permission.RECORD_TREATMENTS)
    _must_be_here(participant, by)
    thing = ConcomitantDrug(participant=participant, recorded_at=at, **values)
    _in_order(thing.began_on, thing.ended_on)
    return writing.insert(thing, action="recorded another drug", by=by, at=at)


def change_drug(
    *, drug: ConcomitantDrug, version: int, values: Mapping[str, object], reason: str, by: Actor, at: datetime
) -> ConcomitantDrug:
    """Change or end another drug."""
    by.must(Permission.RECORD_TREATMENTS)
    _must_be_here(drug.participant, by)
    _in_order(values.get("began_on", drug.began_on), values.get("ended_on", drug.ended_on))
    return writing.change(drug, action="changed another drug", by=by, at=at, reason=reason, version=version, **values)


def _must_be_here(participant: Participant, by: Actor) -> None:
    if by.facility_id not in (None, participant.facility_id):
        raise Refused("This participant is at another facility.")


def _in_order(began: object, ended: object) -> None:
    if began is not None and ended is not None and str(ended) < str(began):
        raise Refused("It ended before it began.", came=f"{began} to {ended}")
