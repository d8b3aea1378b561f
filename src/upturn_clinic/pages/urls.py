"""Addresses that belong to no app."""

from __future__ import annotations

from django.urls import path

from upturn_clinic.pages import views

urlpatterns = [path("well/", views.well, name="well")]
