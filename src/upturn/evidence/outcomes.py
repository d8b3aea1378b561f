"""From the words for an outcome to instrument and measure.

What lives here: how papers and tables name scales and what was counted. What does not: who was counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from upturn import instruments

__all__ = ["Outcome", "analysis_in", "cutoff_in", "range_of", "read_instrument", "read_outcome"]

_INSTRUMENTS = (
    ("MADRS", r"\bmadrs\b|montgomery"),
    ("HAM-D6", r"\bham-?d[- ]?6\b|\bhdrs[- ]?6\b"),
    ("HAM-D17", r"\bham-?d[- ]?17\b|\bhdrs[- ]?17\b|\bhrsd[- ]?17\b"),
    ("HAM-D", r"\b(?:ham-?d|hdrs|hrsd)(?:[- ]?\d+)?\b|hamilton (?:depression|rating)"),
    ("QIDS-SR16", r"\bqids\b|\bqids-sr\b|\bqids-sr[- ]?16\b|\bqids-c"),
    ("PHQ-9", r"\bphq-?9\b"),
    ("SSI", r"\bssi\b|scale for suicid"),
    ("C-SSRS", r"\bc-?ssrs\b"),
    ("CAPS-5", r"\bcaps(?:-?5)?\b"),
    ("PCL-5", r"\bpcl(?:-?5)?\b"),
    ("LSAS", r"\blsas\b|liebowitz"),
    ("GAD-7", r"\bgad-?7\b"),
    ("HAM-A", r"\bham-?a\b|\bhars\b"),
    ("BDI", r"\bbdi(?:-?ii|-?2)?\b|beck depression"),
    ("YMRS", r"\bymrs\b"),
    ("CADSS", r"\bcadss\b"),
)


@dataclass(frozen=True)
class Outcome:
    """What was measured, or the reason why it cannot be used."""

    instrument: str
    sustained: bool = False
    reason: str = ""


def read_instrument(text: str) -> tuple[str, ...]:
    """Give all instruments that a text names.

    Examples
    --------
    >>> read_instrument("HAMD17/QIDS-SR16"), read_instrument("MADRS total")
    (('HAM-D17', 'QIDS-SR16'), ('MADRS',))
    """
    plain = re.sub(r"_", "-", text.lower())
    found: list[str] = []
    for name, pattern in _INSTRUMENTS:
        if re.search(pattern, plain):
            found.append(name)
            plain = re.sub(pattern, " ", plain)
    return tuple(found)


def read_outcome(text: str) -> Outcome:
    """Read the words of an outcome.

    Examples
    --------
    >>> read_outcome("MADRS onset of SUSTAINED clinical response").sustained
    True
    >>> read_outcome("HAMD17/QIDS-SR16").reason
    'mixed instruments: HAM-D17 and QIDS-SR16'
    """
    plain = text.lower()
    found = read_instrument(text)
    if len(found) > 1:
        return Outcome("", reason=f"mixed instruments: {' and '.join(found)}")
    if re.search(r"%\s*(?:of|change)|percent(?:age)?\s+(?:of|change)", plain):
        return Outcome("", reason="a percentage of another quantity, not a score or a share of people")
    if not found:
        return Outcome("", reason=f"unknown instrument: {text.strip() or 'nothing is written'}")
    if re.search(r"significant (?:decrease|improvement)|any time|any point", plain):
        return Outcome("", reason="no time: counted at any time")
    return Outcome(found[0], sustained=bool(re.search(r"sustained|onset of", plain)))


def cutoff_in(*texts: str) -> str:
    """Give the measure of remission by its cut-off: at most 10, at most 12, or not said.

    Examples
    --------
    >>> cutoff_in("remission MADRS<=12"), cutoff_in("remission", "")
    ('remission_12', 'remission')
    """
    plain = " ; ".join(texts).lower().replace("≤", "<=").replace(" ", "")
    limits = set(re.findall(r"(?:remission|remitters?|madrs|score)[^;,.\d]*(?:<=|ofatmost|atmost|<)(\d+)", plain))
    if limits in ({"10"}, {"11"}) or re.search(r"remission[^;]*<11", plain):
        return "remission_10"
    if limits in ({"12"}, {"13"}):
        return "remission_12"
    return "remission"


def analysis_in(*texts: str) -> str:
    """Give how missing ratings were dealt with: ``observed``, ``LOCF``, ``MMRM`` or ``unknown``.

    Examples
    --------
    >>> analysis_in("LS mean diff (MMRM)"), analysis_in("esk_flex", "Day 28 observed cases")
    ('MMRM', 'observed')
    """
    for text in texts:
        plain = text.lower()
        for name, pattern in (
            ("LOCF", r"locf|last observation"),
            ("MMRM", r"mmrm|mixed[- ]model"),
            ("observed", r"observed|completers?\b|(?:^|_)oc$"),
        ):
            if re.search(pattern, plain):
                return name
    return "unknown"


def range_of(instrument: str) -> float | None:
    """Give the largest total of an instrument, where it is on the shelf."""
    return instruments.get(instrument).total.most if instrument in instruments.all_ids() else None
