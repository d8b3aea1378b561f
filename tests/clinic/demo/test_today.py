"""The demo's sessions of today: one in each phase, whatever the hour at which somebody looks."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.clinic.floor.making import person_with_plan, signed_version

from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.demo.cast import hire, new_keys
from upturn_clinic.demo.today import ROOMS, SCENES, today
from upturn_clinic.floor.board.queries import picture
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.phases import Phase, phase_of
from upturn_clinic.ledger.chain import verify
from upturn_clinic.ledger.models import Entry
from upturn_clinic.stock.models import Lot

pytestmark = pytest.mark.django_db
COPENHAGEN = ZoneInfo("Europe/Copenhagen")


@pytest.mark.parametrize("now", [
    datetime(2026, 3, 23, 15, 20, tzinfo=COPENHAGEN),
    # Just after midnight: who is on the floor came yesterday evening.
    datetime(2026, 3, 23, 0, 20, tzinfo=COPENHAGEN),
])  # fmt: skip
def test_one_session_in_each_phase_and_somebody_left_to_begin_with(now: datetime, facility: Facility) -> None:
    before = now - timedelta(days=2)
    staff = hire(facility, new_keys(), at=before)
    for place in range(len(SCENES) + 1):
        begins = now.replace(hour=9 + place, minute=0)
        # A version each: the same words of consent are published once.
        version = signed_version("six-infusions", staff[Role.CLINICIAN], before)
        person_with_plan(version, "ketamine", staff[Role.CLINICIAN], begins_at=begins, at=before)
    today(staff, facility, now)
    phases = {phase_of(each) for each in Session.objects.all()}
    assert phases == {Phase.LEFT, Phase.READY_TO_LEAVE, Phase.OBSERVING, Phase.DOSING, Phase.READY, Phase.ARRIVING}
    assert Session.objects.count() == len(SCENES)
    board = picture(facility, staff[Role.SESSION_NURSE], now=now)
    assert [room.name for room in board.rooms] == list(ROOMS)
    assert board.open == len(SCENES) - 1
    assert len(board.expected) == 1
    assert Lot.objects.count() == 1
    assert verify(Entry.objects.order_by("sequence")).fault == ""
