"""Pages about people and facilities. First line of each: the gate."""

from __future__ import annotations

from uuid import UUID

from allauth.account import views as account
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from upturn_clinic.accounts import actions, queries
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.forms import (
    AcceptForm,
    EmergencyForm,
    FacilityForm,
    InvitationForm,
    RoleForm,
)
from upturn_clinic.accounts.gate import require, require_nobody, require_person
from upturn_clinic.accounts.keys.queries import last_heard
from upturn_clinic.accounts.letters import (
    Sent,
    link_to,
    pseudonym_of,
    read_link,
    read_password_link,
    send_invitation,
)
from upturn_clinic.accounts.models import EmergencyAccess, Invitation, Membership, PasswordLink, User
from upturn_clinic.accounts.permissions import Permission, Role, may_break_glass
from upturn_clinic.accounts.proof import prove
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ground.forms import ReasonForm, tell
from upturn_clinic.operation import EMERGENCY_ACCESS, IDLE_LOGOUT, INVITATION_VALID

__all__ = [
    "accept_invitation", "change_facility", "closed_sign_up", "end_emergency_access", "end_role", "facility_home",
    "give_role", "home", "invite", "me", "new_password", "open_emergency_access", "password_by_letter", "people",
    "still_here", "withdraw_invitation",
]  # fmt: skip

