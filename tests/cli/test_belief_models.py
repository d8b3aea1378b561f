"""``upturn beliefs compare|recover``: tables, JSON, and bad input."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from upturn.beliefs.models import MODELS
from upturn.records import Records, empty, write

from .conftest import Upturn


def records(people: int, trials: int) -> Records:
    """Give people who learn four tenths from good and three tenths from bad news, and answer in whole numbers."""
    names = [f"P{i + 1}" for i in range(people)]
    rows = [
        {
            "participant": name, "visit": visit, "time_h": time, "event": f"event-{k}", "base_rate": 10.0 + k,
            "first_estimate": float(first), "other_estimate": float(3 + (31 * k + 7 * i) % 74),
            "second_estimate": round(first - rate * (first - 10 - k) + (k + i) % 3 - 1.0),
            "trust": 60.0,
        }
        for i, name in enumerate(names)
        for visit, time in (("before", -24.0), ("after", 4.0))
        for k in range(trials)
        for first in [10 + (17 * k + 11 * i) % 60]
        for rate in [0.4 if first > 10 + k else 0.3]
    ]  # fmt: skip
    updates = pl.DataFrame(rows, schema_overrides={"second_estimate": pl.Float64}) if rows else empty("updates")
    whole = pl.concat([empty("updates"), updates], how="diagonal") if rows else updates
    persons = pl.DataFrame({"participant": names, "arm": ["ketamine" if i % 2 else "controls" for i in range(people)]})
    tables = {table: empty(table) for table in ("doses", "observations", "adverse_events")}
    return Records(participants=pl.concat([empty("participants"), persons], how="diagonal"), updates=whole, **tables)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(records(6, 24), tmp_path / "records", format="csv")
    return tmp_path / "records"


def test_compare_prints_tables_and_gives_json(upturn: Upturn, folder: Path) -> None:
    code, out, _ = upturn("beliefs", "compare", str(folder))
    assert code == 0
    assert "6 people, 12 sessions, 288 trials" in out
    assert all(name in out for name in MODELS)
    assert "decisions belong to the treating clinician" in out
    code, out, _ = upturn("beliefs", "compare", str(folder), "--json", "--relevance", "printed", "--sign", "posterior")
    found = json.loads(out)
    assert (code, found["relevance"], found["sign"]) == (0, "printed", "posterior")
    assert found["models"] == list(MODELS)
    assert {(cell["group"], cell["visit"]) for cell in found["cells"]} == {
        (group, visit) for group in ("controls", "ketamine") for visit in ("before", "after")
    }
    first = found["cells"][0]["estimates"][0]
    assert first["scaling"] == pytest.approx(0.35, abs=0.03)
    assert first["asymmetry"] == pytest.approx(0.05, abs=0.03)
    best = found["leave_one_out"]["behind"].index(0.0)
    assert found["models"][best] == "reinforcement-scaling-asymmetry"


def test_what_is_set_aside_is_named(upturn: Upturn, tmp_path: Path) -> None:
    some = records(4, 24)
    lost = (pl.col("participant") == "P3") & (pl.col("visit") == "after")
    updates = some.updates.with_columns(other_estimate=pl.when(~lost).then(pl.col("other_estimate")))
    write(Records(**{**dict(some), "updates": updates}), tmp_path / "records", format="csv")
    code, out, _ = upturn("beliefs", "compare", str(tmp_path / "records"))
    assert code == 0
    assert "P3, after: no trial with an estimate for someone else" in out


def test_compare_without_answers_or_without_records_is_bad_input(upturn: Upturn, tmp_path: Path) -> None:
    write(records(3, 0), tmp_path / "records", format="csv")
    code, out, err = upturn("beliefs", "compare", str(tmp_path / "records"))
    assert (code, out) == (2, "")
    assert "no complete trial" in err
    code, out, err = upturn("beliefs", "compare", str(tmp_path / "nowhere"))
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_a_visit_with_few_trials_of_a_kind_is_named_and_the_rest_analysed(upturn: Upturn, tmp_path: Path) -> None:
    some = records(4, 24)
    here = (pl.col("participant") == "P2") & (pl.col("visit") == "before")
    good = pl.col("first_estimate") > pl.col("base_rate")
    write(Records(**{**dict(some), "updates": some.updates.filter(~here | good)}), tmp_path / "r", format="csv")
    code, out, _ = upturn("beliefs", "compare", str(tmp_path / "r"))
    assert code == 0
    told = re.search(r"Set aside: too few trials with bad news \((\d+) rows of ([^)]*)\)", " ".join(out.split()))
    assert told
    assert "P2" in told[2]
    assert "4 people, 8 sessions" in out


def test_a_trial_that_stands_twice_is_used_once_and_named(upturn: Upturn, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    write(records(3, 24), folder, format="csv")
    table = pl.read_csv(folder / "updates.csv")
    pl.concat([table, table.filter(pl.col("participant") == "P3").head(1)]).write_csv(folder / "updates.csv")
    code, out, _ = upturn("beliefs", "compare", str(folder))
    assert code == 0
    assert "3 people, 6 sessions, 144 trials" in out
    assert "of P3); used for: its first copy is used" in " ".join(out.split())


def test_recover_gives_numbers_and_matrices(upturn: Upturn) -> None:
    code, out, _ = upturn("beliefs", "recover", "--people", "20", "--seed", "3", "--json")
    found = json.loads(out)
    assert code == 0
    assert len(found["numbers"]) == 3 * 2 * 2
    assert [(each["condition"], each["priors"]) for each in found["models"]] == [
        (condition, priors) for condition in ("as modelled", "as answered") for priors in ("published", "weak")
    ]
    assert all(len(each["frequency"]) == len(row) == 12 for each in found["models"] for row in each["frequency"])
    code, out, _ = upturn("beliefs", "recover", "--people", "20", "--seed", "3")
    assert code == 0
    assert out.count("Known models recovered") == 4
    assert "12 bayesian " in out
