"""Doses and observations as one event table, as NONMEM and its relatives read it.

One row per dose (``EVID`` 1) and per observation (``EVID`` 0), numbers only; a legend says what the codes
mean. The columns follow the convention of NONMEM data and of ADPPK. What lives here: the two translations.
What does not: the codes (``codes``) and the files (``files``).

============  ==========================================================================================
column        meaning
============  ==========================================================================================
``ID``        code of the participant
``TIME``      actual time from the first dose [h]
``AMT``       amount given [mg]; empty on an observation
``RATE``      ``AMT`` / ``DUR`` [mg/h]; 0 for an instantaneous dose
``DUR``       duration of the dose [h]
``EVID``      1 dose, 0 observation
``CMT``       code of the way in (drug and route) on a dose, of what was seen on an observation
``DV``        the value seen, in the unit of the legend; empty on a dose
``MDV``       1 where ``DV`` is missing (every dose), else 0
``DVID``      code of what was seen (instrument, item and unit)
``ARM``       code of the arm
``OCC``       dosing occasion; on an observation that of the last dose before it, empty before the first
``AGE``       age [years]
``SEX``       code of the sex
``WT``        body weight [kg]
``HT``        body height [cm]
``COV_*``     further covariates, named as in ``participants``
``NTIME``     nominal time from the first dose [h]
``RATER``     code of the rater
``RECALL``    length of time the value looks back on [h]
============  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from upturn.errors import RecordsError
from upturn.interchange.nonmem.codes import Legend, legend
from upturn.records import Records, validate

__all__ = ["COLUMNS", "from_event_table", "to_event_table"]

_CODES = ("ID", "EVID", "CMT", "MDV", "DVID", "ARM", "OCC", "SEX", "RATER")
_FIRST = ("ID", "TIME", "AMT", "RATE", "DUR", "EVID", "CMT", "DV", "MDV", "DVID", "ARM", "OCC")
_PERSON = ("AGE", "SEX", "WT", "HT")
_LAST = ("NTIME", "RATER", "RECALL")
COLUMNS = (*_FIRST, *_PERSON, *_LAST)
"""The declared columns in order; further covariates stand between ``HT`` and ``NTIME``."""

_NUMBER_OF = {"AGE": "age_y", "WT": "weight_kg", "HT": "height_cm"}
_WAY_IN = ("drug", "route")
_READING = ("instrument", "item", "unit")
_NOT_SUPPORTED = ("ADDL", "II", "SS")


def to_event_table(records: Records) -> pl.DataFrame:
    """Give doses and observations as one event table, sorted by person and time, doses first.

    The legend of the codes is ``legend(records)``. Missing numbers are null (an empty field in a CSV file),
    never a dot. Lost on the way: belief-updating trials, adverse events, participants who have neither a dose
    nor an observation, and the order of rows. A placebo keeps its row with ``AMT`` 0; a program that refuses
    doses of zero needs them filtered.

    Parameters
    ----------
    records
        What was done and seen.

    Returns
    -------
    polars.DataFrame
        Codes are whole numbers, everything else is floating point.

    Raises
    ------
    RecordsError
        The records do not fit their declaration.

    Examples
    --------
    >>> from upturn.records import Records
    >>> person = pl.DataFrame({"participant": ["p1"], "arm": ["ketamine"], "age_y": [41], "sex": ["female"],
    ...                        "weight_kg": [70], "height_cm": [168]})
    >>> dose = pl.DataFrame({"participant": ["p1"], "occasion": [1], "drug": ["ketamine"], "planned_h": [0],
    ...                      "route": ["intravenous"], "amount_mg": [35], "start_h": [0],
    ...                      "duration_h": [0.5]})
    >>> table = to_event_table(Records(participants=person, doses=dose))
    >>> table.select("ID", "TIME", "AMT", "RATE", "DUR", "EVID").row(0)
    (1, 0.0, 35.0, 70.0, 0.5, 1)
    """
    sound = validate(records)
    codes = legend(sound)
    rows = pl.concat([_dose_rows(sound, codes), _observation_rows(sound, codes)], how="diagonal")
    people = _people(sound, codes)
    table = rows.join(people, on="participant", how="left", maintain_order="left")
    table = table.sort("ID", "TIME", "MDV", descending=[False, False, True], maintain_order=True)
    table = table.with_columns(pl.col("OCC").forward_fill().over("ID"))
    covariates = [name for name in people.columns if name.startswith("COV_")]
    return table.select(
        *(_typed(name) for name in (*_FIRST, *_PERSON)),
        *map(_typed, covariates),
        *(_typed(name) for name in _LAST),
    )


def _typed(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Int64 if name in _CODES else pl.Float64)


def _people(records: Records, codes: Legend) -> pl.DataFrame:
    people = records.participants
    covariates = [name for name in people.columns if name.startswith("cov_")]
    return people.select(
        "participant",
        _code("participant", codes.ID).alias("ID"),
        _code("arm", codes.ARM).alias("ARM"),
        _code("sex", codes.SEX).alias("SEX"),
        *(pl.col(column).alias(name) for name, column in _NUMBER_OF.items()),
        *(pl.col(name).alias("COV_" + name.removeprefix("cov_")) for name in covariates),
    )


def _dose_rows(records: Records, codes: Legend) -> pl.DataFrame:
    is_instantaneous = pl.col("duration_h") == 0
    return records.doses.join(_frame(codes.CMT, _WAY_IN), on=_WAY_IN, how="left", maintain_order="left").select(
        "participant",
        TIME="start_h",
        AMT="amount_mg",
        RATE=pl.when(is_instantaneous).then(0.0).otherwise(pl.col("amount_mg") / pl.col("duration_h")),
        DUR="duration_h",
        EVID=pl.lit(1),
        CMT="code",
        MDV=pl.lit(1),
        OCC="occasion",
        NTIME="planned_h",
    )


def _observation_rows(records: Records, codes: Legend) -> pl.DataFrame:
    seen = records.observations.join(_frame(codes.DVID, _READING), on=_READING, how="left", maintain_order="left")
    return seen.select(
        "participant",
        TIME="time_h",
        EVID=pl.lit(0),
        CMT=pl.col("code") + len(codes.CMT),
        DV="value",
        MDV=pl.lit(0),
        DVID="code",
        NTIME="planned_h",
        RATER=_code("rater", codes.RATER),
        RECALL="recall_h",
    )


def _code(column: str, names: Mapping[int, str]) -> pl.Expr:
    if not names:
        return pl.lit(None, dtype=pl.Int64)
    code_of = {name: code for code, name in names.items()}
    return pl.col(column).replace_strict(code_of, return_dtype=pl.Int64)


def _frame(meanings: Mapping[int, tuple[str, ...]], columns: tuple[str, ...]) -> pl.DataFrame:
    rows = [(code, *meaning) for code, meaning in meanings.items()]
    return pl.DataFrame(rows, schema={"code": pl.Int64, **dict.fromkeys(columns, pl.String)}, orient="row")


def from_event_table(frame: pl.DataFrame, legend: Legend) -> Records:
    """Read an event table back into records; the inverse of ``to_event_table`` on doses and observations.

    Participants are rebuilt from their first row. ``DUR`` gives the duration; without the column it is the
    amount over ``RATE``. Observations marked ``MDV`` 1 carry no value and are left out, and so are columns
    other than the declared ones and ``COV_*``. Rows come in the order of the event table.

    Parameters
    ----------
    frame
        The event table; ``OCC``, ``DUR``, ``NTIME``, ``RATER``, ``RECALL`` and the covariates may be absent.
        Without ``OCC`` each dose is an occasion of its own.
    legend
        What the codes mean.

    Raises
    ------
    RecordsError
        A column missing or not of numbers, a code without meaning, an event other than dose or observation,
        additional or steady-state doses, a rate to be estimated; or records that ``validate`` refuses.

    Examples
    --------
    >>> ways = {1: ("ketamine", "oral")}
    >>> codes = Legend(ID={1: "p1"}, ARM={1: "ketamine"}, CMT=ways, DVID={}, SEX={}, RATER={})
    >>> table = pl.DataFrame({"ID": [1], "TIME": [0], "AMT": [70], "RATE": [0], "EVID": [1], "CMT": [1],
    ...                       "DV": [None], "MDV": [1], "DVID": [None], "ARM": [1]})
    >>> from_event_table(table, codes).doses.row(0)
    ('p1', 1, 'ketamine', 'oral', 70.0, 0.0, 0.0, None)
    """
    table = _numbers(frame)
    _refuse_unsupported(table)
    is_dose = pl.col("EVID") == 1
    doses, seen = table.filter(is_dose), table.filter(~is_dose & (pl.col("MDV").fill_null(0) == 0))
    _refuse_unknown_codes(table, legend)
    return validate(
        Records(
            participants=_participants(table, legend),
            doses=doses.join(_frame(legend.CMT, _WAY_IN), left_on="CMT", right_on="code", maintain_order="left").select(
                participant=_name("ID", legend.ID),
                occasion="OCC",
                drug="drug",
                route="route",
                amount_mg="AMT",
                start_h="TIME",
                duration_h="DUR",
                planned_h="NTIME",
            ),
            observations=seen.join(
                _frame(legend.DVID, _READING), left_on="DVID", right_on="code", maintain_order="left"
            ).select(
                participant=_name("ID", legend.ID),
                time_h="TIME",
                planned_h="NTIME",
                instrument="instrument",
                item="item",
                value="DV",
                unit="unit",
                rater=_name("RATER", legend.RATER),
                recall_h="RECALL",
            ),
        )
    )


def _participants(table: pl.DataFrame, legend: Legend) -> pl.DataFrame:
    covariates = [name for name in table.columns if name.startswith("COV_")]
    return table.unique("ID", keep="first", maintain_order=True).select(
        participant=_name("ID", legend.ID),
        arm=_name("ARM", legend.ARM),
        age_y="AGE",
        sex=_name("SEX", legend.SEX),
        weight_kg="WT",
        height_cm="HT",
        **{"cov_" + name.removeprefix("COV_"): name for name in covariates},
    )


def _name(column: str, names: Mapping[int, str]) -> pl.Expr:
    if not names:  # an empty mapping keeps the old type in polars 2.1, in spite of return_dtype
        return pl.lit(None, dtype=pl.String)
    return pl.col(column).replace_strict(dict(names), return_dtype=pl.String)


def _numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Bring every column to its type, absent ones that may be absent included."""
    optional = {"OCC", "DUR", "NTIME", "RATER", "RECALL", *_PERSON}
    for name in COLUMNS:
        if name not in frame.columns and name not in optional:
            raise RecordsError(
                f"The event table has no column {name}.",
                expected=", ".join(COLUMNS),
                came=", ".join(frame.columns),
            )
    wanted = [name for name in frame.columns if name in (*COLUMNS, *_NOT_SUPPORTED) or name.startswith("COV_")]
    for name in wanted:
        if not (frame.schema[name].is_numeric() or frame.schema[name] == pl.Null):
            raise RecordsError(
                f"The column {name} of the event table does not hold numbers.",
                expected="numbers, missing ones empty",
                came=f"the type {frame.schema[name]}",
            )
        if name in _CODES:
            is_part = pl.col(name).cast(pl.Float64) % 1 != 0
            _refuse_rows(frame, is_part, name, what="A code is not a whole number.", expected="a whole number")
    absent = [pl.lit(None).alias(name) for name in COLUMNS if name not in frame.columns]
    table = frame.select(*wanted, *absent).with_columns(
        map(_typed, [*wanted, *(each for each in optional - {*wanted})])
    )
    if "DUR" not in frame.columns:
        is_infusion = pl.col("RATE") > 0
        table = table.with_columns(DUR=pl.when(is_infusion).then(pl.col("AMT") / pl.col("RATE")).otherwise(0.0))
    if "OCC" not in frame.columns:
        table = table.with_columns(OCC=(pl.col("EVID") == 1).cum_sum().over("ID").cast(pl.Int64))
    return table


