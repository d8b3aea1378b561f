"""Addresses of leaving."""

from __future__ import annotations

from django.urls import path

from upturn_clinic.floor.leaving import views

OF_A_SESSION = "at/<slug:facility>/sessions/<uuid:session>"

urlpatterns = [
    path(f"{OF_A_SESSION}/leaving/", views.leaving, name="leaving"),
    path(f"{OF_A_SESSION}/leaving/ready/", views.ready_to_leave, name="ready_to_leave"),
    path(f"{OF_A_SESSION}/leaving/not-ready/", views.not_ready_to_leave, name="not_ready_to_leave"),
    path(f"{OF_A_SESSION}/leaving/leave/", views.leave, name="leave"),
    path(f"{OF_A_SESSION}/leaving/decide/", views.decide_leaving, name="decide_leaving"),
    path(f"{OF_A_SESSION}/leaving/against-advice/", views.leave_against_advice, name="leave_against_advice"),
    path(f"{OF_A_SESSION}/take-home/", views.take_home_sheet, name="take_home_sheet"),
]
