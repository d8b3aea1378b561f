"""The forms of the log-in machinery (django-allauth), worded as the rest of the clinic."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as code
from allauth.mfa.totp import forms as totp

__all__ = ["Activate", "Authenticate", "ChangePassword", "ConfirmByCode", "ConfirmByPassword", "LogIn", "NewPassword",
           "ResetPassword"]  # fmt: skip


class Plain:
    """A label says it once: no placeholder that repeats it, no capitals inside."""

    fields: dict[str, Any]
    # Nothing is saved here, so "not saved yet" would be no answer.
    refused = "That did not work."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
            if field.label:
                field.label = str(field.label).capitalize()


class LogIn(Plain, account.LoginForm):  # type: ignore[misc]
    """Email and password."""


class ChangePassword(Plain, account.ChangePasswordForm):  # type: ignore[misc]
    """The old password and the new one, twice."""


class ResetPassword(Plain, account.ResetPasswordForm):  # type: ignore[misc]
    """Where the link goes."""


class NewPassword(Plain, account.ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password, twice."""


class ConfirmByPassword(Plain, account.ReauthenticateForm):  # type: ignore[misc]
    """The password once more."""


class ConfirmByCode(Plain, code.ReauthenticateForm):  # type: ignore[misc]
    """A code once more."""


class Authenticate(Plain, code.AuthenticateForm):  # type: ignore[misc]
    """The code after the password."""


class Activate(Plain, totp.ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code from the app"
