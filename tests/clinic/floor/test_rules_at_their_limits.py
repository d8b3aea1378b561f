"""Every rule of a session in every shipped protocol, at its limit and on both sides, by the clinic's own door.

What is expected is read from the YAML files themselves, not through the library: a rule that the library or the floor
reads wrongly fails here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib.resources import files
from typing import Any
from uuid import uuid4

import pytest
import yaml
from django.db import transaction
from tests.clinic.floor.conftest import ARRIVAL, BEFORE, FIRST
from tests.clinic.floor.making import (
    CALM,
    all_saved,
    arrived,
    begun,
    good_answers,
    made_ready,
    person_with_plan,
    prepared,
    protocols_with_sessions,
    said,
    sent,
    signed_version,
    time_out,
)

from upturn import instruments
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor import queries
from upturn_clinic.floor.gates import standings_of
from upturn_clinic.floor.models import Session

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE
LIMITS = {"above": lambda value, limit: value > limit, "below": lambda value, limit: value < limit,
          "at_least": lambda value, limit: value >= limit, "at_most": lambda value, limit: value <= limit}  # fmt: skip
DOCUMENTS: dict[str, Mapping[str, Any]] = {}


class Undone(Exception):  # noqa: N818
    """Takes back what one case wrote."""


def document(name: str) -> Mapping[str, Any]:
    if name not in DOCUMENTS:
        text = files("upturn.protocol").joinpath("shipped", f"{name}.yaml").read_text(encoding="utf-8")
        DOCUMENTS[name] = yaml.load(text, Loader=yaml.CSafeLoader)
    return DOCUMENTS[name]


def gates(name: str, route: str) -> Iterator[Mapping[str, Any]]:
    for gate in document(name)["gates"]:
        if (
            gate["at"] == "session"
            and (not gate.get("only") or route in gate["only"])
            and gate.get("when") != "leaving"
        ):
            yield gate


def cases(gate: Mapping[str, Any]) -> Iterator[tuple[str, float, bool]]:
    """A measure, a value, and whether the gate must be closed at it."""
    for rule in gate.get("rules", ()):
        ((word, limit),) = ((each, rule[each]) for each in LIMITS if each in rule)
        start = float(CALM[rule["measure"]]) if rule.get("of") == "rise" else 0.0
        step = 1.0 if instruments.get(rule["measure"]).whole_numbers else 0.5
        allowed = instruments.get(rule["measure"]).total
        for difference in (-step, 0.0, step):
            value = start + limit + difference
            if allowed.least <= value and (allowed.most is None or value <= allowed.most):
                yield rule["measure"], value, LIMITS[word](limit + difference, limit)


def standing(session: Session, key: str, at: Any) -> Any:
    found = queries.whole(session)
    return next(each for each in standings_of(found, queries.asked_in(found), now=at) if each.key == key)


def reading(measure: str, value: float, at: Any) -> dict[str, Any]:
    return sent("reading", at, instrument=measure, value=f"{value:g}", nominal_min=None, row=str(uuid4()))


ARMS = protocols_with_sessions()


def each_arm() -> Iterator[Any]:
    """Every arm. Rules belong to a protocol and a route, so one arm of each is tried always, the others when slow."""
    tried = set()
    for name, arm in ARMS:
        of = name, document(name)["arms"][arm]["doses"][0]["route"]
        yield pytest.param(name, arm, id=f"{name}-{arm}", marks=[pytest.mark.slow] if of in tried else [])
        tried.add(of)


def test_the_table_is_not_empty() -> None:
    assert len({name for name, _ in ARMS}) >= 7
    rules = [case for name, _ in ARMS for gate in document(name)["gates"] if gate["at"] == "session"
             for case in cases(gate)]  # fmt: skip
    assert sum(closed for _, _, closed in rules) > 100
    assert sum(not closed for _, _, closed in rules) > 100


@pytest.mark.parametrize(("name", "arm"), list(each_arm()))
def test_every_gate_on_both_sides_of_its_limit(name: str, arm: str, clinician: Actor, nurse: Actor) -> None:
    plan = person_with_plan(signed_version(name, clinician, BEFORE), arm, clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    asked = queries.asked_in(session)
    minute, measures = asked.timepoints[0]
    calm = [sent("reading", READY, instrument=each, value=CALM[each], nominal_min=minute) for each in measures]
    all_saved(said(session, nurse, READY, *good_answers(session, READY), *calm))
    seen = 0
    for gate in gates(name, asked.manner.route):
        if gate.get("when", "before") == "before":
            seen += _before(session, nurse, gate)
    all_saved(said(session, nurse, READY, time_out(READY)))
    begun(session, nurse, FIRST)
    for gate in gates(name, asked.manner.route):
        if gate.get("when") == "during":
            seen += _during(session, nurse, gate)
    assert seen == sum(1 for gate in gates(name, asked.manner.route) for _ in cases(gate))


def _before(session: Session, nurse: Actor, gate: Mapping[str, Any]) -> int:
    seen = 0
    for measure, value, closes in cases(gate):
        seen += 1
        at = READY + MINUTE
        try:
            with transaction.atomic():
                all_saved(said(session, nurse, at, reading(measure, value, at)))
                found = standing(session, f"gates/{gate['id']}", at)
                assert found.verdict == ("closed" if closes else "open"), (gate["id"], measure, value)
                assert found.text == " ".join(gate["text"].split())
                told = said(session, nurse, at, time_out(at))[0]
                if closes:
                    assert told.state == "refused", (gate["id"], measure, value)
                    assert f"{value:g}" in " ".join(found.because)
                raise Undone
        except Undone:
            pass
    return seen


def _during(session: Session, nurse: Actor, gate: Mapping[str, Any]) -> int:
    seen = 0
    is_infusion = session.administrations.filter(kind="start").exists()
    for measure, value, closes in cases(gate):
        seen += 1
        at = FIRST + 2 * MINUTE
        try:
            with transaction.atomic():
                # The other measures of the gate too, or an open one could not be told from one that is not known yet.
                others = {rule["measure"] for rule in gate["rules"]} - {measure}
                calm = [reading(each, float(CALM[each]), at) for each in sorted(others)]
                all_saved(said(session, nurse, at, *calm, reading(measure, value, at)))
                found = standing(session, f"gates/{gate['id']}", at)
                assert found.verdict == ("closed" if closes else "open"), (gate["id"], measure, value)
                if is_infusion and closes:
                    all_saved(said(session, nurse, at, sent("pause", at, because="a gate")))
                    told = said(session, nurse, at, sent("resume", at, rate_ml_h=None, because=""))[0]
                    assert told.state == "refused", (gate["id"], measure, value)
                raise Undone
        except Undone:
            pass
    return seen


@pytest.mark.parametrize(("name", "arm"), list(each_arm()))
def test_every_sign_and_every_line_of_the_checklist(name: str, arm: str, clinician: Actor, nurse: Actor) -> None:
    plan = person_with_plan(signed_version(name, clinician, BEFORE), arm, clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    lines = good_answers(session, READY)
    assert len(lines) >= 9
    route = queries.asked_in(session).manner.route
    written = [each for each in document(name)["session"]["arrival"] if not each.get("only") or route in each["only"]]
    assert {f"arrival/{each['id']}" for each in written} <= {each["criterion"] for each in lines}
    for line in lines:
        # Each line alone keeps the dose back when it is answered the other way.
        bad = "no" if line["answer"] == "yes" else "yes"
        try:
            with transaction.atomic():
                all_saved(said(session, nurse, READY, {**line, "id": str(uuid4()), "answer": bad}))
                assert standing(session, line["criterion"], READY).verdict == "closed"
                raise Undone
        except Undone:
            pass
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + MINUTE
    for gate in gates(name, route):
        for sign in gate.get("signs", ()):
            try:
                with transaction.atomic():
                    all_saved(said(session, nurse, at, sent("sign", at, gate=gate["id"], sign=sign, is_present=True)))
                    assert standing(session, f"gates/{gate['id']}", at).verdict == "closed", (gate["id"], sign)
                    raise Undone
            except Undone:
                pass
