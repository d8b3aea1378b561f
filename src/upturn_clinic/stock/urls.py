"""Addresses of the register of controlled drugs."""

from __future__ import annotations

from django.urls import path

from upturn_clinic.stock import views
from upturn_clinic.stock.shelf import views as shelf

urlpatterns = [
    path("at/<slug:facility>/stock/", shelf.stock, name="stock"),
    path("at/<slug:facility>/stock/receive/", shelf.receive, name="receive_stock"),
    path("at/<slug:facility>/stock/reconciliation/", shelf.reconciliation, name="reconciliation"),
    path("at/<slug:facility>/stock/reconciliation.csv", shelf.reconciliation_file, name="reconciliation_file"),
    path("at/<slug:facility>/stock/lots/<uuid:lot>/", shelf.lot, name="lot"),
    path("at/<slug:facility>/stock/lots/<uuid:lot>/count/", shelf.count_lot, name="count_lot"),
    path("at/<slug:facility>/stock/lots/<uuid:lot>/settle/", shelf.settle_count, name="settle_count"),
    path("at/<slug:facility>/stock/lots/<uuid:lot>/remove/", shelf.remove_from_lot, name="remove_from_lot"),
    path("at/<slug:facility>/stock/entries/<uuid:movement>/take-back/", shelf.take_back_entry, name="take_back_entry"),
    path("at/<slug:facility>/doses/<uuid:dose>/preparation/", views.preparation, name="preparation"),
    path("at/<slug:facility>/doses/<uuid:dose>/draw/", views.draw_dose, name="draw_dose"),
    path("at/<slug:facility>/draws/<uuid:draw>/check/", views.check_draw, name="check_draw"),
    path("at/<slug:facility>/draws/<uuid:draw>/waste/", views.waste_draw, name="waste_draw"),
    path("at/<slug:facility>/draws/<uuid:draw>/put-back/", views.put_back_draw, name="put_back_draw"),
]
