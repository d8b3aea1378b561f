"""Who is not blinded any more: whoever may learn of doses otherwise, or could once. What they rate says so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.clinic.assessments.conftest import Ten
from tests.clinic.conftest import NOW

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import EmergencyAccess, Facility, Membership, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.queries import actor_at
from upturn_clinic.assessments.actions import correct_rating, record_rating
from upturn_clinic.ledger.writing import insert
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.models import Programme

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("way", ["emergency", "earlier role", "elsewhere", "later"])
def test_who_once_could_see_sessions_does_not_rate_blinded_any_more(
    participant: Participant, rater: User, as_rater: Actor, facility: Facility, elsewhere: Facility, ten: Ten, way: str
) -> None:
    day = timedelta(days=1)
    if way == "earlier role":
        Membership.objects.create(user=rater, facility=facility, role=Role.SESSION_NURSE, began_at=NOW - 9 * day,
                                  ended_at=NOW - 8 * day)  # fmt: skip
    else:
        # Over for a week when the rating is made; or at another house; or only after it.
        at = NOW + day if way == "later" else NOW - 7 * day
        # Opened in another role than that of a rater, who may not.
        place, until = elsewhere if way == "elsewhere" else facility, at + timedelta(hours=4)
        access = EmergencyAccess(user=rater, facility=place, reason="somebody fell", opened_at=at, ends_at=until)
        insert(access, action="opened records in an emergency", by=Actor(rater, place), at=at)
    rating = record_rating(participant=participant, instrument="MADRS", answers=ten(1), rated_at=NOW,
                           rater_kind="blinded", by=as_rater, at=NOW)  # fmt: skip
    assert rating.rater_sees_sessions is (way in ("emergency", "earlier role"))


@pytest.mark.parametrize("where", ["here, still", "here, once", "elsewhere"])
@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.RATER, Role.PARTICIPANT)])
def test_a_rating_is_marked_by_what_else_its_rater_may_know_here_or_once_could(
    participant: Participant, rater: User, facility: Facility, elsewhere: Facility, ten: Ten, role: Role, where: str
) -> None:
    day = timedelta(days=1)
    Membership.objects.create(
        user=rater, facility=elsewhere if where == "elsewhere" else facility, role=role, began_at=NOW - 9 * day,
        ended_at=NOW - 8 * day if where == "here, once" else None,
    )  # fmt: skip
    by = actor_at(rater, facility.slug, at=NOW)
    assert by is not None
    rating = record_rating(participant=participant, instrument="MADRS", answers=ten(1), rated_at=NOW,
                           rater_kind="blinded", by=by, at=NOW)  # fmt: skip
    assert rating.rater_sees_sessions is (where != "elsewhere")


@pytest.mark.parametrize(("role", "sees"), [(Role.ANALYST, True), (Role.SESSION_NURSE, False)])
def test_the_records_for_analysis_of_the_facility_that_leads_are_of_all(
    participant: Participant, rater: User, as_rater: Actor, elsewhere: Facility, ten: Ten, role: Role, sees: bool
) -> None:
    """Who exports there has read the doses of this participant; who nurses there has not."""
    Programme.objects.filter(pk=participant.programme_id).update(lead=elsewhere)
    day = timedelta(days=1)
    Membership.objects.create(user=rater, facility=elsewhere, role=role, began_at=NOW - 9 * day,
                              ended_at=NOW - 8 * day)  # fmt: skip
    rating = record_rating(participant=participant, instrument="MADRS", answers=ten(1), rated_at=NOW,
                           rater_kind="blinded", by=as_rater, at=NOW)  # fmt: skip
    assert rating.rater_sees_sessions is sees


def test_a_correction_blinds_nobody_who_rated_first(
    participant: Participant, as_clinician: Actor, as_rater: Actor, ten: Ten
) -> None:
    first = record_rating(participant=participant, instrument="MADRS", answers=ten(3), rated_at=NOW,
                          rater_kind="blinded", by=as_clinician, at=NOW)  # fmt: skip
    corrected = correct_rating(
        rating=first, version=first.version, answers={**ten(3), "10": 2}, rated_at=NOW, missing_because="",
        reason="a slip of the pen", by=as_rater, at=NOW,
    )  # fmt: skip
    assert corrected.rater == as_rater.user
    assert corrected.rater_sees_sessions
