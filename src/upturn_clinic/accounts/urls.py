"""Addresses of people and facilities. Of the log-in machinery's own pages only these are open, each one atomic.

Left out on purpose: open sign-up, changing one's address (it is proven by invitation), log-in by mailed code.
"""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from django.db.transaction import atomic
from django.urls import path, re_path

from upturn_clinic.accounts import views
from upturn_clinic.accounts.keys import views as keys

urlpatterns = [
    path("", views.home, name="home"),
    path("me/", views.me, name="me"),
    path("me/sessions/", keys.my_sessions, name="my_sessions"),
    path("still-here/", views.still_here, name="still_here"),
    path("emergency-access/", views.open_emergency_access, name="open_emergency_access"),
    path("emergency-access/<uuid:access>/end/", views.end_emergency_access, name="end_emergency_access"),
    path("invitation/<str:token>/", views.accept_invitation, name="accept_invitation"),
    path("new-password/<str:token>/", views.new_password, name="new_password"),
    path("at/<slug:facility>/", views.facility_home, name="facility"),
    path("at/<slug:facility>/settings/", views.change_facility, name="change_facility"),
    path("at/<slug:facility>/people/", views.people, name="people"),
    path("at/<slug:facility>/people/invite/", views.invite, name="invite"),
    path(
        "at/<slug:facility>/invitations/<uuid:invitation>/withdraw/",
        views.withdraw_invitation,
        name="withdraw_invitation",
    ),
    path("at/<slug:facility>/people/<uuid:user>/role/", views.give_role, name="give_role"),
    path("at/<slug:facility>/people/<uuid:user>/end-sessions/", keys.end_sessions, name="end_sessions"),
    path("at/<slug:facility>/people/<uuid:user>/code-app/", keys.reset_code_app, name="reset_code_app"),
    path("at/<slug:facility>/roles/<uuid:membership>/end/", views.end_role, name="end_role"),
    # The log-in machinery
    path("log-in/", atomic(account.login), name="account_login"),
    path("log-in/code/", atomic(mfa.authenticate), name="mfa_authenticate"),
    path("log-out/", atomic(account.logout), name="account_logout"),
    path("closed/", account.account_inactive, name="account_inactive"),
    path("sign-up/", views.closed_sign_up, name="account_signup"),
    path("confirm/", atomic(account.reauthenticate), name="account_reauthenticate"),
    path("confirm/code/", atomic(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("me/password/", atomic(account.password_change), name="account_change_password"),
    path("password/", atomic(account.password_reset), name="account_reset_password"),
    path("password/sent/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/new/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        atomic(views.password_by_letter),
        name="account_reset_password_from_key",
    ),
    path("password/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path("me/code-app/", mfa.index, name="mfa_index"),
    path("me/code-app/set-up/", keys.set_up_code_app, name="mfa_activate_totp"),
    path("me/code-app/remove/", keys.remove_code_app, name="mfa_deactivate_totp"),
    path("me/recovery-codes/", keys.see_recovery_codes, name="mfa_view_recovery_codes"),
    path("me/recovery-codes/new/", keys.renew_recovery_codes, name="mfa_generate_recovery_codes"),
    path("me/recovery-codes/file/", keys.download_recovery_codes, name="mfa_download_recovery_codes"),
]
