"""Addresses of exports and of the monitoring forms."""

from __future__ import annotations

from django.urls import path

from upturn_clinic.exports import views
from upturn_clinic.exports.monitoring import views as monitoring

urlpatterns = [
    path("at/<slug:facility>/data/", views.data, name="data"),
    path("at/<slug:facility>/data/<uuid:programme>/", views.export_records, name="export_records"),
    path("at/<slug:facility>/programmes/<uuid:programme>/unmask/", views.unmask_programme, name="unmask_programme"),
    path("at/<slug:facility>/forms/", monitoring.monitoring_forms, name="monitoring_forms"),
    path("at/<slug:facility>/doses/<uuid:dose>/form/", monitoring.monitoring_form, name="monitoring_form"),
    path(
        "at/<slug:facility>/doses/<uuid:dose>/form/fill/", monitoring.fill_monitoring_form, name="fill_monitoring_form"
    ),
    path(
        "at/<slug:facility>/doses/<uuid:dose>/form/printed/",
        monitoring.print_monitoring_form,
        name="print_monitoring_form",
    ),
    path(
        "at/<slug:facility>/doses/<uuid:dose>/form/submitted/",
        monitoring.submit_monitoring_form,
        name="submit_monitoring_form",
    ),
]
