"""Lines before somebody leaves, measured and answered through the real doors."""

from __future__ import annotations

from datetime import datetime

from tests.clinic.floor.making import CALM, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.floor.leaving import actions
from upturn_clinic.floor.leaving.actions import Given
from upturn_clinic.floor.leaving.lines import Line
from upturn_clinic.floor.leaving.queries import lines_in
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.queries import whole

MEASURED = ("SBP", "DBP", "HR", "SpO2", "CADSS", "MOAA/S", "C-SSRS")
BY_HAND = (
    "discharge/blood-pressure",
    "discharge/walks",
    "discharge/no-new-suicidal-ideation",
    "discharge/escort",
    "discharge/no-driving",
    "discharge/contact",
)


def proof(by: Actor, at: datetime) -> Proof:
    assert by.user is not None
    return Proof(by.user, at)


def lines(session: Session, at: datetime) -> dict[str, Line]:
    return {each.key: each for each in lines_in(whole(session), now=at)}


def measure(session: Session, by: Actor, at: datetime, **changed: str) -> None:
    values = {name: CALM[name] for name in MEASURED} | {
        name.replace("_", "/"): value for name, value in changed.items()
    }
    entries = [sent("reading", at, instrument=name, value=value, nominal_min=120) for name, value in values.items()]
    results = said(session, by, at, *entries)
    assert {each.state for each in results} == {"saved"}


def answered(session: Session, by: Actor, at: datetime, *keys: str, answer: str = "yes") -> None:
    seen = [str(each.answer.pk) for each in lines(session, at).values() if each.answer]
    actions.answer(session=session, given={key: Given(answer) for key in keys}, seen=seen, by=by, at=at)
