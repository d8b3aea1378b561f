"""From the words for a treatment to drug, route, amount, background, condition and design.

What lives here: how papers and tables name what was given, and to whom. What does not: schedules (``regimens``) and
outcomes (``outcomes``). A word that is not known gives nothing; the caller refuses the row and names the word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "INERT",
    "TABLETS",
    "Amount",
    "background_in",
    "design_in",
    "is_open_label",
    "read_ages",
    "read_amount",
    "read_condition",
    "read_drug",
    "read_route",
]

INERT = ("saline", "placebo", "none")
TABLETS = ("dextromethorphan-bupropion", "bupropion", "escitalopram", "citalopram", "antidepressant")

# The first that fits is taken: what is studied before what is added to it, and an active drug before its dummy.
_DRUGS = (
    ("none", r"\bno (?:treatment|drug|intervention)\b|waiting[ -]?list|wait[ -]?list"
             r"|^none$|^nothing$"),
    ("esketamine", r"\besketamine|\bs[- (]*\+?[)-]*\s*-?ketamine|\(s\)-ketamine|\bs-ket\b|\besk(?:\d|\b)|\bspravato\b"),
    ("", r"\barketamine|\br[- (]*-?[)-]*\s*ketamine\b|\(r\)-ketamine|norketamine|lanicemine"),
    ("ketamine", r"\bketamine\b|\bket(?:\d|\b|amin)|\bketalar\b|\br/s-ketamine|\brs-ketamine"),
    ("midazolam", r"midazolam|\bmdz\b|\bmid\b"),
    ("ECT", r"\bect\b|electroconvulsive"),
    ("dextromethorphan-bupropion", r"dextromethorphan|\baxs[- ]?05\b|\bdxm\b"),
    ("saline", r"saline|sodium chloride|\bnacl\b"),
    ("placebo", r"placebo|\bpbo\b|\bsham\b|dummy|bittered"),
    ("bupropion", r"bupropion|\bbup\b"),
    ("escitalopram", r"escitalopram"),
    ("citalopram", r"citalopram"),
    ("antidepressant", r"antidepressant|\bssris?\b|\bsnris?\b|\bad\b|\bads\b|fluoxetine|sertraline|paroxetine"
                       r"|venlafaxine|duloxetine|fluvoxamine"),
)  # fmt: skip
_BESIDE = re.compile(r"\bsoc\b|care\b|li/vpa|lithium|valpro|spray|solution|infusion|tablets?|usual|pharmacotherapy")
# A racemate is named by both hands; without this its S would be read as esketamine.
_RACEMATE = re.compile(
    r"\br\s*,?\s*s?\s*/?\s*,?\s*s[- ]?ketamine|\(r,\s*s\)-?\s*ketamine|racemic ketamine|\(\s*±\s*\)-?ketamine"
)
_ROUTES = (
    ("intravenous", r"intravenous|\bi\.?\s?v\.?\b|\bivi\b"),
    ("intramuscular", r"intramuscular|\bi\.?\s?m\.?\b"),
    ("subcutaneous", r"subcutaneous|\bs\.?\s?c\.?\b|\bsubcut\b|\bsq\b"),
    ("intranasal", r"intranasal|\bi\.?\s?n\.?\b|\bnasal|\bnas\b"),
    ("sublingual", r"sublingual|\bs\.?\s?l\.?\b|lozenge|troche|buccal|transmucosal"),
    ("oral", r"\boral\b|\bp\.?\s?o\.?\b|by mouth|tablet|capsule"),
    ("electric", r"\bect\b|electric|electroconvulsive"),
    ("intravenous", r"infusion"),
    ("none", r"^none$|^n/?a$|^-$"),
)
_CONDITIONS = (
    ("post-traumatic stress disorder", r"\bptsd\b|post[- ]?traumatic"),
    ("social anxiety disorder", r"^(?!.*\bgad\b).*(?:social anxiety|\bsad\b)"),
    ("bipolar depression", r"^(?!.*(?:\bmdd\b|unipolar|\btrd\b|major)).*(?:bipolar|\bbd\b)"),
    ("depression with suicidal ideation", r"\bsi\b|suicid|\bmdsi\b"),
    ("treatment-resistant depression", r"\btrd\b|treatment[- ]?(?:resistant|refractory)|resistant depress|\(tr\)"),
    ("anxiety disorders", r"^(?!.*depress).*(?:anxiety|\bgad\b)"),
    ("major depression", r"\bmdd\b|depress|\bmde\b|unipolar"),
)  # fmt: skip
_BACKGROUNDS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("none", (), r"no ad\b|drug[- ]free|monotherapy|without (?:an )?antidepressant|unmedicated|washout"),
    ("standard of care", (), r"\bsoc\b|standard (?:of )?care|usual care|standard pharmaco"),
    (
        "new antidepressant",
        (),
        r"\bnew(?:ly)?\b[^;]*(?:\bads?\b|antidepressant|ssri|snri|started|initiated|escitalopram)",
    ),
    ("new antidepressant", (), r"initiated"),
    ("ongoing antidepressant", (), r"ongoing|adjunct|stable (?:dose|ad\b|antidepressant)|continued|augment|\badd-on"),
    ("none", ("background: a mood stabiliser goes on, counted as none",), r"\bli/vpa\b|lithium|valpro"),
    ("new antidepressant", (), r"\+\s*escitalopram|escitalopram\s*\+"),
    (
        "ongoing antidepressant",
        ("background: taken as ongoing",),
        r"\+\s*ads?\b|\bads?\b\s*\+|\+\s*antidepressant|antidepressants?\s*\+|ssri|snri",
    ),
)
_MIXED = re.compile(r"bipolar|\bbd\b|anxiety")
_RANGE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:-|to|/|or)\s*(\d+(?:\.\d+)?)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_PER_KG = re.compile(r"mg\s*/\s*kg|mg\s*kg|mg per kg")


@dataclass(frozen=True)
class Amount:
    """An amount per dose in ``mg`` or ``mg/kg``; of a flexible range the middle."""

    value: float | None
    unit: str
    flexible: bool


def read_drug(text: str) -> str | None:
    """Give the drug that an arm is about, by its name here; nothing where no known drug is named.

    What is added to it, such as a new antidepressant or standard of care, is for ``background_in``.

    Examples
    --------
    >>> read_drug("racemic ketamine"), read_drug("esketamine + new SSRI/SNRI"), read_drug("escitalopram + saline")
    ('ketamine', 'esketamine', 'saline')
    >>> read_drug("new SSRI/SNRI + nasal placebo"), read_drug("psilocybin")
    ('placebo', None)
    """
    plain = text.lower().replace("‑", "-")
    if re.search(r"\bv(?:s|ersus)?\.?\s", plain):
        return None
    if _RACEMATE.search(plain):
        return "ketamine"
    found = _drug_in(plain)
    if found in INERT or found in TABLETS:
        # Quetiapine + SSRI is not an SSRI: what is added to a dummy or to a tablet must be known too.
        parts = re.split(r"\s*(?:\+|\bplus\b|\bwith\b|\band\b)\s*", plain)
        if any(part and _drug_in(part) is None and not _BESIDE.search(part) for part in parts):
            return None
    return found


def _drug_in(plain: str) -> str | None:
    return next((name or None for name, pattern in _DRUGS if re.search(pattern, plain)), None)


def read_route(text: str) -> str | None:
    """Give the route by its name in a protocol; nothing where it is not known.

    Examples
    --------
    >>> [read_route(word) for word in ("IV", "intranasal", "SC", "i.m.", "PO", "rectal")]
    ['intravenous', 'intranasal', 'subcutaneous', 'intramuscular', 'oral', None]
    """
    plain = text.lower().strip()
    return next((name for name, pattern in _ROUTES if re.search(pattern, plain)), None)


def read_amount(text: str, *, unit: str, drug: str) -> Amount:
    """Give the amount per dose from words such as ``0.5 mg/kg``, ``84 mg``, ``28-84`` or ``0.5 start``.

    ``unit`` is what another cell says of the unit. Of a combination the first component counts, which is no range.

    Examples
    --------
    >>> read_amount("56-84 mg", unit="", drug="esketamine")
    Amount(value=70.0, unit='mg', flexible=True)
    """
    if drug in INERT or drug == "ECT":
        return Amount(
            0.0 if drug in ("saline", "placebo") else None, "mg" if drug in ("saline", "placebo") else "", False
        )
    plain = text.lower().replace("–", "-").replace(",", ".")
    written = next((word for word in (plain, unit.lower()) if _PER_KG.search(word)), None)
    named = "mg/kg" if written else "mg" if "mg" in plain or "mg" in unit.lower() else ""
    bare = _PER_KG.sub(" ", plain).replace("mg", " ")
    if found := _RANGE.search(bare):
        low, high = sorted((float(found[1]), float(found[2])))
        if drug == "dextromethorphan-bupropion":
            return Amount(low, named, False)
        return Amount((low + high) / 2, named, low != high)
    numbers = _NUMBER.findall(bare)
    return Amount(float(numbers[0]) if numbers else None, named if numbers else "", "start" in plain or "flex" in plain)


def background_in(*texts: str, drug: str) -> tuple[str, tuple[str, ...]]:
    """Give what is taken besides the drug, and what had to be assumed to say so.

    Examples
    --------
    >>> background_in("esketamine + new SSRI/SNRI", drug="esketamine")
    ('new antidepressant', ())
    >>> background_in("racemic ketamine", "single 40-min infusion", drug="ketamine")
    ('none', ())
    """
    plain = " ; ".join(texts).lower()
    if drug in TABLETS:
        return "none", ()
    return next(((name, said) for name, said, pattern in _BACKGROUNDS if re.search(pattern, plain)), ("none", ()))


def read_condition(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Give what the people have, and what had to be assumed; nothing where no known condition is named.

    Examples
    --------
    >>> read_condition("TRD (>=65 y)")
    ('treatment-resistant depression', ())
    >>> read_condition("healthy volunteers") is None
    True
    """
    plain = text.lower()
    found = next((name for name, pattern in _CONDITIONS if re.search(pattern, plain)), None)
    if found is None and re.search(r"adolescent|elderly|adults|veterans", plain):
        return "major depression", ("condition: not said, counted as major depression",)
    if found is None:
        return None
    mixed = found in ("treatment-resistant depression", "major depression") and _MIXED.search(plain)
    return found, (f"condition: mixed group, counted as {found}",) if mixed else ()


