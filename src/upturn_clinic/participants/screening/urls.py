"""Addresses of screening, history, measures and consent."""

from __future__ import annotations

from django.urls import path

from upturn_clinic.participants.screening import views

PERSON = "at/<slug:facility>/participants/<uuid:participant>"

urlpatterns = [
    path(f"{PERSON}/conclude/", views.conclude, name="conclude_screening"),
    path(f"{PERSON}/criteria/<str:criterion>/", views.assess, name="assess_criterion"),
    path(f"{PERSON}/criteria/<str:criterion>/decide/", views.decide, name="decide_criterion"),
    path(f"{PERSON}/criteria/<str:criterion>/override/", views.override, name="override_criterion"),
    path(f"{PERSON}/history/new/", views.record_trial, name="record_trial"),
    path(f"{PERSON}/history/<uuid:trial>/", views.change_trial, name="change_trial"),
    path(f"{PERSON}/measures/new/", views.record_measure, name="record_measure"),
    path(f"{PERSON}/weight/", views.record_weight, name="record_weight"),
    path(f"{PERSON}/measures/<uuid:measure>/strike/", views.strike_measure, name="strike_measure"),
    path(f"{PERSON}/consent/new/", views.record_consent, name="record_consent"),
    path(f"{PERSON}/consent/<uuid:consent>/withdraw/", views.withdraw_consent, name="withdraw_consent"),
    path("at/<slug:facility>/consent-documents/<uuid:document>/", views.consent_document, name="consent_document"),
    path(
        "at/<slug:facility>/enrolment/<uuid:programme>/consent/",
        views.publish_consent_document,
        name="publish_consent_document",
    ),
]
