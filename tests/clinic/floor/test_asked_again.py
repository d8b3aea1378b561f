"""A value that is possible and far from what is usual is asked about once; one that cannot be is never taken."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.entries.actions import Result
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.ledger.models import Entry

pytestmark = pytest.mark.django_db
READY = FIRST - timedelta(minutes=5)


def entered(session: Session, by: Actor, instrument: str, value: str, **more: object) -> Result:
    (told,) = said(
        session, by, READY, sent("reading", READY, instrument=instrument, value=value, nominal_min=-15, **more)
    )
    return told


# Both sides of each limit. 12.4 is 124 mmHg with a slipped point, or what a device shows that counts in kPa.
@pytest.mark.parametrize(
    ("instrument", "usual", "odd"),
    [
        ("SBP", "50", "49"), ("SBP", "260", "261"), ("SBP", "122", "12.4"), ("DBP", "20", "19"), ("DBP", "160", "161"),
        ("HR", "25", "24"), ("HR", "220", "221"), ("SpO2", "60", "59"), ("SpO2", "100", "9.8"),
    ],
)  # fmt: skip
def test_a_value_far_from_the_usual_is_asked_about_once(
    session: Session, nurse: Actor, instrument: str, usual: str, odd: str
) -> None:
    told = entered(session, nurse, instrument, odd)
    assert (told.state, told.way) == ("refused", "sure")
    assert "Is this right?" in told.words
    assert not Reading.objects.exists()
    assert entered(session, nurse, instrument, odd, is_sure=True).state == "saved"
    row = Entry.objects.get(action="entered a reading")
    assert "asked about" in row.reason
    assert entered(session, nurse, instrument, usual).state == "saved"


@pytest.mark.parametrize(("instrument", "value"), [("SpO2", "101"), ("C-SSRS", "4"), ("weight", "8"), ("SBP", "high")])
def test_what_cannot_be_is_never_sent_again(session: Session, nurse: Actor, instrument: str, value: str) -> None:
    for more in ({}, {"is_sure": True}):
        told = entered(session, nurse, instrument, value, **more)
        assert (told.state, told.way) == ("refused", "never")
    # What can be put right elsewhere can be sent again.
    early, later = READY - timedelta(days=1), sent("start", READY, rate_ml_h="75")
    both = said(session, nurse, READY, sent("reading", early, instrument="SBP", value="122", nominal_min=-15), later)
    assert [(each.state, each.way) for each in both] == [("refused", "")] * 2


def test_a_category_is_asked_for_without_a_unit(session: Session, nurse: Actor) -> None:
    words = entered(session, nurse, "C-SSRS", "4").words
    assert "a whole number from 0 to 3." in words
