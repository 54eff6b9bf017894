"""The WSGI application: public pages from the page cache, the rest from Django."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

django_application = get_wsgi_application()

# Imported late: it reads the settings, which are there only now.
from core.page_cache import PageCache  # noqa: E402

application = PageCache(django_application)
