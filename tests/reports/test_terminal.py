"""The terminal: the key numbers, in the width there is."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from upturn.reports import terminal
from upturn.reports.words import between, signed
from upturn.trials import Answer


def printed(answer: Answer, width: int) -> str:
    out = StringIO()
    Console(file=out, width=width, highlight=False).print(terminal(answer))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_it_fits_the_width_and_reads_no_further_than_110(found: Answer, width: int) -> None:
    text = printed(found, width)
    assert max(cell_len(line.rstrip()) for line in text.splitlines()) <= min(width, 110)
    assert "……" not in text


def test_the_key_numbers_are_there(found: Answer) -> None:
    text = printed(found, 100)
    day = next(d for d in found.contrasts[0].at if d.time_h == 24.0)
    assert day.new_trial.median is not None
    assert signed(day.new_trial.median) in text
    assert between(day.new_trial, 90, signed).replace(" to ", "…") in text
    assert between(day.one_person, 90, signed).replace(" to ", "…") in text
    for words in ("How fast?", "How long does it last?", "≤ 10", "≤ 12", "From that dose to relapse", "Dissociation"):
        assert words in text


def test_it_says_where_it_comes_from(found: Answer) -> None:
    text = " ".join(printed(found, 110).split())
    assert found.protocol["digest"] in text
    assert "seed 1" in text
    assert "10 people per arm × 100 trials" in text
    assert f"fitted to {found.calibration.findings} published numbers" in text
    assert "decisions belong to the treating clinician" in text


def test_text_from_a_protocol_is_not_markup(found: Answer) -> None:
    title = "[bold red]loud[/bold red] [link=file:///x]here[/link]"
    assert title in printed(replace(found, protocol={**found.protocol, "title": title}), 100)


def test_without_contrasts_each_arm_stands_alone(found: Answer) -> None:
    text = printed(replace(found, contrasts=[]), 100)
    assert all(arm.title in text for arm in found.arms)