CONFLICT = 409


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Choose where to work; with one facility there is nothing to choose."""
    actor = require_person(request)
    assert actor.user is not None  # noqa: S101  (require_person lets nobody else in)
    facilities = list(queries.facilities_of(actor.user, at=timezone.now()))
    if len(facilities) == 1:
        return redirect("facility", facilities[0].slug)
    return render(request, "accounts/home.html", {"facilities": facilities})


@require_GET
def facility_home(request: HttpRequest, facility: str) -> HttpResponse:
    """Show what this person can do here; a participant meets their own page."""
    actor, here = require(request, Permission.SEE_FACILITY, facility)
    if actor.roles == {Role.PARTICIPANT}:
        return redirect("own", here.slug)
    return render(request, "accounts/facility.html", {"here": here})


@require_http_methods(["GET", "POST"])
def change_facility(request: HttpRequest, facility: str) -> HttpResponse:
    """Change the facility. Also the pattern for every form that changes a record: version, reason, conflict."""
    actor, here = require(request, Permission.CHANGE_FACILITY, facility)
    form = FacilityForm(request.POST or None, instance=here, initial={"version": here.version})
    status = 200
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            actions.change_facility(
                facility=here, version=given.pop("version"), reason=given.pop("reason"), values=given, by=actor,
                at=timezone.now(),
            )  # fmt: skip
        except Conflict as conflict:
            here.refresh_from_db()
            tell(form, conflict, newest=here)
            status = CONFLICT
        else:
            messages.success(request, "Saved.")
            return redirect("facility", here.slug)
    here.refresh_from_db()
    return render(request, "accounts/change_facility.html", {"here": here, "form": form}, status=status)


@require_GET
def people(request: HttpRequest, facility: str) -> HttpResponse:
    """List who works here, and the open invitations."""
    actor, here = require(request, Permission.SEE_STAFF, facility)
    invitations = queries.open_invitations(here, at=timezone.now()) if actor.may(Permission.MANAGE_STAFF) else []
    staff = queries.staff_at(here)
    administrators = [
        each for one in staff if one.user.is_active for each in one.memberships if each.role == Role.ADMINISTRATOR
    ]
    shown = {
        "here": here, "staff": staff, "invitations": invitations, "me": actor.user,
        "may_manage": actor.may(Permission.MANAGE_STAFF),
        # Theirs cannot be ended: nobody would be left who could give it again.
        "last_administrator": administrators[0] if len(administrators) == 1 else None,
    }  # fmt: skip
    return render(request, "accounts/people.html", shown)


@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest, facility: str) -> HttpResponse:
    """Invite somebody; the link is sent, or shown once where no letter went out."""
    actor, here = require(request, Permission.MANAGE_STAFF, facility)
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            letter = actions.invite(
                email=given["email"], role=Role(given["role"]), facility=here, by=actor, at=timezone.now()
            )
        except Refused as refusal:
            tell(form, refusal)
        else:
            return _invited(request, letter, actor)
    return render(request, "accounts/invite.html", {"here": here, "form": form, "days": INVITATION_VALID.days})


def _invited(request: HttpRequest, letter: Invitation, actor: Actor) -> HttpResponse:
    link = link_to(letter, request)
    sent = send_invitation(letter, link)
    if sent is Sent.FAILED:
        facts = {"letter": f"invitation {letter.pk}"}
        actions.note_event(action="could not send a letter", by=actor, at=timezone.now(), facts=facts)
    messages.success(request, f"{letter.email} is invited as {letter.role}.")
    # A link that went by letter is nobody else's: whoever invites does not take the account up under another's name.
    shown = {"here": letter.facility, "letter": letter, "link": "" if sent is Sent.YES else link, "sent": sent}
    return render(request, "accounts/invited.html", shown)


@require_http_methods(["GET", "POST"])
def withdraw_invitation(request: HttpRequest, facility: str, invitation: UUID) -> HttpResponse:
    """Make an open invitation worthless."""
    actor, here = require(request, Permission.MANAGE_STAFF, facility)
    letter = get_object_or_404(queries.open_invitations(here, at=timezone.now()), pk=invitation)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.withdraw_invitation(invitation=letter, reason=form.cleaned_data["reason"], by=actor, at=timezone.now())
        messages.success(request, f"The invitation of {letter.email} is withdrawn.")
        return redirect("people", here.slug)
    shown = {"here": here, "form": form, "title": f"Withdraw the invitation of {letter.email}", "verb": "Withdraw"}
    return render(request, "accounts/with_reason.html", shown)


@require_http_methods(["GET", "POST"])
def give_role(request: HttpRequest, facility: str, user: UUID) -> HttpResponse:
    """Give somebody who works here a further role."""
    actor, here = require(request, Permission.MANAGE_STAFF, facility)
    person = queries.works_at(here, user)
    if person is None:
        raise Http404
    held = person.memberships.filter(facility=here, ended_at=None).values_list("role", flat=True)
    form = RoleForm(request.POST or None, held=set(held))
    if request.method == "POST" and form.is_valid():
        role = Role(form.cleaned_data["role"])
        try:
            actions.give_role(user=person, role=role, facility=here, by=actor, at=timezone.now())
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, f"{person.name} is now {role} as well.")
            return redirect("people", here.slug)
    shown = {"here": here, "form": form, "title": f"A further role for {person.name}", "verb": "Give the role"}
    return render(request, "accounts/with_reason.html", shown)


@require_http_methods(["GET", "POST"])
def end_role(request: HttpRequest, facility: str, membership: UUID) -> HttpResponse:
    """End a role of somebody here."""
    actor, here = require(request, Permission.MANAGE_STAFF, facility)
    of_staff = Membership.objects.exclude(role=Role.PARTICIPANT).select_related("user", "facility")
    found = get_object_or_404(of_staff, pk=membership, facility=here, ended_at=None)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.end_role(membership=found, reason=form.cleaned_data["reason"], by=actor, at=timezone.now())
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, f"{found.user.name} is no longer {found.role} here.")
            return redirect("people", here.slug)
    shown = {
        "here": here, "form": form, "title": f"End the role of {found.user.name} as {found.role}", "verb": "End",
        "button": "End the role",
        "lede": f"{found.user.name} loses this role at once. What they wrote and signed stays.",
    }  # fmt: skip
    return render(request, "accounts/with_reason.html", shown)


@require_http_methods(["GET", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation: with the account that is logged in, or with a new one."""
    require_nobody(request)
    key = read_link(token)
    letter = Invitation.objects.filter(pk=key).select_related("facility").first() if key else None
    now = timezone.now()
    if letter is None or letter.accepted_at or letter.withdrawn_at or letter.expires_at <= now:
        return render(request, "accounts/invitation_closed.html", status=404)
    user = request.user if isinstance(request.user, User) else None
    if user is None and queries.email_is_taken(letter.email):
        return render(request, "accounts/log_in_to_accept.html", {"letter": letter, "path": request.path})
    is_staff = letter.role != Role.PARTICIPANT
    form = AcceptForm(request.POST or None, email=letter.email, with_name=is_staff) if user is None else None
    problem = ""
    if request.method == "POST" and (form is None or form.is_valid()):
        given = form.cleaned_data if form else {"name": user.name if user else "", "password": ""}
        try:
            name = given["name"] if is_staff else pseudonym_of(letter.email)
            actions.accept(invitation=letter, user=user, name=name, password=given["password"], at=now)
        except Refused as refusal:
            problem = f"{refusal.fault} {refusal.remedy or ''}"
        else:
            messages.success(request, f"Welcome to {letter.facility.name}.")
            return redirect("home" if user else "account_login")
    return render(request, "accounts/accept.html", {"letter": letter, "form": form, "problem": problem})


