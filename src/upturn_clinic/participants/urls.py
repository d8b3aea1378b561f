"""Addresses of participants; those of their screening are in its own room."""

from __future__ import annotations

from django.urls import include, path

from upturn_clinic.participants import views

PERSON = "at/<slug:facility>/participants/<uuid:participant>"

urlpatterns = [
    path("at/<slug:facility>/participants/", views.participants, name="participants"),
    path("at/<slug:facility>/participants/new/", views.register, name="register_participant"),
    path(f"{PERSON}/", views.participant, name="participant"),
    path(f"{PERSON}/identity/", views.correct_identity, name="correct_identity"),
    path(f"{PERSON}/trail/", views.trail, name="participant_trail"),
    path(f"{PERSON}/enrol/", views.enrol, name="enrol"),
    path(f"{PERSON}/withdraw/", views.withdraw, name="withdraw_participant"),
    path(f"{PERSON}/complete/", views.complete, name="complete_participant"),
    path(f"{PERSON}/version/", views.move_to_version, name="move_to_version"),
    path(f"{PERSON}/account/", views.invite, name="invite_participant"),
    path(f"{PERSON}/password/", views.offer_new_password, name="offer_new_password"),
    path(f"{PERSON}/erase/", views.erase_identity, name="erase_identity"),
    path(f"{PERSON}/unblind/", views.unblind, name="unblind"),
    path("at/<slug:facility>/enrolment/", views.enrolment_set_up, name="enrolment_set_up"),
    path(
        "at/<slug:facility>/enrolment/<uuid:programme>/randomisation/",
        views.set_up_randomisation,
        name="set_up_randomisation",
    ),
    path("", include("upturn_clinic.participants.screening.urls")),
]
