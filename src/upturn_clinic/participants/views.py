"""Pages about participants but their screening. First line of each: the gate."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.letters import link_to, link_to_password
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import prove
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ground.forms import ChangeFields
from upturn_clinic.operation import PAGE_ROWS
from upturn_clinic.pages.addresses import addresses
from upturn_clinic.participants import actions, queries, searches
from upturn_clinic.participants.answering import Given, answer, user_of, words_for
from upturn_clinic.participants.erasure import actions as erasure
from upturn_clinic.participants.erasure.queries import account_of
from upturn_clinic.participants.forms import (
    EnrolForm,
    EraseForm,
    IdentityForm,
    MoveForm,
    RandomisationForm,
    RegisterForm,
    SearchForm,
    UnblindForm,
)
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.screening.queries import obstacles, screening_of
from upturn_clinic.programmes.queries import programmes_at, protocol_of, versions_in_force_at

__all__ = [
    "complete", "correct_identity", "enrol", "enrolment_set_up", "erase_identity", "invite", "move_to_version",
    "offer_new_password", "participant", "participants", "register", "set_up_randomisation", "trail", "unblind",
    "withdraw",
]  # fmt: skip

GET_POST = ["GET", "POST"]
TOO_LATE = "Arms are chosen at enrolment. A list would have had to come before the first person who was enrolled."


@require_http_methods(GET_POST)
def participants(request: HttpRequest, facility: str) -> HttpResponse:
    """List who is screened or takes part here, with search, filters and pages."""
    actor, here = require(request, Permission.SEE_PARTICIPANTS, facility)
    by_name = actor.may(Permission.SEE_IDENTITY)
    if to := searches.kept(request):
        return redirect(f"{reverse('participants', args=[here.slug])}?{to}")
    form = SearchForm(searches.asked_for(request), programmes=programmes_at(here), by_name=by_name)
    asked = form.cleaned_data if form.is_bound and form.is_valid() else {}
    programme = asked.get("programme")
    people = queries.found(
        queries.participants_at(here), text=asked.get("text", ""), status=asked.get("status", ""),
        programme=programme.pk if programme else None, reader=actor,
    )  # fmt: skip
    page = Paginator(people, PAGE_ROWS).get_page(request.GET.get("page"))
    # A page of a query is a query; the paginator's type does not say so.
    on_page = cast("QuerySet[Participant]", page.object_list)
    address = addresses("participant", here.slug)
    shown = {
        "here": here,
        "page": page,
        "rows": [{**row, "address": address(row["key"])} for row in queries.listed(on_page, actor)],
        "form": form,
        "by_name": by_name,
        "may_register": actor.may(Permission.CHANGE_IDENTITY),
    }
    return render(request, "participants/list.html", shown)


@require_http_methods(GET_POST)
def register(request: HttpRequest, facility: str) -> HttpResponse:
    """Begin somebody's screening."""
    actor, here = require(request, Permission.CHANGE_IDENTITY, facility)
    form = RegisterForm(request.POST or None, versions=versions_in_force_at(here))
    begun: list[Participant] = []

    def act(given: Given) -> None:
        begun.append(
            actions.register(
                protocol_version=given["protocol_version"], identity=form.identity(),
                sex=given["sex"], by=actor, at=timezone.now(),
            )
        )  # fmt: skip

    above: Given = {"above": "Participants", "above_at": reverse("participants", args=[here.slug])}
    shown = words_for(here, None, "Begin a screening", "Begin", draft="register", **above)
    said = "The screening has begun. From here on the pseudonym stands for the person."
    response = answer(request, form, act, shown=shown, said=said, to=reverse("participants", args=[here.slug]))
    return redirect("participant", here.slug, begun[0].pk) if begun else response


