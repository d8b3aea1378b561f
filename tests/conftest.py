"""A small sound protocol, for every room that reads one; a full disk; one Chromium; compiled programs, let go of."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings
from playwright.sync_api import Browser, expect, sync_playwright

# Linux grants a process 65,530 memory maps; compiled programs take some each, and JAX keeps them all.
MOST_MAPS = 20_000
CHROMIUM = "/usr/bin/chromium"
# A machine may be busy with other tests: what is waited for comes late, not never.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
# So for examples: one that met a pause of a fifth of a second would fail, and pass when hypothesis looks at it again.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _let_go_of_compiled_programs() -> Iterator[None]:
    """Free compiled programs between modules before the process runs out of memory maps and aborts."""
    yield
    maps = Path("/proc/self/maps")
    if "jax" in sys.modules and maps.is_file() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        sys.modules["jax"].clear_caches()


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """Let this process write no file beyond this size [bytes]: the system refuses the rest, as a full disk does."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once for all rooms (a process holds one Playwright); without it tests fail, not skip."""
    assert Path(CHROMIUM).exists(), f"{CHROMIUM} is not there: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


SMALL = """
upturn: 1
id: small
version: "1.0.0"
title: One infusion
summary: One infusion of ketamine or midazolam.
sources:
  - {id: label, text: A label}
population:
  condition: treatment-resistant depression
  status: assumed
  age_y: {mean: 45, sd: 12, min: 18, max: 65}
  female: 0.6
  weight_kg: {mean: 80, sd: 18, min: 40, max: 160}
  height_cm: {mean: 169, sd: 10, min: 140, max: 205}
  baseline:
    MADRS: {mean: 33, sd: 6, min: 20, max: 60}
arms:
  ketamine:
    title: Ketamine
    role: active
    doses:
      - {id: infusion, drug: ketamine, route: intravenous, amount: 0.5 mg/kg, over: PT40M, on: [P0D, P2D]}
      - {id: booster, like: infusion, when: relapse, not_sooner_than: P7D, until: P28D, every: P7D}
  midazolam:
    title: Midazolam
    role: control
    doses:
      - {id: infusion, drug: midazolam, route: intravenous, amount: 0.045 mg/kg, over: PT40M, on: [P0D, P2D]}
contrasts:
  - {arm: ketamine, control: midazolam}
encounters:
  - {id: start, at: P0D, window: {after: PT12H}}
  - {id: week, at: P7D, window: {before: P1D, after: P1D}}
assessments:
  - {instrument: MADRS, at: [PT2H, P1D, P7D], recall: PT24H, rater: blinded}
  - {instrument: CADSS, at: [PT40M], rater: treating}
session:
  timepoints:
    - {at: -PT15M, measures: [SBP, DBP]}
    - {at: PT40M, measures: [SBP, DBP, CADSS]}
  minimum_stay: PT2H
  discharge:
    - {id: calm, text: Dissociation is gone., status: assumed}
gates:
  - id: pressure
    kind: soft
    at: session
    text: Blood pressure is above 140/90 mmHg.
    rules: [{measure: SBP, above: 140}, {measure: DBP, above: 90}]
    citation: label
    status: seen in source
endpoints:
  response: {instrument: MADRS, fall: 0.5}
  remission:
    - {id: remission-10, instrument: MADRS, at_most: 10}
  relapse: {instrument: MADRS, at_least: 22, consecutive: 2}
  sustained_response: {by: P1D, until: P27D}
follow_up: P28D
"""


@pytest.fixture
def small() -> str:
    return SMALL


@pytest.fixture
def small_document() -> Any:
    """Give the small protocol as a document of its own."""
    return yaml.safe_load(SMALL.replace(" on:", ' "on":'))
