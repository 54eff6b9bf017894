"""Development and the demo: everything embedded, letters in a folder, Stripe's stand-in."""

from __future__ import annotations

from config.settings.base import *

DEBUG = env.bool("DEBUG", default=True)
DEVELOPMENT = True
DEMO_MODE = env.bool("DEMO_MODE", default=True)
SECRET_KEY = SECRET_KEY or "development-only-not-a-secret-000000000000000000000000"
FIELD_KEYS = FIELD_KEYS or ["ZGV2ZWxvcG1lbnQtb25seS1ub3QtYS1zZWNyZXQtMDA="]
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "testserver"]

PORT = env.int("PORT", default=8000)
STANDIN_PORT = env.int("STANDIN_PORT", default=12111)
BASE_URL = env.str("BASE_URL", default=f"http://127.0.0.1:{PORT}")
WAGTAILADMIN_BASE_URL = BASE_URL

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Files are served as they lie in static/, without collecting them first.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False

EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = VAR_DIR / "letters"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Stillwater <office@stillwater.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

STRIPE_MODE = env.str("STRIPE_MODE", default="standin")
if STRIPE_MODE == "standin":
    STRIPE_SECRET_KEY = "sk_test_standin_development"  # noqa: S105 (the stand-in's own)
    STRIPE_WEBHOOK_SECRETS = ["whsec_standin_development"]
    STRIPE_API_BASE = f"http://127.0.0.1:{STANDIN_PORT}"
    FORM_ACTION_SOURCES = ["'self'", STRIPE_API_BASE]

# Whoever tries the site out buys more often than anybody who needs it.
ORDER_LIMITS = env.str(
    "ORDER_LIMITS", default="address=40/h,browser=40/h,holds=10,codes=10/h,waitlist=40/h"
)

STAFF_SECOND_FACTOR_REQUIRED = False
