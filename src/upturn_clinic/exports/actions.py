"""What is written when data leaves the clinic: who took which records; and that a study's masking has ended."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.actions import sign
from upturn_clinic.exports import keys, queries
from upturn_clinic.exports.models import Unmasking
from upturn_clinic.exports.queries import Export
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.models import Programme
from upturn_clinic.programmes.queries import hold

__all__ = ["UNMASKED", "export_records", "look_up", "unmask"]

UNMASKED = "This study has ended: its arms may be named in records."


@transaction.atomic
def export_records(*, programme: Programme, kind: str, by: Actor, at: datetime) -> Export:
    """Gather the de-identified records of a programme, and write down who took them.

    Parameters
    ----------
    kind
        The kind of file, for the trail: ``csv`` or ``parquet``.

    Raises
    ------
    RecordsError
        What the clinic holds does not fit the library's declaration.
    """
    by.must(Permission.SEE_DEIDENTIFIED)
    export = queries.export_of(programme, by.facility)
    facts: dict[str, str | int | bool | None] = {
        "people": export.records.participants.height, "observations": export.records.observations.height,
        "file": kind, "arms": str(export.about["arms"]),
    }  # fmt: skip
    writing.note(action="exported de-identified records", by=by, at=at, about=programme, facts=facts)
    return export


@transaction.atomic
def look_up(*, key: str, by: Actor, at: datetime) -> Participant:
    """Find whose records an export holds under a key, and write down that somebody looked.

    Raises
    ------
    Refused
        Nobody has this key.
    """
    by.must(Permission.SEE_IDENTITY)
    found = keys.person_with(key)
    if found is None:
        raise Refused("Nobody stands in exported records under this key.", came=key.strip())
    writing.note(action="looked up a key of exported records", by=by, at=at, about=found, facts={})
    return found


@transaction.atomic
def unmask(*, programme: Programme, reason: str, proof: Proof, by: Actor, at: datetime) -> Unmasking:
    """Let the arms of a masked programme be named in records from now on. It is signed, and cannot be undone.

    Raises
    ------
    Refused
        The programme was never masked or is unmasked, somebody still takes part, no reason, or it is led elsewhere.
    """
    by.must(Permission.SIGN_PROGRAMME)
    hold(programme)
    if by.facility_id not in (None, programme.lead_id):
        raise Refused("The facility that leads the programme ends its masking.")
    if queries.is_unmasked(programme):
        raise Refused("The arms of this programme may be named already.")
    running = queries.unmaskable(programme, by.facility).running
    if running:
        raise Refused(
            "The study still runs.", expected="everybody completed or withdrawn", came=f"{running} take part",
            remedy="wait until the last participant has completed",
        )  # fmt: skip
    if not reason.strip():
        raise Refused("This needs a reason.", remedy="write it in a few words")
    made = Unmasking(programme=programme, by_id=by.user_id, at=at, reason=reason.strip())
    writing.insert(made, action="ended the masking for records", by=by, at=at, reason=reason)
    sign(thing=made, meaning=UNMASKED, permission=Permission.SIGN_PROGRAMME, proof=proof, by=by, at=at)
    return made
