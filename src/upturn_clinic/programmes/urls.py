"""Addresses of programmes, their versions and the participants' sheets."""

from __future__ import annotations

from django.urls import path

from upturn_clinic.programmes import views

urlpatterns = [
    path("at/<slug:facility>/programmes/", views.programmes, name="programmes"),
    path("at/<slug:facility>/programmes/new/", views.create_programme, name="create_programme"),
    path("at/<slug:facility>/programmes/<uuid:programme>/", views.programme, name="programme"),
    path("at/<slug:facility>/programmes/<uuid:programme>/change/", views.change_programme, name="change_programme"),
    path("at/<slug:facility>/programmes/<uuid:programme>/protocol/", views.add_version, name="add_version"),
    path("at/<slug:facility>/programmes/<uuid:programme>/offer/", views.offer_programme, name="offer_programme"),
    path("at/<slug:facility>/sites/<uuid:site>/take-up/", views.take_up_programme, name="take_up_programme"),
    path("at/<slug:facility>/sites/<uuid:site>/leave/", views.leave_programme, name="leave_programme"),
    path("at/<slug:facility>/protocols/<uuid:version>/", views.protocol_version, name="protocol_version"),
    path("at/<slug:facility>/protocols/<uuid:version>/file/", views.protocol_file, name="protocol_file"),
    path("at/<slug:facility>/protocols/<uuid:version>/sign/", views.put_into_force, name="put_into_force"),
    path("at/<slug:facility>/protocols/<uuid:version>/retire/", views.retire_version, name="retire_version"),
    path("at/<slug:facility>/protocols/<uuid:version>/what-to-expect/", views.what_to_expect, name="what_to_expect"),
]
