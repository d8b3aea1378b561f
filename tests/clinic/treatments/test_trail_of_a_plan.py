"""The trail of a participant holds what was written about the plan, although that app stands above."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from upturn_clinic.accounts.models import User
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import entries_about
from upturn_clinic.treatments.models import Dose, Plan, Visit

pytestmark = pytest.mark.django_db


def test_all_of_the_plan_is_in_the_trail_of_the_participant(plan: Plan, person: Participant) -> None:
    found = set(entries_about(person).values_list("object_type", "object_id"))
    assert ("treatments.Plan", str(plan.pk)) in found
    for kind in (Dose, Visit):
        of_plan = {(kind._meta.label, str(key)) for key in kind.objects.filter(plan=plan).values_list("pk", flat=True)}
        assert of_plan
        assert of_plan <= found
    # Nothing of anybody else: every row is of this participant, or of something that belongs to them.
    assert {kind for kind, _ in found} <= {entry.object_type for entry in Entry.objects.all()}


def test_the_page_shows_it(plan: Plan, person: Participant, colleague: User, log_in: Callable[[User], Client]) -> None:
    made = Entry.objects.get(object_type="treatments.Plan", object_id=str(plan.pk))
    page = reverse("participant_trail", args=["main", person.pk])
    texts = [log_in(colleague).get(page, {"page": str(number)}).content.decode() for number in (1, 2)]
    assert any(made.action in text for text in texts)
    participant = log_in(colleague).get(reverse("participant", args=["main", person.pk])).content.decode()
    assert reverse("plan", args=["main", person.pk]) in participant
    assert reverse("others", args=["main", person.pk]) in participant
