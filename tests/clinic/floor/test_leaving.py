"""Leaving: ready and left apart; nobody out with a line unmet, but by a decision or against advice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.leaving import BY_HAND, answered, lines, measure, proof
from tests.clinic.floor.making import MINUTE, all_saved, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.audit.models import Signature
from upturn_clinic.audit.queries import is_signed_as_it_stands
from upturn_clinic.floor.leaving import actions
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.phases import Phase, phase_of
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.safety.models import Concern

pytestmark = pytest.mark.django_db


def test_ready_and_left_are_two_times(well: Session, nurse: Actor) -> None:
    ready_at, left_at = FIRST + 122 * MINUTE, FIRST + 150 * MINUTE
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=ready_at)
    assert (phase_of(ready), ready.may_leave_at, ready.left_at) == (Phase.READY_TO_LEAVE, ready_at, None)
    left = actions.leave(
        session=ready, version=ready.version, left_at=left_at, proof=proof(nurse, left_at), by=nurse, at=left_at
    )
    assert (phase_of(left), left.may_leave_at, left.left_at, left.left_how) == (Phase.LEFT, ready_at, left_at, "ready")
    signature = Signature.objects.get(object_id=str(left.pk))
    assert (signature.printed_name, signature.at, signature.meaning) == ("Nora", left_at, actions.READY)
    assert is_signed_as_it_stands(left, actions.READY)


def test_ready_is_about_the_person_and_not_about_the_way_home(dosed: Session, nurse: Actor) -> None:
    measure(dosed, nurse, FIRST + 90 * MINUTE)
    at = FIRST + 91 * MINUTE
    answered(dosed, nurse, at, "discharge/blood-pressure", "discharge/walks", "discharge/no-new-suicidal-ideation")
    ready = actions.declare_ready_to_leave(session=dosed, version=dosed.version, by=nurse, at=at)
    assert ready.may_leave_at == at
    with pytest.raises(Refused, match="not met") as refusal:
        actions.leave(session=ready, version=ready.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)
    for words in ("Two hours", "takes the participant home", "not to drive", "emergency number"):
        assert words in str(refusal.value.came)


@pytest.mark.parametrize("key", BY_HAND)
def test_nobody_leaves_by_the_form_with_one_line_unmet(well: Session, nurse: Actor, key: str) -> None:
    at = FIRST + 123 * MINUTE
    if lines(well, at)[key].is_clinical is False:
        well = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=at)
    answered(well, nurse, at, key, answer="no")
    with pytest.raises(Refused, match="not met"):
        actions.leave(session=well, version=well.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)
    well.refresh_from_db()
    assert well.left_at is None
    assert not Signature.objects.exclude(meaning__contains="protocol").filter(object_id=str(well.pk)).exists()


def test_what_got_worse_after_ready_keeps_the_person_here(well: Session, nurse: Actor) -> None:
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=FIRST + 122 * MINUTE)
    at = FIRST + 140 * MINUTE
    all_saved(said(ready, nurse, at, sent("reading", at, instrument="MOAA/S", value="3", row=str(uuid4()))))
    with pytest.raises(Refused, match="not met"):
        actions.leave(session=ready, version=ready.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)
    back = actions.take_back_ready(session=ready, version=ready.version, reason="sleepy again", by=nurse, at=at)
    assert (phase_of(back), back.may_leave_at) == (Phase.OBSERVING, None)


def test_without_being_ready_nobody_leaves_by_the_form(well: Session, nurse: Actor) -> None:
    at = FIRST + 123 * MINUTE
    with pytest.raises(Refused, match="Nobody has said"):
        actions.leave(session=well, version=well.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)


def test_who_left_too_early_does_not_leave_by_a_list_that_was_met_later(well: Session, nurse: Actor) -> None:
    """The stay is over at minute 120; it is signed after that, and names a time before."""
    Session.objects.filter(pk=well.pk).update(may_leave_at=FIRST + 110 * MINUTE)
    well.refresh_from_db()
    at = FIRST + 122 * MINUTE
    with pytest.raises(Refused, match="not met") as refusal:
        actions.leave(session=well, version=well.version, left_at=FIRST + 115 * MINUTE, proof=proof(nurse, at),
                      by=nurse, at=at)  # fmt: skip
    assert "Two hours" in str(refusal.value.came)


def test_an_answer_that_was_right_only_later_lets_nobody_leave_before_it(well: Session, nurse: Actor) -> None:
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=FIRST + 122 * MINUTE)
    for minute, said_so in ((125, "no"), (135, "yes")):
        answered(well, nurse, FIRST + minute * MINUTE, "discharge/escort", answer=said_so)
    at = FIRST + 136 * MINUTE
    with pytest.raises(Refused, match="At 11:10 a line was not met") as refusal:
        actions.leave(session=ready, version=ready.version, left_at=FIRST + 130 * MINUTE, proof=proof(nurse, at),
                      by=nurse, at=at)  # fmt: skip
    assert "takes the participant home" in str(refusal.value.came)
    left = actions.leave(session=ready, version=ready.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)
    assert left.left_at == at


def test_what_was_not_so_when_somebody_left_is_a_clinicians_decision(
    well: Session, nurse: Actor, clinician: Actor
) -> None:
    """No false time is needed: every line is met now, and one was not then."""
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=FIRST + 122 * MINUTE)
    for minute, said_so in ((125, "no"), (135, "yes")):
        answered(well, nurse, FIRST + minute * MINUTE, "discharge/escort", answer=said_so)
    at, left_at = FIRST + 136 * MINUTE, FIRST + 130 * MINUTE
    left = actions.leave_by_decision(
        session=ready, version=ready.version, left_at=left_at, reason="the friend waited outside",
        proof=proof(clinician, at), by=clinician, at=at,
    )  # fmt: skip
    assert (left.left_at, left.left_how) == (left_at, Session.Left.DECISION)
    assert "takes the participant home" in left.left_because


def test_a_slip_that_was_put_right_after_the_door_had_closed_keeps_nobody(dosed: Session, nurse: Actor) -> None:
    measure(dosed, nurse, FIRST + 120 * MINUTE)
    answered(dosed, nurse, FIRST + 121 * MINUTE, *(key for key in BY_HAND if key != "discharge/escort"))
    ready = actions.declare_ready_to_leave(session=dosed, version=dosed.version, by=nurse, at=FIRST + 121 * MINUTE)
    at = FIRST + 133 * MINUTE
    named = actions.name_escort(
        session=ready, version=ready.version, escort="Eva, a friend", escort_phone="", by=nurse, at=at
    )
    for minute, said_so in ((131, "no"), (132, "yes")):
        answered(dosed, nurse, FIRST + minute * MINUTE, "discharge/escort", answer=said_so)
    left_at = FIRST + 130 * MINUTE
    left = actions.leave(session=named, version=named.version, left_at=left_at, proof=proof(nurse, at), by=nurse, at=at)
    assert left.left_at == left_at


def test_what_a_colleague_saved_a_moment_later_is_not_passed_over(well: Session, nurse: Actor) -> None:
    """Whoever signs began before the colleague saved and came under the lock later: a request has the time it began."""
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=FIRST + 122 * MINUTE)
    at, walks = FIRST + 125 * MINUTE, "discharge/walks"
    seen = [str(each.answer.pk) for each in lines(well, at).values() if each.answer]
    answered(well, nurse, at + timedelta(seconds=1), walks, answer="no")
    with pytest.raises(Refused, match="Somebody else answered"):
        actions.answer(
            session=well, given={walks: actions.Given("yes", "firm on her feet")}, seen=seen, by=nurse, at=at
        )
    with pytest.raises(Refused, match="not met"):
        actions.leave(session=ready, version=ready.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)


def test_an_answer_may_be_written_down_after_the_door_has_closed(dosed: Session, nurse: Actor) -> None:
    measure(dosed, nurse, FIRST + 120 * MINUTE)
    clinical = [key for key, line in lines(dosed, FIRST + 121 * MINUTE).items() if line.is_clinical and key in BY_HAND]
    answered(dosed, nurse, FIRST + 121 * MINUTE, *clinical)
    ready = actions.declare_ready_to_leave(session=dosed, version=dosed.version, by=nurse, at=FIRST + 121 * MINUTE)
    at = FIRST + 131 * MINUTE
    named = actions.name_escort(
        session=ready, version=ready.version, escort="Eva, a friend", escort_phone="", by=nurse, at=at
    )
    answered(dosed, nurse, at, *(key for key in BY_HAND if key not in clinical))
    left_at = FIRST + 125 * MINUTE
    left = actions.leave(session=named, version=named.version, left_at=left_at, proof=proof(nurse, at), by=nurse, at=at)
    assert left.left_at == left_at


def test_a_clinician_decides_signs_why_and_nobody_else_does(dosed: Session, nurse: Actor, clinician: Actor) -> None:
    at = FIRST + 125 * MINUTE

    def decided(by: Actor, *, proven: Actor, reason: str = "a lift home leaves now") -> Session:
        return actions.leave_by_decision(
            session=dosed, version=dosed.version, left_at=at, reason=reason, proof=proof(proven, at), by=by, at=at
        )

    with pytest.raises(PermissionDenied):
        decided(nurse, proven=nurse)
    with pytest.raises(Refused, match="own password"):
        decided(clinician, proven=nurse)
    with pytest.raises(Refused, match="needs a reason"):
        decided(clinician, proven=clinician, reason=" ")
    left = decided(clinician, proven=clinician)
    assert left.left_how == "decision"
    # The lines that were not met then stand beside the reason.
    # What was not measured is not told as what was measured and is not so.
    told = left.left_because.splitlines()
    assert told[0] == "a lift home leaves now"
    assert any(each.startswith("Missing: ") and "MOAA/S is 5" in each for each in told)
    assert "Not met" not in left.left_because
    assert is_signed_as_it_stands(left, actions.DECIDED)


def test_with_every_line_met_there_is_nothing_to_decide(well: Session, clinician: Actor) -> None:
    at = FIRST + 125 * MINUTE
    with pytest.raises(Refused, match="nothing to decide"):
        actions.leave_by_decision(
            session=well, version=well.version, left_at=at, reason="a reason", proof=proof(clinician, at),
            by=clinician, at=at,
        )  # fmt: skip


def test_against_advice_is_a_way_of_its_own_and_somebody_has_to_call(dosed: Session, nurse: Actor) -> None:
    at = FIRST + 55 * MINUTE
    left = actions.leave_against_advice(
        session=dosed, version=dosed.version, left_at=at, reason="said what can happen; wants to go", by=nurse, at=at,
        proof=proof(nurse, at),
    )  # fmt: skip
    assert (left.left_how, left.may_leave_at) == ("against advice", None)
    task = Concern.objects.get(participant=dosed.participant)
    assert (task.owner, task.due_at) == (Role.CLINICIAN, at)
    assert "wants to go" in task.because
    assert is_signed_as_it_stands(left, actions.AGAINST_ADVICE)


def test_nobody_leaves_while_the_dose_runs(session: Session, nurse: Actor, clinician: Actor) -> None:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    session.refresh_from_db()
    at = FIRST + 10 * MINUTE
    version = session.version
    acts: tuple[Callable[[], Session], ...] = (
        lambda: actions.declare_ready_to_leave(session=session, version=version, by=nurse, at=at),
        lambda: actions.leave(session=session, version=version, left_at=at, proof=proof(nurse, at), by=nurse, at=at),
        lambda: actions.leave_by_decision(
            session=session, version=version, left_at=at, reason="why", proof=proof(clinician, at), by=clinician, at=at
        ),
        lambda: actions.leave_against_advice(
            session=session, version=version, left_at=at, reason="why", proof=proof(nurse, at), by=nurse, at=at
        ),
    )
    for act in acts:
        with pytest.raises(Refused, match="still runs"):
            act()


def test_of_two_who_sign_at_once_the_second_is_told(well: Session, nurse: Actor, other_nurse: Actor) -> None:
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=FIRST + 122 * MINUTE)
    with pytest.raises(Conflict):
        actions.take_back_ready(session=ready, version=well.version, reason="I think not", by=other_nurse,
                                at=FIRST + 123 * MINUTE)  # fmt: skip


@pytest.mark.parametrize("minutes", [-30, 5])
def test_a_time_of_leaving_that_cannot_be(well: Session, nurse: Actor, minutes: int) -> None:
    at = FIRST + 130 * MINUTE
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=at)
    with pytest.raises(Refused, match="not possible"):
        actions.leave(session=ready, version=ready.version, left_at=at + minutes * MINUTE, proof=proof(nurse, at),
                      by=nurse, at=at)  # fmt: skip


def test_who_has_left_is_not_changed_any_more(well: Session, nurse: Actor) -> None:
    at = FIRST + 130 * MINUTE
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=at)
    left = actions.leave(session=ready, version=ready.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)
    with pytest.raises(Refused, match="is over"):
        actions.name_escort(session=left, version=left.version, escort="Somebody", escort_phone="", by=nurse, at=at)


def test_another_facility_does_not_let_people_of_this_one_leave(
    well: Session, stranger: User, make_person: Callable[..., User]
) -> None:
    elsewhere = Actor(stranger, stranger.memberships.first().facility, frozenset({Role.CLINICIAN, Role.SESSION_NURSE}))  # type: ignore[union-attr]
    with pytest.raises(PermissionDenied):
        actions.declare_ready_to_leave(session=well, version=well.version, by=elsewhere, at=FIRST + 130 * MINUTE)
