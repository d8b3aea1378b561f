"""Permuted blocks: reproducible, balanced in every block, one list per stratum, and committed to beforehand."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.randomisation import Design, arm_at, arms_in_order, commitment

TWO_TO_ONE = Design({"ketamine": 2, "midazolam": 1}, (3, 6))


def take(design: Design, seed: str, stratum: str, places: int) -> list[str]:
    return list(islice(arms_in_order(design, seed=seed, stratum=stratum), places))


def test_a_seed_gives_this_list_for_ever() -> None:
    # Written down once: a change of the arithmetic would move people to other arms after the fact.
    design = Design({"a": 1, "b": 1}, (4,))
    assert "".join(take(design, "upturn", "all", 16)) == "aabbbababbaababa"


@settings(max_examples=40, deadline=None)
@given(seed=st.text(min_size=1, max_size=20), shares=st.lists(st.integers(1, 3), min_size=2, max_size=4),
       blocks=st.integers(1, 3))  # fmt: skip
def test_every_block_holds_the_shares_exactly(seed: str, shares: list[int], blocks: int) -> None:
    named = {f"arm {place}": share for place, share in enumerate(shares)}
    size = sum(shares) * min(blocks, 24 // sum(shares))
    drawn = take(Design(named, (size,)), seed, "all", size * 4)
    for start in range(0, len(drawn), size):
        block = Counter(drawn[start : start + size])
        assert block == {arm: share * size // sum(shares) for arm, share in named.items()}


@settings(max_examples=40, deadline=None)
@given(seed=st.text(min_size=1, max_size=20), places=st.integers(1, 200))
def test_with_blocks_of_several_sizes_imbalance_stays_within_the_largest(seed: str, places: int) -> None:
    count = Counter(take(TWO_TO_ONE, seed, "all", places))
    assert abs(count["ketamine"] - 2 * count["midazolam"]) <= 4


def test_strata_and_seeds_have_lists_of_their_own() -> None:
    lists = {(seed, stratum): tuple(take(TWO_TO_ONE, seed, stratum, 60)) for seed in "xy" for stratum in "pq"}
    assert len(set(lists.values())) == 4
    assert take(TWO_TO_ONE, "x", "p", 60) == list(lists["x", "p"])


def test_a_place_alone_is_the_place_in_the_list() -> None:
    drawn = take(TWO_TO_ONE, "seed", "all", 30)
    assert [arm_at(TWO_TO_ONE, seed="seed", stratum="all", place=place) for place in range(1, 31)] == drawn


def test_all_orders_of_a_block_are_drawn_about_as_often() -> None:
    # Six orders of two a and two b; 1200 blocks: 200 each, spread 13. A shuffle that is off shows at five spreads.
    drawn = take(Design({"a": 1, "b": 1}, (4,)), "fair", "all", 4800)
    orders = Counter("".join(drawn[start : start + 4]) for start in range(0, 4800, 4))
    assert len(orders) == 6
    assert all(135 <= count <= 265 for count in orders.values()), orders


def test_the_commitment_binds_seed_and_design() -> None:
    told = commitment(TWO_TO_ONE, seed="seed")
    assert told == commitment(Design({"midazolam": 1, "ketamine": 2}, (6, 3, 3)), seed="seed")
    assert told != commitment(TWO_TO_ONE, seed="other")
    assert told != commitment(Design({"ketamine": 2, "midazolam": 1}, (3,)), seed="seed")


@pytest.mark.parametrize(
    ("shares", "sizes"),
    [({"a": 1}, (2,)), ({}, (2,)), ({"a": 1, "b": 0}, (2,)), ({"a": 1, "b": 1}, (3,)), ({"a": 1, "b": 1}, ()),
     ({"a": 1, "b": 1}, (0,)), ({"a": 1, "b": 1}, (4, 26))],
)  # fmt: skip
def test_a_design_that_cannot_balance_is_refused(shares: dict[str, int], sizes: tuple[int, ...]) -> None:
    with pytest.raises(Refused):
        Design(shares, sizes)
