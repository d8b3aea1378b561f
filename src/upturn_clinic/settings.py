"""Django's settings. What a site decides is in ``environment.py``; numbers are in ``parameters/operation.yaml``."""

from __future__ import annotations

from typing import Any

from upturn_clinic import operation
from upturn_clinic.environment import read_environment

_SITE = read_environment()

SECRET_KEY = _SITE.secret_key
SECRET_KEY_FALLBACKS = list(_SITE.old_secret_keys)
DEBUG = False
ALLOWED_HOSTS = list(_SITE.hosts)
DATABASES: dict[str, dict[str, Any]] = {"default": dict(_SITE.database)}
# Counters of the rate limits, shared by all processes of the server.
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "counters",
        # Django's own 300 would let a stranger with many addresses push out the counters of all others.
        "OPTIONS": {"MAX_ENTRIES": operation.COUNTERS_KEPT},
    }
}

INSTALLED_APPS = [
    "upturn_clinic.pages",
    "upturn_clinic.ledger",
    "upturn_clinic.accounts",
    "upturn_clinic.audit",
    "upturn_clinic.programmes",
    "upturn_clinic.participants",
    "upturn_clinic.safety",
    "upturn_clinic.treatments",
    "upturn_clinic.stock",
    "upturn_clinic.assessments",
    "upturn_clinic.floor",
    "upturn_clinic.exports",
    "upturn_clinic.demo",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Above the static files: they carry the headers, too.
    "upturn_clinic.pages.middleware.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "upturn_clinic.accounts.middleware.IdleLogout",
    "upturn_clinic.accounts.middleware.SecondFactor",
    "upturn_clinic.accounts.middleware.Doors",
    "upturn_clinic.pages.middleware.Worded",
    # Innermost: what it answers for is what a view wrote.
    "upturn_clinic.ledger.middleware.SentOnce",
]
ROOT_URLCONF = "upturn_clinic.urls"
WSGI_APPLICATION = "upturn_clinic.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "upturn_clinic.shell.shell",
            ],
            # Every form that has a token has a key of its own, too, without a word in its template.
            "builtins": ["upturn_clinic.pages.templatetags.form_key"],
        },
    }
]
# Our own templates for fields, so that every form on every page is written in one way.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
# Built when the server starts, so it can always be built again.
STATIC_ROOT = _SITE.data_directory / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# A version that is signed into force is simulated in a process of its own; nothing waits for it.
EXPECT_WHEN_SIGNED = True

# The site's own licensed texts of rating scales: a file or a folder, read at start.
TEXT_PACKS = _SITE.text_packs

# People
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ("email", "name")}},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": operation.PASSWORD_LENGTH}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": "upturn_clinic.accounts.passwords.WordsOfTheHouse"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "upturn_clinic.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# An invitation is the proof of an address: there is no open sign-up.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_RATE_LIMITS = {
    "login_failed_everywhere": f"{operation.FAILURES_EVERYWHERE}/5m/key",
    "reset_password": f"20/m/ip,{operation.PASSWORD_LETTERS}/h/key",
}
# The letter to a new password opens as long as the link that the clinic hands to a participant.
PASSWORD_RESET_TIMEOUT = int(operation.PASSWORD_LINK_VALID.total_seconds())
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(operation.PROOF_VALID.total_seconds())
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if _SITE.proxy else 0
MFA_ADAPTER = "upturn_clinic.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "upturn clinic"
_PLAIN = "upturn_clinic.accounts.keys.plain"
ACCOUNT_FORMS = {
    "login": f"{_PLAIN}.LogIn",
    "change_password": f"{_PLAIN}.ChangePassword",
    "reset_password": f"{_PLAIN}.ResetPassword",
    "reset_password_from_key": f"{_PLAIN}.NewPassword",
    "reauthenticate": f"{_PLAIN}.ConfirmByPassword",
}
MFA_FORMS = {
    "authenticate": f"{_PLAIN}.Authenticate",
    "reauthenticate": f"{_PLAIN}.ConfirmByCode",
    "activate_totp": f"{_PLAIN}.Activate",
}

# With the person beside each session, so that they can be seen and ended.
SESSION_ENGINE = "upturn_clinic.accounts.sessions"
# Sessions: the idle limit is kept by accounts.middleware; this is the absolute one.
SESSION_COOKIE_AGE = int(operation.SESSION_LENGTH.total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "upturn_clinic.pages.views.forgery_suspected"

# Transport
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _SITE.https
if _SITE.https:
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
if _SITE.proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

EMAIL_BACKEND = _SITE.mail.backend
EMAIL_HOST = _SITE.mail.host
EMAIL_PORT = _SITE.mail.port
EMAIL_HOST_USER = _SITE.mail.user
EMAIL_HOST_PASSWORD = _SITE.mail.password
EMAIL_USE_TLS = _SITE.mail.starttls
EMAIL_USE_SSL = _SITE.mail.tls
# A mail server that does not answer holds nobody for long.
EMAIL_TIMEOUT = operation.LETTER_TIMEOUT.total_seconds()
DEFAULT_FROM_EMAIL = SERVER_EMAIL = _SITE.mail.sender

# Logs say what happened, never to whom: no query strings, no form content, no secret of a link.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"without_links": {"()": "upturn_clinic.assessments.links.logs.WithoutLinks"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["without_links"]},
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
}
