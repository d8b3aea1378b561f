"""Pages about oneself and about who works here: what they say, what they offer, and by whose clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import NOW, PASSWORD

from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.letters import log_in_name
from upturn_clinic.accounts.models import Facility, Membership, User
from upturn_clinic.accounts.permissions import Role

pytestmark = pytest.mark.django_db
LogIn = Callable[[User], Client]
Make = Callable[..., User]


def page(client: Client, name: str, *args: object) -> str:
    """What stands on a page."""
    answer = client.get(reverse(name, args=args))
    return str(answer.content.decode())


def test_the_role_of_the_only_administrator_is_not_offered_to_end(
    facility: Facility, owner: User, colleague: User, make_person: Make, log_in: LogIn
) -> None:
    def ways() -> set[bool]:
        shown = page(log_in(owner), "people", facility.slug)
        found = Membership.objects.filter(facility=facility, role=Role.ADMINISTRATOR)
        return {reverse("end_role", args=[facility.slug, each.pk]) in shown for each in found}

    of_colleague = Membership.objects.get(user=colleague)
    assert reverse("end_role", args=[facility.slug, of_colleague.pk]) in page(log_in(owner), "people", facility.slug)
    assert ways() == {False}
    make_person("Second", facility, Role.ADMINISTRATOR)
    assert ways() == {True}


def test_a_role_that_somebody_has_is_not_offered_again(
    facility: Facility, owner: User, colleague: User, log_in: LogIn
) -> None:
    client, address = log_in(owner), reverse("give_role", args=[facility.slug, colleague.pk])
    offered = client.get(address).context["form"].fields["role"].choices
    assert Role.CLINICIAN not in dict(offered)
    assert Role.RATER in dict(offered)
    assert client.post(address, {"role": Role.RATER.value}).status_code == 302
    assert {each.role for each in colleague.memberships.all()} == {Role.CLINICIAN, Role.RATER}


def test_where_one_is_logged_in_is_told_by_the_clock_of_the_only_facility(
    facility: Facility, elsewhere: Facility, colleague: User, log_in: LogIn
) -> None:
    assert f"by the clock of {facility.name} ({facility.time_zone})" in page(log_in(colleague), "my_sessions")
    actions.give_role(user=colleague, role=Role.RATER, facility=elsewhere, by=system(elsewhere), at=NOW)
    assert "Times are in UTC" in page(log_in(colleague), "my_sessions")


def test_without_recovery_codes_one_is_warned(facility: Facility, colleague: User, log_in: LogIn) -> None:
    Authenticator.objects.filter(user=colleague, type=Authenticator.Type.RECOVERY_CODES).delete()
    assert "You have no recovery codes left" in page(log_in(colleague), "mfa_index")


def test_a_participant_is_told_whom_to_ask_for_a_new_password(
    facility: Facility, make_person: Make, log_in: LogIn
) -> None:
    somebody = make_person("Somebody", facility, Role.PARTICIPANT, code_app=False)
    User.objects.filter(pk=somebody.pk).update(email=log_in_name("HM6-749"))
    somebody.refresh_from_db()
    shown = page(log_in(somebody), "account_reset_password")
    assert "Call your team" in shown
    assert "Send the email" not in shown
    assert "Roles" not in page(log_in(somebody), "me")
    # No code is asked of who has no app.
    log_in(somebody).get(reverse("me"))
    assert "Your password" in page(log_in(somebody), "my_sessions")
    assert "Code from your app" not in page(log_in(somebody), "my_sessions")
    assert "Send the email" in page(Client(), "account_reset_password")


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_reset_password_done"])
def test_pages_before_the_log_in_lead_back_to_it(name: str) -> None:
    assert f'href="{reverse("account_login")}"' in page(Client(), name)


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_reset_password_done"])
def test_who_is_logged_in_is_not_led_back_to_the_log_in(
    name: str, facility: Facility, colleague: User, log_in: LogIn
) -> None:
    shown = page(log_in(colleague), name)
    assert f'href="{reverse("account_login")}"' not in shown
    assert "To the start</a>" in shown


@pytest.mark.parametrize("name", ["accept_invitation", "new_password"])
def test_a_link_that_opens_nothing_leads_back_to_the_log_in(name: str) -> None:
    answer = Client().get(reverse(name, args=["cut-off"]))
    assert answer.status_code == 404
    assert "copy all of it" in answer.content.decode()
    assert f'href="{reverse("account_login")}"' in answer.content.decode()


def test_who_is_refused_a_page_keeps_the_way_to_their_own(facility: Facility, colleague: User, log_in: LogIn) -> None:
    answer = log_in(colleague).get(reverse("trail", args=[facility.slug]))
    assert answer.status_code == 403
    assert reverse("participants", args=[facility.slug]) in answer.content.decode()
    assert reverse("trail", args=[facility.slug]) not in answer.content.decode()


def test_settings_warn_while_nobody_can_be_called(facility: Facility, owner: User, log_in: LogIn) -> None:
    address = reverse("change_facility", args=[facility.slug])
    assert "participants see no telephone number" in page(log_in(owner), "change_facility", facility.slug)
    assert "name no telephone of your team" in page(log_in(owner), "change_facility", facility.slug)
    Facility.objects.filter(pk=facility.pk).update(crisis_help="Our nurse: 555 0100", phone="555 0100")
    shown = str(log_in(owner).get(address).content.decode())
    assert "participants see no telephone number" not in shown
    assert "name no telephone of your team" not in shown


def test_the_forms_of_the_log_in_say_each_label_once(facility: Facility, colleague: User, log_in: LogIn) -> None:
    client = log_in(colleague)
    for shown in (
        page(Client(), "account_login"),
        page(client, "account_change_password"),
        page(client, "account_reauthenticate"),
    ):
        assert "placeholder" not in shown
    assert "New password (again)" in page(client, "account_change_password")
    # And they still open the door.
    visitor = Client()
    assert visitor.post(reverse("account_login"), {"login": colleague.email, "password": PASSWORD}).status_code == 302


def test_beside_what_two_have_changed_stands_what_is_saved(
    facility: Facility, owner: User, as_owner: Actor, log_in: LogIn
) -> None:
    client, address = log_in(owner), reverse("change_facility", args=[facility.slug])
    form = client.get(address).context["form"]
    mine = {name: form[name].value() or "" for name in form.fields}
    mine |= {"phone": "555 0002", "reason": "my number"}
    theirs = {"phone": "555 0001", "country": "DK"}
    actions.change_facility(facility=facility, version=1, values=theirs, reason="their number", by=as_owner, at=NOW)
    answer = client.post(address, mine)
    assert answer.status_code == 409
    shown = answer.context["form"]
    assert "555 0001" in str(shown.errors["phone"])
    assert shown["phone"].value() == "555 0002"
    # What only the other one changed is simply taken over.
    assert "country" not in shown.errors
    assert shown["country"].value() == "DK"
    answer = client.post(address, {**mine, "version": 2, "country": "DK"})
    assert answer.status_code == 302
    facility.refresh_from_db()
    assert (facility.phone, facility.country) == ("555 0002", "DK")


def test_a_code_that_was_refused_is_not_typed_out_again(facility: Facility, colleague: User, log_in: LogIn) -> None:
    sent = {"facility": facility.pk, "reason": "somebody fell", "password": "wrong", "code": "123456"}
    shown = log_in(colleague).post(reverse("open_emergency_access"), sent).content.decode()
    assert "Password or code is not right." in shown
    assert "somebody fell" in shown
    assert "123456" not in shown
    # A sentence ends as one.
    assert "a fresh code from your app." in shown
