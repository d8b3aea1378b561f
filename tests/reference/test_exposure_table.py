"""The page that sets predicted exposures beside published ones is what its script writes, and its main rows hold."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def validate() -> Any:
    spec = importlib.util.spec_from_file_location("exposure_validate", DOCS / "exposure" / "validate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def predictions(validate: Any) -> list[Any]:
    return [each for published in validate.read() for each in validate.predict(published)]


def test_the_page_is_what_the_script_would_write_now(validate: Any) -> None:
    written = (DOCS / "exposure.md").read_text(encoding="utf-8")
    assert written == validate.page(), "run: python docs/exposure/validate.py"


def test_every_published_number_is_predicted_by_one_default_model(validate: Any, predictions: list[Any]) -> None:
    defaults = [each.published.row for each in predictions if each.default]
    assert defaults == [published.row for published in validate.read()]


def test_every_published_number_has_a_source_and_a_known_standing(validate: Any) -> None:
    for published in validate.read():
        assert published.source, published.row
        assert published.standing in validate.ORDER, published.row


def test_every_group_is_on_the_page(validate: Any) -> None:
    words = (DOCS / "exposure" / "page.md").read_text(encoding="utf-8")
    for group in {published.group for published in validate.read()}:
        assert f"table group={group}}}}}" in words


def test_nasal_esketamine_is_within_three_percent_of_table_4(validate: Any, predictions: list[Any]) -> None:
    rows = validate.having(predictions, "group=nasal_table, analyte=s_ketamine")
    assert len(rows) == 36
    for each in rows:
        assert each.value == pytest.approx(each.published.middle, rel=0.03), each.published.row


def test_half_a_milligram_per_kilogram_is_within_thirty_percent_of_185(validate: Any, predictions: list[Any]) -> None:
    rows = validate.having(predictions, "group=infusion, dose=0.5 mg/kg, metric=Cmax")
    assert {each.model for each in rows} == {"simons_2022", "otto_fanta"}
    for each in rows:
        assert each.site.startswith("venous")
        assert each.value == pytest.approx(185, rel=0.30)


def test_a_ratio_to_a_range_is_to_its_geometric_middle(validate: Any) -> None:
    (published,) = [each for each in validate.read() if each.value == "280-460"]
    assert published.ends == (280, 460)
    assert published.middle == pytest.approx((280 * 460) ** 0.5)
