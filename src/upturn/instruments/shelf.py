"""The shelf of instruments: one YAML file each, read when first asked for.

What lives here: reading and finding. What does not: any number (``scales/``).
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, get_args

import yaml

from upturn.errors import InputError
from upturn.instruments.evidence import Evidence, Status
from upturn.instruments.instrument import Band, Bands, Instrument, Items, Licence, Range, Recall
from upturn.instruments.items import Alerts, Codes, Item, Level, Missing, Part, Pattern, Scoring, Wording

__all__ = ["LOINC_NOTICE", "all_ids", "get"]

# The owner of the codes asks for these words wherever the codes are used.
LOINC_NOTICE = (
    "This material contains content from LOINC (http://loinc.org). LOINC is copyright © Regenstrief Institute, Inc. "
    "and the Logical Observation Identifiers Names and Codes (LOINC) Committee and is available at no cost under the "
    "license at http://loinc.org/license. LOINC® is a registered United States trademark of Regenstrief Institute, Inc."
)


def get(id: str) -> Instrument:
    """Give the instrument called ``id``.

    Raises
    ------
    InputError
        There is none of this name; the message offers the nearest.

    Examples
    --------
    >>> get("QIDS-SR16").total.most
    27.0
    """
    shelf = _shelf()
    if id not in shelf:
        by_lower_case = {known.lower(): known for known in shelf}
        close = get_close_matches(str(id).lower(), by_lower_case, n=1)
        raise InputError(
            f"There is no instrument called {id}.",
            expected=", ".join(shelf),
            came=str(id),
            remedy=f"did you mean {by_lower_case[close[0]]}?" if close else None,
        )
    return shelf[id]


def all_ids() -> tuple[str, ...]:
    """Give the names of all instruments, in alphabetical order.

    Examples
    --------
    >>> "MADRS" in all_ids()
    True
    """
    return tuple(_shelf())


@cache
def _shelf() -> Mapping[str, Instrument]:
    folder = files("upturn.instruments").joinpath("scales")
    documents = [
        yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for file in folder.iterdir()
        if file.name.endswith(".yaml")
    ]
    instruments = [_instrument(document) for document in documents]
    return {each.id: each for each in sorted(instruments, key=lambda each: each.id)}


def _instrument(document: Mapping[str, Any]) -> Instrument:
    part = dict(document)
    bands, recall, loinc = part.pop("bands", None), part.pop("recall", None), part.pop("loinc", None)
    items, listed, answers = part.pop("items", None), part.pop("item_list", None), part.pop("answers", {})
    wording, scoring, alerts = part.pop("wording", None), part.pop("scoring", None), part.pop("alerts", None)
    total, licence = part.pop("total"), part.pop("licence")
    return Instrument(
        **{**part, "sources": tuple(part["sources"]), "modes": tuple(part.get("modes", ()))},
        total=Range(float(total["least"]), _number_or_none(total["most"]), _evidence(total)),
        items=_items(items, listed, answers) if items else None,
        bands=Bands(tuple(_band(each) for each in bands["members"]), _evidence(bands)) if bands else None,
        recall=Recall(float(recall["hours"]), _evidence(recall)) if recall else None,
        licence=Licence(licence["terms"], _evidence(licence), licence.get("text_pack") == "allowed"),
        wording=_wording(wording) if wording else None,
        scoring=_scoring(scoring) if scoring else None,
        alerts=_alerts(alerts) if alerts else None,
        codes=Codes(loinc["panel"] or "", loinc["total"], _evidence(loinc)) if loinc else None,
    )


def _items(items: Mapping[str, Any], listed: Mapping[str, Any], answers: Mapping[int, str]) -> Items:
    widest = {"least": items["least"], "most": items["most"], "answers": answers}
    members = tuple(Item(**{**widest, **each}) for each in listed["members"])
    return Items(
        items["count"], float(items["least"]), float(items["most"]), _evidence(items), members, _evidence(listed)
    )


def _wording(wording: Mapping[str, Any]) -> Wording:
    return Wording(wording["language"], wording["instruction"], wording["notice"], _evidence(wording))


def _alerts(alerts: Mapping[str, Any]) -> Alerts:
    total = _number_or_none(alerts.get("total"))
    return Alerts(dict(alerts.get("items", {})), alerts["text"], _evidence(alerts), total)


def _scoring(scoring: Mapping[str, Any]) -> Scoring:
    missing = scoring["missing"]
    return Scoring(
        total=scoring["total"],
        parts=tuple(Part(**{**each, "items": tuple(each["items"])}) for each in scoring.get("parts", ())),
        patterns=tuple(Pattern(**each) for each in scoring.get("findings", ())),
        levels=tuple(Level(each["level"], tuple(each["any_of"])) for each in scoring.get("levels", ())),
        missing=Missing(missing["policy"], _evidence(missing)),
        evidence=_evidence(scoring),
    )


def _evidence(fact: Mapping[str, Any]) -> Evidence:
    if not fact.get("source") or fact.get("status") not in get_args(Status):
        raise InputError(
            "A fact about an instrument has no source or no known status.",
            expected=f"source, and status: {', '.join(get_args(Status))}",
            came=str(dict(fact)),
        )
    return Evidence(str(fact["source"]), fact["status"], str(fact.get("note", "")))


def _band(member: Mapping[str, Any]) -> Band:
    return Band(str(member["name"]), float(member["least"]), float(member["most"]))


def _number_or_none(number: float | None) -> float | None:
    return None if number is None else float(number)
