"""Looking for somebody by name: the name stands in no address, so in no log and no list of pages visited."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import NOW
from tests.clinic.participants.making import registered

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.operation import LONGEST_SEARCH, SEARCHES_KEPT
from upturn_clinic.programmes.models import ProtocolVersion

pytestmark = pytest.mark.django_db
LIST = "/at/main/participants/"
LogIn = Callable[[User], Client]


def search(client: Client, **asked: str) -> str:
    """Search, and give the address to which it leads."""
    answer = client.post(LIST, asked)
    assert answer.status_code == 302
    return str(answer["Location"])


@pytest.fixture
def client(in_force: ProtocolVersion, as_clinician: Actor, colleague: User, log_in: LogIn) -> Client:
    for name in ("Ada Byron", "Grace Hopper"):
        registered(in_force, as_clinician, NOW, name=name)
    return log_in(colleague)


def test_a_name_is_in_no_address(client: Client) -> None:
    assert reverse("participants", args=["main"]) == LIST
    assert 'method="post"' in client.get(LIST).content.decode()
    to = search(client, text="byron", status="screening")
    assert "byron" not in to.lower()
    page = client.get(to).content.decode()
    assert "Ada Byron" in page
    assert "Grace Hopper" not in page
    # What was asked for stands in the form again, and pages of the list keep it.
    assert 'value="byron"' in page
    assert "status=screening" in to


def test_a_name_in_an_address_finds_nothing(client: Client) -> None:
    page = client.get(LIST, {"text": "byron"}).content.decode()
    assert "Ada Byron" in page
    assert "Grace Hopper" in page


def test_the_way_back_leads_to_each_search_again(client: Client) -> None:
    first, second = search(client, text="byron"), search(client, text="hopper")
    assert first != second
    assert "Grace Hopper" not in client.get(first).content.decode()
    assert "Ada Byron" not in client.get(second).content.decode()
    for number in range(SEARCHES_KEPT):
        search(client, text=f"nobody {number}")
    # Long ago: the whole list, and the form says that nothing is asked for.
    page = client.get(first).content.decode()
    assert "Grace Hopper" in page
    assert "byron" not in page
    assert len(client.session["searches"]) == SEARCHES_KEPT


def test_somebody_elses_search_is_not_theirs(client: Client, log_in: LogIn, colleague: User) -> None:
    to = search(client, text="byron")
    page = log_in(colleague).get(to).content.decode()
    assert 'value="byron"' not in page
    assert "Grace Hopper" in page


def test_what_no_search_asks_for_goes_nowhere(client: Client) -> None:
    to = search(client, text="byron" * 5000, status="x" * 20_000, another="y")
    assert "another" not in to
    assert len(to) < 2 * LONGEST_SEARCH + len(LIST)
    assert {len(each) for each in client.session["searches"].values()} == {LONGEST_SEARCH}
    assert "Nobody" in client.get(to).content.decode()


def test_an_empty_search_shows_the_whole_list(client: Client) -> None:
    assert client.post(LIST, {"text": " ", "status": ""}).status_code == 200
    assert "searches" not in client.session
