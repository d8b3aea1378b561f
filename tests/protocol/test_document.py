"""YAML 1.2, the canonical text and the digest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path as FilePath
from typing import Any

import pytest

from upturn import protocol
from upturn.protocol.document import parse
from upturn.protocol.values import iso_text, repeated
from upturn.units import hours


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: [P0D]", {"on": ["P0D"]}),
        ("a: yes", {"a": "yes"}),
        ("a: off", {"a": "off"}),
        ("a: true", {"a": True}),
        ("a: 10:30", {"a": "10:30"}),
        ("a: 2026-01-02", {"a": "2026-01-02"}),
        ("a: 010", {"a": 10}),
        ("a: 0o10", {"a": 8}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: ~", {"a": None}),
        ("a: .5", {"a": 0.5}),
        ("a: 1.0.0", {"a": "1.0.0"}),
        ("a: <<", {"a": "<<"}),
    ],
)
def test_scalars_are_read_as_yaml_1_2(text: str, value: object) -> None:
    assert parse(text, file="x").content == value


def test_lines_are_remembered() -> None:
    lines = parse("a: 1\nb:\n  - c\n  - d: 2\n", file="x").lines
    assert (lines[("a",)], lines[("b", 0)], lines[("b", 1, "d")]) == (1, 3, 4)


@pytest.mark.parametrize(
    "text", ["PT40M", "P1DT12H", "-P1D", "P0D", "P3W", "PT0.5S", "PT90M", "P7DT4H", "PT5M", "PT7M"]
)
def test_durations_survive_the_round_trip(text: str) -> None:
    assert hours(iso_text(hours(text))) == hours(text)


def test_a_series_ends_at_its_last_time_in_spite_of_thirds() -> None:
    assert repeated(every_h=1 / 3, from_h=0.0, until_h=7.0)[-1] == pytest.approx(7.0)


def test_the_digest_does_not_see_order_spaces_comments_or_how_a_duration_is_written(small: str, spoil: Any) -> None:
    known = protocol.digest(protocol.read(small))
    _, *head, rest = small.split("\n", 6)
    reordered = "\n".join(reversed(head))
    other = f"# a note\n{reordered}\n\n{rest}".replace("over: PT40M", "over: 40 min").replace(
        "role: active", "role:   active"
    )
    assert other != small
    assert protocol.digest(protocol.read(other)) == known
    assert protocol.digest(protocol.read(small.replace("0.5 mg/kg", "500 ug/kg"))) == known
    assert protocol.digest(protocol.read(spoil(("arms", "ketamine", "background"), "none"))) == known
    assert known.startswith("sha256:")
    assert len(known) == len("sha256:") + 64


def test_the_digest_does_not_see_how_a_copy_is_written(small: str) -> None:
    written_out = small.replace(
        "like: infusion,", "drug: ketamine, route: intravenous, amount: 0.5 mg/kg, over: PT40M,"
    )
    assert written_out != small
    assert protocol.digest(protocol.read(written_out)) == protocol.digest(protocol.read(small))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("amount: 0.5 mg/kg", "amount: 0.6 mg/kg"),
        ("on: [P0D, P2D]", "on: [P0D, P3D]"),
        ("until: P28D", "until: P21D"),
        ("at_most: 10", "at_most: 12"),
        ("above: 140", "above: 150"),
    ],
)
def test_the_digest_changes_with_the_meaning(small: str, old: str, new: str) -> None:
    assert protocol.digest(protocol.read(small.replace(old, new))) != protocol.digest(protocol.read(small))


def test_the_digest_of_a_shipped_protocol_is_known() -> None:
    # A new digest means that the protocol changed: give it a new version too.
    assert (
        protocol.digest(protocol.load("single-infusion"))
        == "sha256:9748fe909b92bf18a53bd3199d9ddad5917cfeb2995518ba38be0fbdefc0329a"
    )


@pytest.mark.parametrize("name", protocol.shipped())
def test_canonical_text_is_a_protocol_again(name: str) -> None:
    study = protocol.load(name)
    text = protocol.canonical_json(study)
    again = protocol.read(text)
    assert protocol.canonical_json(again) == text
    assert again.arms.keys() == study.arms.keys()
    assert json.loads(text)["upturn"] == 1


def test_a_file_is_loaded_by_path(tmp_path: FilePath, small: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(small, encoding="utf-8")
    assert protocol.load(path) == protocol.load(str(path)) == protocol.read(small)


def test_a_protocol_cannot_be_changed(small: str) -> None:
    study = protocol.read(small)
    with pytest.raises(ValueError, match="frozen"):
        study.title = "Another"  # type: ignore[misc]


def test_rules_close_at_their_limit() -> None:
    rule = protocol.Rule(measure="SBP", above=140.0)
    assert [rule.closes_at(value) for value in (139.0, 140.0, 141.0)] == [False, False, True]
    floor = protocol.Rule(measure="SpO2", below=92.0)
    assert [floor.closes_at(value) for value in (91.0, 92.0)] == [True, False]
    ceiling = protocol.Rule(measure="HR", at_least=130.0)
    assert [ceiling.closes_at(value) for value in (129.0, 130.0)] == [False, True]


def test_the_room_loads_without_jax() -> None:
    code = "import sys, upturn.protocol as p; p.load('six-infusions'); print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_example_of_the_page_works() -> None:
    page = FilePath(__file__).parents[2] / "docs" / "protocol.md"
    example = page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    study = protocol.read(example, file="docs/protocol.md")
    assert study.arms["ketamine"].doses[1].is_adaptive
    assert study.horizon_h == 84 * 24.0


def test_the_examples_of_rules_and_safety_work_in_the_example_of_the_page() -> None:
    page = FilePath(__file__).parents[2] / "docs" / "protocol.md"
    whole, rules, safety = (part.split("```")[0] for part in page.read_text(encoding="utf-8").split("```yaml\n")[1:4])
    study = protocol.read(whole + rules + safety, file="docs/protocol.md")
    assert study.safety is not None
    assert len(study.safety.stopping) == 3
    assert [gate.asks for gate in study.gates] == ["closer"]
