"""What a protocol says about safety: answers that somebody must look at, serious events, stopping, long-term watching.

What lives here: the entries of ``safety``, and which concerns an answer raises. What does not: limits within a session
(``gates``), and whose task it becomes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import Field, model_validator

from upturn.protocol.faults import Fault, refuse
from upturn.protocol.rules import Rule, StaffRole
from upturn.protocol.values import (
    Duration,
    Fraction,
    Instrument,
    Moment,
    Name,
    Number,
    Part,
    Status,
    Text,
    iso_text,
    repeated,
)

__all__ = ["Concern", "Monitoring", "NoResponse", "Safety", "Serious", "Spacing", "Stopping", "raised"]


class Cited(Part):
    """A part that says what it rests on."""

    citation: Name | None = None
    """The id of the source it rests on."""
    status: Status
    """How far it can be trusted."""

    @model_validator(mode="after")
    def _names_what_was_seen(self) -> Self:
        if self.status == "seen in source" and self.citation is None:
            refuse([Fault(("citation",), "Seen in a source, but no source is named.", expected="the id of a source")])
        return self


class Concern(Cited):
    """An answer that somebody must look at: it opens a task with an owner and a deadline."""

    id: Name
    """A name for the concern, once per protocol."""
    text: Text
    """What the team reads."""
    instrument: Instrument
    """The scale it rests on."""
    item: Name | None = None
    """The item of the scale, such as "9"; the total (or level) where nothing is written."""
    at_least: Number
    """The lowest answer that raises it."""
    owner: StaffRole = "clinician"
    """The role whose task it becomes."""
    within_h: Duration = Field(alias="within")
    """How soon it must be looked at, such as PT1H."""
    show_help: bool = Field(default=True, strict=True)
    """Whether crisis help is shown to the participant at once."""


class Serious(Cited):
    """How soon a serious event must be reported, from when it became known."""

    report_within_h: Duration = Field(alias="report_within")
    """How soon, such as PT24H."""
    to: Text
    """To whom, in words."""


class NoResponse(Part):
    """Not enough improvement by a time: the protocol's own definition of response is not met."""

    by_h: Duration = Field(alias="by")
    """From this time after the first dose on."""
    instrument: Instrument | None = None
    """The scale; that of the definition of response unless written."""
    fall: Fraction | None = None
    """The smallest fall that is enough, as a fraction of baseline; that of the definition unless written."""


class Spacing(Part):
    """Doses that cannot be spaced out."""

    after_h: Duration = Field(alias="after")
    """Doses later than this time after the first dose are looked at."""
    at_least_h: Duration = Field(alias="at_least")
    """The shortest time between two of them that is wanted."""


class Stopping(Cited):
    """A reason to stop giving doses to somebody, judged from what was recorded; a clinician decides."""

    id: Name
    """A name for the reason, once per protocol."""
    text: Text
    """The reason in words."""
    rules: tuple[Rule, ...] = ()
    """Measured limits on the newest value; any of them is enough."""
    events: tuple[Text, ...] = ()
    """Adverse events, by term; one since the first dose is enough."""
    no_response: NoResponse | None = None
    """Not enough improvement by a time."""
    spacing: Spacing | None = None
    """Doses that cannot be spaced out."""

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        refuse(self._faults())
        return self

    def _faults(self) -> Iterator[Fault]:
        if not (self.rules or self.events or self.no_response or self.spacing):
            yield Fault(
                (), "Nothing says when this reason is there.", expected="rules, events, no_response or spacing",
                came="nothing",
            )  # fmt: skip
        for place, rule in enumerate(self.rules):
            if rule.of == "rise":
                yield Fault(
                    ("rules", place, "of"), "Between sessions there is no rise since a dose.", expected="of: value",
                    came="of: rise",
                )  # fmt: skip


class Monitoring(Cited):
    """Something that is looked at again and again, long after the session."""

    id: Name
    """A name for it, once per protocol."""
    text: Text
    """What is asked or examined, in words."""
    instrument: Instrument | None = None
    """The scale, where there is one."""
    every_h: Duration | None = Field(alias="every", default=None)
    """Time between two looks; once where nothing is written."""
    from_h: Moment = Field(alias="from")
    """The first time, after the first dose."""
    until_h: Moment | None = Field(alias="until", default=None)
    """The last time, after the first dose; the end of follow-up unless written."""

    def at_h(self, follow_up_h: float) -> tuple[float, ...]:
        """Give the times after the first dose [h], the last one not after the end of follow-up.

        Examples
        --------
        >>> look = Monitoring.model_validate({"id": "bladder", "text": "Bladder.", "every": "P28D", "from": "P28D",
        ...                                   "status": "assumed"})
        >>> look.at_h(60 * 24.0)
        (672.0, 1344.0)
        """
        until = follow_up_h if self.until_h is None else min(self.until_h, follow_up_h)
        if self.from_h > until:
            return ()
        return repeated(every_h=self.every_h, from_h=self.from_h, until_h=until) if self.every_h else (self.from_h,)


class Safety(Part):
    """What is watched beside the sessions."""

    concerns: tuple[Concern, ...] = ()
    """Answers that somebody must look at."""
    serious: Serious | None = None
    """The clock of serious events."""
    stopping: tuple[Stopping, ...] = ()
    """Reasons to stop giving doses. What stops one session stands among the gates."""
    monitoring: tuple[Monitoring, ...] = ()
    """What is looked at long after the session."""

    def faults(self, *, follow_up_h: float) -> Iterator[Fault]:
        """Yield the faults that need more than one entry; their paths begin below ``safety``."""
        for place, look in enumerate(self.monitoring):
            where = ("monitoring", place)
            if look.every_h == 0:
                yield Fault((*where, "every"), "A series needs a step.", expected="more than zero", came="P0D")
            elif look.from_h > follow_up_h or (look.until_h is not None and look.until_h < look.from_h):
                yield Fault(
                    (*where, "from"), "It is never looked at.", expected="a time within follow-up",
                    came=iso_text(look.from_h),
                )  # fmt: skip


def raised(
    safety: Safety | None, *, instrument: str, total: float | None, items: Mapping[str, float | None]
) -> tuple[Concern, ...]:
    """Give the concerns that an answer raises; of several limits on one answer, the highest one that is reached.

    Parameters
    ----------
    instrument
        Which scale was answered.
    total
        Its total or level; None where it could not be worked out (an item is missing).
    items
        The answers by item id; None where nothing was answered.

    Examples
    --------
    >>> safety = Safety.model_validate({"concerns": [{"id": "item-9", "text": "Thoughts of death.", "instrument":
    ...     "PHQ-9", "item": "9", "at_least": 1, "within": "PT24H", "status": "assumed"}]})
    >>> [each.id for each in raised(safety, instrument="PHQ-9", total=None, items={"9": 1})]
    ['item-9']
    """
    reached: dict[str | None, Concern] = {}
    for concern in safety.concerns if safety else ():
        answer = total if concern.item is None else items.get(concern.item)
        if concern.instrument != instrument or answer is None or not answer >= concern.at_least:
            continue
        known = reached.get(concern.item)
        if known is None or concern.at_least > known.at_least:
            reached[concern.item] = concern
    return tuple(reached.values())
