"""The command line as a person meets it: results on standard output, plain messages, exit codes, nothing torn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from upturn.protocol import digest, load
from upturn.records import read

Upturn = Callable[..., tuple[int, str, str]]
GOOD = Path(__file__).parent / "good.yaml"

DOSE = ["--drug", "ketamine", "--route", "intravenous", "--over", "40 min", "--weight", "70 kg"]

BAD_WORDS = [
    (["exposure", *DOSE[:0], "--drug", "ketamin", "--route", "oral", "--dose", "35 mg"], "did you mean ketamine?"),
    (["exposure", "--drug", "ketamine", "--route", "rectal", "--dose", "35 mg"], "route"),
    (["exposure", *DOSE, "--dose", "0.5"], "no unit"),
    (["exposure", *DOSE, "--dose", "-0.5 mg/kg"], "negative"),
    (["exposure", *DOSE, "--dose", "500 mg/kg"], "more than 10 times"),
    (["exposure", *DOSE[:4], "--dose", "35 mg"], "runs over"),
    (["exposure", *DOSE[:6], "--dose", "0.5 mg/kg"], "--weight"),
    (["exposure", *DOSE[:6], "--dose", "35 mg", "--weight", "70"], "no unit"),
    (["exposure", *DOSE[:6], "--dose", "35 mg", "--weight", "7000 kg"], "20 to 300 kg"),
    (
        ["exposure", "--drug", "midazolam", "--route", "intravenous", "--dose", "3 mg", "--over", "PT40M"],
        "no kinetic model",
    ),
    (["answer", "seven-infusions"], "six-infusions"),
    (["protocol", "check", "no-such-file.yaml"], "no such file"),
]


@pytest.mark.parametrize(("words", "says"), BAD_WORDS, ids=[" ".join(w)[-40:] for w, _ in BAD_WORDS])
def test_bad_words_are_told_plainly(upturn: Upturn, words: list[str], says: str) -> None:
    code, out, err = upturn(*words)
    assert code == 2
    assert out == ""
    assert says.lower() in err.lower()
    assert "Traceback" not in err


BAD_DOCUMENTS = [
    ("amount: 0.5 mg/kg", "amount: 0.5", "arms.ketamine.doses[0].amount"),
    ("drug: ketamine", "drug: kepamine", "arms.ketamine.doses[0].drug"),
    ("route: intravenous", "route: telepathic", "arms.ketamine.doses[0].route"),
    (", over: PT40M", "", "arms.ketamine.doses[0].over"),
    ("amount: 0.5 mg/kg", "amount: -0.5 mg/kg", "negative"),
    ("amount: 0.5 mg/kg", "amount: 50 mg/kg", "more than 10 times"),
    ("window: {after: PT1H}", "window: {after: P9D}", "overlap"),
    ("arms:", "arms: [", "well-formed"),
]


@pytest.mark.parametrize(("old", "new", "says"), BAD_DOCUMENTS)
def test_bad_documents_are_told_with_their_path(
    upturn: Upturn,
    tmp_path: Path,
    old: str,
    new: str,
    says: str,
) -> None:
    text = GOOD.read_text(encoding="utf-8")
    assert old in text
    bad = tmp_path / "bad.yaml"
    bad.write_text(text.replace(old, new, 1), encoding="utf-8")
    out = tmp_path / "out"
    code, printed, err = upturn("answer", str(bad), "--out", str(out))
    assert code == 2
    assert printed == ""
    assert says.lower() in err.lower()
    assert not out.exists()


@pytest.mark.parametrize("command", [["answer", "single-infusion"], ["simulate", "single-infusion"]])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    upturn: Upturn, tmp_path: Path, command: list[str]
) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("mine", encoding="utf-8")
    code, out, err = upturn(*command, "--out", str(occupied))
    assert code == 2
    assert out == ""
    assert str(occupied) in err
    assert occupied.read_text(encoding="utf-8") == "mine"


def test_simulate_refuses_a_folder_with_something_in_it(upturn: Upturn, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    code, _, err = upturn("simulate", "single-infusion", "--out", str(tmp_path))
    assert code == 2
    assert "empty" in err
    assert [f.name for f in tmp_path.iterdir()] == ["thesis.txt"]


def test_simulate_writes_the_same_records_as_parquet_csv_and_events(upturn: Upturn, tmp_path: Path) -> None:
    words = ["simulate", str(GOOD), "--patients", "6", "--seed", "3", "--json"]
    for kind in ("parquet", "csv", "nonmem"):
        code, out, _ = upturn(*words, "--format", kind, "--out", str(tmp_path / kind))
        assert code == 0
        summary = json.loads(out)
        assert summary["digest"] == digest(load(GOOD))
        assert summary["rows"]["participants"] == 12
    parquet, csv = read(tmp_path / "parquet"), read(tmp_path / "csv")
    assert parquet.equals(csv)
    assert set(parquet.observations["instrument"]) >= {"MADRS", "SBP", "DBP", "CADSS"}
    events = pl.read_csv(tmp_path / "nonmem" / "events.csv")
    assert events.filter(pl.col("EVID") == 1).height == parquet.doses.height
    assert events.filter(pl.col("EVID") == 0).height == parquet.observations.height


def test_exposure_prints_json_with_every_model(upturn: Upturn) -> None:
    code, out, _ = upturn("exposure", *DOSE, "--dose", "0.5 mg/kg", "--at", "40 min", "--json")
    assert code == 0
    found = json.loads(out)
    assert [m["model"] for m in found["models"]] == ["simons_2022", "otto_fanta"]
    arterial = {a["name"]: a for a in found["models"][0]["analytes"]}
    # Zarate 2006 (in Zanos 2018, Table 1): venous 185 ng/mL at the end of the infusion; models differ 2.3 fold.
    assert 185 * 0.8 < arterial["ketamine_venous"]["at"]["0.666667"] < 185 * 1.3


@pytest.mark.parametrize("sub", [["list"], ["show", "six-infusions"]])
def test_protocols_are_shown(upturn: Upturn, sub: list[str]) -> None:
    code, out, _ = upturn("protocol", *sub)
    assert code == 0
    assert "six-infusions" in out
    code, out, _ = upturn("protocol", *sub, "--json")
    assert code == 0
    assert json.loads(out)


def test_answer_writes_a_report_and_the_same_json_for_the_same_seed(upturn: Upturn, tmp_path: Path) -> None:
    words = ["answer", str(GOOD), "--patients", "5", "--seed", "7"]
    code, printed, _ = upturn(*words, "--out", str(tmp_path / "a"))
    assert code == 0
    assert "report.html" in printed
    code, out, _ = upturn(*words, "--json")
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "a" / "answer.json").read_text(encoding="utf-8"))
    assert sorted(f.name for f in (tmp_path / "a").iterdir()) == ["answer.json", "report.html"]
