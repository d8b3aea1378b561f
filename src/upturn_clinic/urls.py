"""Every address of the clinic. An address below ``at/<facility>/`` belongs to that facility; the gate checks it."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("upturn_clinic.accounts.urls")),
    path("", include("upturn_clinic.audit.urls")),
    path("", include("upturn_clinic.programmes.urls")),
    path("", include("upturn_clinic.participants.urls")),
    path("", include("upturn_clinic.safety.urls")),
    path("", include("upturn_clinic.treatments.urls")),
    path("", include("upturn_clinic.stock.urls")),
    path("", include("upturn_clinic.assessments.urls")),
    path("", include("upturn_clinic.floor.urls")),
    path("", include("upturn_clinic.exports.urls")),
    path("", include("upturn_clinic.pages.urls")),
]
handler400 = "upturn_clinic.pages.views.bad_request"
handler403 = "upturn_clinic.pages.views.permission_denied"
handler404 = "upturn_clinic.pages.views.not_found"
handler500 = "upturn_clinic.pages.views.server_error"
