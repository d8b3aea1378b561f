"""Addresses of the trail, histories and reviews."""

from __future__ import annotations

from django.urls import path

from upturn_clinic.audit import views

urlpatterns = [
    path("at/<slug:facility>/trail/", views.trail, name="trail"),
    path("at/<slug:facility>/history/<str:kind>/<str:key>/", views.history, name="history"),
    path("at/<slug:facility>/emergencies/", views.emergencies, name="emergencies"),
    path("at/<slug:facility>/emergencies/<uuid:access>/", views.review, name="review_emergency_access"),
]
