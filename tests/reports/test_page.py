"""The page: complete in itself, the same bytes again, and safe with text from a protocol."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs
from tests.conftest import full_after

from upturn.errors import OutputError
from upturn.reports import write_html
from upturn.reports.page import page
from upturn.trials import Answer

EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(2)> "quoted" & <b>bold</b>'
VOID = {"meta", "link", "img", "br", "input", "hr"}


class Outline(HTMLParser):
    """Headings, identities, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts = 0
        self.images = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.ids += [v for k, v in attrs if k == "id" and v is not None]
        self.links += [v for k, v in attrs if k in ("src", "href", "action", "srcset") and v is not None]
        self.scripts += tag == "script"
        self.images += tag == "img"

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def outline(text: str) -> Outline:
    """Parse a page without the library that it carries."""
    read = Outline()
    read.feed(text.replace(get_plotlyjs(), ""))
    read.close()
    return read


@pytest.fixture(scope="module")
def text(found: Answer) -> str:
    return page(found)


def test_the_page_is_well_formed(text: str) -> None:
    read = outline(text)
    assert read.open == []
    assert len(set(read.ids)) == len(read.ids)
    assert read.headings[0] == 1
    assert read.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(read.headings, read.headings[1:], strict=False))


def test_links_stay_inside_the_page(text: str) -> None:
    read = outline(text)
    inside = [link for link in read.links if link.startswith("#")]
    assert [link for link in read.links if link not in inside] == ["data:,"]
    assert {link[1:] for link in inside} <= set(read.ids)
    assert "default-src 'none'" in text


def test_the_same_answer_gives_the_same_bytes(found: Answer, tmp_path: Path) -> None:
    first = write_html(found, tmp_path / "report.html")
    again = write_html(found, tmp_path / "again.html")
    assert first.read_bytes() == again.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.html", "report.html"]


def test_text_from_a_protocol_is_only_text(found: Answer, text: str) -> None:
    arms = [replace(arm, title=EVIL) for arm in found.arms]
    protocol = dict.fromkeys(found.protocol, EVIL)
    evil = page(replace(found, protocol=protocol, arms=arms, version=EVIL))
    read, honest = outline(evil), outline(text)
    assert (read.scripts, read.images) == (honest.scripts, honest.images)
    assert read.open == []
    data = json.loads(re.search(r'id="figures">(.*?)</script>', evil)[1])  # type: ignore[index]
    names = {trace.get("name") for panel in data.values() for trace in panel["data"]}
    assert not any("<" in name for name in names if name)


def test_a_place_that_cannot_be_written_says_so(found: Answer, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write_html(found, tmp_path / "nowhere" / "report.html")
    assert "nowhere" in str(caught.value)
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError):
        write_html(found, tmp_path / "taken")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("size", [0, 10_000])
def test_a_full_disk_leaves_the_old_report_whole(found: Answer, text: str, tmp_path: Path, size: int) -> None:
    report = write_html(found, tmp_path / "report.html")
    assert len(text.encode()) > size
    with full_after(size), pytest.raises(OutputError, match="cannot be written") as caught:
        write_html(replace(found, version="2.0"), report)
    assert caught.value.came == "File too large"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert report.read_text(encoding="utf-8") == text


def test_a_condition_that_was_not_fitted_is_announced(found: Answer, text: str) -> None:
    assert '<p class="banner"' not in text
    told = "One small trial; nothing of the model was fitted to it."
    other = page(replace(found, calibration=replace(found.calibration, beyond=told)))
    assert '<p class="banner"' in other
    assert told in other


def test_what_was_fitted_and_to_what_stands_in_it(found: Answer, text: str) -> None:
    assert f"fitted to {found.calibration.findings} published numbers of {found.calibration.trials} trials" in text
    assert found.calibration.evidence in text
    assert found.calibration.posterior in text
    assert "Post-traumatic stress disorder (not calibrated)" in text


def test_every_number_stands_in_the_table_with_its_status(found: Answer, text: str) -> None:
    assert text.count("<tr data-status=") == len(found.numbers)
    assumed = sum(n.status == "assumed" for n in found.numbers)
    assert text.count('<tr data-status="assumed"') == assumed > 0


def test_what_a_protocol_does_not_have_is_left_out(found: Answer) -> None:
    arms = [replace(arm, acute=None, relapse=None, sustained_by=None, time_to_sustained_response_h=None)
            for arm in found.arms]  # fmt: skip
    bare = page(replace(found, arms=arms, contrasts=[], who=[]))
    assert outline(bare).open == []
    for absent in ("figure-relapse", "figure-difference", "figure-exposure", "figure-felt"):
        assert f'id="{absent}"' not in bare
    assert "compares no arms" in bare


def test_figures_hold_no_more_digits_than_a_screen_shows(text: str) -> None:
    data = json.loads(re.search(r'id="figures">(.*?)</script>', text)[1])  # type: ignore[index]
    values = [v for panel in data.values() for trace in panel["data"] for v in trace["y"] if v is not None]
    assert len(values) > 1000
    assert all(round(v, 3) == v for v in values)
