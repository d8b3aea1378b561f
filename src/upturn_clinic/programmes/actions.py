"""All that is written about programmes. Each action: who may, one transaction, one row in the ledger."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from upturn.errors import InputError
from upturn.protocol import Protocol, digest, read
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.actions import sign
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.programmes import queries
from upturn_clinic.programmes.models import Expectation, Programme, ProtocolVersion, Site, TakenRule
from upturn_clinic.programmes.sizes import EXPECTATION_PATIENCE, LARGEST_FILE

__all__ = [
    "PUT_INTO_FORCE", "RETIRED", "TAKEN_UP", "add_version", "begin_expectation", "change_programme",
    "create_programme", "end_expectation", "leave", "offer", "put_into_force", "retire", "take_up",
]  # fmt: skip

PUT_INTO_FORCE = "I have read this protocol and put it into force for this programme."
RETIRED = "I retire this protocol: nobody is enrolled into it from now on."
TAKEN_UP = "I take up this programme at my facility, under the protocol that is in force."


@transaction.atomic
def create_programme(*, name: str, purpose: str, by: Actor, at: datetime) -> Programme:
    """Begin a programme; the facility of who begins it leads it."""
    by.must(Permission.PREPARE_PROGRAMME)
    if by.facility is None:
        raise Refused("A programme begins at a facility.")
    _must_be_free(name, lead=by.facility)
    programme = writing.insert(
        Programme(name=name, purpose=purpose, lead=by.facility), action="began the programme", by=by, at=at
    )
    site = Site(programme=programme, facility=by.facility, offered_at=at, taken_up_at=at)
    writing.insert(site, action="leads the programme", by=by, at=at)
    return programme


@transaction.atomic
def change_programme(
    *, programme: Programme, version: int, values: Mapping[str, str], reason: str, by: Actor, at: datetime
) -> Programme:
    """Change the name or the purpose.

    Raises
    ------
    Refused
        The facility does not lead it, or leads another one of this name.
    Conflict
        Somebody saved another version first.
    """
    _lead(programme, Permission.PREPARE_PROGRAMME, by)
    _must_be_free(values.get("name", programme.name), lead=programme.lead, but=programme)
    return writing.change(
        programme, action="changed the programme", by=by, at=at, reason=reason, version=version, **values
    )


@transaction.atomic
def add_version(*, programme: Programme, document: str, file: str, by: Actor, at: datetime) -> ProtocolVersion:
    """Add a protocol document as a draft.

    Parameters
    ----------
    document
        The text of the file, kept to the letter.
    file
        Its name, for messages.

    Raises
    ------
    ProtocolError
        Every fault of the document, with its place.
    Refused
        The document means what the newest version means already, or is too large.
    """
    _lead(programme, Permission.PREPARE_PROGRAMME, by)
    size = len(document.encode())
    if size > LARGEST_FILE:
        raise Refused(
            "The file is too large for a protocol.", expected=f"up to {LARGEST_FILE} bytes", came=f"{size} bytes"
        )
    protocol = read(document, file=file)
    # One writer at a time numbers the versions.
    queries.hold(programme)
    newest = queries.newest_version(programme)
    if newest is not None and newest.digest == digest(protocol):
        raise Refused(
            f"Version {newest.number} says the same already.", came=newest.digest,
            remedy="go on with that version, or change the file",
        )  # fmt: skip
    return writing.insert(
        _version(programme, protocol, document, number=newest.number + 1 if newest else 1, at=at),
        action="added a protocol version", by=by, at=at,
    )  # fmt: skip


@transaction.atomic
def put_into_force(
    *, protocol_version: ProtocolVersion, version: int, proof: Proof, by: Actor, at: datetime,
    taken_on: Collection[str] = (),
) -> ProtocolVersion:  # fmt: skip
    """Sign a draft into force. The version that was in force retires; its participants stay on it.

    The signature's content hash is the digest of the protocol, the same that the simulation prints; where rules are
    taken on, it is a hash of the digest and of their keys.

    Parameters
    ----------
    taken_on
        Keys of rules whose source nobody read, which hold here by this signature. All others of them are left out.

    Raises
    ------
    Refused
        The version is no draft, its document is not what its digest says, or a key is not of a rule to take on.
    Conflict
        Somebody changed it first.
    """
    programme = protocol_version.programme
    _lead(programme, Permission.SIGN_PROGRAMME, by)
    queries.hold(programme)
    if protocol_version.state != ProtocolVersion.State.DRAFT:
        raise Refused("Only a draft is put into force.", came=protocol_version.get_state_display())
    if digest(queries.protocol_of(protocol_version)) != protocol_version.digest:
        raise Refused(
            "The stored document no longer has its digest.", expected=protocol_version.digest,
            came=digest(queries.protocol_of(protocol_version)), remedy="upload the file again as a new version",
        )  # fmt: skip
    examples = {each.key for each in queries.examples_of(queries.protocol_of(protocol_version))}
    if unknown := set(taken_on) - examples:
        raise Refused("There is no such rule to take on in this protocol.", came=", ".join(sorted(unknown)))
    before = queries.in_force(programme)
    if before is not None:
        writing.change(
            before, action="retired the protocol version", by=by, at=at, retired_at=at,
            reason=f"version {protocol_version.number} is put into force", state=ProtocolVersion.State.RETIRED,
        )  # fmt: skip
    signed = writing.change(
        protocol_version, action="put the protocol version into force", by=by, at=at, reason=PUT_INTO_FORCE,
        version=version, state=ProtocolVersion.State.IN_FORCE, in_force_at=at,
    )  # fmt: skip
    rules = [TakenRule(protocol_version=signed, rule=key) for key in sorted(set(taken_on))]
    writing.insert_many(rules, action="took on a rule", by=by, at=at, reason=PUT_INTO_FORCE)
    _sign(signed, PUT_INTO_FORCE, proof, by, at)
    return signed


@transaction.atomic
def retire(
    *, protocol_version: ProtocolVersion, version: int, reason: str, proof: Proof, by: Actor, at: datetime
) -> ProtocolVersion:
    """Retire a version: nobody is enrolled into it any more. A draft that will not be used is retired as well.

    Raises
    ------
    Refused
        It is retired already.
    Conflict
        Somebody changed it first.
    """
    _lead(protocol_version.programme, Permission.SIGN_PROGRAMME, by)
    if protocol_version.state == ProtocolVersion.State.RETIRED:
        raise Refused("This version is retired already.")
    retired = writing.change(
        protocol_version, action="retired the protocol version", by=by, at=at, reason=reason, version=version,
        state=ProtocolVersion.State.RETIRED, retired_at=at,
    )  # fmt: skip
    _sign(retired, RETIRED, proof, by, at)
    return retired


def offer(*, programme: Programme, facility: Facility, by: Actor, at: datetime) -> Site:
    """Offer a programme to another facility, which takes it up by its own signature."""
    _lead(programme, Permission.PREPARE_PROGRAMME, by)
    if queries.sites_of(programme).filter(facility=facility).exists():
        raise Refused(f"{facility.name} has this programme already.")
    site = Site(programme=programme, facility=facility, offered_at=at)
    # The row stands in the lead's trail: the other facility has done nothing yet.
    return writing.insert(site, action="offered the programme", by=by, at=at)


@transaction.atomic
def take_up(*, site: Site, version: int, proof: Proof, by: Actor, at: datetime) -> Site:
    """Take up an offered programme here, under the protocol that is in force.

    Raises
    ------
    Refused
        Nothing is in force yet, or it was taken up or ended already.
    """
    by.must(Permission.SIGN_PROGRAMME)
    present = queries.in_force(site.programme)
    if by.facility_id != site.facility_id or site.ended_at or site.taken_up_at:
        raise Refused("There is nothing to take up here.")
    if present is None:
        raise Refused("No protocol of this programme is in force yet.", remedy=f"ask {site.programme.lead.name}")
    taken = writing.change(
        site, action="took up the programme", by=by, at=at, reason=TAKEN_UP, version=version, taken_up_at=at
    )
    _sign(present, TAKEN_UP, proof, by, at)
    return taken


def leave(*, site: Site, version: int, reason: str, by: Actor, at: datetime) -> Site:
    """End a programme at a facility: nobody is enrolled here any more; who takes part goes on.

    Raises
    ------
    Refused
        It is the lead facility, which cannot leave its own programme; or it ended already.
    """
    by.must(Permission.SIGN_PROGRAMME)
    if by.facility_id not in (site.facility_id, site.programme.lead_id):
        raise Refused("This facility has no say in that.")
    if site.facility_id == site.programme.lead_id:
        raise Refused("The lead facility stays.", remedy="retire the version that is in force")
    if site.ended_at:
        raise Refused("It ended already.")
    return writing.change(site, action="left the programme", by=by, at=at, reason=reason, version=version, ended_at=at)


def begin_expectation(*, protocol_version: ProtocolVersion, by: Actor, at: datetime) -> Expectation:
    """Note that a simulation of this version began, so that pages can say so.

    Raises
    ------
    Refused
        Another one runs.
    """
    by.must(Permission.SIGN_PROGRAMME)
    running = queries.running_expectation(protocol_version)
    if running is not None and running.began_at > at - EXPECTATION_PATIENCE:
        raise Refused("A simulation of this version runs already.", remedy="wait for it, a minute or so")
    return writing.insert(
        Expectation(protocol_version=protocol_version, began_at=at),
        action="began to simulate the protocol",
        by=by,
        at=at,
    )


def end_expectation(
    *, expectation: Expectation, answer: Mapping[str, object] | None, fault: str, by: Actor, at: datetime
) -> Expectation:
    """Keep the library's answer, or why there is none.

    Raises
    ------
    InputError
        The answer is about another protocol: its digest differs.
    """
    by.must(Permission.SIGN_PROGRAMME)
    if answer is None:
        return writing.change(
            expectation, action="could not simulate the protocol", by=by, at=at, reason="the simulation failed",
            state=Expectation.State.FAILED, ended_at=at, fault=fault,
        )  # fmt: skip
    about = answer.get("protocol")
    came = about.get("digest") if isinstance(about, Mapping) else None
    if came != expectation.protocol_version.digest:
        raise InputError(
            "The answer is about another protocol.", expected=expectation.protocol_version.digest, came=str(came)
        )
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return writing.change(
        expectation, action="simulated the protocol", by=by, at=at, reason="the simulation ended",
        state=Expectation.State.DONE, ended_at=at, answer=text,
    )  # fmt: skip


def _must_be_free(name: str, *, lead: Facility, but: Programme | None = None) -> None:
    queries.hold_names(lead)
    if queries.is_name_taken(lead, name, but=but):
        raise Refused("There is a programme of this name here already.", came=name, remedy="choose another name")


def _lead(programme: Programme, permission: Permission, by: Actor) -> None:
    by.must(permission)
    if by.facility_id != programme.lead_id:
        raise Refused("Only the lead facility does this.", came=by.facility.name if by.facility else "no facility",
                      remedy=f"ask {programme.lead.name}")  # fmt: skip


def _sign(protocol_version: ProtocolVersion, meaning: str, proof: Proof, by: Actor, at: datetime) -> None:
    sign(
        thing=protocol_version, meaning=meaning, permission=Permission.SIGN_PROGRAMME, proof=proof, by=by, at=at,
        content=queries.signed_content(protocol_version.digest, queries.taken_rules(protocol_version)),
    )  # fmt: skip


def _version(programme: Programme, protocol: Protocol, document: str, *, number: int, at: datetime) -> ProtocolVersion:
    return ProtocolVersion(
        programme=programme, number=number, document=document, digest=digest(protocol), title=protocol.title,
        protocol_id=protocol.id, protocol_version=protocol.version, uploaded_at=at,
    )  # fmt: skip
