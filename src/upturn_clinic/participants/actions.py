"""All that is written about participants but their screening. Each action: who may, one transaction, one row."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.letters import log_in_name
from upturn_clinic.accounts.models import Invitation
from upturn_clinic.accounts.permissions import Permission, Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.accounts.queries import email_is_taken, open_invitations
from upturn_clinic.audit.actions import sign
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.operation import INVITATION_VALID, SHORTEST_REASON
from upturn_clinic.participants import pseudonyms, queries
from upturn_clinic.participants.limits import AGE_Y, SEED_BYTES
from upturn_clinic.participants.models import Allocation, Identity, Participant, RandomisationList, Unblinding
from upturn_clinic.participants.randomisation import Design, arm_at, commitment
from upturn_clinic.participants.screening.queries import obstacles, screening_of
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.queries import hold, protocol_of, versions_in_force_at

__all__ = [
    "UNBLINDED", "complete", "correct_identity", "enrol", "invite", "move_to_version", "register",
    "set_up_randomisation", "unblind", "withdraw",
]  # fmt: skip

UNBLINDED = "I ask to know the arm of this participant, for the reason given."
STATUS = Participant.Status


@transaction.atomic
def register(
    *, protocol_version: ProtocolVersion, identity: Mapping[str, Any], sex: str, by: Actor, at: datetime
) -> Participant:
    """Begin the screening of somebody: a pseudonym is drawn, and who they are goes into a table of its own.

    Parameters
    ----------
    protocol_version
        The version in force that they are screened for.
    identity
        Full name, date of birth, and how to reach them.

    Raises
    ------
    Refused
        The version is not in force here; the date of birth is a slip; or the person is in the programme already.
    """
    by.must(Permission.CHANGE_IDENTITY)
    if by.facility is None or not versions_in_force_at(by.facility).filter(pk=protocol_version.pk).exists():
        raise Refused(
            "Nobody can be screened for this protocol here.", expected="a version in force at this facility",
            remedy="sign a version into force first",
        )  # fmt: skip
    if not identity["full_name"].strip():
        raise Refused("A name is needed.")
    hold(protocol_version.programme)
    age_y = _age(identity["date_of_birth"], by, at)
    known = queries.namesake(
        protocol_version.programme, full_name=identity["full_name"], date_of_birth=identity["date_of_birth"]
    )
    if known is not None:
        where = known.pseudonym if known.facility_id == by.facility_id else "at another facility"
        raise Refused("Somebody of this name and date of birth is in the programme already.", came=where)
    person = Participant(
        pseudonym=_new_pseudonym(), facility=by.facility, programme=protocol_version.programme,
        protocol_version=protocol_version, sex=sex, age_y=age_y, registered_at=at,
    )  # fmt: skip
    writing.insert(person, action="began the screening", by=by, at=at)
    writing.insert(Identity(participant=person, **identity), action="entered who it is", by=by, at=at)
    return person


@transaction.atomic
def correct_identity(
    *, identity: Identity, version: int, values: Mapping[str, Any], reason: str, by: Actor, at: datetime
) -> Identity:
    """Correct who somebody is. A corrected date of birth corrects the age.

    Raises
    ------
    Refused
        The date of birth is a slip.
    Conflict
        Somebody saved another version first.
    """
    by.must(Permission.CHANGE_IDENTITY)
    person = queries.held(identity.participant, by)
    if identity.erased_at:
        raise Refused("Who this was has been erased.")
    changed = writing.change(
        identity, action="corrected who it is", by=by, at=at, reason=reason, version=version, **values
    )
    # The table lets them be empty for an erasure alone.
    if not changed.full_name.strip() or changed.date_of_birth is None:
        raise Refused("A name and a date of birth are needed.")
    age_y = _age(changed.date_of_birth, by, person.registered_at)
    if age_y != person.age_y:
        # The reason that a person wrote may name somebody: it is sealed beside the identity, and not repeated here.
        why = "the date of birth was corrected"
        writing.change(person, action="corrected the age", by=by, at=at, reason=why, age_y=age_y)
    return changed


@transaction.atomic
def enrol(
    *, participant: Participant, version: int, arm: str, strata: Mapping[str, str], by: Actor, at: datetime
) -> Participant:
    """Enrol somebody: into the arm that was chosen openly, or into the one at the next place of the list.

    Parameters
    ----------
    arm
        Of the protocol; empty where a list allocates.
    strata
        The level of each factor of the list; empty where there is no list.

    Raises
    ------
    Refused
        Something is missing: every single thing is named. Or who enrols may know arms of a masked list.
    Conflict
        Somebody changed the participant first.
    """
    by.must(Permission.ENROL)
    person = queries.present(participant, by)
    if person.status != STATUS.ELIGIBLE:
        raise Refused(
            "Only somebody whose screening is concluded can be enrolled.", expected=STATUS.ELIGIBLE, came=person.status
        )
    # Of two enrolments at once the second one waits: they never take the same place on a list.
    hold(person.programme)
    missing = obstacles(person, screening_of(person))
    if missing:
        raise Refused("Something is missing.", expected=" ".join(missing))
    randomisation = queries.randomisation_of(person.programme)
    if randomisation is None:
        open_arm = _chosen(arm, person)
    else:
        allocation = _allocate(person, randomisation, strata, by, at)
        open_arm = "" if randomisation.is_masked else allocation.arm
    return writing.change(
        person, action="enrolled", by=by, at=at, reason="screening is complete and consent is given",
        version=version, status=STATUS.ENROLLED, enrolled_at=at, arm=open_arm,
    )  # fmt: skip


@transaction.atomic
def withdraw(*, participant: Participant, version: int, reason: str, by: Actor, at: datetime) -> Participant:
    """End somebody's part before its time: their wish, the team's decision, or a screening that failed.

    Raises
    ------
    Conflict
        Somebody changed the participant first.
    """
    by.must(Permission.ENROL)
    person = queries.present(participant, by)
    return _end(person, STATUS.WITHDRAWN, "withdrew the participant", version, reason, by, at)


@transaction.atomic
def complete(*, participant: Participant, version: int, reason: str, by: Actor, at: datetime) -> Participant:
    """Write down that somebody has gone through all of the programme.

    Raises
    ------
    Refused
        The person was never enrolled.
    Conflict
        Somebody changed the participant first.
    """
    by.must(Permission.ENROL)
    person = queries.present(participant, by)
    if person.status != STATUS.ENROLLED:
        raise Refused("Only somebody enrolled can complete.", came=person.status)
    return _end(person, STATUS.COMPLETED, "completed the participant", version, reason, by, at)


@transaction.atomic
def move_to_version(
    *, participant: Participant, version: int, to: ProtocolVersion, reason: str, by: Actor, at: datetime
) -> Participant:
    """Move somebody to another version of the same programme. Answers in other words must then be given anew.

    Raises
    ------
    Refused
        The version is of another programme, is not in force here, is theirs already, or lacks their arm.
    Conflict
        Somebody changed the participant first.
    """
    by.must(Permission.ENROL)
    person = queries.present(participant, by)
    if to.pk == person.protocol_version_id:
        raise Refused("They are on this version already.", came=f"version {to.number}")
    if not versions_in_force_at(person.facility).filter(pk=to.pk, programme=person.programme).exists():
        raise Refused("They can only move to the version of their programme that is in force here.")
    # Asked of all arms that a list allocates, not of the person's own: the answer would tell a masked one.
    randomisation = queries.randomisation_of(person.programme)
    arms = set(randomisation.shares) if randomisation else {person.arm} - {""}
    if not arms <= set(protocol_of(to).arms):
        raise Refused("That version does not have the arms they can be in.", expected=", ".join(sorted(arms)))
    back = {"status": STATUS.SCREENING} if person.status == STATUS.ELIGIBLE else {}
    return writing.change(
        person, action="moved to another protocol version", by=by, at=at, reason=reason, version=version,
        protocol_version_id=to.pk, **back,
    )  # fmt: skip


@transaction.atomic
def set_up_randomisation(
    *, protocol_version: ProtocolVersion, shares: Mapping[str, int], block_sizes: Sequence[int],
    strata: Mapping[str, Sequence[str]], by_facility: bool, is_masked: bool, by: Actor, at: datetime, seed: str = "",
) -> RandomisationList:  # fmt: skip
    """Set up how a programme allocates; from then on nobody chooses an arm.

    Parameters
    ----------
    shares
        Arms of the protocol and their shares.
    block_sizes
        Multiples of the sum of all shares; one is drawn for each block.
    strata
        Factors and their levels; each combination has a list of its own.
    by_facility
        Whether each facility has lists of its own.
    is_masked
        Whether the team must not know the arm.
    seed
        From a statistician who enrols nobody; drawn at random unless given.

    Raises
    ------
    Refused
        There is a list already; somebody is enrolled already; an arm is not of the protocol; a size does not fit.
    """
    by.must(Permission.PREPARE_PROGRAMME)
    programme = protocol_version.programme
    queries.lead_only(programme, by)
    hold(programme)
    if queries.randomisation_of(programme) is not None:
        raise Refused("This programme has its list already. It cannot be changed: places on it are taken in order.")
    if queries.is_anybody_enrolled(programme):
        raise Refused("Somebody is enrolled already: a list must come before the first of them.")
    unknown = [arm for arm in shares if arm not in protocol_of(protocol_version).arms]
    if unknown:
        raise Refused("The protocol has no such arm.", came=", ".join(unknown))
    design = Design(dict(shares), tuple(block_sizes))
    used = seed or secrets.token_hex(SEED_BYTES)
    made = RandomisationList(
        programme=programme, protocol_version=protocol_version, shares=dict(shares),
        block_sizes=sorted(set(block_sizes)), strata={name: list(levels) for name, levels in strata.items()},
        by_facility=by_facility, is_masked=is_masked, seed=used, commitment=commitment(design, seed=used), at=at,
    )  # fmt: skip
    return writing.insert(made, action="set up the randomisation", by=by, at=at)


@transaction.atomic
def unblind(*, participant: Participant, reason: str, proof: Proof, by: Actor, at: datetime) -> Unblinding:
    """Learn a masked arm in an emergency, with reason and signature.

    Returns
    -------
    The record of it; ``queries.arm_shown`` tells the arm to this person from now on, and to nobody else.

    Raises
    ------
    Refused
        The arm is not masked, the reason says nothing, or the proof does not hold.
    """
    by.must(Permission.UNBLIND)
    person = queries.held(participant, by)
    if by.user is None or not queries.is_masked(person):
        raise Refused("There is no masked arm here.")
    if len(reason.strip()) < SHORTEST_REASON:
        raise Refused("The reason is too short.", expected=f"at least {SHORTEST_REASON} characters")
    learnt = Unblinding(participant=person, person=by.user, reason=reason.strip(), at=at)
    writing.insert(learnt, action="learnt the masked arm", by=by, at=at, reason=reason)
    sign(thing=learnt, meaning=UNBLINDED, permission=Permission.UNBLIND, proof=proof, by=by, at=at)
    return learnt


@transaction.atomic
def invite(*, participant: Participant, by: Actor, at: datetime) -> Invitation:
    """Invite a participant to an account of their own, under their pseudonym: no account holds a name or an address.

    The link is handed over in the room or printed; it is not sent. An earlier link that is still open is withdrawn.

    Raises
    ------
    Refused
        There is an account already, or the participant has ended.
    """
    by.must(Permission.CHANGE_IDENTITY)
    person = queries.present(participant, by)
    name = log_in_name(person.pseudonym)
    if email_is_taken(name):
        raise Refused(f"{person.pseudonym} has an account already.", remedy="log in with it")
    for earlier in open_invitations(person.facility, at=at).filter(email=name):
        writing.change(
            earlier, action="withdrew the invitation", by=by, at=at, reason="a new link was made", withdrawn_at=at
        )
    letter = Invitation(facility=person.facility, email=name, role=Role.PARTICIPANT, expires_at=at + INVITATION_VALID)
    return writing.insert(letter, action="invited", by=by, at=at)


def _age(born: date, by: Actor, at: datetime) -> int:
    day = at.astimezone(by.facility.zone).date() if by.facility else at.date()
    age_y = queries.age_on(day, born=born)
    least, most = AGE_Y
    if not least <= age_y <= most:
        raise Refused(
            "This date of birth looks like a slip.", expected=f"{least} to {most} years old", came=f"{age_y} years old"
        )
    return age_y


def _new_pseudonym() -> str:
    drawn = pseudonyms.draw()
    while Participant.objects.filter(pseudonym=drawn).exists():
        drawn = pseudonyms.draw()
    return drawn


def _chosen(arm: str, person: Participant) -> str:
    arms = protocol_of(person.protocol_version).arms
    if arm not in arms:
        raise Refused("The protocol has no such arm.", expected=", ".join(arms), came=arm or "nothing")
    return arm


def _allocate(
    person: Participant, randomisation: RandomisationList, strata: Mapping[str, str], by: Actor, at: datetime
) -> Allocation:
    """Take the next place on the list."""
    if randomisation.is_masked and by.user is not None and by.may(Permission.SEE_ARM):
        raise Refused("Whoever may know arms does not enrol in a masked study.", remedy="ask a colleague who may not")
    for factor, levels in randomisation.strata.items():
        if strata.get(factor) not in levels:
            raise Refused(f"{factor} is missing.", expected=", ".join(levels), came=strata.get(factor) or "nothing")
    parts = [f"{factor}: {strata[factor]}" for factor in randomisation.strata]
    if randomisation.by_facility:
        parts.insert(0, f"facility: {person.facility.slug}")
    stratum = "; ".join(parts) or "all"
    place = Allocation.objects.filter(randomisation=randomisation, stratum=stratum).count() + 1
    design = Design(randomisation.shares, randomisation.block_sizes)
    arm = arm_at(design, seed=randomisation.seed, stratum=stratum, place=place)
    allocation = Allocation(
        participant=person, randomisation=randomisation, stratum=stratum, place=place, arm=arm, at=at
    )
    return writing.insert(allocation, action="took the next place on the list", by=by, at=at)


def _end(
    person: Participant, status: Participant.Status, action: str, version: int, reason: str, by: Actor, at: datetime
) -> Participant:
    return writing.change(
        person, action=action, by=by, at=at, reason=reason, version=version, status=status, ended_at=at,
        ended_because=reason,
    )  # fmt: skip
