"""A masked study beside the open programme: two virtual people whom a concealed list has allocated.

Nobody who treats or rates sees their arm; the pharmacist does. Their first dose is still to come: it is the visitor's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import cycle

from upturn_clinic.accounts.permissions import Role
from upturn_clinic.demo.cast import Staff
from upturn_clinic.demo.course import Stage, VirtualCourse
from upturn_clinic.demo.records import VirtualPerson
from upturn_clinic.participants import actions as people
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.screening.actions import publish_consent_document
from upturn_clinic.programmes.models import ProtocolVersion

__all__ = ["STAGES", "masked_courses"]

STAGES = (Stage(-1, "enrolled"), Stage(-4, "enrolled"))
SHARES = {"ketamine": 1, "midazolam": 1}
BLOCKS = (2, 4)
AFTER = timedelta(minutes=5)


class MaskedCourse(VirtualCourse):
    """The way of somebody whose arm the list decides."""

    def _allocated(self, person: Participant, at: datetime) -> None:
        people.enrol(
            participant=person, version=person.version, arm="", strata={}, by=self.staff[Role.CLINICIAN], at=at
        )


def masked_courses(
    version: ProtocolVersion, virtual: Sequence[VirtualPerson], *, staff: Staff, consent: str, first_place: int,
    today: datetime, opened: datetime,
) -> list[VirtualCourse]:  # fmt: skip
    """Set the study up and give the ways of its people.

    Parameters
    ----------
    version
        Of a programme of its own, in force.
    virtual
        Simulated people; the values of some before treatment are entered under other names.
    consent
        The text of the consent document.
    first_place
        The number of the first of these people, which no other virtual person has.
    today
        The day on which somebody looks at the demo.
    opened
        When the study was set up.
    """
    document = publish_consent_document(
        programme=version.programme, title="Consent to a masked study (invented)", text=consent,
        by=staff[Role.COORDINATOR], at=opened + AFTER,
    )  # fmt: skip
    people.set_up_randomisation(
        protocol_version=version, shares=SHARES, block_sizes=BLOCKS, strata={}, by_facility=True, is_masked=True,
        by=staff[Role.COORDINATOR], at=opened + AFTER,
    )  # fmt: skip
    return [
        MaskedCourse(first_place + place, person, stage, staff=staff, version=version, document=document, today=today)
        for place, (person, stage) in enumerate(zip(cycle(virtual), STAGES, strict=False))
    ]
