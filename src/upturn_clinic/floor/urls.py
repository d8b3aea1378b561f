"""Addresses of the session floor."""

from __future__ import annotations

from django.urls import include, path

from upturn_clinic.floor import views

_OF_A_SESSION = "at/<slug:facility>/sessions/<uuid:session>"

urlpatterns = [
    path("at/<slug:facility>/doses/<uuid:dose>/arrive/", views.arrive, name="arrive"),
    path("at/<slug:facility>/participants/<uuid:participant>/sessions/", views.sessions_of, name="sessions_of"),
    path(f"{_OF_A_SESSION}/", views.session, name="session"),
    path(f"{_OF_A_SESSION}/state/", views.session_state, name="session_state"),
    path(f"{_OF_A_SESSION}/entries/", views.enter, name="enter"),
    path(f"{_OF_A_SESSION}/gates/<slug:gate>/override/", views.override_gate, name="override_gate"),
    path(f"{_OF_A_SESSION}/give-up/", views.give_up, name="give_up_session"),
    path(f"{_OF_A_SESSION}/room/", views.move_room, name="move_session"),
    path(f"{_OF_A_SESSION}/emergency/", views.emergency_sheet, name="emergency_sheet"),
    path("", include("upturn_clinic.floor.board.urls")),
    path("", include("upturn_clinic.floor.leaving.urls")),
]
