"""Signing, and reviewing who broke the glass."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import EmergencyAccess
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.models import Signature
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.ledger import writing
from upturn_clinic.ledger.chain import content_hash

__all__ = ["review_emergency_access", "sign"]

REVIEWED = "I have reviewed this emergency access and written down what I found."


def sign(
    *, thing: Versioned, meaning: str, permission: Permission, proof: Proof, by: Actor, at: datetime, content: str = ""
) -> Signature:
    """Put a signature under a record as it now stands.

    Parameters
    ----------
    thing
        What is signed: any record, in the version that was on screen.
    meaning
        What the signature says, in the first person: "I approve this protocol for use here."
    permission
        What the signer must be allowed to do.
    proof
        Password and code, entered for this act (``accounts.proof.prove``).
    content
        The hash of what was signed, where that is not the record as a whole: the digest of a protocol.

    Raises
    ------
    Refused
        The proof is not of the signer, or old; or nobody is there to sign.
    """
    by.must(permission)
    if by.user is None or by.facility is None:
        raise Refused("Only a person at a facility can sign.")
    proof.must_be(by.user, at=at)
    signature = Signature(
        facility=by.facility, signer=by.user, printed_name=by.user.name, at=at, meaning=meaning,
        object_type=thing._meta.label, object_id=str(thing.pk), object_version=thing.version,
        content_hash=content or content_hash(thing),
    )  # fmt: skip
    return writing.insert(signature, action="signed", by=by, at=at, reason=meaning)


@transaction.atomic
def review_emergency_access(
    *, access: EmergencyAccess, version: int, finding: str, proof: Proof, by: Actor, at: datetime
) -> EmergencyAccess:
    """Write down what a review found, and sign it. Nobody reviews their own access.

    Raises
    ------
    Refused
        The reviewer broke the glass themselves, it is open still, or it was reviewed already.
    Conflict
        Somebody reviewed it first.
    """
    by.must(Permission.REVIEW_EMERGENCY_ACCESS)
    if access.user_id == by.user_id:
        raise Refused("Nobody reviews their own emergency access.", remedy="ask another administrator")
    if at < access.ends_at:
        raise Refused(
            "This access is still open: what is opened later would be reviewed by nobody.",
            remedy="review it when it has ended",
        )
    if access.reviewed_at:
        raise Refused("This access was reviewed already.")
    reviewed = writing.change(
        access, action="reviewed the emergency access", by=by, at=at, reason=finding, version=version,
        finding=finding, reviewed_at=at, reviewed_by_id=by.user_id,
    )  # fmt: skip
    sign(thing=reviewed, meaning=REVIEWED, permission=Permission.REVIEW_EMERGENCY_ACCESS, proof=proof, by=by, at=at)
    return reviewed
