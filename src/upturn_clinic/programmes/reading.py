"""A version as its page shows it: every part of the protocol in rows, each rule with its source, and what is expected.

What lives here: gathering for the page. What does not: the table of visits (``schedule``), the participants' sheet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from django.db.models import Q

from upturn.protocol import Arm, Endpoints, Protocol, Session, SustainedResponse
from upturn_clinic.accounts.models import Facility
from upturn_clinic.programmes import queries
from upturn_clinic.programmes.criteria import Criterion, criteria_of
from upturn_clinic.programmes.expected import Interval, Share, expected_of
from upturn_clinic.programmes.models import Expectation, Programme, ProtocolVersion, Site
from upturn_clinic.programmes.rules import RuleGroup, groups_of
from upturn_clinic.programmes.schedule import Schedule, day, doses_of, length, rules_in_words, schedule
from upturn_clinic.programmes.sizes import FIRST_LOOK_H, SECOND_LOOK_H
from upturn_clinic.programmes.sources import Cited, sources_of

__all__ = ["ArmPart", "DosePart", "Endpoint", "ExpectedArm", "GatePart", "Overview", "Page", "Timepoint", "overview",
           "page", "shipped_document"]  # fmt: skip


@dataclass(frozen=True)
class Overview:
    """A programme in the list of a facility."""

    programme: Programme
    in_force: ProtocolVersion | None
    site: Site


@dataclass(frozen=True)
class DosePart:
    """One kind of dose of an arm, in words, with its source."""

    what: str
    when: str
    cited: Cited | None
    status: str | None


@dataclass(frozen=True)
class ArmPart:
    """An arm and its doses in words."""

    name: str
    arm: Arm
    doses: tuple[DosePart, ...]


@dataclass(frozen=True)
class GatePart:
    """A criterion of screening, with its limits in words and its source."""

    criterion: Criterion
    limits: str
    cited: Cited | None


@dataclass(frozen=True)
class Timepoint:
    """A moment of the session and what is measured then."""

    when: str
    measures: str


@dataclass(frozen=True)
class Endpoint:
    """What counts as better, well or ill again, in one sentence."""

    name: str
    told: str
    cited: Cited | None
    status: str | None


@dataclass(frozen=True)
class ExpectedArm:
    """What the simulation expects of an arm: response and mean change at some ratings."""

    title: str
    response: tuple[tuple[str, Interval], ...]
    change: tuple[tuple[str, Interval], ...]
    ever: Interval


@dataclass(frozen=True)
class Page:
    """Everything the page of a version shows."""

    protocol: Protocol
    schedule: Schedule
    arms: tuple[ArmPart, ...]
    gates: tuple[GatePart, ...]
    rules: tuple[RuleGroup, ...]
    timepoints: tuple[Timepoint, ...]
    minimum_stay: str
    session_cited: Cited | None
    before_dose: str
    follow_up: str
    endpoints: tuple[Endpoint, ...]
    remissions: str
    sources: tuple[Cited, ...]
    kept: Expectation | None
    expected: tuple[ExpectedArm, ...]
    patients: int
    trials: int

    @property
    def all_rules(self) -> int:
        """How many rules of safety the protocol has."""
        return sum(len(group.rules) for group in self.rules)

    @property
    def left_out(self) -> int:
        """How many of them are examples that nothing here acts on."""
        return sum(not each.is_in_force for group in self.rules for each in group.rules)


def overview(facility: Facility) -> Sequence[Overview]:
    """List a facility's programmes, also those it has left, with what is in force, in two queries."""
    ran = Q(ended_at=None) | Q(taken_up_at__isnull=False)
    latest = Site.objects.filter(ran, facility=facility).order_by("offered_at").select_related("programme__lead")
    sites = {each.programme_id: each for each in latest}.values()
    present = {
        each.programme_id: each
        for each in ProtocolVersion.objects.filter(
            programme__in=[site.programme_id for site in sites], state=ProtocolVersion.State.IN_FORCE
        ).defer("document")
    }
    ordered = sorted(sites, key=lambda site: site.programme.name.lower())
    return [Overview(site.programme, present.get(site.programme_id), site) for site in ordered]


