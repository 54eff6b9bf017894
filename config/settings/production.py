"""Production: base settings behind TLS. It starts only when told its secrets."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *

REQUIRED = ("SECRET_KEY", "FIELD_KEYS", "ALLOWED_HOSTS", "BASE_URL", "DEFAULT_FROM_EMAIL")
if missing := [name for name in REQUIRED if not env.str(name, default="").strip(" ,")]:
    raise ImproperlyConfigured(f"Production needs {', '.join(missing)}; the README says what for.")


SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^stripe/webhook/$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
# Without a proxy of ours anybody could say that it was https.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_NAME = "__Host-csrf"
CONTENT_SECURITY_POLICY["DIRECTIVES"]["upgrade-insecure-requests"] = True
CONTENT_SECURITY_POLICY_ADMIN["upgrade-insecure-requests"] = True
