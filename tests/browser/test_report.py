"""The report as a reader meets it: drawn, quiet, in reach of a phone, a keyboard and a printer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.conftest import PATIENCE_MS

pytestmark = pytest.mark.browser

SECTIONS = ("answer", "figures-section", "tables", "whom", "methods", "limits", "numbers", "provenance")
DRAWN = "document.querySelectorAll('.plot svg.main-svg').length >= document.querySelectorAll('.plot').length"
SINGLE = "document.getElementById('plot-change').data.filter(t => t.meta === 'individuals')"
Opened = Callable[..., Page]


def until(page: Page, condition: str) -> None:
    """Wait for a condition; the page's own policy forbids Playwright's way of waiting, which evaluates text in it."""
    for _ in range(PATIENCE_MS // 50):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {condition}")


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Opened]:
    """Open the report; at the end nothing may have been said to the console or asked of a network."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_report(*, width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(report.as_uri())
        if options.get("java_script_enabled", True):
            until(page, DRAWN)
        return page

    yield open_report
    for context in contexts:
        context.close()
    assert said == []
    assert set(asked) == {report.as_uri()}


def overflow(page: Page) -> int:
    """Count the pixels by which the page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def traces(page: Page, plot: str) -> list[dict[str, Any]]:
    """Read what a plot shows."""
    shown: list[dict[str, Any]] = page.evaluate(
        "id => document.getElementById(id).data.map(t => "
        "({meta: t.meta ?? null, visible: t.visible ?? true, group: t.legendgroup}))",
        plot,
    )
    return shown


def test_every_figure_is_drawn(opened: Opened) -> None:
    page = opened()
    plots = page.locator(".plot")
    assert plots.count() >= 14
    for i in range(plots.count()):
        plot = plots.nth(i)
        name = plot.get_attribute("id")
        assert plot.locator(".scatterlayer .trace path, .barlayer .trace path").count() > 0, name
        assert len(plot.get_attribute("aria-label") or "") > 20, name
    assert page.locator(".unscripted").first.is_hidden()


def test_no_button_offers_to_send_data_anywhere(opened: Opened) -> None:
    page = opened()
    offered = page.locator("#plot-change .modebar-btn").evaluate_all("all => all.map(e => e.dataset.title)")
    assert offered == ["Zoom", "Pan", "Reset axes", "Download plot as a PNG"]


def test_a_phone_scrolls_down_only(opened: Opened) -> None:
    page = opened(width=390, height=844)
    assert overflow(page) == 0
    page.locator("#numbers summary").click()
    page.locator("#tables summary").first.click()
    assert overflow(page) == 0
    table = page.locator(".scroll").first
    assert table.evaluate("e => e.scrollWidth > e.clientWidth")


def test_single_people_come_and_go(opened: Opened) -> None:
    page = opened()
    button = page.get_by_role("button", name="Single people")
    for pressed in ("true", "false"):
        button.click()
        expect(button).to_have_attribute("aria-pressed", pressed)
        until(page, f"({SINGLE}).length === 2 && ({SINGLE}).every(t => (t.visible ?? true) === {pressed})")


def test_the_time_axis_follows_its_buttons(opened: Opened) -> None:
    page = opened()
    block = page.locator("#figure-change")

    end = "document.getElementById('plot-change').layout.xaxis.range[1]"
    stretched: float = page.evaluate(end)
    assert stretched < 4
    block.get_by_role("button", name="First day").click()
    until(page, f"{end} >= 24 && {end} < 25")
    block.get_by_role("button", name="Whole course").click()
    until(page, f"{end} > 600")
    block.get_by_role("button", name="Hours and weeks").click()
    until(page, f"{end} === {stretched!r}")


def test_the_legend_works_from_the_keyboard(opened: Opened) -> None:
    page = opened()
    entry = page.locator("#figure-change [data-series=midazolam]")
    entry.focus()
    page.keyboard.press("Enter")
    expect(entry).to_have_attribute("aria-pressed", "false")
    hidden = [t for t in traces(page, "plot-change") if t["visible"] is False]
    assert {t["group"] for t in hidden} == {"ketamine", "midazolam"}  # ketamine's single people only
    assert sum(t["group"] == "midazolam" for t in hidden) == 4
    page.keyboard.press("Space")
    expect(entry).to_have_attribute("aria-pressed", "true")


def test_the_first_stop_of_the_keyboard_is_the_answer(opened: Opened) -> None:
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#answer"


def test_numbers_are_filtered_by_status(opened: Opened) -> None:
    page = opened()
    page.locator("#numbers summary").click()
    every = page.locator("#numbers-table tbody tr:visible").count()
    page.get_by_role("button", name="Assumed").click()
    assumed = page.locator("#numbers-table tbody tr:visible")
    expect(assumed).not_to_have_count(every)
    assert 0 < assumed.count() < every
    expect(page.locator("#numbers-table tbody tr[data-status=assumed]:visible")).to_have_count(assumed.count())
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.locator("#numbers-table tbody tr:visible")).to_have_count(every)


def test_paper_holds_everything(opened: Opened) -> None:
    page = opened(width=680, height=980)
    page.emulate_media(media="print")
    until(page, "[...document.querySelectorAll('details')].every(d => d.open)")
    for section in SECTIONS:
        assert page.locator(f"#{section}").is_visible(), section
    assert page.locator("#numbers-table").is_visible()
    assert page.locator(".switches:visible").count() == 0
    assert overflow(page) == 0
    assert page.locator(".plot svg.main-svg").count() > 0
    page.emulate_media(media="screen")
    until(page, "[...document.querySelectorAll('details')].every(d => !d.open)")


def test_it_can_be_printed(opened: Opened, tmp_path: Path) -> None:
    page = opened()
    page.pdf(path=str(tmp_path / "report.pdf"), prefer_css_page_size=True, print_background=True)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_page(opened: Opened, scheme: str) -> None:
    page = opened(color_scheme=scheme)
    contrasts: dict[str, float] = page.evaluate(CONTRASTS)
    assert contrasts
    assert {where: ratio for where, ratio in contrasts.items() if ratio < 4.5} == {}


def test_without_scripts_the_tables_are_there(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator(".unscripted").first.is_visible()
    assert page.locator("#contrast-ketamine-midazolam").is_visible()


# WCAG 2.2, 1.4.3: ratio of relative luminances of text and what lies under it.
CONTRASTS = """() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const under = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor); if ((c[3] ?? 1) > 0.75) return c; } return [255, 255, 255]; };
  const out = {};
  for (const e of document.querySelectorAll(
      'p, h1, h2, h3, h4, a, td, th, caption span, button, dt, dd, li, figcaption, summary, b, .total')) {
    if (!e.textContent.trim() || e.closest('.plot, .skip') || !e.checkVisibility()) continue;
    const [a, b] = [luminance(parse(getComputedStyle(e).color)), luminance(under(e))].sort((x, y) => y - x);
    out[`${e.tagName}.${e.className}`] = Math.min(out[`${e.tagName}.${e.className}`] ?? 99, (a + 0.05) / (b + 0.05));
  }
  return out;
}"""