def page(version: ProtocolVersion) -> Page:
    """Gather what the page of a version shows."""
    protocol = queries.protocol_of(version)
    sources = sources_of(protocol)
    kept = queries.expectation_of(version)
    whole = json.loads(kept.answer) if kept and kept.state == Expectation.State.DONE else None
    session = protocol.session
    return Page(
        protocol=protocol,
        schedule=schedule(protocol),
        arms=tuple(
            ArmPart(
                name,
                arm,
                tuple(
                    DosePart(each.what, each.when, sources.get(each.source or ""), each.status)
                    for each in doses_of(protocol, name)
                ),
            )
            for name, arm in protocol.arms.items()
        ),
        gates=tuple(GatePart(each, _limits(each), sources.get(each.source)) for each in criteria_of(protocol)),
        rules=groups_of(version),
        timepoints=tuple(
            Timepoint(_from_start(each.at_h), ", ".join(each.measures))
            for each in (session.timepoints if session else ())
        ),
        minimum_stay=length(session.minimum_stay_h) if session else "",
        session_cited=sources.get(session.citation or "") if session else None,
        before_dose=_before_dose(session),
        follow_up=length(protocol.follow_up_h),
        endpoints=tuple(_endpoints(protocol, sources)),
        remissions=_remissions(protocol.endpoints),
        sources=tuple(sources.values()),
        kept=kept,
        expected=tuple(_expected(protocol, whole)) if whole else (),
        patients=int(whole["patients"]) if whole else 0,
        trials=int(whole["trials"]) if whole else 0,
    )


def shipped_document(name: str) -> tuple[str, str]:
    """Give the text and the file name of a protocol that comes with upturn."""
    file = f"{name}.yaml"
    return files("upturn.protocol").joinpath("shipped", file).read_text(encoding="utf-8"), file


def _limits(criterion: Criterion) -> str:
    if criterion.trials_wanted is not None:
        return "counted in the treatment history"
    return rules_in_words(criterion.rules)


def _before_dose(session: Session | None) -> str:
    """Say how old readings, check and time-out may be when a dose begins."""
    said = session.before_dose if session else None
    if said is None:
        return ""
    return (
        f"When the dose begins, readings are at most {length(said.readings_h)} old, the second check at most "
        f"{length(said.check_h)}, the time-out at most {length(said.time_out_h)} ({said.status})."
    )


def _from_start(hours: float) -> str:
    if hours == 0:
        return "at the start"
    return f"{length(abs(hours))} {'after' if hours > 0 else 'before'} the start"


def _endpoints(protocol: Protocol, sources: Mapping[str, Cited]) -> Iterator[Endpoint]:
    ends = protocol.endpoints

    def shown(name: str, told: str, source: str | None, status: str | None) -> Endpoint:
        return Endpoint(name, told, sources.get(source or ""), status)

    fall = f"{ends.response.instrument} at least {_percent(ends.response.fall)} below the person's own baseline"
    yield shown("response", fall, ends.response.source, ends.response.status)
    for each in ends.remission:
        yield shown(each.id.replace("-", " "), f"{each.instrument} {each.at_most:g} or less", each.source, each.status)
    if rule := ends.relapse:
        times = f" at {rule.consecutive} ratings in a row" if rule.consecutive > 1 else ""
        told = f"{rule.instrument} {rule.at_least:g} or more{times}, after {rule.after}"
        yield shown("relapse", told, rule.source, rule.status)
    if kept := ends.sustained_response:
        told = f"response by {day(kept.by_h)}, kept until {day(kept.until_h)}{_excursions(kept)}"
        yield shown("sustained response", told, kept.source, kept.status)


def _remissions(ends: Endpoints) -> str:
    """Say why there are several definitions of remission, and what rests on them."""
    if len(ends.remission) <= 1:
        return ""
    rests = "no rule of this protocol rests on them"
    if ends.relapse and ends.relapse.after == "remission":
        rests = "a relapse can follow any of them"
    return (
        f"There are {len(ends.remission)} definitions of remission, because studies draw the line at different scores. "
        f"Each is counted by itself; {rests}."
    )


def _excursions(kept: SustainedResponse) -> str:
    most, short = kept.excursions, _percent(kept.keeping)
    if not most:
        return ""
    told = f"{most} rating{'s' if most > 1 else ''} in between that fall{'' if most > 1 else 's'} short"
    return f", with at most {told}" + (f" (still at least {short} below baseline)" if kept.keeping else "")


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _expected(protocol: Protocol, whole: Mapping[str, object]) -> Sequence[ExpectedArm]:
    out = []
    for name in protocol.arms:
        arm = expected_of(whole, name)
        if arm is None:
            continue
        last = arm.times_h[-1]
        looks = (FIRST_LOOK_H, SECOND_LOOK_H, last)
        out.append(
            ExpectedArm(
                arm.title,
                tuple(_at(each) for each in dict.fromkeys(arm.response_near(time) for time in looks)),
                tuple(_at(each) for each in dict.fromkeys(arm.change_near(time) for time in looks)),
                arm.ever,
            )
        )
    return out


def _at(each: Share) -> tuple[str, Interval]:
    return day(each.time_h), each.share
