"""The door for a web server: ``gunicorn upturn_clinic.wsgi``."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "upturn_clinic.settings")
application = get_wsgi_application()
# Every page's code now, not at somebody's first click.
get_resolver().url_patterns  # noqa: B018
# All this stays as long as the server: looking through it again and again for what can be thrown away would stop every
# request of the process each time, for longer than a page takes.
gc.collect()
gc.freeze()
