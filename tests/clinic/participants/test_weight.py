"""A body weight is entered at any visit, also by who runs sessions; nothing else of screening is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from tests.clinic.participants.making import enrolled

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.screening import actions as screening

pytestmark = pytest.mark.django_db


def test_a_nurse_weighs_somebody_who_is_enrolled(
    person: Participant, clinician: Actor, now: datetime, facility: Facility, make_person: Callable[..., User],
    log_in: Callable[[User], Client],
) -> None:  # fmt: skip
    enrolled(person, clinician, now)
    nurse = log_in(make_person("Nurse", facility, Role.SESSION_NURSE))
    page = reverse("record_weight", args=["main", person.pk])
    assert page in nurse.get(reverse("participant", args=["main", person.pk])).content.decode()
    assert "The last one is 80.5 kg" in nurse.get(page).content.decode()
    assert nurse.post(page, {"value": "79.2", "measured_at": "2026-03-03T10:00"}).status_code == 302
    found = person.measures.filter(value=Decimal("79.2")).get()
    assert (found.instrument, found.unit, str(found.rater)) == ("weight", "kg", "Nurse")
    # What no adult weighs is refused, as everywhere.
    assert nurse.post(page, {"value": "815", "measured_at": "2026-03-03T10:00"}).status_code == 200


def test_a_nurse_records_nothing_else_of_screening(
    person: Participant, actor_as: Callable[[Role], Actor], now: datetime
) -> None:
    with pytest.raises(PermissionDenied):
        screening.record_measure(
            participant=person, instrument="MADRS", value=Decimal(30), measured_at=now, recall_h=None,
            by=actor_as(Role.SESSION_NURSE), at=now,
        )  # fmt: skip
    for role in (Role.RATER, Role.COORDINATOR, Role.PHARMACIST):
        with pytest.raises(PermissionDenied):
            screening.record_measure(
                participant=person, instrument="weight", value=Decimal(80), measured_at=now, recall_h=None,
                by=actor_as(role), at=now,
            )  # fmt: skip
