"""The tree of errors: what a person reads, and what a shell gets."""

from __future__ import annotations

import inspect

import pytest

from upturn import errors
from upturn.errors import CannotError, InputError, UpturnError

ALL = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, UpturnError)]


def test_every_error_is_named_in_the_module_and_drawn_in_its_tree() -> None:
    assert sorted(each.__name__ for each in ALL) == sorted(errors.__all__)
    for each in ALL:
        assert each.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", ALL)
def test_every_error_takes_the_four_parts_and_is_caught_as_one(kind: type[UpturnError]) -> None:
    with pytest.raises(UpturnError) as caught:
        raise kind("It did not work.", expected="this", came="that", where="here", remedy="do it again")
    assert str(caught.value).splitlines() == [
        "It did not work.",
        "  expected:   this",
        "  came:       that",
        "  where:      here",
        "  what to do: do it again",
    ]


@pytest.mark.parametrize("kind", ALL)
def test_bad_input_ends_with_two_and_everything_else_with_one(kind: type[UpturnError]) -> None:
    assert kind.exit_code == (2 if issubclass(kind, InputError) else 1)


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ({}, 1),
        ({"expected": "this"}, 2),
        ({"came": "that", "remedy": "do it again"}, 3),
        ({"expected": None, "came": "", "where": None}, 1),
    ],
)
def test_parts_that_are_not_given_are_not_shown(parts: dict[str, str | None], lines: int) -> None:
    assert len(str(CannotError("It did not work.", **parts)).splitlines()) == lines


def test_the_parts_can_be_asked_for_and_the_fault_alone_travels_in_args() -> None:
    error = InputError("It did not work.", came="that")
    assert (error.fault, error.came, error.expected, error.args) == (
        "It did not work.",
        "that",
        None,
        ("It did not work.",),
    )
