"""The sessions of today: one in each phase, as if a nurse had worked until this minute. Made by the pages' actions."""

from __future__ import annotations

from datetime import datetime, timedelta

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.demo.cast import Staff
from upturn_clinic.demo.sessions import Played, Scene, shelf_with
from upturn_clinic.participants.models import Participant
from upturn_clinic.treatments.models import Dose

__all__ = ["ROOMS", "today"]

ROOMS = ("Window", "Garden", "Quiet", "Corner", "North", "South")
HOUSE = {
    "phone": "555 0100, day and night",
    "address": "1 Invented Street, ground floor, blue door",
    "crisis_help": "Invented crisis line: 555 0199, day and night",
}
DAY = timedelta(days=1)
SCENES = (
    Scene(220, 190, is_prepared=True, is_ready=True, has_left=True),
    Scene(160, 134, is_prepared=True, is_ready=True),
    Scene(100, 72, is_prepared=True),
    Scene(45, 17, is_prepared=True),
    Scene(35, is_prepared=True),
    Scene(8),
)


def today(staff: Staff, here: Facility, now: datetime) -> None:
    """Fill the shelf, name the rooms, and bring the people who are due today as far as each scene says.

    Who is due beyond the scenes is left for a visitor to begin with.
    """
    accounts.change_facility(
        facility=here, version=here.version, values={"rooms": "\n".join(ROOMS), **HOUSE}, reason="the house as it is",
        by=staff[Role.ADMINISTRATOR], at=now - DAY,
    )  # fmt: skip
    here.refresh_from_db()
    midnight = now.astimezone(here.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    due = Dose.objects.filter(
        facility=here, state=Dose.State.PLANNED, is_home_course=False, planned_at__gte=midnight,
        planned_at__lt=midnight + DAY, plan__participant__status=Participant.Status.ENROLLED,
    ).select_related("plan__participant", "plan__facility", "facility")  # fmt: skip
    lot = shelf_with(staff, here, number="DEMO-1", containers=20, at=now - DAY)
    for dose, scene, room in zip(due.order_by("planned_at", "pk"), SCENES, ROOMS, strict=False):
        Played(staff, dose, scene, room, lot, now).play()
