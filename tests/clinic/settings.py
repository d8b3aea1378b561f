"""The clinic's settings for tests: the real ones, with a key that guards nothing and a cheap hash of passwords."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("UPTURN_SECRET_KEY", "a key for tests that guards nothing")
os.environ.setdefault("UPTURN_DATA_DIRECTORY", str(Path(tempfile.gettempdir()) / "upturn-clinic-tests"))
os.environ.setdefault("UPTURN_HTTPS", "off")

from upturn_clinic.settings import *  # noqa: F403

# Nothing is collected for tests: pages take their files from the source.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405

# The embedded database lies in a file, as in a clinic: each thread of the live server has a connection of its own. In
# memory all of them would share one, and two requests at once would stand in each other's transactions.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    _FOLDER = tempfile.TemporaryDirectory(prefix="upturn-clinic-tests-")
    # Nothing here outlives the run: the disk need not be waited for.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": str(Path(_FOLDER.name) / "clinic.sqlite3")}  # noqa: F405

# One test uses Argon2; the others would spend most of their time in it.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
]
# No process of its own beside every test that signs; one test starts it itself.
EXPECT_WHEN_SIGNED = False
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