def read_ages(text: str) -> tuple[float | None, float | None]:
    """Give the youngest and the oldest age [years] that people were chosen for; None where it is not said.

    Examples
    --------
    >>> read_ages("TRD (>=65 y)"), read_ages("MDD (adolescents 13-17)"), read_ages("MDD (severe, HAMD17>=24)")
    ((65.0, None), (13.0, 17.0), (None, None))
    """
    plain = text.lower()
    between = re.search(r"(?:adolescents?,? *|aged? *)(\d+) *(?:-|–|to) *(\d+)|(\d+) *(?:-|–|to) *(\d+) *y", plain)
    if between:
        low, high = (number for number in between.groups() if number)
        return float(low), float(high)
    above = re.search(
        r"(?:>=?|≥|over|from) *(\d+) *y|(?:aged? *)(?:>=?|≥) *(\d+)|(\d+) *(?:y|years) and (?:more|older)", plain
    )
    if above:
        return float(next(number for number in above.groups() if number)), None
    return None, None


def design_in(*texts: str, drug: str, others: int) -> str:
    """Give the design of the study that an arm belongs to; ``others`` counts its other arms."""
    plain = " ; ".join(texts).lower()
    if re.search(r"cross-?over", plain):
        return "crossover"
    if re.search(r"randomi[sz]ed withdrawal|withdrawal of", plain):
        return "randomised withdrawal"
    if re.search(r"\bpool|_pool|meta-?analysis|_ma\b|\d\+\d", plain):
        return "pooled"
    if re.search(r"real[- ]world|single[- ]arm|uncontrolled|retrospective|telehealth", plain) or is_open_label(plain):
        return "parallel" if others and drug == "ECT" else "single arm"
    return "parallel" if others else "single arm"


def is_open_label(*texts: str) -> bool:
    """Say whether the words tell that everybody knew what was given."""
    return bool(
        re.search(r"open[- ]label|\bopen\b|real[- ]world|telehealth|at home|uncontrolled", " ; ".join(texts).lower())
    )
