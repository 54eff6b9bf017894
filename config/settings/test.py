"""Tests: development without anything slow, on files of its own."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from config.settings.dev import *

DEBUG = False
DEMO_MODE = True
VAR_DIR = Path(tempfile.mkdtemp(prefix="practice-test-"))
atexit.register(shutil.rmtree, VAR_DIR, ignore_errors=True)
MEDIA_ROOT = VAR_DIR / "media"
STATIC_ROOT = VAR_DIR / "static"
BASE_URL = "http://testserver"

# A file, because a browser's requests and Stripe's arrive on threads with connections of their own.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {
        "NAME": env.str("TEST_DATABASE", default=str(VAR_DIR / "test.sqlite3"))
    }
CACHE_URL = ""
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "strict": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "strict"},
}
TASKS = {
    "default": {
        "BACKEND": "django_tasks.backends.immediate.ImmediateBackend",
        "QUEUES": ["default"],
    }
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Every test comes from the same address; those of the limits set their own.
ORDER_LIMITS = "off"
