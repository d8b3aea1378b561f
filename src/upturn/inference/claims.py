"""Popular claims beside the model: what its own numbers alone would say, by the limits that each claim states.

What lives here: verdicts from numbers. What does not: the model's numbers (``hypothetical``); the claims, the published
facts and the limits (``upturn.evidence.claims``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from upturn.errors import EvidenceError
from upturn.evidence import Claim, claims
from upturn.inference.hypothetical import Estimate, estimates

__all__ = ["NOT_DECIDED", "Judged", "judge", "rules", "verdict"]

NOT_DECIDED = "not established"
_RULE = re.compile(r"(supported|overstated|contradicted)_when_(low|median|high)_(above|below)")
_ENDS = {"low": "the lower end of the interval", "median": "the median", "high": "the upper end of the interval"}


@dataclass(frozen=True)
class Judged:
    """A claim beside the model.

    Parameters
    ----------
    claim
        The claim, with the verdict of the published record.
    estimate
        The model's quantity; None where the model has none.
    verdict
        What the model's number alone would say; empty where no limits are stated.
    """

    claim: Claim
    estimate: Estimate | None
    verdict: str

    @property
    def differs(self) -> bool:
        """Whether the model's number alone would say something else than the published record."""
        return self.verdict not in {"", self.claim.verdict}

    @property
    def rules(self) -> str:
        """The limits that decide, in words; empty where none are stated."""
        return rules(self.claim.thresholds, self.estimate.unit) if self.verdict and self.estimate else ""


def judge(posterior: Mapping[str, Float[np.ndarray, " draws"]], *, seed: int = 1) -> tuple[Judged, ...]:
    """Set every claim beside the model.

    Parameters
    ----------
    posterior
        Draws of the calibrated numbers.
    seed
        Random seed.
    """
    found = estimates(posterior, seed=seed)
    out = []
    for claim in claims():
        estimate = found.get(claim.quantity)
        alone = verdict(estimate, claim.thresholds) if estimate is not None and claim.thresholds else ""
        out.append(Judged(claim, estimate, alone))
    return tuple(out)


def verdict(estimate: Estimate, thresholds: Mapping[str, float]) -> str:
    """Give the verdict that a number gives by itself.

    Parameters
    ----------
    estimate
        The number.
    thresholds
        Limits by rule, such as ``supported_when_high_below``; the first that holds decides. Where none does, the
        verdict is *not established*.

    Raises
    ------
    EvidenceError
        A rule that is not understood.

    Examples
    --------
    >>> fall = Estimate("difference", "", "points", -5.0, -9.0, -1.0)
    >>> verdict(fall, {"supported_when_high_below": 0.0})
    'supported'
    """
    for rule, limit in thresholds.items():
        word, end, side = _read(rule)
        value = getattr(estimate, end)
        if value > limit if side == "above" else value < limit:
            return word
    return NOT_DECIDED


def rules(thresholds: Mapping[str, float], unit: str) -> str:
    """Write the limits that decide in words.

    Examples
    --------
    >>> rules({"supported_when_high_below": 0.1}, "fraction")
    'supported if the upper end of the interval is below 10 %; else not established'
    """
    said = []
    for rule, limit in thresholds.items():
        word, end, side = _read(rule)
        size = f"{100 * limit:.3g} %" if unit == "fraction" else f"{limit:.3g} {unit}"
        said.append(f"{word} if {_ENDS[end]} is {side} {size}")
    return "; ".join([*said, f"else {NOT_DECIDED}"])


def _read(rule: str) -> tuple[str, str, str]:
    found = _RULE.fullmatch(rule)
    if found is None:
        raise EvidenceError(
            "A limit of a claim is not understood.",
            expected="a name such as supported_when_high_below",
            came=rule,
            where="claims.yaml, thresholds",
        )
    return found[1], found[2], found[3]
