"""Addresses of plans, doses, visits and other treatment."""

from __future__ import annotations

from django.urls import path

from upturn_clinic.treatments import views
from upturn_clinic.treatments.others import views as others
from upturn_clinic.treatments.raters import views as raters
from upturn_clinic.treatments.watch import views as watch

urlpatterns = [
    path("at/<slug:facility>/upcoming/", views.upcoming, name="upcoming"),
    path("at/<slug:facility>/participants/<uuid:participant>/plan/", views.plan, name="plan"),
    path("at/<slug:facility>/participants/<uuid:participant>/plan/make/", views.make_plan, name="make_plan"),
    path("at/<slug:facility>/participants/<uuid:participant>/plan/renew/", views.renew_plan, name="renew_plan"),
    path("at/<slug:facility>/participants/<uuid:participant>/plan/raters/", raters.tell_raters, name="tell_raters"),
    path("at/<slug:facility>/participants/<uuid:participant>/plan/booster/", views.plan_booster, name="plan_booster"),
    path(
        "at/<slug:facility>/participants/<uuid:participant>/plan/booster/decide/",
        views.decide_booster,
        name="decide_booster",
    ),
    path("at/<slug:facility>/doses/<uuid:dose>/give/", views.give_dose, name="give_dose"),
    path("at/<slug:facility>/doses/<uuid:dose>/move/", views.move_dose, name="move_dose"),
    path("at/<slug:facility>/doses/<uuid:dose>/end/", views.end_dose, name="end_dose"),
    path("at/<slug:facility>/visits/<uuid:visit>/attend/", views.attend_visit, name="attend_visit"),
    path("at/<slug:facility>/visits/<uuid:visit>/move/", views.move_visit, name="move_visit"),
    path("at/<slug:facility>/visits/<uuid:visit>/end/", views.end_visit, name="end_visit"),
    path("at/<slug:facility>/participants/<uuid:participant>/others/", others.others, name="others"),
    path(
        "at/<slug:facility>/participants/<uuid:participant>/others/treatments/new/",
        others.record_co_intervention,
        name="record_co_intervention",
    ),
    path(
        "at/<slug:facility>/participants/<uuid:participant>/others/drugs/new/", others.record_drug, name="record_drug"
    ),
    path(
        "at/<slug:facility>/other-treatments/<uuid:co_intervention>/",
        others.change_co_intervention,
        name="change_co_intervention",
    ),
    path("at/<slug:facility>/other-drugs/<uuid:drug>/", others.change_drug, name="change_drug"),
    path(
        "at/<slug:facility>/participants/<uuid:participant>/stopping/<str:rule>/decide/",
        watch.decide_stopping,
        name="decide_stopping",
    ),
    path("at/<slug:facility>/monitoring/", watch.monitoring, name="monitoring"),
    path(
        "at/<slug:facility>/participants/<uuid:participant>/monitoring/<str:look>/<str:key>/",
        watch.record_check,
        name="record_check",
    ),
    path("at/<slug:facility>/monitoring/<uuid:check>/strike/", watch.strike_check, name="strike_check"),
]
