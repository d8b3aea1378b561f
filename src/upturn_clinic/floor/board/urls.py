"""Addresses of the floor board."""

from __future__ import annotations

from django.urls import path

from upturn_clinic.floor.board import views

urlpatterns = [
    path("at/<slug:facility>/floor/", views.floor, name="floor"),
    path("at/<slug:facility>/floor/picture/", views.floor_picture, name="floor_picture"),
]
