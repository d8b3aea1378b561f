"""Addresses of ratings; those of links stand in their own room."""

from __future__ import annotations

from django.urls import include, path

from upturn_clinic.assessments import views

PERSON = "at/<slug:facility>/participants/<uuid:participant>/ratings"
RATING = "at/<slug:facility>/ratings/<uuid:rating>"

urlpatterns = [
    path("at/<slug:facility>/mine/", views.own, name="own"),
    path("at/<slug:facility>/ratings/", views.ratings_due, name="ratings_due"),
    path("at/<slug:facility>/scales/", views.scales, name="scales"),
    path(f"{PERSON}/", views.ratings, name="ratings"),
    path(f"{PERSON}/enter/", views.enter_rating, name="enter_rating"),
    path(f"{PERSON}/score/", views.score_rating, name="score_rating"),
    path(f"{PERSON}/trends/", views.trends, name="trends"),
    path(f"{RATING}/", views.rating, name="rating"),
    path(f"{RATING}/correct/", views.correct_rating, name="correct_rating"),
    path(f"{RATING}/strike/", views.strike_rating, name="strike_rating"),
    path("", include("upturn_clinic.assessments.links.urls")),
]
