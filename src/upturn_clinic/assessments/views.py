"""Pages about ratings. First line of each: the gate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from upturn import instruments
from upturn.errors import InputError
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.assessments import actions, queries
from upturn_clinic.assessments.drawing import NARROW, WIDE, draw
from upturn_clinic.assessments.due import Due
from upturn_clinic.assessments.forms import BESIDE, CorrectionForm, RatingForm, key_of_time, recall_of, time_of_key
from upturn_clinic.assessments.limits import LATE_SHOWN
from upturn_clinic.assessments.models import Rating
from upturn_clinic.assessments.own import own_page
from upturn_clinic.assessments.texts import Sheet, packs, sheet_of
from upturn_clinic.assessments.trend import change_in_words
from upturn_clinic.ground import dates
from upturn_clinic.ground.forms import ChangeFields
from upturn_clinic.ground.stretches import in_words
from upturn_clinic.participants.answering import Given, answer, words_for
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import identity_shown, participant_of, participants_at
from upturn_clinic.treatments.schedule import days_and_hours

__all__ = [
    "correct_rating", "enter_rating", "own", "rating", "ratings", "ratings_due", "scales", "score_rating",
    "strike_rating", "trends",
]  # fmt: skip

GET_POST = ["GET", "POST"]


@require_GET
def own(request: HttpRequest, facility: str) -> HttpResponse:
    """Show a participant their own page: when they are expected, what waits for them, what they agreed to."""
    actor, here = require(request, Permission.SEE_OWN_RECORD, facility)
    person = participant_of(actor.user) if actor.user else None
    shown: dict[str, Any] = {"here": here}
    if person is not None and person.facility == here:
        shown |= {"person": person, "own": own_page(person, now=timezone.now())}
    return render(request, "assessments/own.html", shown)


@require_GET
def ratings_due(request: HttpRequest, facility: str) -> HttpResponse:
    """List what is to be rated here today, what opens soon and what was missed; a rater sees blinded ratings alone."""
    actor, here = require(request, Permission.ENTER_RATINGS, facility)
    people = queries.due_at(here, at=timezone.now(), reader=actor)
    rows = [(one.participant, due) for one in people for due in one.dues]
    # What is to be done stands first; of what was missed, the newest.
    due = sorted((each for each in rows if each[1].state == "open"), key=lambda each: each[1].slot.latest)
    soon = sorted((each for each in rows if each[1].state == "later"), key=lambda each: each[1].slot.earliest)
    late = sorted(
        (each for each in rows if each[1].state == "late"), key=lambda each: each[1].slot.latest, reverse=True
    )
    parts = [("Due now", due), ("Opens by tomorrow", soon), (f"Missed in the last {LATE_SHOWN.days} days", late)]
    shown = {
        "here": here,
        "parts": parts,
        "sees_all": queries.may_see_all(actor),
        "may_rate": actor.may(Permission.RATE),
    }
    return render(request, "assessments/due.html", shown)


@require_GET
def scales(request: HttpRequest, facility: str) -> HttpResponse:
    """Say of each scale whose words are shown here, on which terms, and how it is scored."""
    _, here = require(request, Permission.SEE_RATINGS, facility)
    shown = [sheet_of(each) for each in instruments.all_ids() if instruments.get(each).items]
    return render(request, "assessments/scales.html", {"here": here, "sheets": shown, "packs": packs(),
                                                       "loinc_notice": instruments.LOINC_NOTICE})  # fmt: skip


@require_GET
def ratings(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Show what is due and what was rated, of one participant."""
    actor, here = require(request, Permission.SEE_RATINGS, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    dues = queries.due_for(person, at=timezone.now(), reader=actor)
    shown = {
        "here": here,
        "person": person,
        "identity": identity_shown(person, actor),
        "dues": dues,
        "counted": {due.rating.pk for due in dues if due.rating},
        "found": queries.ratings_of(person, actor),
        "may_enter": actor.may(Permission.ENTER_RATINGS) and not person.has_ended,
        "may_send": actor.may(Permission.SEND_QUESTIONNAIRES),
        "may_rate": actor.may(Permission.RATE),
        "sees_all": queries.may_see_all(actor),
    }
    return render(request, "assessments/ratings.html", shown)


@require_http_methods(GET_POST)
def enter_rating(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Choose an instrument, then enter its answers on one screen."""
    actor, here = require(request, Permission.ENTER_RATINGS, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    names = queries.scales_for(person, actor)
    chosen = request.GET.get("instrument", "")
    if not chosen:
        shown = {"here": here, "person": person, "identity": identity_shown(person, actor),
                 "sheets": [sheet_of(each) for each in names]}  # fmt: skip
        return render(request, "assessments/choose.html", shown)
    sheet = _sheet(chosen, names)
    dues = [due for due in queries.due_for(person, at=timezone.now(), reader=actor)
            if due.instrument == chosen and _may_enter(actor, due)]  # fmt: skip
    form = RatingForm(request.POST or None, sheet=sheet, dues=dues, initial=_initial(request, sheet, dues))
    saved: list[Rating] = []

    def act(given: Given) -> None:
        planned_h, kind = time_of_key(given["planned"])
        saved.append(
            actions.record_rating(
                participant=person, instrument=chosen, answers=form.answers(), rated_at=given["rated_at"],
                planned_h=planned_h, recall_h=given["recall_h"], mode=given["mode"],
                rater_kind=kind or _kind_beside(actor, sheet), missing_because=given["missing_because"], by=actor,
                at=timezone.now(),
            )
        )  # fmt: skip

    begun = next((due for due in dues if key_of_time(due) == form["planned"].value()), None)
    kinds = {_kind_beside(actor, sheet), *(due.rater_kind for due in dues if due.state != "done")}
    shown = _words(here, person, actor, sheet, f"Rate {chosen}", "Save the rating") | {
        "look_back": recall_of(begun, sheet),
        "is_not_blinded": Rating.Rater.BLINDED in kinds
        and queries.could_know_of_doses(actor, person, at=timezone.now()),
    }
    # Where it leads is known only when it is saved.
    to = reverse("ratings", args=[here.slug, person.pk])
    response = answer(request, form, act, shown=shown, said=f"{chosen} is saved.", to=to, page="assessments/enter.html")
    return redirect("rating", here.slug, saved[0].pk) if saved else response


@require_POST
def score_rating(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Score what is on screen, for the page that asks while somebody types; nothing is saved."""
    actor, here = require(request, Permission.ENTER_RATINGS, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    chosen = request.POST.get("instrument", "")
    if chosen not in queries.scales_for(person, actor):
        return render(request, "assessments/score.html", {})
    form = CorrectionForm(request.POST, sheet=sheet_of(chosen))
    form.is_valid()
    score = instruments.score(chosen, form.answers())
    return render(request, "assessments/score.html", _result(person, actor, chosen, score.total, score=score))


@require_GET
def rating(request: HttpRequest, facility: str, rating: UUID) -> HttpResponse:
    """Show one rating with each answer."""
    actor, here = require(request, Permission.SEE_RATINGS, facility)
    found = get_object_or_404(queries.rating_at(here, rating, actor))
    sheet, score = sheet_of(found.instrument), instruments.score(found.instrument, found.answers)
    answered = [(item, found.answers.get(item.id)) for item in sheet.items]
    needed = Permission.RATE if found.rater_kind == Rating.Rater.BLINDED else Permission.ENTER_RATINGS
    total = None if found.total is None else float(found.total)
    shown = {
        "here": here, "person": found.participant, "identity": identity_shown(found.participant, actor),
        "rating": found, "sheet": sheet,
        "answered": [(item, value, item.answers.get(value, "")) for item, value in answered],
        "asked_for": _asked_for(found, actor),
        "may_correct": actor.may(Permission.ENTER_RATINGS) and actor.may(needed) and found.counts,
        **_result(found.participant, actor, found.instrument, total, score=score),
    }  # fmt: skip
    return render(request, "assessments/rating.html", shown)


@require_http_methods(GET_POST)
def correct_rating(request: HttpRequest, facility: str, rating: UUID) -> HttpResponse:
    """Enter a rating anew; the earlier one stays, struck out."""
    actor, here = require(request, Permission.ENTER_RATINGS, facility)
    found = get_object_or_404(queries.rating_at(here, rating, actor))
    sheet = sheet_of(found.instrument)
    initial = {f"item_{item}": value for item, value in found.answers.items()} | {
        "rated_at": timezone.localtime(found.rated_at), "missing_because": found.missing_because,
        "version": found.version,
    }  # fmt: skip
    form = CorrectionForm(request.POST or None, sheet=sheet, initial=initial)
    saved: list[Rating] = []

    def act(given: Given) -> None:
        saved.append(
            actions.correct_rating(
                rating=found, version=given["version"], answers=form.answers(), rated_at=given["rated_at"],
                missing_because=given["missing_because"], reason=given["reason"], by=actor, at=timezone.now(),
            )
        )  # fmt: skip

    shown = _words(here, found.participant, actor, sheet, f"Correct {_which(found)}", "Save the correction") | {
        "look_back": found.recall_h,
        "is_not_blinded": found.rater_kind == Rating.Rater.BLINDED
        and queries.could_know_of_doses(actor, found.participant, at=timezone.now()),
    }
    to = reverse("ratings", args=[here.slug, found.participant_id])
    page = "assessments/enter.html"
    response = answer(request, form, act, shown=shown, said="The rating is corrected.", to=to, newest=found, page=page)
    return redirect("rating", here.slug, saved[0].pk) if saved else response


@require_http_methods(GET_POST)
def strike_rating(request: HttpRequest, facility: str, rating: UUID) -> HttpResponse:
    """Strike out a rating that was entered by mistake."""
    actor, here = require(request, Permission.ENTER_RATINGS, facility)
    found = get_object_or_404(queries.rating_at(here, rating, actor))
    form = ChangeFields(request.POST or None, initial={"version": found.version})
    form.fields["reason"].label = "Why it is struck out"

    def act(given: Given) -> None:
        actions.strike_rating(
            rating=found, version=given["version"], reason=given["reason"], by=actor, at=timezone.now()
        )

    shown = words_for(here, found.participant, f"Strike out {_which(found)}", "Strike out", reader=actor, rating=found)
    to = reverse("ratings", args=[here.slug, found.participant_id])
    page = "assessments/strike.html"
    return answer(request, form, act, shown=shown, said="Struck out.", to=to, newest=found, page=page)


@require_GET
def trends(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Draw every scale over time, with the protocol's definitions; doses only for who may know of them."""
    actor, here = require(request, Permission.SEE_RATINGS, facility)
    person = get_object_or_404(participants_at(here), pk=participant)
    found = queries.trends_of(person, actor)
    doses = []
    if actor.may(Permission.SEE_DOSES):
        doses = [each.given_at for each in queries.given_doses(person) if each.given_at]
    drawn = []
    for trend in found:
        scale = instruments.get(trend.instrument)
        wide, narrow = (
            draw(trend, least=scale.total.least, most=scale.total.most, doses=doses, zone=here.zone, shape=shape)
            for shape in (WIDE, NARROW)
        )
        drawn.append((trend, wide, narrow, scale))
    shown = {"here": here, "person": person, "identity": identity_shown(person, actor), "drawn": drawn,
             "sees_doses": actor.may(Permission.SEE_DOSES),
             "sees_all": queries.may_see_all(actor)}  # fmt: skip
    return render(request, "assessments/trends.html", shown)


def _sheet(chosen: str, names: tuple[str, ...]) -> Sheet:
    if chosen not in names:
        raise Http404
    try:
        return sheet_of(chosen)
    except InputError as error:
        raise Http404 from error


def _initial(request: HttpRequest, sheet: Sheet, dues: list[Any]) -> Given:
    """Begin with what was asked for, else with what is due now."""
    keys = [key_of_time(due) for due in dues if due.state != "done"]
    now = [key_of_time(due) for due in dues if due.state == "open"]
    asked = request.GET.get("planned", "")
    planned = asked if asked in keys else (now[0] if now else BESIDE)
    usual = Rating.Mode.PAPER if sheet.instrument.modes[0] == "self" else Rating.Mode.INTERVIEW
    return {"planned": planned, "rated_at": timezone.localtime().replace(second=0, microsecond=0), "mode": usual}


def _may_enter(actor: Actor, due: Due) -> bool:
    """Tell whether somebody may enter what is due: a blinded rating only who rates."""
    return due.rater_kind != Rating.Rater.BLINDED or actor.may(Permission.RATE)


def _which(found: Rating) -> str:
    """Say which of somebody's ratings it is: of when, and its total."""
    total = "no total" if found.total is None else f"{found.total.normalize():f}"
    return f"{found.instrument} of {dates.moment(found.rated_at)} ({total})"


def _asked_for(found: Rating, actor: Actor) -> str:
    """Say for which time of the protocol a rating is; who must not know of doses reads what raters are told."""
    if found.planned_h is None:
        dues = queries.due_for(found.participant, at=timezone.now(), reader=actor)
        counted = next((due for due in dues if due.rating and due.rating.pk == found.pk), None)
        if counted is None:
            return "not entered for a time of the protocol"
        return f"entered without a time; counted for that of {dates.moment(counted.slot.target)}"
    if actor.may(Permission.SEE_DOSES):
        return f"by the protocol, {in_words(found.planned_h)} after the first dose"
    day, hours = days_and_hours(found.planned_h)
    return f"by the protocol, day {day}{f', {in_words(hours)}' if hours else ''}"


def _kind_beside(actor: Actor, sheet: Sheet) -> str:
    """Say who rates what the protocol did not ask for."""
    if not queries.may_see_all(actor):
        return Rating.Rater.BLINDED
    return Rating.Rater.SELF if sheet.instrument.modes[0] == "self" else Rating.Rater.TREATING


def _words(here: Facility, person: Participant, reader: Actor, sheet: Sheet, title: str, verb: str) -> Given:
    return {**words_for(here, person, title, verb, reader=reader), "sheet": sheet,
            "to_score": reverse("score_rating", args=[here.slug, person.pk])}  # fmt: skip


def _result(person: Participant, actor: Actor, instrument: str, total: float | None, *, score: Any) -> Given:
    """Gather what the box with the total shows: band, change from baseline, parts, what is missing."""
    baseline = queries.baseline_for(person, instrument, actor)
    change = None if total is None or baseline is None else total - float(baseline.value)
    percent = None if change is None or not baseline or not baseline.value else 100 * change / float(baseline.value)
    return {"score": score, "total": total, "scale": instruments.get(instrument), "baseline": baseline,
            "sees_doses": actor.may(Permission.SEE_DOSES), "has_begun": queries.first_given_at(person) is not None,
            "change": None if change is None else change_in_words(change, percent)}  # fmt: skip
