"""Pages of programmes: first line of each is the gate. No page waits for a simulation: it shows what was kept."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from upturn.errors import InputError
from upturn.protocol import digest
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import prove
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ground.forms import ChangeFields, tell
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.programmes import actions, queries, reading
from upturn_clinic.programmes.computation import compute_in_background
from upturn_clinic.programmes.expected import expected
from upturn_clinic.programmes.forms import (
    ForceForm,
    NewProgrammeForm,
    OfferForm,
    ProgrammeForm,
    RetireForm,
    SignForm,
    VersionForm,
)
from upturn_clinic.programmes.models import Programme, ProtocolVersion, Site
from upturn_clinic.programmes.sheet import arm_of_sheet, arms_with_sheets, sheet
from upturn_clinic.programmes.sizes import EXPECTATION_PATIENCE

__all__ = [
    "add_version", "change_programme", "create_programme", "leave_programme", "offer_programme", "programme",
    "programmes", "protocol_file", "protocol_version", "put_into_force", "retire_version", "take_up_programme",
    "what_to_expect",
]  # fmt: skip

NO_WAY_BACK = "A retired version does not come back into force. Who takes part under it goes on."
NOBODY_NEW = "Nobody is enrolled there any more afterwards. Who takes part there goes on."
EVERYWHERE = "Every facility of this server has this programme already."
OK = 200
CONFLICT = 409


@require_GET
def programmes(request: HttpRequest, facility: str) -> HttpResponse:
    """List the programmes of this facility."""
    actor, here = require(request, Permission.SEE_PROGRAMMES, facility)
    shown = {
        "here": here,
        "programmes": reading.overview(here),
        "may_prepare": actor.may(Permission.PREPARE_PROGRAMME),
    }
    return render(request, "programmes/programmes.html", shown)


@require_http_methods(["GET", "POST"])
def create_programme(request: HttpRequest, facility: str) -> HttpResponse:
    """Begin a programme; its protocol comes next."""
    actor, here = require(request, Permission.PREPARE_PROGRAMME, facility)
    form = NewProgrammeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            begun = actions.create_programme(**form.cleaned_data, by=actor, at=timezone.now())
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, f"{begun.name} is there. Now give it a protocol.")
            return redirect("add_version", here.slug, begun.pk)
    return render(request, "programmes/create_programme.html", {"here": here, "form": form})


@require_GET
def programme(request: HttpRequest, facility: str, programme: UUID) -> HttpResponse:
    """Show a programme: its versions, and where it runs."""
    actor, here = require(request, Permission.SEE_PROGRAMMES, facility)
    found = _programme(here, programme)
    leads = found.lead_id == here.pk
    sites = list(queries.sites_of(found))
    shown = {
        "here": here, "programme": found, "versions": found.versions.all(), "sites": sites,
        "own_site": next((each for each in sites if each.facility_id == here.pk), None),
        "in_force": queries.in_force(found),
        "may_prepare": leads and actor.may(Permission.PREPARE_PROGRAMME),
        "may_sign": actor.may(Permission.SIGN_PROGRAMME), "leads": leads,
        "may_offer": leads and actor.may(Permission.PREPARE_PROGRAMME) and queries.facilities_to_offer(found).exists(),
        "may_see_history": actor.may(Permission.SEE_AUDIT),
    }  # fmt: skip
    return render(request, "programmes/programme.html", shown)


@require_http_methods(["GET", "POST"])
def change_programme(request: HttpRequest, facility: str, programme: UUID) -> HttpResponse:
    """Change name or purpose."""
    actor, here = require(request, Permission.PREPARE_PROGRAMME, facility)
    found = _programme(here, programme)
    initial = {"version": found.version, "name": found.name, "purpose": found.purpose}
    form = ProgrammeForm(request.POST or None, initial=initial)
    status = OK
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            actions.change_programme(
                programme=found, version=given.pop("version"), reason=given.pop("reason"), values=given, by=actor,
                at=timezone.now(),
            )  # fmt: skip
        except (Refused, Conflict) as fault:
            status = _told(form, fault, found)
        else:
            messages.success(request, "Saved.")
            return redirect("programme", here.slug, found.pk)
    shown = {"here": here, "form": form, "programme": found, "title": f"Change {found.name}", "verb": "Save"}
    return render(request, "programmes/with_form.html", shown, status=status)


@require_http_methods(["GET", "POST"])
def add_version(request: HttpRequest, facility: str, programme: UUID) -> HttpResponse:
    """Give a programme a protocol: upload a file, or choose one that comes with upturn."""
    actor, here = require(request, Permission.PREPARE_PROGRAMME, facility)
    found = _programme(here, programme)
    form = VersionForm(request.POST or None, request.FILES or None)
    fault: InputError | None = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        document, file = given["file"] if given["file"][0] else reading.shipped_document(given["shipped"])
        try:
            added = actions.add_version(programme=found, document=document, file=file, by=actor, at=timezone.now())
        except InputError as error:
            fault = error
        else:
            messages.success(request, f"{added} is a draft. Read it, then sign it into force.")
            return redirect("protocol_version", here.slug, added.pk)
    shown = {"here": here, "form": form, "programme": found, "fault": fault}
    return render(request, "programmes/add_version.html", shown)


@require_http_methods(["GET", "POST"])
def offer_programme(request: HttpRequest, facility: str, programme: UUID) -> HttpResponse:
    """Offer a programme to another facility."""
    actor, here = require(request, Permission.PREPARE_PROGRAMME, facility)
    found = _programme(here, programme)
    others = queries.facilities_to_offer(found)
    form = OfferForm(request.POST or None, facilities=others)
    if request.method == "POST" and form.is_valid():
        try:
            site = actions.offer(
                programme=found, facility=form.cleaned_data["facility"], by=actor, at=timezone.now()
            )  # fmt: skip
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, f"Offered to {site.facility.name}. A clinician there can take it up.")
            return redirect("programme", here.slug, found.pk)
    shown = {"here": here, "form": form, "programme": found, "title": f"Offer {found.name}", "verb": "Offer",
             "nothing": "" if others.exists() else EVERYWHERE}  # fmt: skip
    return render(request, "programmes/with_form.html", shown)


@require_http_methods(["GET", "POST"])
def take_up_programme(request: HttpRequest, facility: str, site: UUID) -> HttpResponse:
    """Take up an offered programme here, by signature."""
    actor, here = require(request, Permission.SIGN_PROGRAMME, facility)
    found = get_object_or_404(Site.objects.select_related("programme__lead", "facility"), pk=site, facility=here)
    form = SignForm(request.POST or None, initial={"version": found.version})
    status = OK
    if request.method == "POST" and form.is_valid():
        given, now = form.cleaned_data, timezone.now()
        try:
            proof = prove(request, _user(actor), password=given["password"], code=given["code"], at=now)
            actions.take_up(site=found, version=given["version"], proof=proof, by=actor, at=now)
        except (Refused, Conflict) as fault:
            status = _told(form, fault, found)
        else:
            messages.success(request, f"{found.programme.name} runs here now.")
            return redirect("programme", here.slug, found.programme_id)
    shown = {"here": here, "form": form, "programme": found.programme, "title": f"Take up {found.programme.name}",
             "verb": "Sign: take it up", "version": queries.in_force(found.programme),
             "meaning": actions.TAKEN_UP}  # fmt: skip
    return render(request, "programmes/sign.html", shown, status=status)


@require_http_methods(["GET", "POST"])
def leave_programme(request: HttpRequest, facility: str, site: UUID) -> HttpResponse:
    """End a programme at this facility, or at one to which this facility lent it."""
    actor, here = require(request, Permission.SIGN_PROGRAMME, facility)
    whose = Q(facility=here) | Q(programme__lead=here)
    found = get_object_or_404(Site.objects.select_related("programme__lead", "facility"), whose, pk=site)
    form = ChangeFields(request.POST or None, initial={"version": found.version})
    status = OK
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            actions.leave(
                site=found, version=given["version"], reason=given["reason"], by=actor, at=timezone.now()
            )  # fmt: skip
        except (Refused, Conflict) as fault:
            status = _told(form, fault, found)
        else:
            ended = "has ended" if found.taken_up_at else "is not offered any more"
            messages.success(request, f"{found.programme.name} {ended} at {found.facility.name}.")
            return redirect("programmes", here.slug)
    is_own = found.facility_id == here.pk
    offer = "Decline the offer" if is_own else "Take the offer back"
    verb = ("End it here" if is_own else "End it there") if found.taken_up_at else offer
    shown = {"here": here, "form": form, "programme": found.programme, "verb": verb,
             "title": f"{'End' if found.taken_up_at else offer + ':'} {found.programme.name} at {found.facility.name}",
             "note": NOBODY_NEW if found.taken_up_at else ""}  # fmt: skip
    return render(request, "programmes/with_form.html", shown, status=status)


@require_GET
def protocol_version(request: HttpRequest, facility: str, version: UUID) -> HttpResponse:
    """Show a version: everything its protocol says, and what the simulation expects."""
    actor, here = require(request, Permission.SEE_PROGRAMMES, facility)
    found = _version(here, version)
    shown = {
        "here": here, "version": found, "programme": found.programme, "page": reading.page(found),
        "signatures": queries.signatures_under(found), "starts_now": _starts_now(found),
        "may_sign": found.programme.lead_id == here.pk and actor.may(Permission.SIGN_PROGRAMME),
        "may_see_history": actor.may(Permission.SEE_AUDIT),
    }  # fmt: skip
    return render(request, "programmes/protocol_version.html", shown)


@require_GET
def protocol_file(request: HttpRequest, facility: str, version: UUID) -> HttpResponse:
    """Give the document as it was uploaded: `upturn` checks and simulates the same file."""
    _, here = require(request, Permission.SEE_PROGRAMMES, facility)
    found = _version(here, version)
    answer = HttpResponse(found.document, content_type="application/yaml; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.protocol_id}-{found.number}.yaml"'
    return answer


@require_http_methods(["GET", "POST"])
def put_into_force(request: HttpRequest, facility: str, version: UUID) -> HttpResponse:
    """Sign a draft into force; the simulation of what it expects is started, not waited for."""
    actor, here = require(request, Permission.SIGN_PROGRAMME, facility)
    found = _version(here, version)
    form = ForceForm(request.POST or None, initial={"version": found.version}, protocol=queries.protocol_of(found))
    status = OK
    if request.method == "POST" and form.is_valid():
        given, now = form.cleaned_data, timezone.now()
        try:
            proof = prove(request, _user(actor), password=given["password"], code=given["code"], at=now)
            signed = actions.put_into_force(
                protocol_version=found, version=given["version"], proof=proof, by=actor, at=now,
                taken_on=form.taken_on,
            )  # fmt: skip
        except (Refused, Conflict) as fault:
            status = _told(form, fault, found)
        else:
            if settings.EXPECT_WHEN_SIGNED and not signed.expectations.exists():
                compute_in_background(signed)
            messages.success(request, f"{signed} is in force.")
            return redirect("protocol_version", here.slug, signed.pk)
    shown = {"here": here, "form": form, "programme": found.programme, "version": found,
             "title": f"Put version {found.number} into force", "verb": f"Sign: put version {found.number} into force",
             "meaning": actions.PUT_INTO_FORCE,
             "replaces": queries.in_force(found.programme),
             "examples": sum(map(len, form.sections.values()))}  # fmt: skip
    return render(request, "programmes/sign.html", shown, status=status)


@require_http_methods(["GET", "POST"])
def retire_version(request: HttpRequest, facility: str, version: UUID) -> HttpResponse:
    """Retire a version, by signature and with a reason."""
    actor, here = require(request, Permission.SIGN_PROGRAMME, facility)
    found = _version(here, version)
    form = RetireForm(request.POST or None, initial={"version": found.version})
    status = OK
    if request.method == "POST" and form.is_valid():
        given, now = form.cleaned_data, timezone.now()
        try:
            proof = prove(request, _user(actor), password=given["password"], code=given["code"], at=now)
            actions.retire(
                protocol_version=found, version=given["version"], reason=given["reason"], proof=proof, by=actor, at=now
            )
        except (Refused, Conflict) as fault:
            status = _told(form, fault, found)
        else:
            messages.success(request, f"{found} is retired. Who takes part under it goes on.")
            return redirect("protocol_version", here.slug, found.pk)
    shown = {"here": here, "form": form, "programme": found.programme, "version": found,
             "title": f"Retire version {found.number}", "verb": f"Sign: retire version {found.number}",
             "note": NO_WAY_BACK, "meaning": actions.RETIRED}  # fmt: skip
    return render(request, "programmes/sign.html", shown, status=status)


@require_GET
def what_to_expect(request: HttpRequest, facility: str, version: UUID) -> HttpResponse:
    """Show the participant's sheet of one arm, to read or to print."""
    _, here = require(request, Permission.SEE_FACILITY, facility)
    found = _version(here, version)
    protocol = queries.protocol_of(found)
    among = queries.arms_to_have(found)
    arms = arms_with_sheets(protocol, among)
    arm = arm_of_sheet(protocol, request.GET.get("arm", ""), among=among)
    if arm is None:
        raise Http404
    kept = queries.expectation_of(found)
    known = expected(kept, arm) if kept else None
    shown = {"here": here, "version": found, "sheet": sheet(protocol, arm, known, among=among), "arm": arm,
             "arms": arms, "known": known, "kept": kept, "digest": digest(protocol)}  # fmt: skip
    return render(request, "programmes/what_to_expect.html", shown)


def _programme(here: Facility, key: UUID) -> Programme:
    return get_object_or_404(queries.programmes_at(here), pk=key)


def _version(here: Facility, key: UUID) -> ProtocolVersion:
    return get_object_or_404(queries.versions_at(here), pk=key)


def _starts_now(version: ProtocolVersion) -> bool:
    """Tell whether a version was signed so lately that its simulation is about to show."""
    signed_at = version.in_force_at
    return settings.EXPECT_WHEN_SIGNED and signed_at is not None and timezone.now() - signed_at < EXPECTATION_PATIENCE


def _user(actor: Actor) -> User:
    assert actor.user is not None  # noqa: S101  (the gate lets nobody else in)
    return actor.user


def _told(form: BaseForm, fault: Refused | Conflict, record: Versioned) -> int:
    """Say in the form why nothing was saved; give the status of the answer."""
    record.refresh_from_db()
    tell(form, fault, newest=record)
    return CONFLICT if isinstance(fault, Conflict) else OK
