"""A blinded rater walks the whole site, every address with everything in the database, and learns nothing of a session.

The same walk by the treating team must find it: a walk that finds nothing anywhere would prove nothing.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from itertools import product

import polars as pl
import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from tests.clinic.conftest import COLUMNS_STAY, Clock
from tests.clinic.exports.conftest import CADSS, FIRST, LOT, SYSTOLIC, WORDS, proof

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.assessments.actions import record_rating
from upturn_clinic.exports.actions import export_records, unmask
from upturn_clinic.exports.files import zipped
from upturn_clinic.exports.keys import key_of
from upturn_clinic.exports.queries import export_of
from upturn_clinic.floor.models import Session
from upturn_clinic.ground.append_only import keep_rows, let_rows_go
from upturn_clinic.participants.models import Allocation, Participant
from upturn_clinic.participants.queries import arm_of
from upturn_clinic.stock.models import Lot

pytestmark = pytest.mark.django_db
# Nothing of ours, or something that ends the walk.
NOT_WALKED = ("account_", "mfa_", "still_here")
# Where an address calls a thing otherwise than its model does.
CALLED = {
    "version": "protocolversion", "trial": "treatmenttrial", "document": "consentdocument",
    "access": "emergencyaccess", "co_intervention": "cointervention", "drug": "concomitantdrug",
    "event": "adverseevent", "check": "monitoringcheck", "link": "selfratinglink",
}  # fmt: skip
DRUGS = ("ketamine", "midazolam")


def patterns(found: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for each in found:
        if isinstance(each, URLResolver):
            yield from patterns(each.url_patterns)
        else:
            yield each


def keys_by_model() -> dict[str, list[str]]:
    """Every key in the database of the clinic, by the name of its model."""
    return {
        model._meta.model_name or "": [str(key) for key in model._default_manager.values_list("pk", flat=True)]
        for model in apps.get_models() if model.__module__.startswith("upturn_clinic.")
    }  # fmt: skip


def addresses(keys: dict[str, list[str]], session: Session) -> Iterator[tuple[str, str]]:
    """Every address of the site, with every thing that it could be about."""
    for pattern in patterns(get_resolver().url_patterns):
        if not pattern.name or pattern.name.startswith(NOT_WALKED):
            continue
        choices: list[list[str]] = []
        names = list(pattern.pattern.converters)
        for name in names:
            if name == "facility":
                choices.append([session.facility.slug])
            elif name == "criterion":
                choices.append([each.criterion for each in session.participant.results.all()[:2]])
            elif name == "kind":
                choices.append(["floor.Session", "floor.Reading", "stock.Draw", "safety.AdverseEvent"])
            elif pattern.name == "history":
                choices.append([key for model in ("session", "reading", "draw", "adverseevent") for key in keys[model]])
            elif name in ("token", "gate", "look", "key", "rule"):
                choices.append(["x"])
            else:
                choices.append(keys[CALLED.get(name, name)])
        for values in product(*choices):
            text = "/" + _filled(str(pattern.pattern), dict(zip(names, values, strict=True)))
            yield pattern.name, text


def _filled(pattern: str, values: dict[str, str]) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], pattern)


def shown(body: bytes) -> str:
    """What a reader can see, and what stands in the data of a page: without keys, tokens, and our own style."""
    text = body.decode("utf-8", errors="replace")
    text = re.sub(r"(?s)<style.*?</style>|<script.*?</script>|<head>.*?</head>", " ", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|value=\"[\w-]{30,}\"", " ", text)
    return unescape(text)


@pytest.fixture(autouse=True)
def _the_day_after(clock: Clock) -> None:
    """Pages say how long ago something was: on some days in the numbers that are looked for."""
    clock.stand_at(FIRST + timedelta(days=1))


def is_number_in(number: str, text: str) -> bool:
    return re.search(rf"(?<![\w.:/-]){number}(?![\w:-])", text) is not None


def walk(client: Client, session: Session, *, methods: tuple[str, ...] = ("get", "post")) -> dict[str, set[str]]:
    """Open everything; say which address showed what of the session."""
    found: dict[str, set[str]] = {}
    opened = 0
    for name, address in addresses(keys_by_model(), session):
        for method in methods:
            answer = getattr(client, method)(address)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            opened += answer.status_code == 200
            text = shown(body)
            told = {word for word in (LOT, WORDS) if word in text}
            told |= {number for number in (SYSTOLIC, CADSS) if is_number_in(number, text)}
            about = (str(session.participant_id), str(session.dose_id), str(session.pk))
            if any(key in address for key in about):
                told |= {drug for drug in DRUGS if drug in text.lower()}
            if told:
                found.setdefault(name, set()).update(told)
    assert opened > 5
    return found


def test_a_rater_learns_nothing_of_a_session_at_any_address(
    masked: Session, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    rater = make_person("Rita", masked.facility, Role.RATER)
    assert walk(log_in(rater), masked) == {}


def test_the_same_walk_by_the_treating_team_finds_the_session_and_does_not_depend_on_the_arm(
    masked: Session, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    client = log_in(make_person("Nils", masked.facility, Role.SESSION_NURSE))
    before = walk(client, masked, methods=("get",))
    told = set().union(*before.values())
    assert {SYSTOLIC, CADSS, WORDS} <= told
    assert LOT not in told
    # Pages name drugs in general words. Were the arm the other one, they would say the same.
    other = next(drug for drug in DRUGS if drug != arm_of(masked.participant))
    for table in ("participants_allocation", "stock_lot"):
        let_rows_go(connection, table)
    Allocation.objects.update(arm=other)
    Lot.objects.update(drug=other)
    assert walk(client, masked, methods=("get",)) == before
    for table in ("participants_allocation", "stock_lot"):
        keep_rows(connection, table, columns=COLUMNS_STAY.get(table, ()))


def test_the_pharmacy_finds_the_lot(
    masked: Session, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    pharmacist = make_person("Pol", masked.facility, Role.PHARMACIST)
    told = set().union(*walk(log_in(pharmacist), masked, methods=("get",)).values())
    assert {LOT, arm_of(masked.participant)} <= told
    assert told & {SYSTOLIC, CADSS, WORDS} == set()


def test_no_export_is_open_to_a_rater_and_none_tells_the_arm(
    masked: Session, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    client = log_in(make_person("Rita", masked.facility, Role.RATER))
    for address in ("data/", f"data/{masked.participant.programme_id}/", "stock/reconciliation.csv", "forms/"):
        for method in ("get", "post"):
            answer = getattr(client, method)(f"/at/main/{address}", {"kind": "csv"})
            assert answer.status_code in (403, 405), address
    held = zipped(export_of(masked.participant.programme, masked.facility), kind="csv")
    with zipfile.ZipFile(io.BytesIO(held)) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert key_of(masked.participant) in files["records/participants.csv"]
    # The protocol's own file names both drugs; nothing of this person's session is in any file.
    assert not [name for name, text in files.items() if LOT in text or is_number_in(SYSTOLIC, text)]


@pytest.fixture
def rated_later(masked: Session, clinician: Actor, make_person: Callable[..., User]) -> Session:
    """The same person a week later: rated by a blinded rater, by the treating team, and by themselves."""
    person, at = masked.participant, FIRST + timedelta(days=7, hours=1)
    rater = Actor(make_person("Rolf", masked.facility, Role.RATER), masked.facility, frozenset({Role.RATER}))
    for instrument, answers, kind, by in (
        ("MADRS", dict.fromkeys(map(str, range(1, 11)), 1), "blinded", rater),
        ("CADSS-6", dict.fromkeys(("1", "2", "6", "7", "15", "22"), 3), "treating", clinician),
        ("PHQ-9", dict.fromkeys(map(str, range(1, 9)), 1) | {"9": 0}, "self", clinician),
    ):
        record_rating(
            participant=person, instrument=instrument, answers=answers, rated_at=at, rater_kind=kind, by=by, at=at
        )
    return masked


def test_beside_a_letter_nothing_stands_that_can_tell_the_arm(
    rated_later: Session, analyst: Actor, clinician: Actor
) -> None:
    programme, at = rated_later.participant.programme, FIRST + timedelta(days=8)
    export = export_records(programme=programme, kind="csv", by=analyst, at=at)
    assert set(export.records.participants["arm"]) < {"arm A", "arm B"}
    assert export.records.doses.is_empty()
    assert export.records.adverse_events.is_empty()
    seen = export.records.observations
    after = seen.filter(pl.col("time_h") >= 0)
    assert set(after["instrument"]) == {"MADRS"}
    assert set(after["rater"]) == {"blinded"}
    assert "MADRS" in set(seen.filter(pl.col("time_h") < 0)["instrument"])
    told = export.about
    # What is left out is said in words: how many events or readings there are can tell an arm as well.
    assert "readings of sessions" in str(told["what is left out while masked"])
    counted = {what: count for what, count in told.items() if isinstance(count, int) and count}
    assert counted == {"people": 1}
    # When the masking has ended, nothing is left out.
    Participant.objects.update(status="completed")
    unmask(programme=programme, reason="the study has ended", proof=proof(clinician, at), by=clinician, at=at)
    whole = export_records(programme=programme, kind="csv", by=analyst, at=at)
    assert {"CADSS-6", "PHQ-9", "SBP"} <= set(whole.records.observations["instrument"])
    assert whole.records.doses.height == 1
    assert whole.records.adverse_events.height == 1
    assert set(whole.records.participants["arm"]) == {arm_of(rated_later.participant)}


def test_the_dose_of_somebody_whose_arm_was_open_opens_no_letter(rated_later: Session, analyst: Actor) -> None:
    arm = arm_of(rated_later.participant)
    let_rows_go(connection, "participants_allocation")
    Allocation.objects.all().delete()
    keep_rows(connection, "participants_allocation", columns=COLUMNS_STAY.get("participants_allocation", ()))
    Participant.objects.update(arm=arm)
    export = export_records(
        programme=rated_later.participant.programme, kind="csv", by=analyst, at=FIRST + timedelta(days=8)
    )
    assert set(export.records.participants["arm"]) < {"arm A", "arm B"}
    assert export.records.doses.is_empty()