def _refuse_unsupported(table: pl.DataFrame) -> None:
    event = pl.col("EVID")
    _refuse_rows(
        table,
        event.is_null() | ~event.is_in([0, 1]),
        "EVID",
        what="An event is neither a dose nor an observation.",
        expected="1 for a dose, 0 for an observation",
        remedy="leave such rows out",
    )
    _refuse_rows(
        table,
        pl.col("RATE") < 0,
        "RATE",
        what="A rate or duration is left to be estimated.",
        expected="a rate of 0 or more [mg/h]",
        remedy="write the rate that was given",
    )
    for name in _NOT_SUPPORTED:
        if name in table.columns:
            _refuse_rows(
                table,
                pl.col(name) != 0,
                name,
                what="Additional or steady-state doses are not written out.",
                expected="0, or no such column",
                remedy="write one row per dose given",
            )


def _refuse_unknown_codes(table: pl.DataFrame, legend: Legend) -> None:
    is_dose = pl.col("EVID") == 1
    everyone = pl.lit(value=True)
    known: tuple[tuple[str, Mapping[int, object], pl.Expr], ...] = (
        ("ID", legend.ID, everyone),
        ("ARM", legend.ARM, everyone),
        ("CMT", legend.CMT, is_dose),
        ("DVID", legend.DVID, ~is_dose),
        ("SEX", legend.SEX, pl.col("SEX").is_not_null()),
        ("RATER", legend.RATER, pl.col("RATER").is_not_null()),
    )
    for name, meanings, is_asked in known:
        is_known = pl.col(name).is_in(pl.Series(list(meanings), dtype=pl.Int64).implode()).fill_null(value=False)
        _refuse_rows(
            table,
            is_asked & ~is_known,
            name,
            what="A code is not in the legend.",
            expected=", ".join(map(str, meanings)) or "no code at all: the legend has none",
            remedy="use the legend that was written with this table",
        )


def _refuse_rows(
    table: pl.DataFrame,
    is_wrong: pl.Expr,
    column: str,
    *,
    what: str,
    expected: str,
    remedy: str | None = None,
) -> None:
    places = table.select(pl.arg_where(is_wrong.fill_null(value=False))).to_series()
    if places.len():
        came = table.item(places[0], column)
        raise RecordsError(
            what,
            expected=expected,
            came="nothing" if came is None else f"{came:.12g}",
            where=f"event table, row {places[0] + 1}, column {column}",
            remedy=remedy,
        )
