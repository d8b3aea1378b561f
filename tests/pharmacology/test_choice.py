"""Which model describes which dose, and what is refused."""

from __future__ import annotations

import pytest

from upturn.errors import InputError
from upturn.pharmacology import Given, OttoFanta, PerezRuixo2021, Simons2022, kinetics

ROUTES = ("intravenous", "intramuscular", "subcutaneous", "sublingual", "oral", "intranasal")


def test_nasal_esketamine_has_a_model_of_its_own() -> None:
    assert isinstance(kinetics("default", drug="esketamine", route="intranasal"), PerezRuixo2021)


@pytest.mark.parametrize("route", ROUTES)
def test_ketamine_has_one_model_for_every_route(route: str) -> None:
    assert isinstance(kinetics("default", drug="ketamine", route=route), Simons2022)


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError) as told:
        kinetics("domino", drug="ketamine", route="intravenous")
    assert "simons_2022" in str(told.value)
    assert "domino" in str(told.value)


@pytest.mark.parametrize(
    ("name", "drug", "route"),
    [
        ("perez_ruixo_2021", "ketamine", "intravenous"),
        ("perez_ruixo_2021", "esketamine", "sublingual"),
        ("simons_2022", "esketamine", "intranasal"),
        ("otto_fanta", "ketamine", "oral"),
        ("default", "midazolam", "intravenous"),
    ],
)
def test_a_route_that_a_model_was_not_built_for_is_refused(name: str, drug: str, route: str) -> None:
    with pytest.raises(InputError, match="does not describe"):
        kinetics(name, drug=drug, route=route)


@pytest.mark.parametrize("model", [Simons2022(), OttoFanta(), PerezRuixo2021()], ids=lambda m: type(m).__name__)
def test_the_ways_in_of_an_unsupported_dose_are_refused(model: Simons2022 | OttoFanta | PerezRuixo2021) -> None:
    with pytest.raises(InputError, match="does not describe"):
        model.inlets(Given("esketamine" if isinstance(model, PerezRuixo2021) else "midazolam", "sublingual"))


@pytest.mark.parametrize("route", ROUTES)
def test_all_of_a_dose_has_a_way_in(route: str) -> None:
    model = kinetics("default", drug="ketamine", route=route)
    inlets = model.inlets(Given("ketamine", route, 0.5))
    for form in ("s", "r"):  # one half each, by every way of its own
        ways = {i.path for i in inlets if i.path.startswith(form)}
        assert all(i.weight == 0.5 for i in inlets if i.path in ways)
        assert ways


def test_three_devices_each_carry_a_third() -> None:
    model = kinetics("default", drug="esketamine", route="intranasal")
    inlets = model.inlets(Given("esketamine", "intranasal", 0.0, (0.0, 1 / 12, 1 / 6)))
    assert sum(i.weight for i in inlets if i.path == "nose") == pytest.approx(1.0)
    assert [i.share for i in inlets if i.path == "nose"] == ["nasal_first", "nasal_later", "nasal_later"]
    assert [i.starts_h for i in inlets if i.path == "nose"] == [0.0, 1 / 12, 1 / 6]


def test_sites_are_named() -> None:
    assert (Simons2022().site, PerezRuixo2021().site, OttoFanta().site) == ("arterial", "venous", "venous")
