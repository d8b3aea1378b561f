"""Reading programmes and versions, always as one facility may see them; and what a version means."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.db.models import Q, QuerySet

from upturn.protocol import NamedRule, Protocol, digest, read, rules_of
from upturn_clinic.accounts.models import Facility
from upturn_clinic.audit.models import Signature
from upturn_clinic.audit.queries import signatures_of
from upturn_clinic.programmes.models import Expectation, Programme, ProtocolVersion, Site, TakenRule

__all__ = [
    "Signed", "Standing", "arms_to_have", "bare", "examples_of", "expectation_of", "facilities_to_offer", "hold",
    "hold_names",
    "in_force", "is_name_taken", "newest_version", "programmes_at", "protocol_of", "rules_in_force",
    "running_expectation", "signatures_under", "signed_content", "sites_of", "standing_of", "taken_rules",
    "versions_at", "versions_in_force_at",
]  # fmt: skip

KEPT_IN_MEMORY = 64


def programmes_at(facility: Facility) -> QuerySet[Programme]:
    """Programmes that a facility leads, runs, is offered or has left: people who take part stay visible."""
    return Programme.objects.filter(sites__facility=facility).select_related("lead").distinct()


def sites_of(programme: Programme) -> QuerySet[Site]:
    """Where a programme runs or is offered."""
    return Site.objects.filter(programme=programme, ended_at=None).select_related("facility")


def facilities_to_offer(programme: Programme) -> QuerySet[Facility]:
    """Facilities that do not have the programme yet."""
    return Facility.objects.exclude(pk__in=sites_of(programme).values("facility"))


def versions_at(facility: Facility) -> QuerySet[ProtocolVersion]:
    """All versions of the programmes of a facility, newest first."""
    return ProtocolVersion.objects.filter(programme__in=programmes_at(facility)).select_related("programme__lead")


def versions_in_force_at(facility: Facility) -> QuerySet[ProtocolVersion]:
    """The versions into which a facility may enrol people now: in force, and the programme taken up here."""
    here = Q(programme__sites__facility=facility, programme__sites__ended_at=None)
    return ProtocolVersion.objects.filter(
        here, programme__sites__taken_up_at__isnull=False, state=ProtocolVersion.State.IN_FORCE
    ).select_related("programme")


def in_force(programme: Programme) -> ProtocolVersion | None:
    """Find the version of a programme that is in force, if any."""
    return ProtocolVersion.objects.filter(programme=programme, state=ProtocolVersion.State.IN_FORCE).first()


def newest_version(programme: Programme) -> ProtocolVersion | None:
    """Find the version with the highest number."""
    return ProtocolVersion.objects.filter(programme=programme).order_by("-number").first()


def is_name_taken(lead: Facility, name: str, *, but: Programme | None = None) -> bool:
    """Tell whether a facility leads a programme of this name already, another one than ``but``."""
    named = Programme.objects.filter(lead=lead, name__iexact=name)
    return (named.exclude(pk=but.pk) if but else named).exists()


def hold_names(lead: Facility) -> None:
    """Hold the names of what a facility leads until the transaction ends: of two who take one, the second waits."""
    Facility.objects.select_for_update(no_key=True).get(pk=lead.pk)


def hold(programme: Programme) -> Programme:
    """Hold a programme until the transaction ends: of two who add or sign at once, the second one waits."""
    return Programme.objects.select_for_update().get(pk=programme.pk)


def protocol_of(version: ProtocolVersion) -> Protocol:
    """Read the protocol of a version; each document is read once per process.

    Raises
    ------
    ProtocolError
        The stored document is not sound by the rules of the present library.
    """
    return _read_once(version.document)


def arms_to_have(version: ProtocolVersion) -> frozenset[str]:
    """Name the arms of a version that somebody in its programme can have: all, or those that its list allocates.

    The list belongs to an app above this one: only which arms stand on it is read here. A version without any of them
    is one into which nobody can be enrolled; all of its arms are named.
    """
    arms = frozenset(protocol_of(version).arms)
    drawn = getattr(version.programme, "randomisation", None)
    return arms if drawn is None else arms & frozenset(drawn.shares) or arms


def expectation_of(version: ProtocolVersion) -> Expectation | None:
    """Find what is expected: a finished computation goes before one that runs, and that before one that failed.

    What was computed for another version of the same facility with the same digest holds for this one as well.
    """
    found = list(version.expectations.order_by("-began_at"))
    done = next((each for each in found if each.state == Expectation.State.DONE), None)
    if done is not None:
        return done
    same = Expectation.objects.filter(
        protocol_version__digest=version.digest, protocol_version__programme__lead=version.programme.lead_id,
        state=Expectation.State.DONE,
    )  # fmt: skip
    order = (Expectation.State.RUNNING, Expectation.State.FAILED)
    own = (each for state in order for each in found if each.state == state)
    return same.order_by("-began_at").first() or next(own, None)


def running_expectation(version: ProtocolVersion) -> Expectation | None:
    """Find the newest computation that has not ended."""
    return version.expectations.filter(state=Expectation.State.RUNNING).order_by("-began_at").first()


@dataclass(frozen=True)
class Signed:
    """A signature, and whether what was signed is what stands here."""

    signature: Signature
    holds: bool


def signatures_under(version: ProtocolVersion) -> Sequence[Signed]:
    """All signatures under a version. Each holds while document and rules taken on are what was signed."""
    present = signed_content(digest(protocol_of(version)), taken_rules(version))
    return [Signed(each, each.content_hash == present) for each in signatures_of(version._meta.label, str(version.pk))]


# An answer that somebody must look at, and the clock of serious events, never wait for a signature.
ALWAYS: Final = frozenset({"concerns", "serious"})


@dataclass(frozen=True)
class Standing:
    """A rule of a version, and whether it holds there."""

    rule: NamedRule
    is_always: bool
    is_taken: bool

    @property
    def is_in_force(self) -> bool:
        """Whether it holds: its source was read, it was taken on, or it is of the kind that always holds."""
        return self.rule.is_read or self.is_always or self.is_taken


def taken_rules(version: ProtocolVersion) -> frozenset[str]:
    """Give the keys of the rules that the signer of a version took on; none for a version signed before one could."""
    return frozenset(TakenRule.objects.filter(protocol_version=version).values_list("rule", flat=True))


def standing_of(version: ProtocolVersion) -> tuple[Standing, ...]:
    """Say of every rule of a version whether it holds, in the order of a treatment."""
    taken = taken_rules(version)
    return tuple(Standing(each, each.section in ALWAYS, each.key in taken) for each in rules_of(protocol_of(version)))


def rules_in_force(version: ProtocolVersion) -> frozenset[str]:
    """Give the keys of the rules that hold: those whose source was read, and the others that were taken on.

    Concerns and the clock of serious events always hold; criteria of screening have no key, they are always asked.
    """
    return frozenset(each.rule.key for each in standing_of(version) if each.is_in_force)


def examples_of(protocol: Protocol) -> tuple[NamedRule, ...]:
    """Give the rules that do not hold by themselves: a signer takes them on one by one, or leaves them."""
    return tuple(each for each in rules_of(protocol) if not each.is_read and each.section not in ALWAYS)


def signed_content(of_digest: str, taken: Collection[str]) -> str:
    """Give what a signature keeps: the digest of the protocol, and with it the rules that were taken on.

    Examples
    --------
    >>> signed_content("sha256:be77", ())
    'be77'
    >>> signed_content("sha256:be77", ["gates/b", "gates/a"]) == signed_content("sha256:be77", ["gates/a", "gates/b"])
    True
    """
    if not taken:
        return bare(of_digest)
    return hashlib.sha256("\n".join([of_digest, *sorted(taken)]).encode()).hexdigest()


def bare(of_digest: str) -> str:
    """Give a digest without the name of its method: what a signature keeps.

    Examples
    --------
    >>> bare("sha256:be77")
    'be77'
    """
    return of_digest.rpartition(":")[2]


@lru_cache(maxsize=KEPT_IN_MEMORY)
def _read_once(document: str) -> Protocol:
    return read(document, file="the stored protocol")
