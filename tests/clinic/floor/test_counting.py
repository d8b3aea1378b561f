"""What has one place: the filling that counts, when an emergency is over; and a change of a side effect sent again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import MINUTE, all_saved, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor import queries
from upturn_clinic.floor.board.queries import picture
from upturn_clinic.floor.leaving.queries import lines_in
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.screens import session_screen
from upturn_clinic.ledger.models import Entry
from upturn_clinic.safety.models import AdverseEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(session: Session, nurse: Actor) -> Session:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    return queries.whole(session)


def step(name: str, at: datetime) -> dict[str, Any]:
    return sent("emergency", at, step=name, gate="", signs=[], who="", note="")


@pytest.mark.parametrize(("last", "runs"), [("called", True), ("over", False), ("handed over", False)])
def test_every_page_says_the_same_of_an_emergency(running: Session, nurse: Actor, last: str, runs: bool) -> None:
    at = FIRST + 10 * MINUTE
    all_saved(said(running, nurse, at, step("opened", at)))
    all_saved(said(running, nurse, at + MINUTE, step(last, at + MINUTE)))
    now, found = at + 2 * MINUTE, queries.whole(running)
    line = next(each for each in lines_in(found, now=now) if each.key.endswith("emergency"))
    board = picture(found.facility, nurse, now=now)
    [card] = [*board.elsewhere, *(card for room in board.rooms for card in room.cards)]
    said_by = {
        "leaving": line.state.name != "MET", "screen": session_screen(found, nurse, now=now)["is_emergency"],
        "board": card.is_emergency,
    }  # fmt: skip
    assert said_by == dict.fromkeys(said_by, runs)


def test_the_volume_that_was_entered_late_for_an_earlier_time_does_not_count_last(
    session: Session, nurse: Actor
) -> None:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    volumes = sent("filling", FIRST, ml="50"), sent("filling", FIRST - 2 * MINUTE, ml="20")
    all_saved(said(session, nurse, FIRST, *volumes, sent("start", FIRST, rate_ml_h="75")))
    found = queries.whole(session)
    assert queries.filling_ml(found) == 50
    # 75 ml/h: 50 ml have run in after 40 minutes, on the page and in the list of what is due.
    due = next(each for each in queries.all_due(found, FIRST + 6 * MINUTE) if each.kind == "infusion")
    assert due.at == FIRST + 40 * MINUTE


@pytest.mark.parametrize("change", ["severity", "peak", "ended"])
def test_a_change_of_a_side_effect_sent_again_overwrites_nothing(
    running: Session, nurse: Actor, other_nurse: Actor, change: str
) -> None:
    at = FIRST + 10 * MINUTE
    effect = sent("effect", at, term="dizziness", severity="mild", detail="")
    all_saved(said(running, nurse, at, effect))
    first = sent("effect_change", at + MINUTE, event=effect["id"], change=change, severity="severe", reason="")
    assert said(running, nurse, at + MINUTE, first)[0].state == "saved"
    # The answer was lost on the way. Meanwhile the other nurse changes it again.
    if change != "ended":
        later = at + 3 * MINUTE
        again = sent("effect_change", later, event=effect["id"], change=change, severity="moderate", reason="")
        all_saved(said(running, other_nurse, later, again))
    before, rows = AdverseEvent.objects.get(), Entry.objects.count()
    assert said(running, nurse, at + 4 * MINUTE, first)[0].state == "known already"
    after = AdverseEvent.objects.get()
    assert (after.version, after.severity, after.peak_at) == (before.version, before.severity, before.peak_at)
    assert Entry.objects.count() == rows