@require_http_methods(["GET", "POST"])
def new_password(request: HttpRequest, token: str) -> HttpResponse:
    """Set a new password by a link that the clinic handed over. A link that opens nothing says nothing of anybody."""
    require_nobody(request)
    key, now = read_password_link(token), timezone.now()
    link = PasswordLink.objects.filter(pk=key).select_related("user", "facility").first() if key else None
    closed = "accounts/password_link_closed.html"
    if link is None or link.used_at or link.withdrawn_at or link.expires_at <= now or not link.user.is_active:
        return render(request, closed, status=404)
    form = AcceptForm(request.POST or None, email=link.user.email, with_name=False)
    if request.method == "POST" and form.is_valid():
        by = Actor(link.user, link.facility)
        try:
            actions.set_new_password(link=link, password=form.cleaned_data["password"], by=by, at=now)
        except (Refused, Conflict):
            return render(request, closed, status=404)
        messages.success(request, "The new password holds. Log in with it.")
        return redirect("account_login")
    return render(request, "accounts/new_password.html", {"link": link, "form": form})


def password_by_letter(request: HttpRequest, uidb36: str, key: str) -> HttpResponse:
    """Set a new password by a letter's link: allauth's page; a link that opens nothing is answered as one."""
    require_nobody(request)
    answer: HttpResponse = account.password_reset_from_key(request, uidb36=uidb36, key=key)
    if (getattr(answer, "context_data", None) or {}).get("token_fail"):
        answer.status_code = 404
    return answer


@require_GET
def closed_sign_up(request: HttpRequest) -> HttpResponse:
    """Say how one gets an account."""
    require_nobody(request)
    return render(request, "accounts/closed_sign_up.html")


@require_GET
def me(request: HttpRequest) -> HttpResponse:
    """Show a person what the clinic knows of them as a user."""
    actor = require_person(request)
    assert actor.user is not None  # noqa: S101  (require_person lets nobody else in)
    roles = Membership.objects.filter(user=actor.user, ended_at=None).select_related("facility")
    shown = {
        "roles": roles,
        "second_factor": queries.has_second_factor(actor.user),
        "may_break_glass": may_break_glass(queries.roles_anywhere(actor.user)),
        "idle_min": int(IDLE_LOGOUT.total_seconds() // 60),
    }
    return render(request, "accounts/me.html", shown)


@require_http_methods(["GET", "POST"])
def open_emergency_access(request: HttpRequest) -> HttpResponse:
    """Break the glass: reason, password, code."""
    actor = require_person(request)
    assert actor.user is not None  # noqa: S101  (require_person lets nobody else in)
    if not may_break_glass(queries.roles_anywhere(actor.user)):
        # The form names every facility there is.
        raise PermissionDenied("Only people in a role that cares for participants can open records in an emergency.")
    form = EmergencyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given, now = form.cleaned_data, timezone.now()
        try:
            proof = prove(request, actor.user, password=given["password"], code=given["code"], at=now)
            access = actions.open_emergency_access(
                facility=given["facility"], reason=given["reason"], proof=proof, by=actor, at=now
            )
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, f"The records of {access.facility.name} are open to you for a limited time.")
            return redirect("facility", access.facility.slug)
    hours = int(EMERGENCY_ACCESS.total_seconds() // 3600)
    return render(request, "accounts/emergency.html", {"form": form, "hours": hours})


@require_POST
def end_emergency_access(request: HttpRequest, access: UUID) -> HttpResponse:
    """Close what one opened in an emergency."""
    actor = require_person(request)
    found = get_object_or_404(EmergencyAccess.objects.select_related("user", "facility"), pk=access, user=actor.user)
    try:
        actions.end_emergency_access(access=found, by=actor, at=timezone.now())
    except Refused as refusal:
        messages.error(request, refusal.fault)
    else:
        messages.success(request, f"Your emergency access to {found.facility.name} has ended.")
    return redirect("me")


@require_http_methods(["HEAD", "POST"])
def still_here(request: HttpRequest) -> HttpResponse:
    """Keep somebody logged in who says that they are still there; or only tell a page who is, and how long idle."""
    actor = require_person(request)
    now = timezone.now()
    idle = now - (last_heard(request.session) or now)
    told = {"X-Upturn-Person": str(actor.user_id), "X-Upturn-Idle": str(int(idle.total_seconds()))}
    return HttpResponse(status=204, headers=told)
