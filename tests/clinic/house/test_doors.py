"""Every address, tried as nobody, as each role and as a stranger from another facility: refused, or by the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import EmergencyAccess, Facility, Membership, User
from upturn_clinic.accounts.permissions import ROLES, Permission, Role
from upturn_clinic.assessments.models import Rating, SelfRatingLink
from upturn_clinic.floor.models import Session
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.safety.models import AdverseEvent, Concern
from upturn_clinic.stock.models import Draw
from upturn_clinic.treatments.models import MonitoringCheck, Plan

# Each address and who may open it. An address without a line here fails the first test.
FACILITY_DOORS: Mapping[str, Permission] = {
    "facility": Permission.SEE_FACILITY,
    "change_facility": Permission.CHANGE_FACILITY,
    "people": Permission.SEE_STAFF,
    "invite": Permission.MANAGE_STAFF,
    "withdraw_invitation": Permission.MANAGE_STAFF,
    "give_role": Permission.MANAGE_STAFF,
    "end_role": Permission.MANAGE_STAFF,
    "end_sessions": Permission.MANAGE_STAFF,
    "reset_code_app": Permission.MANAGE_STAFF,
    "trail": Permission.SEE_AUDIT,
    "history": Permission.SEE_AUDIT,
    "emergencies": Permission.REVIEW_EMERGENCY_ACCESS,
    "review_emergency_access": Permission.REVIEW_EMERGENCY_ACCESS,
    "programmes": Permission.SEE_PROGRAMMES,
    "create_programme": Permission.PREPARE_PROGRAMME,
    "programme": Permission.SEE_PROGRAMMES,
    "change_programme": Permission.PREPARE_PROGRAMME,
    "add_version": Permission.PREPARE_PROGRAMME,
    "offer_programme": Permission.PREPARE_PROGRAMME,
    "take_up_programme": Permission.SIGN_PROGRAMME,
    "leave_programme": Permission.SIGN_PROGRAMME,
    "protocol_version": Permission.SEE_PROGRAMMES,
    "protocol_file": Permission.SEE_PROGRAMMES,
    "put_into_force": Permission.SIGN_PROGRAMME,
    "retire_version": Permission.SIGN_PROGRAMME,
    "what_to_expect": Permission.SEE_FACILITY,
    "participants": Permission.SEE_PARTICIPANTS,
    "register_participant": Permission.CHANGE_IDENTITY,
    "participant": Permission.SEE_PARTICIPANTS,
    "correct_identity": Permission.CHANGE_IDENTITY,
    "participant_trail": Permission.SEE_CLINICAL_RECORD,
    "enrol": Permission.ENROL,
    "withdraw_participant": Permission.ENROL,
    "complete_participant": Permission.ENROL,
    "move_to_version": Permission.ENROL,
    "invite_participant": Permission.CHANGE_IDENTITY,
    "offer_new_password": Permission.CHANGE_IDENTITY,
    "erase_identity": Permission.ERASE_IDENTITY,
    "unblind": Permission.UNBLIND,
    "enrolment_set_up": Permission.SEE_PROGRAMMES,
    "set_up_randomisation": Permission.PREPARE_PROGRAMME,
    "conclude_screening": Permission.SCREEN,
    "assess_criterion": Permission.SCREEN,
    "decide_criterion": Permission.SCREEN,
    "override_criterion": Permission.OVERRIDE_CRITERION,
    "record_trial": Permission.SCREEN,
    "change_trial": Permission.SCREEN,
    "record_measure": Permission.SCREEN,
    "record_weight": Permission.WEIGH,
    "strike_measure": Permission.SCREEN,
    "record_consent": Permission.RECORD_CONSENT,
    "withdraw_consent": Permission.RECORD_CONSENT,
    "consent_document": Permission.SEE_PROGRAMMES,
    "publish_consent_document": Permission.PREPARE_PROGRAMME,
    "upcoming": Permission.SEE_PLAN,
    "plan": Permission.SEE_PLAN,
    "make_plan": Permission.CHANGE_PLAN,
    "renew_plan": Permission.CHANGE_PLAN,
    "tell_raters": Permission.CHANGE_PLAN,
    "plan_booster": Permission.CHANGE_PLAN,
    "decide_booster": Permission.DECIDE_BOOSTER,
    "decide_stopping": Permission.DECIDE_STOPPING,
    "give_dose": Permission.RECORD_SESSION,
    "move_dose": Permission.CHANGE_PLAN,
    "end_dose": Permission.CHANGE_PLAN,
    "attend_visit": Permission.CHANGE_PLAN,
    "move_visit": Permission.CHANGE_PLAN,
    "end_visit": Permission.CHANGE_PLAN,
    "floor": Permission.SEE_SESSIONS,
    "floor_picture": Permission.SEE_SESSIONS,
    "arrive": Permission.RECORD_SESSION,
    "session": Permission.SEE_SESSIONS,
    "sessions_of": Permission.SEE_SESSIONS,
    "session_state": Permission.SEE_SESSIONS,
    "enter": Permission.RECORD_SESSION,
    "override_gate": Permission.RECORD_SESSION,
    "give_up_session": Permission.RECORD_SESSION,
    "move_session": Permission.RECORD_SESSION,
    "emergency_sheet": Permission.SEE_SESSIONS,
    "leaving": Permission.RECORD_SESSION,
    "ready_to_leave": Permission.RECORD_SESSION,
    "not_ready_to_leave": Permission.RECORD_SESSION,
    "leave": Permission.RECORD_SESSION,
    "decide_leaving": Permission.DECIDE_LEAVING,
    "leave_against_advice": Permission.RECORD_SESSION,
    "take_home_sheet": Permission.SEE_SESSIONS,
    "others": Permission.SEE_CLINICAL_RECORD,
    "record_co_intervention": Permission.RECORD_TREATMENTS,
    "change_co_intervention": Permission.RECORD_TREATMENTS,
    "record_drug": Permission.RECORD_TREATMENTS,
    "change_drug": Permission.RECORD_TREATMENTS,
    "monitoring": Permission.SEE_CLINICAL_RECORD,
    "record_check": Permission.RECORD_TREATMENTS,
    "strike_check": Permission.RECORD_TREATMENTS,
    "safety": Permission.SEE_SAFETY,
    "participant_safety": Permission.SEE_SAFETY,
    "raise_concern": Permission.RAISE_CONCERN,
    "take_concern": Permission.HANDLE_CONCERN,
    "close_concern": Permission.HANDLE_CONCERN,
    "record_event": Permission.RECORD_EVENT,
    "correct_event": Permission.RECORD_EVENT,
    "end_event": Permission.RECORD_EVENT,
    "strike_event": Permission.RECORD_EVENT,
    "judge_event": Permission.JUDGE_EVENT,
    "report_event": Permission.JUDGE_EVENT,
    "own": Permission.SEE_OWN_RECORD,
    "ratings_due": Permission.ENTER_RATINGS,
    "scales": Permission.SEE_RATINGS,
    "ratings": Permission.SEE_RATINGS,
    "enter_rating": Permission.ENTER_RATINGS,
    "score_rating": Permission.ENTER_RATINGS,
    "trends": Permission.SEE_RATINGS,
    "rating": Permission.SEE_RATINGS,
    "correct_rating": Permission.ENTER_RATINGS,
    "strike_rating": Permission.ENTER_RATINGS,
    "self_rating_links": Permission.SEND_QUESTIONNAIRES,
    "revoke_self_rating_link": Permission.SEND_QUESTIONNAIRES,
    "stock": Permission.SEE_STOCK,
    "receive_stock": Permission.KEEP_STOCK,
    "reconciliation": Permission.SEE_STOCK,
    "reconciliation_file": Permission.SEE_STOCK,
    "lot": Permission.SEE_STOCK,
    "count_lot": Permission.KEEP_STOCK,
    "settle_count": Permission.KEEP_STOCK,
    "remove_from_lot": Permission.KEEP_STOCK,
    "take_back_entry": Permission.DISPENSE,
    "preparation": Permission.DISPENSE,
    "draw_dose": Permission.DISPENSE,
    "check_draw": Permission.CHECK_DOSE,
    "waste_draw": Permission.DISPENSE,
    "put_back_draw": Permission.DISPENSE,
    "data": Permission.SEE_DEIDENTIFIED,
    "export_records": Permission.SEE_DEIDENTIFIED,
    "unmask_programme": Permission.SIGN_PROGRAMME,
    "monitoring_forms": Permission.FILL_FORMS,
    "monitoring_form": Permission.FILL_FORMS,
    "fill_monitoring_form": Permission.FILL_FORMS,
    "print_monitoring_form": Permission.FILL_FORMS,
    "submit_monitoring_form": Permission.FILL_FORMS,
}
PERSONAL_DOORS = {
    "home", "me", "my_sessions", "still_here", "open_emergency_access", "end_emergency_access",
    "account_change_password", "account_reauthenticate",
    "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes", "mfa_reauthenticate",
}  # fmt: skip
OPEN_DOORS = {
    "account_login", "mfa_authenticate", "account_logout", "account_inactive", "account_signup", "accept_invitation",
    "new_password", "account_reset_password", "account_reset_password_done", "account_reset_password_from_key",
    "account_reset_password_from_key_done", "well", "self_rating",
}  # fmt: skip
OF_A_PARTICIPANT = (
    "participant", "correct_identity", "participant_trail", "enrol", "withdraw_participant", "complete_participant",
    "move_to_version", "unblind", "invite_participant", "offer_new_password", "erase_identity", "conclude_screening",
    "record_trial", "record_measure", "record_weight", "record_consent",
)  # fmt: skip
OF_A_PLAN = (
    "plan", "sessions_of", "make_plan", "renew_plan", "tell_raters", "plan_booster", "decide_booster", "others",
    "record_co_intervention", "record_drug",
)  # fmt: skip
OF_A_DOSE = ("give_dose", "move_dose", "end_dose", "preparation", "draw_dose", "arrive")
OF_A_VISIT = ("attend_visit", "move_visit", "end_visit")
OF_RATINGS = ("ratings", "enter_rating", "score_rating", "trends", "self_rating_links")
OF_A_RATING = ("rating", "correct_rating", "strike_rating")
OF_A_SESSION = (
    "leaving", "ready_to_leave", "not_ready_to_leave", "leave", "decide_leaving", "leave_against_advice",
    "take_home_sheet", "session", "session_state", "enter", "give_up_session", "move_session", "emergency_sheet",
)  # fmt: skip
OF_A_FORM = ("monitoring_form", "fill_monitoring_form", "print_monitoring_form", "submit_monitoring_form")
OF_A_LOT = ("lot", "count_lot", "settle_count", "remove_from_lot")
OF_A_DRAW = ("check_draw", "waste_draw", "put_back_draw")
OF_SAFETY = ("participant_safety", "raise_concern", "record_event")
OF_A_CONCERN = ("take_concern", "close_concern")
OF_AN_EVENT = ("correct_event", "end_event", "strike_event", "judge_event", "report_event")
OF_MONITORING = ("record_check", "strike_check", "decide_stopping")
OF_OTHER_TREATMENT = ("change_co_intervention", "change_drug")
OF_A_CRITERION = ("assess_criterion", "decide_criterion", "override_criterion")
OF_THEIR_RECORD = ("change_trial", "strike_measure", "withdraw_consent", "consent_document")
METHODS = ("get", "post")

Address = Callable[[str], str]


def names(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns)
        else:
            assert pattern.name, f"an address without a name: {pattern.pattern}"
            yield pattern.name


def names_with_facility(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names_with_facility(pattern.url_patterns)
        elif "<slug:facility>" in str(pattern.pattern):
            yield str(pattern.name)


@pytest.fixture
def address(
    request: pytest.FixtureRequest, facility: Facility, owner: User, colleague: User, as_owner: Actor,
    in_force: ProtocolVersion,
    participant: Participant, planned: Plan, concern: Concern, event: AdverseEvent, watched: MonitoringCheck,
    drawn: Draw, seated: Session, rated: Rating,
    asked: SelfRatingLink,
) -> Address:  # fmt: skip
    """Give an address that leads to something real at the main facility."""
    now = timezone.now()
    letter = actions.invite(email="new@example.org", role=Role.RATER, facility=facility, by=as_owner, at=now)
    present = Membership.objects.get(user=colleague)
    access = EmergencyAccess(
        user=colleague, facility=facility, reason="to have something to review", opened_at=now,
        ends_at=now - timedelta(hours=1),
    )  # fmt: skip
    writing.insert(access, action="opened records in an emergency", by=as_owner, at=now)
    rest: Mapping[str, Sequence[object]] = {
        **dict.fromkeys(OF_A_PARTICIPANT, (participant.pk,)),
        **dict.fromkeys(OF_A_PLAN, (participant.pk,)),
        **dict.fromkeys(OF_A_DOSE, (planned.doses.get(number=1).pk,)),
        **dict.fromkeys(OF_A_VISIT, (planned.visits.get(encounter="day-1").pk,)),
        **dict.fromkeys(OF_RATINGS, (participant.pk,)),
        **dict.fromkeys(OF_A_RATING, (rated.pk,)),
        "revoke_self_rating_link": (participant.pk, asked.pk),
        **dict.fromkeys(OF_A_LOT, (drawn.lot_id,)),
        **dict.fromkeys(OF_A_SESSION, (seated.pk,)),
        "override_gate": (seated.pk, "blood-pressure-hold"),
        **dict.fromkeys(OF_A_DRAW, (drawn.pk,)),
        "take_back_entry": (drawn.movements.get().pk,),
        "change_co_intervention": (participant.co_interventions.get().pk,),
        "change_drug": (participant.concomitant_drugs.get().pk,),
        **dict.fromkeys(OF_SAFETY, (participant.pk,)),
        **dict.fromkeys(OF_A_CONCERN, (concern.pk,)),
        **dict.fromkeys(OF_AN_EVENT, (event.pk,)),
        "record_check": (participant.pk, "cognition", "672"),
        "strike_check": (watched.pk,),
        "decide_stopping": (participant.pk, "pregnancy"),
        **dict.fromkeys(OF_A_CRITERION, (participant.pk, participant.results.get().criterion)),
        "change_trial": [participant.pk, participant.trials.get().pk],
        "strike_measure": [participant.pk, participant.measures.get(instrument="weight").pk],
        "withdraw_consent": [participant.pk, participant.consents.get().pk],
        "consent_document": [participant.consents.get().document_id],
        **dict.fromkeys(("publish_consent_document", "set_up_randomisation"), (participant.programme_id,)),
        "withdraw_invitation": [letter.pk],
        **dict.fromkeys(("give_role", "end_sessions", "reset_code_app"), (colleague.pk,)),
        "end_role": [present.pk],
        "history": ["accounts.Facility", facility.pk],
        **dict.fromkeys(("review_emergency_access", "end_emergency_access"), (access.pk,)),
        **dict.fromkeys(
            ("programme", "change_programme", "add_version", "offer_programme", "export_records", "unmask_programme"),
            (in_force.programme_id,),
        ),
        **dict.fromkeys(("take_up_programme", "leave_programme"), (in_force.programme.sites.get().pk,)),
        **dict.fromkeys(
            ("protocol_version", "protocol_file", "put_into_force", "retire_version", "what_to_expect"), (in_force.pk,)
        ),
        **dict.fromkeys(("accept_invitation", "new_password"), ("no-such-letter",)),
        "account_reset_password_from_key": ["x", "y"],
    }

    def find(name: str) -> str:
        first = [facility.slug] if name in FACILITY_DOORS else []
        if name in OF_A_FORM:
            # Only where it is asked for: a whole programme of its own stands behind it.
            return reverse(name, args=[*first, request.getfixturevalue("with_form").pk])
        return reverse(name, args=[*first, *rest.get(name, [])])

    return find


def test_every_address_is_in_the_table() -> None:
    known = set(FACILITY_DOORS) | PERSONAL_DOORS | OPEN_DOORS
    found = set(names(get_resolver().url_patterns))
    assert found == known
    assert set(names_with_facility(get_resolver().url_patterns)) == set(FACILITY_DOORS)


@pytest.mark.parametrize("name", sorted(set(FACILITY_DOORS) | PERSONAL_DOORS))
def test_nobody_is_led_to_log_in(name: str, address: Address) -> None:
    for method in METHODS:
        answer = getattr(Client(), method)(address(name))
        if answer.status_code == 405:
            continue
        assert answer.status_code == 302, (name, method, answer.status_code)
        assert answer["Location"].startswith("/log-in/"), (name, answer["Location"])


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_its_own_doors_and_no_other(
    role: Role, address: Address, make_person: Callable[..., User], log_in: Callable[[User], Client], facility: Facility
) -> None:
    client = log_in(make_person("Somebody", facility, role))
    for name, permission in FACILITY_DOORS.items():
        for method in METHODS:
            answer = getattr(client, method)(address(name))
            if answer.status_code == 405:
                continue
            if name == "facility" and role == Role.PARTICIPANT:
                # Their door to the facility is their own page.
                assert answer["Location"] == reverse("own", args=[facility.slug])
            elif permission in ROLES[role]:
                assert answer.status_code == 200, (name, method, role)
            else:
                assert answer.status_code == 403, (name, method, role)


@pytest.mark.parametrize("name", sorted(FACILITY_DOORS))
def test_a_stranger_is_not_told_that_the_page_exists(
    name: str, address: Address, stranger: User, log_in: Callable[[User], Client]
) -> None:
    for method in METHODS:
        answer = getattr(log_in(stranger), method)(address(name))
        assert answer.status_code in (404, 405), (name, method)


def test_things_of_one_facility_are_not_reached_through_another(
    address: Address, make_person: Callable[..., User], log_in: Callable[[User], Client], elsewhere: Facility
) -> None:
    client = log_in(make_person("Boss", elsewhere, Role.ADMINISTRATOR))
    for name in ("withdraw_invitation", "give_role", "end_role", "end_sessions", "reset_code_app",
                 "history", "review_emergency_access", "programme",
                 "protocol_version", "protocol_file", "what_to_expect"):  # fmt: skip
        crossed = address(name).replace("/at/main/", f"/at/{elsewhere.slug}/")
        assert client.get(crossed).status_code == 404, name


def test_participants_of_one_facility_are_not_reached_through_another(
    address: Address, make_person: Callable[..., User], log_in: Callable[[User], Client], elsewhere: Facility
) -> None:
    client = log_in(make_person("Doctor", elsewhere, Role.CLINICIAN))
    for name in (*OF_A_PARTICIPANT, *OF_A_PLAN, *OF_RATINGS, *OF_A_RATING, "revoke_self_rating_link",
                 *OF_A_DOSE, *OF_A_FORM, *OF_A_LOT, *OF_A_DRAW, *OF_A_SESSION, "override_gate", "take_back_entry",
                 *OF_A_VISIT, *OF_OTHER_TREATMENT, *OF_A_CRITERION, *OF_THEIR_RECORD, *OF_SAFETY,
                 *OF_A_CONCERN, *OF_AN_EVENT, *OF_MONITORING, "publish_consent_document",
                 "set_up_randomisation"):  # fmt: skip
        crossed = address(name).replace("/at/main/", f"/at/{elsewhere.slug}/")
        for method in METHODS:
            assert getattr(client, method)(crossed).status_code in (404, 405), (name, method)


def test_staff_without_a_code_app_reach_nothing_but_its_set_up(
    address: Address, make_person: Callable[..., User], log_in: Callable[[User], Client], facility: Facility
) -> None:
    client = log_in(make_person("Newcomer", facility, Role.ADMINISTRATOR, code_app=False))
    open_to_them = {"mfa_activate_totp", "account_reauthenticate", "still_here"}
    for name in (set(FACILITY_DOORS) | PERSONAL_DOORS) - open_to_them:
        answer = client.get(address(name))
        assert answer.status_code == 302, name
        assert answer["Location"] == reverse("mfa_activate_totp"), name


def test_a_closed_account_opens_nothing(address: Address, owner: User, log_in: Callable[[User], Client]) -> None:
    client = log_in(owner)
    assert client.get(address("people")).status_code == 200
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert client.get(address("people")).status_code == 302


def test_an_ended_role_opens_nothing(
    address: Address, facility: Facility, make_person: Callable[..., User], as_owner: Actor,
    log_in: Callable[[User], Client],
) -> None:  # fmt: skip
    rater = make_person("Rater", facility, Role.RATER)
    client = log_in(rater)
    assert client.get(address("people")).status_code == 200
    actions.end_role(membership=rater.memberships.get(), reason="left the study", by=as_owner, at=timezone.now())
    assert client.get(address("people")).status_code == 404
