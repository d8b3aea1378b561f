"""What a blinded rater is told of plans: the visits at which they rate, at the times that were planned by hand.

A rater may see no dose. A visit, though, goes with a dose: it moves when that is late, and is done when it is given. So
a rater sees no state of a visit and no time that follows a dose that was given, only ``told_at``: what the plan said
when it was made, and what people moved by hand since. What a hand moves is an appointment, and everybody is told it.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from upturn.protocol import Protocol
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.treatments.models import Plan, Visit
from upturn_clinic.treatments.schedule import Slot, instruments_by_visit, slot_of_visit

__all__ = ["is_told_alone", "rated_blind", "slot_told", "told_visits"]


def is_told_alone(reader: Actor) -> bool:
    """Tell whether a reader must learn nothing of doses: whether they were given, when, or which."""
    return not reader.may(Permission.SEE_DOSES)


def rated_blind(protocol: Protocol) -> Mapping[str, tuple[str, ...]]:
    """Name the visits at which a protocol asks for a blinded rating in any of its arms, with what is rated."""
    found: dict[str, dict[str, None]] = {}
    for arm in protocol.arms:
        for visit, names in instruments_by_visit(protocol, arm, rater="blinded").items():
            found.setdefault(visit, {}).update(dict.fromkeys(names))
    return {visit: tuple(names) for visit, names in found.items()}


def told_visits(plans: QuerySet[Plan]) -> QuerySet[Visit]:
    """Find the visits of some plans at which a blinded rating is asked for, whatever became of the doses."""
    wanted = Q(pk__in=[])
    for version in ProtocolVersion.objects.filter(pk__in=plans.order_by().values("protocol_version")):
        wanted |= Q(plan__protocol_version=version, encounter__in=list(rated_blind(protocol_of(version))))
    found = Visit.objects.filter(wanted, plan__in=plans).exclude(state="cancelled")
    # Not in the order of the plan, which follows doses.
    return found.order_by("told_at", "offset_h", "pk")


def slot_told(visit: Visit, protocol: Protocol, zone: ZoneInfo) -> Slot:
    """Lay the protocol's window around the time that raters are told."""
    encounter = next((each for each in protocol.encounters if each.id == visit.encounter), None)
    if encounter is None:
        return Slot(visit.told_at, visit.told_at, visit.told_at)
    return slot_of_visit(encounter, visit.told_at, zone=zone)
