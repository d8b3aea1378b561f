"""The words of the items against the files of HL7, where those lie beside the checkout; and a site's own words."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
import yaml

from upturn.errors import InputError
from upturn.instruments import all_ids, get, items_of, read_text_packs

FHIR = Path(__file__).resolve().parents[3] / "shared" / "care" / "data" / "fhir"


def letters(text: str) -> str:
    """The words alone: what differs between copies is dashes, commas and question marks."""
    return re.sub("[^a-z0-9]+", " ", text.lower()).strip()


def questions_of(file: Path) -> dict[str, str]:
    """Code and question of a response in XML."""
    found = re.findall(r'linkId value="/([\d-]+)"/>\s*<text\s+value="(.*?)"/>', file.read_text(encoding="utf-8"))
    assert len(found) > 5
    return dict(found)


# Of the words in the copies that the files in scales/ name, taken from the copies and not from our files; to be renewed
# only by reading a copy again. In the copy of the C-SSRS "three months" is written with a figure here, as by HL7.
COMPARED = {
    "PCL-5": "c7f6b47802bda3a7",
    "PHQ-9": "b411678529abf0db",
    "GAD-7": "0719dbec858c42fe",
    "C-SSRS": "f5ff7f2294b60381",
}


@pytest.mark.parametrize("id", COMPARED)
def test_the_words_are_those_that_were_compared(id: str) -> None:
    words = "\n".join(letters(item.text) for item in items_of(id))
    assert hashlib.sha256(words.encode()).hexdigest().startswith(COMPARED[id])


@pytest.mark.parametrize("id", COMPARED)
def test_words_that_ship_were_read_somewhere(id: str) -> None:
    instrument = get(id)
    assert instrument.items is not None
    assert instrument.wording is not None
    for evidence in (instrument.items.named, instrument.wording.evidence):
        assert evidence.status == "seen in source"


def test_the_levels_of_the_screener_were_read_somewhere() -> None:
    screener = get("C-SSRS")
    assert screener.scoring is not None
    assert screener.bands is not None
    for evidence in (screener.scoring.evidence, screener.bands.evidence):
        assert evidence.status == "seen in source"
        assert "second hand" in evidence.note


@pytest.mark.skipif(not FHIR.is_dir(), reason="the files of HL7 are not here")
@pytest.mark.parametrize(("id", "file"), [("PHQ-9", "phq-9-example-1.xml"), ("C-SSRS", "C-SSRS-example-1.xml")])
def test_words_and_codes_are_those_of_the_file(id: str, file: str) -> None:
    wanted = questions_of(FHIR / "us-bhp" / file)
    # The form itself begins the question about difficulty with "If you checked off any problems"; HL7 leaves that out.
    other = {"69722-7"}
    for item in items_of(id):
        assert item.loinc in wanted
        assert (letters(item.text) == letters(wanted[item.loinc])) == (item.loinc not in other), item.id
    codes = get(id).codes
    assert codes is not None
    assert codes.total in wanted


@pytest.mark.skipif(not FHIR.is_dir(), reason="the files of HL7 are not here")
@pytest.mark.parametrize(("id", "word"), [("PHQ-9", "PHQ9"), ("GAD-7", "GAD7")])
def test_words_and_codes_are_those_of_the_other_file(id: str, word: str) -> None:
    text = (FHIR / "phr-ig" / f"Questionnaire-ScoredAssessment-{word}.fsh").read_text(encoding="utf-8")
    wanted = dict(re.findall(r'linkId = "([\d-]+)".*?\n  \* text = "(.*?)"', text, re.DOTALL))
    # Worded otherwise there: item 2 of the GAD-7 as a question of its own; "were moving" for "have been moving".
    other = {"68509-9", "44253-3"}
    for item in items_of(id):
        if item.scored:
            assert item.loinc in wanted
            assert (letters(item.text) == letters(wanted[item.loinc])) == (item.loinc not in other), item.id


@pytest.mark.skipif(not FHIR.is_dir(), reason="the files of HL7 are not here")
def test_the_answers_are_those_of_the_file() -> None:
    text = (FHIR / "phr-ig" / "Questionnaire-ScoredAssessment-GAD7.fsh").read_text(encoding="utf-8")
    for id in ("GAD-7", "PHQ-9"):
        assert list(dict.fromkeys(re.findall(r'LA\d+-\d "(.*?)"', text))) == list(items_of(id)[0].answers.values())


def pack(**changes: object) -> dict[str, object]:
    items = {item.id: {"text": f"Site words {item.id}", "answers": {0: "not at all"}} for item in items_of("MADRS")}
    return {
        "upturn_text_pack": 1, "instrument": "MADRS", "version": "1", "edition": "2026", "language": "en",
        "licence": "held by the site", "notice": "(c) somebody", "instruction": "Rate each.", "items": items, **changes,
    }  # fmt: skip


def written(folder: Path, *packs: object) -> Path:
    file = folder / "packs.yaml"
    file.write_text(yaml.safe_dump_all(packs), encoding="utf-8")
    return file


def test_a_site_loads_its_own_words(tmp_path: Path) -> None:
    [found] = read_text_packs(written(tmp_path, pack()))
    shown = items_of("MADRS", found)
    assert [item.text for item in shown] == [f"Site words {item.id}" for item in items_of("MADRS")]
    assert shown[0].answers == {0: "not at all"}
    assert shown[0].values == items_of("MADRS")[0].values
    assert items_of("MADRS")[0].text == ""
    assert read_text_packs(tmp_path) == (found,)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"upturn_text_pack": 2}, "is no text pack"),
        ({"instrument": "SDS"}, "takes no text pack"),
        ({"instrument": "SBP"}, "takes no text pack"),
        ({"instrument": "NOPE"}, "no instrument called"),
        ({"version": "2"}, "fits another version"),
        ({"licence": " "}, "lacks licence"),
        ({"notice": None}, "lacks notice"),
        ({"colour": "red"}, "not known"),
        ({"items": {}}, "has no items"),
        ({"items": {"1": {"text": "x"}}}, "lacks items"),
        ({"items": {"11": {"text": "x"}}}, "has no such item"),
        ({"items": {"1": {"words": "x"}}}, "is not whole"),
        ({"items": {"1": {"text": "x", "answers": {7: "y"}}}}, "answers that the item cannot have"),
    ],
)
def test_a_pack_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, object], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_text_packs(written(tmp_path, pack(**changes)))


def test_two_packs_of_one_instrument_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two text packs of MADRS"):
        read_text_packs(written(tmp_path, pack(), pack()))
    with pytest.raises(InputError, match="cannot be read"):
        read_text_packs(tmp_path / "nothing.yaml")


def test_a_pack_serves_its_own_instrument(tmp_path: Path) -> None:
    [found] = read_text_packs(written(tmp_path, pack()))
    with pytest.raises(InputError, match="of another instrument"):
        items_of("PHQ-9", found)


def test_no_pack_ships() -> None:
    assert not any("upturn_text_pack" in file.read_text(encoding="utf-8")
                   for file in Path(__file__).resolve().parents[2].glob("src/**/*.yaml"))  # fmt: skip
    assert {id for id in all_ids() if get(id).items and not get(id).licence.takes_text_pack} == {"SDS"}
