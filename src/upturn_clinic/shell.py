"""What every page shows around its content: who is logged in, where, the sections open to them, crisis help.

It stands above the apps and names their sections; an app that adds a page to the navigation adds a line to
``SECTIONS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission, Role
from upturn_clinic.operation import IDLE_LOGOUT, IDLE_WARNING
from upturn_clinic.pages.crisis import crisis_help

__all__ = ["SECTIONS", "Section", "shell"]

NOTICE = "For research and education; decisions belong to the treating clinician."


@dataclass(frozen=True)
class Section:
    """A page in the navigation of a facility, for those who may open it."""

    name: str
    label: str
    purpose: str
    permission: Permission


SECTIONS = (
    Section("upcoming", "Upcoming", "What is late, due today, and due in the next days", Permission.SEE_PLAN),
    Section("programmes", "Programmes", "Protocols: read, sign into force, explain", Permission.SEE_PROGRAMMES),
    Section("participants", "Participants", "Who is screened and who takes part", Permission.SEE_PARTICIPANTS),
    Section("enrolment_set_up", "Enrolment", "Consent documents and randomisation", Permission.SEE_PROGRAMMES),
    Section("people", "People", "Who works here, and invitations", Permission.SEE_STAFF),
    Section("trail", "Audit trail", "Everything that was written, by whom and why", Permission.SEE_AUDIT),
    Section(
        "emergencies", "Emergency access", "Who opened records in an emergency", Permission.REVIEW_EMERGENCY_ACCESS
    ),
    Section("change_facility", "Settings", "Name, time zone, crisis help", Permission.CHANGE_FACILITY),
)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give every template what its frame shows."""
    actor: Actor | None = getattr(request, "actor", None)
    user = getattr(request, "user", None)
    here = actor.facility if actor else None
    sections = [
        {"address": reverse(each.name, args=[here.slug]), "label": each.label, "purpose": each.purpose}
        for each in SECTIONS
        if actor and here and actor.may(each.permission)
    ]
    return {
        "notice": NOTICE,
        "actor": actor,
        "at_facility": here,
        "sections": sections,
        "crisis": crisis_help(here.country, here.crisis_help) if here else crisis_help("", ""),
        "for_participants": bool(actor and actor.roles == {Role.PARTICIPANT}),
        "idle_s": int(IDLE_LOGOUT.total_seconds()) if user is not None and user.is_authenticated else 0,
        "warning_s": int(IDLE_WARNING.total_seconds()),
    }
