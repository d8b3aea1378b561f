"""Addresses of concerns and adverse events."""

from __future__ import annotations

from django.urls import path

from upturn_clinic.safety import views

PERSON = "at/<slug:facility>/participants/<uuid:participant>"

urlpatterns = [
    path("at/<slug:facility>/safety/", views.safety, name="safety"),
    path(f"{PERSON}/safety/", views.participant_safety, name="participant_safety"),
    path(f"{PERSON}/concerns/new/", views.raise_concern, name="raise_concern"),
    path(f"{PERSON}/events/new/", views.record_event, name="record_event"),
    path("at/<slug:facility>/concerns/<uuid:concern>/take/", views.take_concern, name="take_concern"),
    path("at/<slug:facility>/concerns/<uuid:concern>/close/", views.close_concern, name="close_concern"),
    path("at/<slug:facility>/events/<uuid:event>/correct/", views.correct_event, name="correct_event"),
    path("at/<slug:facility>/events/<uuid:event>/end/", views.end_event, name="end_event"),
    path("at/<slug:facility>/events/<uuid:event>/judge/", views.judge_event, name="judge_event"),
    path("at/<slug:facility>/events/<uuid:event>/report/", views.report_event, name="report_event"),
    path("at/<slug:facility>/events/<uuid:event>/strike/", views.strike_event, name="strike_event"),
]
