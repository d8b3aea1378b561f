"""Who tried what was not theirs: written down, and no stranger fills the disk with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import PASSWORD, Clock, code_now

from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.refusals import Refusal, Written, written
from upturn_clinic.ledger.models import Entry
from upturn_clinic.ledger.queries import changes_in
from upturn_clinic.operation import REFUSALS_NOTED_EACH, REFUSALS_NOTED_IN_ALL
from upturn_clinic.participants.models import Participant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_within_one_hour")]
ELSEWHERE, LIMIT = "asked for a page that is not there for them", "reached a limit"
NO_TOKEN, NO_LINK = "sent a form without its token", "opened a link that opens nothing"


@pytest.fixture
def _within_one_hour(clock: Clock) -> None:
    """The counts are per hour: no test begins in one and ends in another."""
    clock.stand_at(timezone.now().replace(minute=5))


def rows(action: str) -> list[Entry]:
    return list(Entry.objects.filter(action=action).order_by("sequence"))


def facts(row: Entry) -> dict[str, object]:
    return {change.field: change.new for change in changes_in(row)}


def test_a_page_of_another_facility_is_written_down_where_it_was_asked_for(
    facility: Facility, stranger: User, owner: User, log_in: Callable[[User], Client]
) -> None:
    page = reverse("people", args=["main"])
    assert log_in(stranger).get(page).status_code == 404
    (row,) = rows(ELSEWHERE)
    assert (row.by_id, row.facility_id, facts(row)) == (stranger.pk, facility.pk, {"page": page})
    told = log_in(owner).get(reverse("trail", args=["main"])).content.decode()
    assert ELSEWHERE in told
    assert "Stranger" in told


def test_a_thing_of_another_facility_is_written_down_as_well(
    elsewhere: Facility, participant: Participant, stranger: User, log_in: Callable[[User], Client]
) -> None:
    page = reverse("participant", args=["elsewhere", participant.pk])
    assert log_in(stranger).get(page).status_code == 404
    assert [(row.facility_id, facts(row)) for row in rows(ELSEWHERE)] == [(elsewhere.pk, {"page": page})]


def test_a_facility_that_does_not_exist_and_a_wrong_address(
    stranger: User, log_in: Callable[[User], Client], db: None
) -> None:
    client = log_in(stranger)
    assert client.get(reverse("people", args=["nowhere"])).status_code == 404
    assert client.get("/no/such/page/").status_code == 404
    assert [row.facility_id for row in rows(ELSEWHERE)] == [None]
    # Nobody is known, so nobody was refused: led to log-in.
    Client().get(reverse("people", args=["main"]))
    assert len(rows(ELSEWHERE)) == 1


def test_one_person_fills_no_disk(
    facility: Facility, stranger: User, colleague: User, log_in: Callable[[User], Client], clock: Clock
) -> None:
    client, start = log_in(stranger), timezone.now()
    for _ in range(REFUSALS_NOTED_EACH + 5):
        client.get(reverse("participant", args=["main", uuid4()]))
    found = rows(ELSEWHERE)
    assert len(found) == REFUSALS_NOTED_EACH
    # The last one says that it is the last.
    assert ["not all written" in facts(row) for row in found] == [False] * (REFUSALS_NOTED_EACH - 1) + [True]
    # Somebody else is written down all the same, and so is another kind; and an hour later the same person again.
    log_in(colleague).get(reverse("people", args=["elsewhere"]))
    assert len(rows(ELSEWHERE)) == REFUSALS_NOTED_EACH + 1
    clock.stand_at(start + timedelta(hours=1, minutes=1))
    log_in(stranger).get(reverse("participant", args=["main", uuid4()]))
    assert len(rows(ELSEWHERE)) == REFUSALS_NOTED_EACH + 2


def test_what_one_is_refused_by_role_fills_no_disk_either(
    facility: Facility, colleague: User, log_in: Callable[[User], Client]
) -> None:
    client = log_in(colleague)
    for _ in range(REFUSALS_NOTED_EACH + 3):
        assert client.get(reverse("trail", args=["main"])).status_code == 403
    assert len(rows("was refused a page")) == REFUSALS_NOTED_EACH


def test_many_addresses_fill_no_disk_either(facility: Facility) -> None:
    now = timezone.now()
    told = [
        written(Refusal.NO_LINK, who=f"address {number}", is_known=False, at=now)
        for number in range(REFUSALS_NOTED_IN_ALL + 2)
    ]
    assert set(told[: REFUSALS_NOTED_IN_ALL - 1]) == {Written.YES}
    assert told[REFUSALS_NOTED_IN_ALL - 1 :] == [Written.AS_THE_LAST, Written.NO, Written.NO]
    assert Client().get("/invitation/forged/").status_code == 404
    assert rows(NO_LINK) == []
    # Whoever is known has a count of their own: a flood of strangers hides nobody.
    assert written(Refusal.NO_LINK, who="somebody", is_known=True, at=now) is Written.YES
    assert written(Refusal.LIMIT, who="address 1", is_known=False, at=now) is Written.YES


@pytest.mark.parametrize("path", ["/invitation/forged-token/", "/new-password/forged-token/", "/q/forged-token/"])
def test_a_forged_link_is_written_down_without_what_it_says(path: str, facility: Facility) -> None:
    assert Client().get(path).status_code in (404, 405)
    (row,) = rows(NO_LINK)
    assert facts(row)["address"] == "127.0.0.1"
    assert "forged" not in json.dumps([row.changes, row.reason])


def test_a_form_without_its_token_is_written_down(
    facility: Facility, owner: User, log_in: Callable[[User], Client]
) -> None:
    client = Client(enforce_csrf_checks=True)
    page = reverse("invite", args=["main"])
    client.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(page, {"email": "a@example.org", "role": "rater"}).status_code == 403
    (row,) = rows(NO_TOKEN)
    assert (row.by_id, facts(row)) == (owner.pk, {"page": page})
    assert Client(enforce_csrf_checks=True).post("/log-in/", {"login": "x", "password": "y"}).status_code == 403
    assert [each.by_id for each in rows(NO_TOKEN)] == [owner.pk, None]


def test_reached_limits_are_written_down(
    owner: User, colleague: User, facility: Facility, log_in: Callable[[User], Client]
) -> None:
    stranger = Client()
    for _ in range(8):
        stranger.post("/log-in/", {"login": owner.email, "password": "wrong"})
    found = rows(LIMIT)
    assert found
    told = {(row.by_id, facts(row)["page"], facts(row)["address"]) for row in found}
    assert told == {(None, "/log-in/", "127.0.0.1")}
    # Passwords tried at a signature are limited as well.
    client = log_in(colleague)
    given = {"facility": str(facility.pk), "reason": "a participant collapsed", "password": "x", "code": code_now()}
    before = len(rows(LIMIT))
    for _ in range(12):
        client.post(reverse("open_emergency_access"), given)
    found = rows(LIMIT)[before:]
    assert {row.by_id for row in found} == {colleague.pk}
    assert PASSWORD not in json.dumps([row.changes for row in found])


def test_failed_log_ins_of_unknown_names_fill_no_disk(owner: User) -> None:
    now = timezone.now()
    for _ in range(REFUSALS_NOTED_EACH - 1):
        written(Refusal.UNKNOWN_NAME, who="127.0.0.1", is_known=False, at=now)
    for name in ("nobody", "no-one", "nemo"):
        Client().post("/log-in/", {"login": f"{name}@example.org", "password": "wrong"})
    Client().post("/log-in/", {"login": owner.email, "password": "wrong"})
    # Of unknown names the last one that is written; of a real account every one.
    assert [row.object_id for row in rows("failed to log in")] == ["", str(owner.pk)]
