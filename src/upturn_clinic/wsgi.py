"""The door for a web server: ``gunicorn upturn_clinic.wsgi``."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "upturn_clinic.settings")
application = get_wsgi_application()
