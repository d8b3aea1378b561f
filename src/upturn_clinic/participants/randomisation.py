"""Permuted blocks: which arm stands at which place of a list. Pure arithmetic; nothing here reads or writes.

A list has no end and is stored nowhere: each place follows from the seed, the design and the stratum. The random
numbers are SHA-256 hashes and not those of a library, so that a seed gives the same list in every version of Python.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice

from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.limits import LARGEST_BLOCK

__all__ = ["Design", "arm_at", "arms_in_order", "commitment"]


@dataclass(frozen=True)
class Design:
    """How people are allocated.

    Parameters
    ----------
    shares
        Each arm and its share: ``{"ketamine": 2, "midazolam": 1}`` puts two in three on ketamine.
    block_sizes
        Sizes of blocks, each a multiple of the sum of all shares; each block takes one of them at random.

    Raises
    ------
    Refused
        Fewer than two arms, a share below one, or a size that does not hold whole shares.

    Examples
    --------
    >>> Design({"a": 1, "b": 1}, (4, 6)).unit
    2
    """

    shares: Mapping[str, int]
    block_sizes: Sequence[int]

    def __post_init__(self) -> None:
        if len(self.shares) < 2 or min(self.shares.values(), default=0) < 1:
            raise Refused("There is nothing to randomise.", expected="two arms or more, each with a share of 1 or more")
        wrong = [size for size in self.block_sizes if size < 1 or size % self.unit or size > LARGEST_BLOCK]
        if wrong or not self.block_sizes:
            raise Refused(
                "A block cannot have this size.",
                expected=f"multiples of {self.unit}, the sum of the shares, up to {LARGEST_BLOCK}",
                came=", ".join(map(str, wrong)) or "none",
            )

    @property
    def unit(self) -> int:
        """The sum of the shares: the smallest block in which they are kept."""
        return sum(self.shares.values())


def arms_in_order(design: Design, *, seed: str, stratum: str) -> Iterator[str]:
    """Draw the list of one stratum, place by place, without end.

    Parameters
    ----------
    design
        Arms, shares and block sizes.
    seed
        Any text; the same seed, design and stratum give the same list.
    stratum
        The stratum in words; each has a list of its own.

    Examples
    --------
    >>> from itertools import islice
    >>> design = Design({"a": 1, "b": 1}, (4,))
    >>> first = list(islice(arms_in_order(design, seed="s", stratum="all"), 4))
    >>> sorted(first)
    ['a', 'a', 'b', 'b']
    """
    numbers = _numbers(seed, stratum)
    sizes = sorted(set(design.block_sizes))
    while True:
        size = sizes[_below(len(sizes), numbers)]
        block = [arm for arm in sorted(design.shares) for _ in range(design.shares[arm] * size // design.unit)]
        # Fisher and Yates: each order of the block is as likely as any other.
        for last in range(len(block) - 1, 0, -1):
            other = _below(last + 1, numbers)
            block[last], block[other] = block[other], block[last]
        yield from block


def arm_at(design: Design, *, seed: str, stratum: str, place: int) -> str:
    """Draw the arm at one place of a stratum's list; the first place is 1."""
    return next(islice(arms_in_order(design, seed=seed, stratum=stratum), place - 1, None))


def commitment(design: Design, *, seed: str) -> str:
    """Hash seed and design: shown at set-up it binds the list without telling anything about it."""
    content = {"seed": seed, "shares": dict(design.shares), "block_sizes": sorted(set(design.block_sizes))}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _numbers(seed: str, stratum: str) -> Iterator[int]:
    for turn in count():
        yield int.from_bytes(hmac.digest(seed.encode(), f"{stratum}\n{turn}".encode(), "sha256"), "big")


def _below(limit: int, numbers: Iterator[int]) -> int:
    """Take the next number below a limit; what would favour small numbers is thrown away."""
    whole = 1 << (hashlib.sha256().digest_size * 8)
    fair = whole - whole % limit
    return next(number for number in numbers if number < fair) % limit
