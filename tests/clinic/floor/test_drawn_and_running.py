"""What pages and register say of what was drawn while its dose runs, and after it: nothing by a later weight."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock, LogIn
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import all_saved, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.floor.models import Session
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.answering import user_of
from upturn_clinic.participants.models import Measure
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.models import Draw, Movement
from upturn_clinic.stock.shelf.queries import register_of

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
DURING = FIRST + 10 * MINUTE
END = FIRST + 40 * MINUTE


@pytest.fixture
def pages(session: Session, nurse: Actor, clock: Clock, log_in: LogIn) -> Client:
    """The nurse's browser, ten minutes into the infusion."""
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    clock.stand_at(DURING)
    return log_in(user_of(nurse))


def text(pages: Client, name: str, *keys: object) -> str:
    answer = pages.get(reverse(name, args=["main", *keys]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def waste(draw: Draw, nurse: Actor, clinician: Actor, amount: Decimal | None) -> Movement:
    assert clinician.user is not None
    return stock.waste(
        draw=draw, amount=amount, reason="spilt", witness=Proof(clinician.user, DURING), by=nurse, at=DURING
    )


def test_all_the_rest_is_not_wasted_while_the_dose_runs(
    session: Session, nurse: Actor, clinician: Actor, pages: Client
) -> None:
    draw = Draw.objects.get()
    with pytest.raises(Refused, match="still runs"):
        waste(draw, nurse, clinician, None)
    assert waste(draw, nurse, clinician, Decimal("0.2")).drawn == Decimal("-0.2")
    page = text(pages, "waste_draw", draw.pk)
    assert "The dose still runs." in page
    assert "Empty: all that is left" not in page
    preparation = text(pages, "preparation", session.dose_id)
    assert "Waste what was spilt" in preparation
    assert "Waste what is left" not in preparation
    all_saved(said(session, nurse, END, sent("stop", END, because="asks to stop")))
    assert "The dose still runs." not in text(pages, "waste_draw", draw.pk)


def test_millilitres_stand_beside_milligrams(session: Session, pages: Client) -> None:
    draw = Draw.objects.select_related("lot").get()
    assert draw.lot.mg_per_ml
    ml = (draw.taken / draw.lot.mg_per_ml).normalize()
    for name, key in (("preparation", session.dose_id), ("check_draw", draw.pk)):
        assert f"{draw.taken.normalize():f} mg = {ml:f} ml" in text(pages, name, key), name
    assert f"Check again what was drawn for {session.dose}" in text(pages, "check_draw", draw.pk)


def test_what_a_dose_runs_on_is_not_offered_to_be_taken_back(session: Session, pages: Client, log_in: LogIn) -> None:
    draw = Draw.objects.select_related("by").get()
    drawer = draw.by
    assert drawer is not None
    pages = log_in(drawer)
    page = text(pages, "lot", draw.lot_id)
    drawn = Movement.objects.get(draw=draw, kind="drawn")
    assert reverse("take_back_entry", args=["main", drawn.pk]) not in page
    Session.objects.filter(pk=session.pk).update(began_at=None)
    assert reverse("take_back_entry", args=["main", drawn.pk]) in text(pages, "lot", draw.lot_id)


def test_the_register_says_what_had_to_be_there_after_each_entry(session: Session, pages: Client) -> None:
    draw = Draw.objects.get()
    rows = list(reversed(register_of(draw.lot)))
    page, there = text(pages, "lot", draw.lot_id), Decimal(0)
    for row in rows:
        there += row.shelf
        assert f'data-label="On the shelf then">{there.normalize():f}<' in page
    assert len(rows) > 1


def test_a_dose_that_was_given_is_shown_by_the_weight_it_was_given_by(
    session: Session, nurse: Actor, pages: Client, clock: Clock, log_in: LogIn
) -> None:
    all_saved(said(session, nurse, END, sent("stop", END)))
    before = text(pages, "preparation", session.dose_id)
    assert "80.5 kg" in before
    later = END + timedelta(days=2)
    clock.stand_at(later)
    Measure.objects.create(
        participant=session.participant, instrument="weight", value=Decimal(120), unit="kg", at=later
    )
    page = text(log_in(user_of(nurse)), "preparation", session.dose_id)
    assert "80.5 kg" in page
    assert "120 kg" not in page


@pytest.mark.parametrize(("after", "words"), [(0, "or it is checked again"), (241, "it is done again")])
def test_a_check_grows_old_on_the_page_as_it_does_for_the_dose(
    session: Session, nurse: Actor, clock: Clock, log_in: LogIn, after: int, words: str
) -> None:
    checked_at = Draw.objects.get().checked_at
    assert checked_at is not None
    clock.stand_at(checked_at + after * MINUTE)
    assert words in text(log_in(user_of(nurse)), "preparation", session.dose_id)