@require_GET
def participant(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Show one participant, as far as this reader may know them."""
    actor, here = require(request, Permission.SEE_PARTICIPANTS, facility)
    person = get_object_or_404(queries.participants_at(here), pk=participant)
    clinical = actor.may(Permission.SEE_CLINICAL_RECORD)
    screening = screening_of(person) if clinical else None
    in_screening = person.status in (Participant.Status.SCREENING, Participant.Status.ELIGIBLE)
    shown = {
        "here": here,
        "person": person,
        "identity": queries.identity_of(person) if actor.may(Permission.SEE_IDENTITY) else None,
        "has_account": actor.may(Permission.CHANGE_IDENTITY) and account_of(person) is not None,
        "screening": screening,
        "missing": obstacles(person, screening) if screening and in_screening else (),
        "in_screening": in_screening,
        "is_stopped": any(each.state == "stopped" for each in screening.standings) if screening else False,
        "arm": queries.arm_shown(person, actor),
        "is_masked": queries.is_masked(person),
        "unblindings": queries.unblindings_of(person) if clinical else (),
        "consent": queries.consent_of(person),
        "document": queries.consent_in_use(person.programme),
        "may": {each.name.lower(): actor.may(each) for each in Permission},
    }
    return render(request, "participants/participant.html", shown)


@require_GET
def trail(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Show all that was written about one participant."""
    actor, here = require(request, Permission.SEE_CLINICAL_RECORD, facility)
    person = get_object_or_404(queries.participants_at(here), pk=participant)
    page = Paginator(queries.entries_about(person), PAGE_ROWS).get_page(request.GET.get("page"))
    shown = {"here": here, "person": person, "page": page, "lines": queries.lines_about(page, actor)}
    return render(request, "participants/trail.html", shown)


@require_http_methods(GET_POST)
def correct_identity(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Correct who somebody is."""
    actor, here = require(request, Permission.CHANGE_IDENTITY, facility)
    person = get_object_or_404(queries.participants_at(here), pk=participant)
    identity = queries.identity_of(person)
    form = IdentityForm(request.POST or None, instance=identity, initial={"version": identity.version})
    stored = queries.identity_of(person)

    def act(given: Given) -> None:
        values = {name: value for name, value in given.items() if name not in ("version", "reason")}
        actions.correct_identity(
            identity=stored, version=given["version"], values=values, reason=given["reason"],
            by=actor, at=timezone.now(),
        )  # fmt: skip

    shown = words_for(here, person, "Correct who it is", "Save", reader=actor)
    return answer(request, form, act, shown=shown, said="Saved.", to=_page(here.slug, person), newest=stored)


@require_http_methods(GET_POST)
def enrol(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Enrol somebody, or say what is missing."""
    actor, here = require(request, Permission.ENROL, facility)
    person = get_object_or_404(queries.participants_at(here), pk=participant)
    randomisation = queries.randomisation_of(person.programme)
    form = EnrolForm(
        request.POST or None, protocol=protocol_of(person.protocol_version), randomisation=randomisation,
        initial={"version": person.version},
    )  # fmt: skip

    def act(given: Given) -> None:
        actions.enrol(
            participant=person, version=given["version"], arm=given.get("arm", ""),
            strata=form.strata(), by=actor, at=timezone.now(),
        )  # fmt: skip

    missing = obstacles(person, screening_of(person))
    lede = ""
    if randomisation:
        lede = "The next place on the list decides the arm. Nobody can look ahead, and it cannot be undone."
    ready = person.status == Participant.Status.ELIGIBLE and not missing
    shown = words_for(here, person, "Enrol", "Enrol", reader=actor, missing=missing, ready=ready, lede=lede)
    said, page = f"{person.pseudonym} is enrolled.", "participants/enrol.html"
    return answer(request, form, act, shown=shown, said=said, to=_page(here.slug, person), newest=person, page=page)


@require_http_methods(GET_POST)
def withdraw(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """End somebody's part before its time."""
    actor, here = require(request, Permission.ENROL, facility)
    person = get_object_or_404(queries.participants_at(here), pk=participant)
    form = ChangeFields(request.POST or None, initial={"version": person.version})
    form.fields["reason"].label = "Why, in a sentence"

    def act(given: Given) -> None:
        actions.withdraw(
            participant=person, version=given["version"], reason=given["reason"], by=actor,
            at=timezone.now(),
        )  # fmt: skip

    lede = (
        "What was recorded stays. No dose, visit or rating is recorded any more; side effects that come up later still "
        "are. It cannot be undone."
    )
    shown = words_for(here, person, "Withdraw", f"Withdraw {person.pseudonym}", reader=actor, lede=lede,
                      is_grave=True)  # fmt: skip
    said = f"{person.pseudonym} is withdrawn."
    return answer(request, form, act, shown=shown, said=said, to=_page(here.slug, person), newest=person)


@require_http_methods(GET_POST)
def complete(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Write down that somebody has gone through all of the programme."""
    actor, here = require(request, Permission.ENROL, facility)
    person = get_object_or_404(queries.participants_at(here), pk=participant)
    form = ChangeFields(request.POST or None, initial={"version": person.version})
    form.fields["reason"].label = "What the completion rests on"

    def act(given: Given) -> None:
        actions.complete(
            participant=person, version=given["version"], reason=given["reason"], by=actor,
            at=timezone.now(),
        )  # fmt: skip

    shown = words_for(
        here, person, "Complete", "Complete", reader=actor, lede="The programme is finished for this person."
    )
    said = f"{person.pseudonym} has completed."
    return answer(request, form, act, shown=shown, said=said, to=_page(here.slug, person), newest=person)


@require_http_methods(GET_POST)
def move_to_version(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Move somebody to another version of the protocol."""
    actor, here = require(request, Permission.ENROL, facility)
    person = get_object_or_404(queries.participants_at(here), pk=participant)
    versions = versions_in_force_at(here).filter(programme=person.programme).exclude(pk=person.protocol_version_id)
    form = MoveForm(request.POST or None, versions=versions, initial={"version": person.version})

    def act(given: Given) -> None:
        actions.move_to_version(
            participant=person, version=given["version"], to=given["to"],
            reason=given["reason"], by=actor, at=timezone.now(),
        )  # fmt: skip

    lede = f"{person.pseudonym} is on version {person.protocol_version.number}."
    if not versions:
        lede += " No other version is in force here."
    shown = words_for(here, person, "Move to another version", "Move", reader=actor, lede=lede,
                      without_form=not versions)  # fmt: skip
    return answer(request, form, act, shown=shown, said="Moved.", to=_page(here.slug, person), newest=person)


@require_http_methods(GET_POST)
def unblind(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Learn a masked arm in an emergency."""
    actor, here = require(request, Permission.UNBLIND, facility)
    person = get_object_or_404(queries.participants_at(here), pk=participant)
    form = UnblindForm(request.POST or None)

    def act(given: Given) -> None:
        now = timezone.now()
        proof = prove(request, user_of(actor), password=given["password"], code=given["code"], at=now)
        actions.unblind(participant=person, reason=given["reason"], proof=proof, by=actor, at=now)

    lede = "Only when treatment depends on it. You alone learn the arm; that you did is written down for good."
    shown = words_for(here, person, "Learn the masked arm", "Sign and show the arm", reader=actor, lede=lede,
                      meaning=actions.UNBLINDED)  # fmt: skip
    said = "The arm is shown below, to you alone."
    return answer(request, form, act, shown=shown, said=said, to=_page(here.slug, person))


@require_http_methods(GET_POST)
def invite(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Invite a participant to an account of their own; the link is shown once, to be handed over."""
    actor, here = require(request, Permission.CHANGE_IDENTITY, facility)
    person = get_object_or_404(queries.participants_at(here), pk=participant)
    shown = words_for(here, person, "An account for the participant", "Make the link", reader=actor)
    if request.method == "POST":
        try:
            letter = actions.invite(participant=person, by=actor, at=timezone.now())
        except Refused as refusal:
            shown["problem"] = f"{refusal.fault} {refusal.remedy or ''}"
        else:
            shown |= {"letter": letter, "link": link_to(letter, request)}
    return render(request, "participants/invite.html", shown)


@require_http_methods(GET_POST)
def offer_new_password(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Make a link to a new password for a participant who forgot theirs; it is shown once, to be handed over."""
    actor, here = require(request, Permission.CHANGE_IDENTITY, facility)
    person = get_object_or_404(queries.participants_at(here), pk=participant)
    shown = words_for(here, person, "A forgotten password", "Make the link", reader=actor)
    if request.method == "POST":
        try:
            link = erasure.offer_new_password(participant=person, by=actor, at=timezone.now())
        except Refused as refusal:
            shown["problem"] = f"{refusal.fault} {refusal.remedy or ''}"
        else:
            shown |= {"letter": link, "link": link_to_password(link, request)}
    return render(request, "participants/new_password.html", shown)


@require_http_methods(GET_POST)
def erase_identity(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Erase who a participant was."""
    actor, here = require(request, Permission.ERASE_IDENTITY, facility)
    person = get_object_or_404(queries.participants_at(here), pk=participant)
    identity = queries.identity_of(person)
    form = EraseForm(request.POST or None, pseudonym=person.pseudonym, initial={"version": identity.version})

    def act(given: Given) -> None:
        now = timezone.now()
        proof = prove(request, user_of(actor), password=given["password"], code=given["code"], at=now)
        erasure.erase_identity(
            participant=person, version=given["version"], reason=given["reason"], proof=proof, by=actor, at=now
        )

    lede = (
        "Name, birth date, contacts and account go for good, also from the trail; nobody can bring them back. What was "
        "done and found stays under the pseudonym. Check first what obliges you to keep it: the law on medical "
        "records, the sponsor, the ethics committee. Trials must often keep the list of who is who for many years."
    )
    if not person.has_ended:
        lede = "Somebody who takes part cannot be erased. Withdraw the participant first."
    shown = words_for(here, person, "Erase who it was", "Sign and erase for good", reader=actor, lede=lede,
                      meaning=erasure.ERASED, is_grave=True,
                      without_form=not person.has_ended or identity.erased_at is not None)  # fmt: skip
    said = "Who it was is erased."
    return answer(request, form, act, shown=shown, said=said, to=_page(here.slug, person), newest=identity)


@require_GET
def enrolment_set_up(request: HttpRequest, facility: str) -> HttpResponse:
    """Show, per programme, what people consent to and how arms are allocated."""
    actor, here = require(request, Permission.SEE_PROGRAMMES, facility)
    may_name = actor.may(Permission.SEE_PARTICIPANTS)
    programmes = [
        {
            "programme": programme,
            "document": (document := queries.consent_in_use(programme)),
            "asked_anew": queries.to_be_asked_anew(here, document) if document and may_name else (),
            "randomisation": queries.randomisation_of(programme),
            "is_too_late": queries.is_anybody_enrolled(programme),
            "leads": programme.lead_id == here.pk,
        }
        for programme in programmes_at(here)
    ]
    may_prepare = actor.may(Permission.PREPARE_PROGRAMME)
    return render(
        request, "participants/set_up.html", {"here": here, "programmes": programmes, "may_prepare": may_prepare}
    )


@require_http_methods(GET_POST)
def set_up_randomisation(request: HttpRequest, facility: str, programme: UUID) -> HttpResponse:
    """Set up how a programme allocates."""
    actor, here = require(request, Permission.PREPARE_PROGRAMME, facility)
    found = get_object_or_404(programmes_at(here), pk=programme, lead=here)
    version = versions_in_force_at(here).filter(programme=found).first()
    above: Given = {"above": "Enrolment", "above_at": reverse("enrolment_set_up", args=[here.slug])}
    shown = words_for(here, None, f"Randomisation of {found}", "Set it up", **above)
    if version is None:
        lede = "Sign a version of the protocol into force first."
        return render(request, "participants/form.html", {**shown, "lede": lede, "without_form": True})
    if queries.is_anybody_enrolled(found):
        return render(request, "participants/form.html", {**shown, "lede": TOO_LATE, "without_form": True})
    form = RandomisationForm(request.POST or None, protocol=protocol_of(version))

    def act(given: Given) -> None:
        actions.set_up_randomisation(protocol_version=version, **given, by=actor, at=timezone.now())

    shown["lede"] = (
        "Once this is set up nobody chooses an arm: the next place of the list decides. It cannot be changed."
    )
    said, to = "The list is set up. Nobody can see it.", reverse("enrolment_set_up", args=[here.slug])
    return answer(request, form, act, shown=shown, said=said, to=to)


def _page(slug: str, person: Participant) -> str:
    return reverse("participant", args=[slug, person.pk])
