"""Addresses of links: made and taken back by staff, opened by whoever holds one."""

from __future__ import annotations

from django.urls import path

from upturn_clinic.assessments.links import views

PERSON = "at/<slug:facility>/participants/<uuid:participant>/questionnaires"

urlpatterns = [
    path(f"{PERSON}/", views.links, name="self_rating_links"),
    path(f"{PERSON}/<uuid:link>/revoke/", views.revoke_link, name="revoke_self_rating_link"),
    path("q/<str:token>/", views.self_rating, name="self_rating"),
]
