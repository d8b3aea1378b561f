"""Pages about links: staff makes them and takes them back; whoever holds one answers, without a log-in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.core.internal import ratelimit
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from upturn import instruments
from upturn_clinic.accounts.actor import system
from upturn_clinic.accounts.gate import require, require_nobody
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.assessments.judging import Answers, asks_for_help, left_open
from upturn_clinic.assessments.limits import WRONG_LINKS
from upturn_clinic.assessments.links import actions, queries
from upturn_clinic.assessments.links.forms import LinkForm
from upturn_clinic.assessments.links.picture import square_of
from upturn_clinic.assessments.models import LinkedQuestionnaire, SelfRatingLink
from upturn_clinic.assessments.queries import due_for
from upturn_clinic.assessments.texts import sheet_of
from upturn_clinic.ground.busy import is_busy
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ground.forms import ChangeFields, tell
from upturn_clinic.pages.crisis import crisis_help
from upturn_clinic.participants.answering import Given, answer, words_for
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import identity_shown, participants_at

__all__ = ["links", "revoke_link", "self_rating"]

GET_POST = ["GET", "POST"]
CLOSED, TOO_OFTEN, SEE_OTHER, BUSY = 404, 429, 303, 503
WRONG = "wrong_link"


@require_http_methods(GET_POST)
def links(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Make a link, shown this once; and list those that were made."""
    actor, here = require(request, Permission.SEND_QUESTIONNAIRES, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    shown: Given = {"here": here, "person": person, "identity": identity_shown(person, actor)}
    choices, due = _choices(person)
    form = LinkForm(request.POST or None, choices=choices, initial={"instruments": due})
    if request.method == "POST" and form.is_valid():
        try:
            link, token = actions.make_link(participant=person, **form.cleaned_data, by=actor, at=timezone.now())
        except Refused as refusal:
            tell(form, refusal)
        else:
            address = request.build_absolute_uri(reverse("self_rating", args=[token]))
            shown |= {"link": link, "address": address, "square": square_of(address)}
            return render(request, "assessments/link_made.html", shown)
    now = timezone.now()
    found = [(link, link.is_open(now)) for link in queries.links_of(person)]
    shown |= {"form": form, "found": found, "may_make": not person.has_ended,
              "names_results": actor.may(Permission.SEE_CLINICAL_RECORD)}  # fmt: skip
    return render(request, "assessments/links.html", shown)


@require_http_methods(GET_POST)
def revoke_link(request: HttpRequest, facility: str, participant: UUID, link: UUID) -> HttpResponse:
    """Take a link back."""
    actor, here = require(request, Permission.SEND_QUESTIONNAIRES, facility)
    found = get_object_or_404(SelfRatingLink, pk=link, participant=participant, participant__facility=here)
    form = ChangeFields(request.POST or None, initial={"version": found.version})
    form.fields["reason"].label = "Why it is taken back"

    def act(given: Given) -> None:
        actions.revoke_link(link=found, version=given["version"], reason=given["reason"], by=actor, at=timezone.now())

    shown = words_for(here, found.participant, "Take the link back", "Take back", reader=actor,
                      lede="It opens nothing any more. What was sent with it stays.")  # fmt: skip
    to = reverse("self_rating_links", args=[here.slug, found.participant_id])
    return answer(request, form, act, shown=shown, said="The link is taken back.", to=to, newest=found)


@csrf_exempt
@require_http_methods(GET_POST)
def self_rating(request: HttpRequest, token: str) -> HttpResponse:
    """Let whoever holds a link answer its questionnaires, one after the other; help comes before anything else.

    The link itself is what another site cannot know. A form's token would only be one more thing that grows old, when
    somebody logs in on another tab or a browser keeps no cookies, and then nobody would hear of the answers.
    """
    require_nobody(request)
    now = timezone.now()
    # Nobody tries links for long: once too many were wrong, even a right one waits.
    if not _may_try(request, token):
        return _shown(request, "assessments/self_closed.html", {"too_often": True}, status=TOO_OFTEN)
    link = queries.link_of(token, now=now)
    if link is None:
        late = queries.late_link_of(token, now=now) if request.method == "POST" else None
        return _closed(request) if late is None else _received_late(request, late)
    if request.method == "POST":
        return _received(request, link, token)
    here = link.participant.facility
    timezone.activate(here.zone)
    shown: Given = {"place": here, "crisis": crisis_help(here.country, here.crisis_help)}
    if queries.help_to_read(link) is not None:
        return _shown(request, "assessments/self_help.html", shown)
    asked = queries.next_questionnaire(link)
    if asked is None:
        return _shown(request, "assessments/self_done.html", shown)
    return _questions(request, link, asked, {})


def _questions(
    request: HttpRequest, link: SelfRatingLink, asked: LinkedQuestionnaire, answers: Answers,
    left: tuple[str, ...] = (), *, status: int = 200, **more: Any,
) -> HttpResponse:  # fmt: skip
    """Show a sheet; with what was sent already, where it could not be saved or something is asked about once more."""
    here, sheet = link.participant.facility, sheet_of(asked.instrument)
    helping = sheet.instrument.alerts.items if sheet.instrument.alerts else {}
    shown = {
        "place": here, "crisis": crisis_help(here.country, here.crisis_help), "asked": asked, "sheet": sheet,
        "rows": [(item, answers.get(item.id), helping.get(item.id)) for item in sheet.items], "left": left,
        "is_empty": not answers, "number": asked.position + 1,
        "count": LinkedQuestionnaire.objects.filter(link=link).count(), **more,
    }  # fmt: skip
    return _shown(request, "assessments/self_questions.html", shown, status=status)


def _received(request: HttpRequest, link: SelfRatingLink, token: str) -> HttpResponse:
    try:
        return _taken(request, link, token)
    except OperationalError as error:
        if not is_busy(error):
            raise
        return _busy(request, link)


def _taken(request: HttpRequest, link: SelfRatingLink, token: str) -> HttpResponse:
    """Save what was sent, once; then lead on by a fresh page, so that reloading sends nothing again."""
    here, now = link.participant.facility, timezone.now()
    by = system(here)
    onwards = HttpResponseRedirect(reverse("self_rating", args=[token]), status=SEE_OTHER)
    if "read" in request.POST:
        waiting = queries.help_to_read(link)
        if waiting is not None:
            actions.read_help(link=link, instrument=waiting.instrument, by=by, at=now)
        return _kept_quiet(onwards)
    name = request.POST.get("instrument", "")
    asked = queries.held_questionnaire(link, name)
    if asked is None:
        return _kept_quiet(onwards)
    answers = _answers(request, name)
    left = () if asked.sent_at or request.POST.get("left_out") else left_open(link.participant, name, answers)
    if left:
        return _questions(request, link, asked, answers, left)
    try:
        rating = actions.answer_by_link(link=link, instrument=name, answers=answers, by=by, at=now)
    except Refused:
        # It could not be taken: the link closed meanwhile, or the person has left. Help is offered all the same.
        return _too_late(request, link, name)
    if rating is None and (changed := _changed(request, link, name, answers)):
        return changed
    return _kept_quiet(onwards)


def _received_late(request: HttpRequest, link: SelfRatingLink) -> HttpResponse:
    """Answer what comes after a link ran out. What was recorded in time is told so: only its answer got lost."""
    here, now = link.participant.facility, timezone.now()
    shown: Given = {"place": here, "crisis": crisis_help(here.country, here.crisis_help)}
    if "read" in request.POST:
        waiting = queries.help_to_read(link)
        if waiting is not None:
            actions.read_help(link=link, instrument=waiting.instrument, by=system(here), at=now)
            return _shown(request, "assessments/self_done.html", shown)
        return _closed(request)
    name = request.POST.get("instrument", "")
    asked = queries.held_questionnaire(link, name)
    if asked is None:
        return _closed(request)
    if asked.sent_at is not None:
        answers = _answers(request, name)
        if changed := _changed(request, link, name, answers):
            return changed
        needs_help = asked.needs_help and asked.help_read_at is None
        return _shown(request, f"assessments/self_{'help' if needs_help else 'done'}.html", shown)
    return _too_late(request, link, name)


def _changed(request: HttpRequest, link: SelfRatingLink, name: str, answers: Answers) -> HttpResponse | None:
    """Tell the team what asks for somebody only since an answer was changed, after the sheet was recorded.

    Nothing had said to the participant that it was. They are offered help where the answers ask for it.
    """
    asked = queries.held_questionnaire(link, name)
    if asked is None or not queries.asks_anew(asked, answers):
        return None
    here, now = link.participant.facility, timezone.now()
    is_told = actions.answer_too_late(link=link, instrument=name, answers=answers, by=system(here), at=now)
    if not asks_for_help(link.participant, name, answers):
        return None
    shown = {"crisis": crisis_help(here.country, here.crisis_help), "place": here, "is_told": is_told,
             "is_open": link.is_open(now)}  # fmt: skip
    return _shown(request, "assessments/self_changed.html", shown)


def _busy(request: HttpRequest, link: SelfRatingLink) -> HttpResponse:
    """Say that nothing could be saved now. What was sent stands on the page, to be sent again.

    Help comes first where answers ask for it, though nobody could be told.
    """
    here, name = link.participant.facility, request.POST.get("instrument", "")
    asked = queries.held_questionnaire(link, name)
    if asked is None:
        # That help was read: all else that is sent is a sheet of this link.
        shown = {"place": here, "crisis": crisis_help(here.country, here.crisis_help), "is_busy": True}
        return _shown(request, "assessments/self_help.html", shown, status=BUSY)
    answers = _answers(request, name)
    return _questions(
        request, link, asked, answers, status=BUSY, is_busy=True, left_out=request.POST.get("left_out", ""),
        asks_for_help=asks_for_help(link.participant, name, answers),
    )  # fmt: skip


def _closed(request: HttpRequest) -> HttpResponse:
    return _shown(request, "assessments/self_closed.html", {}, status=CLOSED)


def _too_late(request: HttpRequest, link: SelfRatingLink, name: str) -> HttpResponse:
    """Say that answers came too late to be recorded; help is shown, and the team told, where they ask for it."""
    here, answers = link.participant.facility, _answers(request, name)
    is_told = actions.answer_too_late(
        link=link, instrument=name, answers=answers, by=system(here), at=timezone.now()
    )  # fmt: skip
    shown = {"crisis": crisis_help(here.country, here.crisis_help), "place": here, "not_saved": True,
             "is_told": is_told, "asks_for_help": asks_for_help(link.participant, name, answers)}  # fmt: skip
    return _shown(request, "assessments/self_closed.html", shown, status=CLOSED)


def _answers(request: HttpRequest, name: str) -> dict[str, int]:
    """Read the answers; what is no answer of an item is left out."""
    found: dict[str, int] = {}
    for item in sheet_of(name).items:
        allowed = {str(value): value for value in item.values}
        sent = request.POST.get(f"item_{item.id}", "")
        if sent in allowed:
            found[item.id] = allowed[sent]
    return found


def _choices(person: Participant) -> tuple[list[tuple[str, str]], list[str]]:
    """List what can be asked by link, those that are due first; and which are due."""
    alone = [each for each in instruments.all_ids() if instruments.get(each).items and _is_alone(each)]
    due = [each.instrument for each in due_for(person, at=timezone.now())
           if each.rater_kind == "self" and each.state == "open" and each.instrument in alone]  # fmt: skip
    order = sorted(alone, key=lambda each: (each not in due, each))
    names = [(each, f"{each}: {instruments.get(each).name}{' (due now)' if each in due else ''}") for each in order]
    return names, list(dict.fromkeys(due))


def _is_alone(instrument: str) -> bool:
    return sheet_of(instrument).may_be_answered_alone


def _may_try(request: HttpRequest, token: str) -> bool:
    """Count what was never a link of ours, from one address; attempts are limited as those of log-in are."""
    config, counted = {WRONG: WRONG_LINKS}, not queries.is_ours(token)
    return bool(
        ratelimit.consume(
            request, app="upturn_clinic", action=WRONG, config=config, limit_get=True, dry_run=not counted
        )
    )


def _shown(request: HttpRequest, page: str, shown: Given, *, status: int = 200) -> HttpResponse:
    return _kept_quiet(render(request, page, shown, status=status))


def _kept_quiet(response: HttpResponse) -> HttpResponse:
    """Let the browser tell nobody the address it was at: files of this page are asked for without it."""
    response.headers["Referrer-Policy"] = "strict-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
