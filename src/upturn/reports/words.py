"""Numbers in words: times, points, shares, intervals and names as a reader meets them, on paper and in a terminal.

What lives here: one way to write each kind of quantity. What does not: sentences (``sentences``) and drawing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from upturn.trials import Interval

__all__ = ["NEVER", "Writer", "between", "covariate", "duration", "kept_together", "number", "percent", "points",
           "prose", "ratio", "remission", "sentence_case", "shortened", "signed", "with_interval"]  # fmt: skip

Writer = Callable[[float], str]

NEVER = "not reached"
HOURS_UP_TO_H = 48.0  # beyond two days a reader thinks in days
DAY_H = 24.0
MINUTES = 60.0
MINUS = "\N{MINUS SIGN}"


def number(value: float, digits: int) -> str:
    """Write a number with a typographic minus and without a negative zero.

    Examples
    --------
    >>> number(-0.04, 1)
    '0.0'
    """
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", MINUS)


def duration(time_h: float) -> str:
    """Write a time: minutes below one hour, hours up to 48 h, days after that.

    Examples
    --------
    >>> [duration(t) for t in (0, 0.667, 1.2, 4, 24, 48, 72, 420)]
    ['0 h', '40 min', '1.2 h', '4 h', '24 h', '48 h', '3 d', '17.5 d']
    """
    if 0 < time_h < 1:
        return f"{round(time_h * MINUTES)} min"
    if time_h <= HOURS_UP_TO_H:
        return f"{_trimmed(time_h)} h"
    return f"{_trimmed(time_h / DAY_H)} d"


def _trimmed(value: float) -> str:
    text = number(value, 1)
    return text.removesuffix(".0")


def points(value: float) -> str:
    """Write MADRS points without a forced sign."""
    return number(value, 1)


def signed(value: float) -> str:
    """Write a change: minus is a fall, plus a rise.

    Examples
    --------
    >>> signed(4.25), signed(0.0)
    ('+4.2', '0.0')
    """
    text = number(value, 1)
    return f"+{text}" if value > 0 and float(text) > 0 else text


def percent(share: float) -> str:
    """Write a share.

    Examples
    --------
    >>> percent(0.284), percent(0.004), percent(-0.1), percent(0)
    ('28 %', '0.4 %', '−10 %', '0 %')
    """
    value = 100 * share
    digits = 1 if 0 < abs(value) < 1 else 0
    return f"{number(value, digits).removesuffix('.0')} %"


def ratio(value: float) -> str:
    """Write a ratio with two decimals."""
    return number(value, 2)


def between(interval: Interval, level: int, write: Writer) -> str:
    """Write the 50 % or 90 % interval alone; a side that is never reached says so.

    Examples
    --------
    >>> between(Interval(5.0, 4.0, 6.0, 2.0, None), 90, points)
    '2.0 to not reached'
    """
    low, high = (interval.low50, interval.high50) if level == 50 else (interval.low90, interval.high90)
    if low is None and high is None:
        return NEVER
    return f"{_side(low, write)} to {_side(high, write)}"


def _side(value: float | None, write: Writer) -> str:
    return NEVER if value is None or not math.isfinite(value) else write(value)


def with_interval(interval: Interval, write: Writer, *, level: int = 90) -> str:
    """Write a median with one interval in brackets.

    Examples
    --------
    >>> with_interval(Interval(744.0, 576.0, 1248.0, 408.0, None), duration)
    '31 d (17 d to not reached)'
    >>> with_interval(Interval(None, None, None, None, None), duration)
    'not reached'
    """
    middle, sides = _side(interval.median, write), between(interval, level, write)
    return middle if sides == NEVER and middle == NEVER else f"{middle} ({sides})"


def covariate(name: str) -> str:
    """Write the name of a covariate in words.

    Examples
    --------
    >>> covariate("failed_trials"), covariate("bmi")
    ('Failed trials', 'BMI')
    """
    words = name.replace("_", " ")
    return words.upper() if words == "bmi" else sentence_case(words)


def remission(name: str) -> str:
    """Write the name that a protocol gives a definition of remission.

    Examples
    --------
    >>> remission("remission-10"), remission("my-own")
    ('Remission ≤ 10', 'My own')
    """
    found = re.fullmatch(r"remission-(\d+)", name)
    return f"Remission ≤ {found[1]}" if found else sentence_case(name.replace("-", " "))


def kept_together(text: str) -> str:
    """Tie each figure to its unit, so that no line ends between them.

    Examples
    --------
    >>> len(kept_together("by 24 h").split(" "))
    2
    """
    return re.sub(r"(?<=\d) (?=(?:h|d|min|%|points|ng/mL)(?!\w))", "\N{NO-BREAK SPACE}", text)


def sentence_case(words: str) -> str:
    """Make the first letter large and leave the rest."""
    return words[:1].upper() + words[1:]


def shortened(text: str, length: int) -> str:
    """Cut a text at ``length`` characters with an ellipsis.

    Examples
    --------
    >>> shortened("Ketamine 0.5 mg/kg", 12)
    'Ketamine 0.…'
    """
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


@cache
def _prose() -> dict[str, Any]:
    text = files("upturn.reports").joinpath("prose.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def prose(*path: str) -> Any:
    """Give what the report says in the same words every time, from ``prose.yaml``.

    Examples
    --------
    >>> prose("notice")[:26]
    'For research and education'
    """
    found: Any = _prose()
    for key in path:
        found = found[key]
    return found.strip() if isinstance(found, str) else found
