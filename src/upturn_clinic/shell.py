"""What every page shows around its content: who is logged in, where, the sections open to them, crisis help.

It stands above the apps and names their sections; an app that adds a page to the navigation adds a line to
``SECTIONS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.letters import pseudonym_of
from upturn_clinic.accounts.permissions import Permission, Role
from upturn_clinic.operation import IDLE_LOGOUT, IDLE_WARNING
from upturn_clinic.pages.crisis import crisis_help
from upturn_clinic.safety.queries import open_at, unreported_at, untaken_at

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
    Section("floor", "Floor", "All rooms: who is in which phase, what is due, what is late", Permission.SEE_SESSIONS),
    Section("upcoming", "Upcoming", "What is late, due today, and due in the next days", Permission.SEE_PLAN),
    Section("safety", "Safety", "Concerns and adverse events: what is open, what is late", Permission.SEE_SAFETY),
    Section("monitoring", "Monitoring", "Bladder, memory, misuse: what is due", Permission.SEE_CLINICAL_RECORD),
    Section("programmes", "Programmes", "What is done here, and by which protocol", Permission.SEE_PROGRAMMES),
    Section("participants", "Participants", "Who is screened and who takes part", Permission.SEE_PARTICIPANTS),
    Section("enrolment_set_up", "Enrolment", "Consent documents and randomisation", Permission.SEE_PROGRAMMES),
    Section("ratings_due", "Ratings", "What is to be rated now, and what was missed", Permission.ENTER_RATINGS),
    Section("stock", "Stock", "The register of controlled drugs", Permission.SEE_STOCK),
    Section("monitoring_forms", "Forms", "Monitoring forms that the clinic submits", Permission.FILL_FORMS),
    Section("data", "Data", "De-identified records for analysts", Permission.SEE_DEIDENTIFIED),
    Section("people", "People", "Who works here", Permission.SEE_STAFF),
    Section("trail", "Audit trail", "What was written, by whom and when", Permission.SEE_AUDIT),
    Section(
        "emergencies", "Emergency access", "Who opened records in an emergency", Permission.REVIEW_EMERGENCY_ACCESS
    ),
    Section("change_facility", "Settings", "Name, telephone, crisis help, clock, rooms", Permission.CHANGE_FACILITY),
)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give every template what its frame shows."""
    # Whoever is refused a page keeps the way to their own.
    actor: Actor | None = getattr(request, "refused", None) or getattr(request, "actor", None)
    user = getattr(request, "user", None)
    here = actor.facility if actor else None
    sections = [
        {"address": reverse(each.name, args=[here.slug]), "label": each.label, "purpose": each.purpose}
        for each in SECTIONS
        if actor and here and actor.may(each.permission)
    ]
    return {
        "notice": NOTICE,
        "read_at": timezone.now(),
        "actor": actor,
        "at_facility": here,
        "sections": sections,
        "crisis": crisis_help(here.country, here.crisis_help) if here else crisis_help("", ""),
        # Asked only by the pages that show it.
        "untaken": lambda: list(untaken_at(here, timezone.now())) if actor and here and _may_see(actor) else [],
        "open_concerns": lambda: open_at(here, timezone.now()) if actor and here and _may_see(actor) else [],
        "unreported": lambda: list(unreported_at(here, timezone.now())) if actor and here and _may_judge(actor) else [],
        "has_no_email": bool(user is not None and user.is_authenticated and pseudonym_of(user.email)),
        "for_participants": bool(actor and actor.roles == {Role.PARTICIPANT}),
        "idle_s": int(IDLE_LOGOUT.total_seconds()) if user is not None and user.is_authenticated else 0,
        "warning_s": int(IDLE_WARNING.total_seconds()),
    }


def _may_see(actor: Actor) -> bool:
    return actor.may(Permission.SEE_SAFETY)


def _may_judge(actor: Actor) -> bool:
    return actor.may(Permission.JUDGE_EVENT)
