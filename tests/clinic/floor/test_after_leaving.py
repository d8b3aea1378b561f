"""What reaches the server when somebody has left: it is kept, it lies in the session, and what it closes is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import all_saved, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.floor import queries
from upturn_clinic.floor.entries.actions import Result
from upturn_clinic.floor.leaving.actions import leave_by_decision
from upturn_clinic.floor.models import Administration, Reading, Session
from upturn_clinic.safety.models import Concern

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
END, LEFT, NOW = (FIRST + minute * MINUTE for minute in (40, 120, 135))


def refused(results: list[Result]) -> str:
    return " ".join(each.words for each in results if each.state == "refused")


@pytest.fixture
def gone(session: Session, nurse: Actor, clinician: Actor) -> Session:
    """Two hours after the start the person left."""
    assert clinician.user is not None
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    all_saved(said(session, nurse, END, sent("stop", END)))
    found = queries.whole(session)
    return leave_by_decision(
        session=found, version=found.version, left_at=LEFT, reason="well", proof=Proof(clinician.user, LEFT),
        by=clinician, at=LEFT,
    )  # fmt: skip


@pytest.mark.parametrize(("minutes", "is_taken"), [(0, True), (1, False)])
def test_the_end_of_a_dose_is_not_corrected_to_after_the_leaving(
    gone: Session, nurse: Actor, minutes: int, *, is_taken: bool
) -> None:
    stop = Administration.objects.get(kind="stop")
    told = said(gone, nurse, NOW, sent("stop", LEFT + minutes * MINUTE, replaces=str(stop.pk), reason="a slip"))
    assert (told[0].state == "saved") is is_taken, told
    assert is_taken or "The session was over then" in refused(told)


def test_a_reading_is_not_corrected_to_after_the_leaving(gone: Session, nurse: Actor) -> None:
    all_saved(said(gone, nurse, NOW, sent("reading", LEFT, instrument="SBP", value="120", nominal_min=120)))
    first = Reading.objects.get(nominal_min=120)
    later = sent("reading", LEFT + MINUTE, instrument="SBP", value="118", nominal_min=120, replaces=str(first.pk),
                 reason="read wrongly")  # fmt: skip
    assert "The session was over then" in refused(said(gone, nurse, NOW, later))
    all_saved(said(gone, nurse, NOW, {**later, "at": LEFT.isoformat()}))


@pytest.mark.parametrize(("value", "closes"), [("98", False), ("70", True)])
def test_a_reading_that_arrives_late_and_closes_a_gate_is_a_clinicians_task(
    gone: Session, nurse: Actor, value: str, *, closes: bool
) -> None:
    Concern.objects.all().delete()
    late = sent("reading", FIRST + 90 * MINUTE, instrument="SpO2", value=value, nominal_min=90)
    told = said(gone, nurse, NOW, late)
    all_saved(told)
    assert ("The person has left" in told[0].words) is closes
    assert Concern.objects.filter(source=f"late/{late['id']}").count() == int(closes)
    if closes:
        concern = Concern.objects.get()
        assert "70 %" in concern.because
        assert (concern.owner, concern.due_at) == ("clinician", NOW)
    # Sent again it opens nothing more.
    assert said(gone, nurse, NOW, late)[0].state == "known already"
    assert Concern.objects.count() == int(closes)


def test_a_sign_that_arrives_late_is_a_clinicians_task(gone: Session, nurse: Actor) -> None:
    gate = next(each for each in queries.asked_in(gone).gates if each.asks == "emergency")
    seen = sent("sign", FIRST + 90 * MINUTE, gate=gate.id, sign=gate.signs[0], is_present=True)
    told = said(gone, nurse, NOW, seen)
    all_saved(told)
    assert "The person has left" in told[0].words
    assert gate.signs[0] in Concern.objects.get(source=f"late/{seen['id']}").because


def test_a_reading_that_would_have_kept_them_here_is_a_clinicians_task(gone: Session, nurse: Actor) -> None:
    """No gate speaks of it, but a line of the list does: MOAA/S below 5 just before they left."""
    late = sent("reading", LEFT - MINUTE, instrument="MOAA/S", value="4", nominal_min=120)
    told = said(gone, nurse, NOW, late)
    assert "The person has left" in told[0].words
    assert Concern.objects.filter(source=f"late/{late['id']}").exists()


def test_while_somebody_is_here_the_page_tells_and_no_task_is_opened(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    told = said(session, nurse, at, sent("reading", at, instrument="SpO2", value="70", nominal_min=10))
    assert told[0].words == ""
    assert not Concern.objects.filter(source__startswith="late/").exists()
