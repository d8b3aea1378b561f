"""Pages of screening, history, measures and consent. First line of each: the gate."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import prove
from upturn_clinic.ground import dates
from upturn_clinic.ground.forms import ChangeFields
from upturn_clinic.participants.answering import Given, answer, user_of, words_for
from upturn_clinic.participants.models import Consent, ConsentDocument, CriterionResult, Measure, Participant
from upturn_clinic.participants.queries import consent_in_use, consenting, latest_measure, participants_at
from upturn_clinic.participants.screening import actions
from upturn_clinic.participants.screening.forms import (
    AssessForm,
    ConsentDocumentForm,
    ConsentForm,
    DecideForm,
    MeasureForm,
    OverrideForm,
    TrialChangeForm,
    TrialForm,
    VersionForm,
    WeightForm,
)
from upturn_clinic.participants.screening.queries import obstacles_in_screening, screening_of
from upturn_clinic.programmes.queries import programmes_at

__all__ = [
    "assess", "change_trial", "conclude", "consent_document", "decide", "override", "publish_consent_document",
    "record_consent", "record_measure", "record_trial", "record_weight", "strike_measure", "withdraw_consent",
]  # fmt: skip

GET_POST = ["GET", "POST"]


@require_http_methods(GET_POST)
def assess(request: HttpRequest, facility: str, participant: UUID, criterion: str) -> HttpResponse:
    """Answer one criterion, or answer it again."""
    actor, here = require(request, Permission.SCREEN, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    screening = screening_of(person)
    standing = screening.standing(criterion)
    if standing is None:
        raise Http404
    # A stale answer, to other words, is still the record that changes.
    saved = CriterionResult.objects.filter(participant=person, criterion=criterion).first()
    initial: Given = {"version": saved.version if saved else 0}
    if standing.result:
        initial |= {"finding": standing.result.finding, "evidence": standing.result.evidence,
                    "source": standing.result.source}  # fmt: skip
    sent_version = request.POST.get("version", "")
    form = AssessForm(request.POST or None, again=saved is not None and sent_version != "0", initial=initial)

    def act(given: Given) -> None:
        actions.assess(
            participant=person, criterion=criterion, version=given["version"], finding=given["finding"],
            evidence=given["evidence"], source=given["source"], reason=given.get("reason", ""), by=actor,
            at=timezone.now(),
        )  # fmt: skip

    shown = words_for(here, person, "Answer a criterion", "Save", reader=actor, standing=standing, screening=screening)
    page = "participants/assess.html"
    return answer(request, form, act, shown=shown, said="Answered.", to=_page(here.slug, person), page=page,
                  newest=saved)  # fmt: skip


@require_http_methods(GET_POST)
def decide(request: HttpRequest, facility: str, participant: UUID, criterion: str) -> HttpResponse:
    """Go on although a soft criterion is present."""
    actor, here = require(request, Permission.SCREEN, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    screening = screening_of(person)
    standing = screening.standing(criterion)
    if standing is None or standing.result is None:
        raise Http404
    result = standing.result
    form = DecideForm(request.POST or None, initial={"version": result.version})

    def act(given: Given) -> None:
        actions.decide(result=result, version=given["version"], reason=given["reason"], by=actor, at=timezone.now())

    shown = words_for(here, person, "Decide to go on", "Decide", reader=actor, standing=standing, screening=screening)
    page = "participants/assess.html"
    return answer(request, form, act, shown=shown, said="Decided.", to=_page(here.slug, person), page=page)


@require_http_methods(GET_POST)
def override(request: HttpRequest, facility: str, participant: UUID, criterion: str) -> HttpResponse:
    """Override a hard criterion, with reason and signature."""
    actor, here = require(request, Permission.OVERRIDE_CRITERION, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    standing = screening_of(person).standing(criterion)
    if standing is None or standing.result is None:
        raise Http404
    result = standing.result
    form = OverrideForm(request.POST or None, initial={"version": result.version})

    def act(given: Given) -> None:
        now = timezone.now()
        proof = prove(request, user_of(actor), password=given["password"], code=given["code"], at=now)
        actions.override(result=result, version=given["version"], reason=given["reason"], proof=proof, by=actor, at=now)

    shown = words_for(here, person, "Override a hard criterion", "Sign and override", reader=actor, standing=standing,
                      meaning=actions.OVERRIDDEN)  # fmt: skip
    page = "participants/assess.html"
    return answer(request, form, act, shown=shown, said="Overridden.", to=_page(here.slug, person), page=page)


@require_http_methods(GET_POST)
def conclude(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Call somebody eligible."""
    actor, here = require(request, Permission.SCREEN, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    form = VersionForm(request.POST or None, initial={"version": person.version})

    def act(given: Given) -> None:
        actions.conclude(participant=person, version=given["version"], by=actor, at=timezone.now())

    missing = obstacles_in_screening(screening_of(person))
    ready = person.status == Participant.Status.SCREENING and not missing
    lede = f"Every criterion is answered and none stops. {person.pseudonym} becomes eligible and can be enrolled."
    shown = words_for(
        here, person, "Conclude the screening", "Conclude", reader=actor, missing=missing, ready=ready, lede=lede
    )
    said, page = f"{person.pseudonym} is eligible.", "participants/enrol.html"
    return answer(request, form, act, shown=shown, said=said, to=_page(here.slug, person), newest=person, page=page)


@require_http_methods(GET_POST)
def record_trial(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Write down an earlier treatment."""
    actor, here = require(request, Permission.SCREEN, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    form = TrialForm(request.POST or None)

    def act(given: Given) -> None:
        actions.record_trial(participant=person, values=given, by=actor, at=timezone.now())

    shown = words_for(here, person, "An earlier treatment", "Save", reader=actor)
    return answer(request, form, act, shown=shown, said="Recorded.", to=_page(here.slug, person))


@require_http_methods(GET_POST)
def change_trial(request: HttpRequest, facility: str, participant: UUID, trial: UUID) -> HttpResponse:
    """Correct an earlier treatment, or strike it out."""
    actor, here = require(request, Permission.SCREEN, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    found = get_object_or_404(person.trials, pk=trial)
    stored = get_object_or_404(person.trials, pk=trial)
    initial = {"version": found.version, "struck": found.struck_at is not None}
    form = TrialChangeForm(request.POST or None, instance=found, initial=initial)

    def act(given: Given) -> None:
        values = {name: value for name, value in given.items() if name not in ("version", "struck", "reason")}
        actions.change_trial(
            trial=stored, version=given["version"], values=values, struck=given["struck"],
            reason=given["reason"], by=actor, at=timezone.now(),
        )  # fmt: skip

    shown = words_for(here, person, "Correct an earlier treatment", "Save", reader=actor)
    return answer(request, form, act, shown=shown, said="Saved.", to=_page(here.slug, person), newest=stored)


@require_http_methods(GET_POST)
def record_measure(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Write down a value measured before treatment."""
    actor, here = require(request, Permission.SCREEN, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    initial = {"measured_at": timezone.localtime().replace(second=0, microsecond=0)}
    form = MeasureForm(request.POST or None, wanted=screening_of(person).wanted, initial=initial)

    def act(given: Given) -> None:
        actions.record_measure(participant=person, **given, by=actor, at=timezone.now())

    shown = words_for(here, person, "A measure before treatment", "Save", reader=actor)
    page = "participants/measure.html"
    return answer(request, form, act, shown=shown, said="Recorded.", to=_page(here.slug, person), page=page)


@require_http_methods(GET_POST)
def record_weight(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Write down a body weight, at any visit: who runs sessions may, since doses follow from it."""
    actor, here = require(request, Permission.WEIGH, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    form = WeightForm(
        request.POST or None, initial={"measured_at": timezone.localtime().replace(second=0, microsecond=0)}
    )

    def act(given: Given) -> None:
        actions.record_measure(
            participant=person, instrument=actions.WEIGHT, **given, recall_h=None, by=actor, at=timezone.now()
        )

    known = latest_measure(person, actions.WEIGHT)
    known_on = dates.day(timezone.localtime(known.at)) if known else ""
    lede = f"The last one is {known.reading}, of {known_on}." if known else "None is recorded yet."
    shown = words_for(here, person, "Body weight", "Save", reader=actor,
                      lede=f"{lede} Doses by weight that are still to be given follow the newest one.")  # fmt: skip
    return answer(request, form, act, shown=shown, said="Recorded.", to=_page(here.slug, person))


@require_http_methods(GET_POST)
def strike_measure(request: HttpRequest, facility: str, participant: UUID, measure: UUID) -> HttpResponse:
    """Strike out a value entered by mistake."""
    actor, here = require(request, Permission.SCREEN, facility)
    found = get_object_or_404(Measure, pk=measure, participant=participant, participant__facility=here)
    form = ChangeFields(request.POST or None, initial={"version": found.version})

    def act(given: Given) -> None:
        actions.strike_measure(
            measure=found, version=given["version"], reason=given["reason"], by=actor, at=timezone.now()
        )

    shown = words_for(here, found.participant, f"Strike out {found}", "Strike out", reader=actor, is_grave=True,
                      lede="The value stays in the record, struck out. Enter the right one anew.")  # fmt: skip
    to = _page(here.slug, found.participant)
    return answer(request, form, act, shown=shown, said="Struck out.", to=to, newest=found)


@require_http_methods(GET_POST)
def record_consent(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Write down that somebody consented to the document in use."""
    actor, here = require(request, Permission.RECORD_CONSENT, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    document = consent_in_use(person.programme)
    shown = words_for(
        here, person, "Record consent", "Record", reader=actor, document=document, without_form=document is None
    )
    if document is None:
        lede = "The programme has no consent document yet."
        return render(request, "participants/form.html", {**shown, "lede": lede})
    initial = {"given_at": timezone.localtime().replace(second=0, microsecond=0)}
    form = ConsentForm(request.POST or None, initial=initial)

    def act(given: Given) -> None:
        actions.record_consent(participant=person, document=document, **given, by=actor, at=timezone.now())

    return answer(request, form, act, shown=shown, said="Consent is recorded.", to=_page(here.slug, person))


@require_http_methods(GET_POST)
def withdraw_consent(request: HttpRequest, facility: str, participant: UUID, consent: UUID) -> HttpResponse:
    """Write down that somebody takes their consent back."""
    actor, here = require(request, Permission.RECORD_CONSENT, facility)
    mine = Consent.objects.select_related("participant", "document")
    found = get_object_or_404(mine, pk=consent, participant=participant, participant__facility=here)
    form = ChangeFields(request.POST or None, initial={"version": found.version})
    form.fields["reason"].label = "What they said"

    def act(given: Given) -> None:
        actions.withdraw_consent(
            consent=found, version=given["version"], reason=given["reason"], by=actor, at=timezone.now()
        )

    shown = words_for(here, found.participant, "Consent is taken back", "Record", reader=actor,
                      lede="Once it is recorded, no dose may begin, and nothing more is done for the programme but to "
                           "write down side effects.",
                      is_grave=True)  # fmt: skip
    to = _page(here.slug, found.participant)
    said = "Consent is taken back. No dose may begin."
    return answer(request, form, act, shown=shown, said=said, to=to, newest=found)


@require_GET
def consent_document(request: HttpRequest, facility: str, document: UUID) -> HttpResponse:
    """Show one version of what people consent to, word for word, to read or to print."""
    _, here = require(request, Permission.SEE_PROGRAMMES, facility)
    readable = ConsentDocument.objects.filter(programme__in=programmes_at(here)).select_related("programme")
    found = get_object_or_404(readable, pk=document)
    versions = readable.filter(programme=found.programme)
    shown = {"here": here, "document": found, "versions": versions, "in_use": consent_in_use(found.programme)}
    return render(request, "participants/consent_document.html", shown)


@require_http_methods(GET_POST)
def publish_consent_document(request: HttpRequest, facility: str, programme: UUID) -> HttpResponse:
    """Put a new version of what people consent to into use."""
    actor, here = require(request, Permission.PREPARE_PROGRAMME, facility)
    found = get_object_or_404(programmes_at(here), pk=programme, lead=here)
    before = consent_in_use(found)
    initial = {"title": before.title, "text": before.text} if before else {}
    form = ConsentDocumentForm(request.POST or None, initial=initial)

    def act(given: Given) -> None:
        actions.publish_consent_document(
            programme=found, title=given["title"], text=given["text"], by=actor, at=timezone.now()
        )

    number = before.number + 1 if before else 1
    lede = f"Once it is in use, whoever consents to {found} consents to version {number}, at every facility."
    if asked := consenting(here, found).count():
        lede += f" {asked} {'person' if asked == 1 else 'people'} here consented to an earlier version and must be "
        lede += "asked anew: until they consent again, what they consented to stays the earlier one. Their pages say "
        lede += "so; doses are not held back."
    title = "A new version of the consent document" if before else "The consent document"
    above: Given = {"above": "Enrolment", "above_at": reverse("enrolment_set_up", args=[here.slug])}
    shown = words_for(here, None, f"{title}: {found}", f"Put version {number} into use", lede=lede, **above)
    return answer(request, form, act, shown=shown, said="The document is in use.",
                  to=reverse("enrolment_set_up", args=[here.slug]))  # fmt: skip


def _page(slug: str, person: Participant) -> str:
    return reverse("participant", args=[slug, person.pk])
