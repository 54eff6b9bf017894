"""The WSGI application: public pages from the page cache, the rest from Django."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

django_application = get_wsgi_application()

# Imported late: it reads the settings, which are there only now.
from django.conf import settings  # noqa: E402

from core.page_cache import PageCache  # noqa: E402

# Whoever changes a template wants to see it at once.
application = django_application if settings.DEBUG else PageCache(django_application)

# What is loaded now stays: looking through it for garbage, again and again, would find nothing.
gc.collect()
gc.freeze()
