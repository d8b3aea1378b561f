"""``upturn beliefs fit|report`` as a person meets them: numbers, what cannot be answered, plain refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from upturn.records import Records, read, write

Upturn = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def study() -> Records:
    """Simulate six people per group of the shipped study; the patients' first visit and the last of all."""
    from upturn.protocol import load  # noqa: PLC0415
    from upturn.trials.beliefs import belief_truth  # noqa: PLC0415
    from upturn.trials.simulate import simulate  # noqa: PLC0415

    chunks = list(simulate(load("belief-updating-study"), patients=6, seed=2, beliefs=belief_truth()))
    whole = Records(**{name: pl.concat([chunk[name] for chunk in chunks]) for name, _ in chunks[0]})
    return bent(whole, updates=whole.updates.filter(pl.col("visit") != "four-hours"))


def bent(records: Records, **tables: pl.DataFrame) -> Records:
    return Records(**{**dict(records), **tables})


def stored(records: Records, folder: Path) -> str:
    write(records, folder, format="csv")
    assert read(folder).equals(records)
    return str(folder)


def test_fit_gives_cells_contrasts_and_diagnostics(upturn: Upturn, study: Records, tmp_path: Path) -> None:
    first, second = (pl.col(name) for name in ("first_estimate", "second_estimate"))
    row = pl.int_range(pl.len()).over("participant")
    odd = study.updates.with_columns(
        first_estimate=pl.when((pl.col("participant") == "P0000001") & (row < 3)).then(95.0).otherwise(first),
        second_estimate=second,
    )
    folder = stored(bent(study, updates=odd), tmp_path / "in")
    code, out, err = upturn("beliefs", "fit", folder, "--draws", "150", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["people"] == 12
    assert [(c["group"], c["visit"]) for c in told["cells"]] == [
        (g, v) for g in ("patients", "controls") for v in ("before", "one-week")
    ]
    assert {(f["analysis"], f["number"]) for f in told["findings"]} == {
        ("model-free", "bias"), ("two-step", "asymmetry"), ("two-step", "scaling"), ("noisy", "asymmetry"),
        ("noisy", "scaling"),
    }  # fmt: skip
    assert told["diagnostics"]["r_hat"] < 1.2
    assert {"participant": "P0000001", "visit": "before", "what": "an own estimate out of range", "rows": 3,
            "used_for": "nothing"} in told["set_aside"]  # fmt: skip


def test_report_of_one_visit_says_what_it_cannot_and_gives_the_rest(
    upturn: Upturn, study: Records, tmp_path: Path
) -> None:
    before = bent(study, updates=study.updates.filter(pl.col("visit") == "before"))
    folder = stored(before, tmp_path / "in")
    code, out, err = upturn("beliefs", "report", folder, "--out", str(tmp_path / "out"), "--draws", "100")
    assert code == 0, err
    assert "Cannot be answered: There is one visit only" in out
    assert "P(>0)" not in out
    page = (tmp_path / "out" / "belief-report.html").read_text(encoding="utf-8")
    assert "There is one visit only" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--comparator", "placebo"], "no such group"),
        (["--draws", "5"], "--draws"),
        (["--reading", "exactly"], "--reading"),
        (["--trust"], "how far they trust"),
    ],
)
def test_bad_words_are_told_plainly(
    upturn: Upturn, study: Records, tmp_path: Path, words: list[str], says: str
) -> None:
    silent = bent(study, updates=study.updates.with_columns(trust=pl.lit(None, pl.Float64)))
    code, out, err = upturn("beliefs", "fit", stored(silent, tmp_path / "in"), *words)
    assert code == 2
    assert out == ""
    assert says in " ".join(err.split())
    assert "Traceback" not in err


def test_records_without_a_base_rate_or_with_an_unknown_column_are_refused(
    upturn: Upturn, study: Records, tmp_path: Path
) -> None:
    none = bent(study, updates=study.updates.with_columns(base_rate=pl.lit(None, pl.Float64)))
    code, _, err = upturn("beliefs", "fit", stored(none, tmp_path / "none"))
    assert code == 2
    assert "no complete trial" in err
    folder = Path(stored(study, tmp_path / "odd"))
    table = pl.read_csv(folder / "updates.csv").with_columns(mood=pl.lit(1))
    table.write_csv(folder / "updates.csv")
    code, _, err = upturn("beliefs", "report", str(folder), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "mood" in err
    assert not (tmp_path / "out").exists()
