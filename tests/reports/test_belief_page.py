"""The belief report: complete in itself, safe with foreign text, honest where something is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jax
import numpy as np
import polars as pl
import pytest

from upturn.beliefs.design import study_design
from upturn.beliefs.people import belief_population
from upturn.beliefs.simulation import simulate_study
from upturn.errors import OutputError
from upturn.inference.beliefs.checks import check
from upturn.inference.beliefs.clinical import ClinicalChange, Plan
from upturn.inference.beliefs.findings import cells_of, changes_of, findings_of
from upturn.inference.beliefs.hierarchy import BeliefFit
from upturn.inference.beliefs.link import Link, Summary
from upturn.inference.beliefs.null import null
from upturn.inference.beliefs.questions import Question, Study
from upturn.inference.beliefs.sessions import summarise
from upturn.inference.fit import Diagnostics
from upturn.records import Records
from upturn.reports.belief_drawing import Scale
from upturn.reports.beliefs import belief_page, write_belief_report

VISITS = {"patients": ("before", "after"), "controls": ("before", "after")}
ASKED = Question("patients", "controls", ("before", "after"), ("before", "after"))
EVIL = '</style><script>alert(1)</script><img src=x onerror=alert(2)> & "b"'
VOID = {"meta", "link", "img", "br", "input", "hr", "path", "rect"}


class Outline(HTMLParser):
    """Headings, identities, links, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append(int(tag[1]))
        self.ids += [v for k, v in attrs if k == "id" and v]
        self.links += [v for k, v in attrs if k in ("src", "href", "action") and v]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def outline(text: str) -> Outline:
    read = Outline()
    read.feed(text)
    read.close()
    assert read.open == []
    return read


@pytest.fixture(scope="module")
def found() -> ClinicalChange:
    """Real answers, summary, scores, null and checks; the draws of the posterior stand for a fit that takes longer."""
    design = study_design({"patients": 6, "controls": 6}, ("before", "after"))
    seen = simulate_study(jax.random.key(1), design, belief_population(groups=2, visits=2))
    sessions = summarise(seen)
    rng = np.random.default_rng(1)
    cells = len(sessions.cells)
    draws = {
        "scaling": rng.normal(0.4, 0.04, (2, 50, cells)), "asymmetry": rng.normal(0.07, 0.03, (2, 50, cells)),
        "people": rng.uniform(0.1, 0.2, (2, 50, 2)), "visits": rng.uniform(0.05, 0.1, (2, 50, 2)),
        "correlation": rng.uniform(-0.3, 0.3, (2, 50)), "carried": rng.uniform(0.2, 0.4, (2, 50)),
    }  # fmt: skip
    fit = BeliefFit(sessions, draws, Diagnostics({"a": 1.0}, {"a": 400.0}, {"a": 400.0}, 0, 100))
    study = Study(
        Records(participants=pl.DataFrame(), updates=pl.DataFrame()), seen, (), VISITS, "controls", (ASKED,), ()
    )
    return ClinicalChange(
        study=study, plan=Plan(studies=8, replicates=5), cells=cells_of(seen, fit), changes=changes_of(study, fit),
        findings=findings_of(study, noisy=fit, exact=fit), multiverse=(), carried=Summary(0.3, 0.2, 0.4),
        sensitivity=(), trust=None, trust_findings=(), nulls=null(fit, seen, VISITS, [ASKED], studies=8),
        checks=check(fit, seen, replicates=5), links=(LINK,), cannot=(), diagnostics={"noisy": fit.diagnostics},
    )  # fmt: skip


MINUS = Summary(-0.2, -0.5, 0.1)
LINK = Link(
    question=ASKED, score="MADRS total", people=3, slope=MINUS, correlation=MINUS, unattenuated=MINUS,
    reliability=Summary(0.4, 0.3, 0.5), ceiling=Summary(0.5, 0.4, 0.6), mood_reliability=0.8,
    common_cause=((0.0, MINUS), (0.3, Summary(-0.12, -0.4, 0.2))), estimates=np.array([0.1, 0.0, -0.1]),
    errors=np.full(3, 0.1), changes=np.array([-10.0, -5.0, 0.0]), diagnostics=Diagnostics({}, {}, {}, 0, 2),
)  # fmt: skip


def test_the_page_is_whole_and_fetches_nothing(found: ClinicalChange) -> None:
    text = belief_page(found)
    read = outline(text)
    assert len(set(read.ids)) == len(read.ids)
    assert read.headings[0] == 1
    assert all(b - a <= 1 for a, b in zip(read.headings, read.headings[1:], strict=False))
    assert {link for link in read.links if not link.startswith("#")} == {"data:,"}
    assert {link[1:] for link in read.links if link.startswith("#")} <= set(read.ids)
    assert "script" not in read.tags
    # First estimates, side by side, two nulls, one link.
    assert read.tags.count("svg") == 5
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)
    assert "For research and education" in text


def test_it_speaks_of_association_and_never_of_an_effect_of_treatment(found: ClinicalChange) -> None:
    text = belief_page(found).lower()
    assert "association" in text
    for word in ("mediat", "effect of ketamine", "ketamine effect", "caused by"):
        assert word not in text


def test_foreign_names_are_only_text(found: ClinicalChange) -> None:
    visits = {EVIL: ("before", "after"), "controls": ("before", "after")}
    asked = replace(ASKED, group=EVIL)
    cells = tuple(replace(c, group=EVIL) if c.group == "patients" else c for c in found.cells)
    evil = replace(
        found, study=replace(found.study, visits=visits, questions=(asked,)), cells=cells, cannot=(EVIL,),
        findings=tuple(replace(f, question=asked) for f in found.findings),
        nulls=tuple(replace(n, question=asked) for n in found.nulls),
        links=(replace(LINK, question=asked, score=EVIL),),
    )  # fmt: skip
    honest, read = outline(belief_page(found)), outline(belief_page(evil))
    assert "script" not in read.tags
    assert "img" not in read.tags
    assert read.tags.count("svg") == honest.tags.count("svg")


def test_without_comparison_mood_or_null_it_says_so(found: ClinicalChange) -> None:
    said = "There is one visit only (patients: before): no change can be seen there."
    bare = replace(
        found, study=replace(found.study, questions=()), findings=(), nulls=(), links=(), changes=(), cannot=(said,)
    )
    text = belief_page(bare)
    outline(text)
    assert said in text
    assert "No comparison of groups can be made" in text


def test_the_same_result_gives_the_same_bytes_and_nothing_half_written(found: ClinicalChange, tmp_path: Path) -> None:
    first = write_belief_report(found, tmp_path / "a.html").read_bytes()
    assert first == write_belief_report(found, tmp_path / "b.html").read_bytes()
    with pytest.raises(OutputError):
        write_belief_report(found, tmp_path / "nowhere" / "a.html")
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError):
        write_belief_report(found, tmp_path / "taken")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.html", "taken"]


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.22), (3.0, 77.0), (0.0, 1e-4), (-2500.0, 40.0)])
def test_ticks_are_few_round_and_inside(low: float, high: float) -> None:
    ticks = Scale(low, high, 0.0, 300.0).ticks()
    assert 2 <= len(ticks) <= 7
    assert all(low - 1e-9 <= t <= high + 1e-9 for t in ticks)
    steps = np.diff(ticks)
    assert steps == pytest.approx(steps[0])
