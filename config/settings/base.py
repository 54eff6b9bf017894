"""Settings every environment shares: safe for production, changed only by environment variables.

The README lists every variable with its default and who needs it.
"""

from __future__ import annotations

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from config.email import anymail_settings
from config.settings.caching import caches_at

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent.parent

# Everything the running site writes (database, media, letters, collected files) lives here.
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))

DEBUG = False
SECRET_KEY = env.str("SECRET_KEY", default="")
# Keys for encrypted columns, newest first; the older ones still read.
FIELD_KEYS: list[str] = env.list("FIELD_KEYS", default=[])
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# The address the world sees, without a slash at the end; letters and Stripe return to it.
BASE_URL = env.str("BASE_URL", default="")

# Demo mode shows what is marked "Sample"; outside it nothing sample can be published or served.
DEMO_MODE = env.bool("DEMO_MODE", default=False)
# True only in development and test settings: the Stripe stand-in and /dev/ exist nowhere else.
DEVELOPMENT = False

INSTALLED_APPS = [
    "home",
    "members",
    "enrollments.apps.EnrollmentsConfig",
    "programs",
    "testimonials",
    "accounts.apps.AccountsConfig",
    "core",
    "wagtail_modeladmin",
    "wagtail.contrib.settings",
    "wagtail.contrib.redirects",
    "wagtail.contrib.sitemaps",
    "wagtail.embeds",
    "wagtail.sites",
    "enrollments.apps.PeopleAdminConfig",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_filters",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_tasks",
    "django_tasks_db",
    "csp",
    "anymail",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "core.middleware.SameOriginResources",
    "core.middleware.ReadableRequests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.ProxiesAsCounted",
    "core.middleware.ContentSecurityPolicy",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "core.middleware.PrivateResponses",
    "accounts.middleware.SharedDevice",
    "accounts.middleware.StaffSecondFactor",
    "core.middleware.RefuseEmptyExports",
    "core.middleware.EvictPublicPagesAfterStaffWrites",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "wagtail.contrib.settings.context_processors.settings",
                "core.context_processors.site",
            ],
        },
    }
]

# --- database ---------------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", default="") or f"sqlite:///{VAR_DIR}/db.sqlite3"
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
# On behind a pooler that hands one PostgreSQL connection to several transactions in turn.
DATABASE_POOLER = env.bool("DATABASE_POOLER", default=False)
# Nobody waits for ever: for a lock, for an answer, or for whoever died in the middle of one.
# Then the page says so (core.views.server_error), and Stripe delivers again. 0 is no limit. Sent
# when connecting; behind a pooler `manage.py set_database_limits` has PostgreSQL keep them.
DATABASE_LIMITS = {
    "lock_timeout": env.int("DATABASE_LOCK_SECONDS", default=25),
    "statement_timeout": env.int("DATABASE_STATEMENT_SECONDS", default=30),
    "idle_in_transaction_session_timeout": env.int("DATABASE_IDLE_SECONDS", default=120),
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        # A writer takes its lock at BEGIN, so that check-then-write is one step.
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "timeout": 20,
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    options = DATABASES["default"].setdefault("OPTIONS", {})
    if "pool" in options:
        raise ImproperlyConfigured(
            "DATABASE_URL asks for a pool, which this site does not have: each thread keeps one "
            "connection. Take it out; behind a pooler such as PgBouncer set DATABASE_POOLER=on."
        )
    if DATABASE_POOLER:
        # The next transaction may be in another connection, and the pooler takes no options.
        DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
    else:
        limits = [f"-c {name}={seconds}s" for name, seconds in DATABASE_LIMITS.items()]
        options["options"] = " ".join([*limits, options.get("options", "")]).strip()
        # What is asked again and again is planned once for each connection.
        options |= {"server_side_binding": True, "prepare_threshold": 5}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- cache --------------------------------------------------------------------------------------
CACHE_URL = env.str("CACHE_URL", default="")
CACHES = caches_at(CACHE_URL, files=VAR_DIR / "cache")

# --- tasks --------------------------------------------------------------------------------------
# Tasks are rows: written in the transaction that wants them, so none is lost and none is early.
TASKS = {
    "default": {
        "BACKEND": "django_tasks_db.DatabaseBackend",
        "QUEUES": ["default"],
    }
}

# --- proxies ------------------------------------------------------------------------------------
# How many proxies of our own stand in front; with none, nobody's X-Forwarded-For is believed.
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
# Networks of those that have public addresses, such as a CDN's.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=[])

# --- people -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/member/"
# Fourteen days on a device of one's own; a shared one has shorter rules, see accounts.sessions.
SESSION_COOKIE_AGE = 14 * 24 * 60 * 60
# A code by email signs in; there are no passwords, no sign-up and no list of addresses to guess.
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = 5
# allauth would count in the cache; accounts.limits counts in the database.
ACCOUNT_RATE_LIMITS = False
# Staff enter the admin with an authenticator app as well.
STAFF_SECOND_FACTOR_REQUIRED = True
MFA_ADAPTER = "accounts.adapters.SecondStepAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_FORMS = {
    "activate_totp": "accounts.forms.SetUpAppForm",
    "authenticate": "accounts.forms.SecondStepForm",
    "reauthenticate": "accounts.forms.SecondStepAgainForm",
}
# A telephone's clock may be half a minute off.
MFA_TOTP_TOLERANCE = 1

# --- language and time --------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
TIME_ZONE = "America/New_York"
USE_TZ = True
USE_I18N = False

# --- files --------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- mail ---------------------------------------------------------------------------------------
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.smtp.EmailBackend")
EMAIL_TIMEOUT = 10
# For SMTP.
EMAIL_HOST = env.str("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
# For any of Anymail's providers: NAME=value,NAME=value, or JSON for what is not plain text.
ANYMAIL = anymail_settings(env.str("ANYMAIL", default=""))
# The owner's word that tracking is off at a provider to whom we cannot say so: the provider's name.
TRACKING_SWITCHED_OFF_AT = env.str("TRACKING_SWITCHED_OFF_AT", default="")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- payments -----------------------------------------------------------------------------------
# off | standin | test | live, stated and never guessed; the system checks refuse every mixture.
STRIPE_MODE = env.str("STRIPE_MODE", default="off")
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
# Several while a secret is being rotated; any one that matches is accepted.
STRIPE_WEBHOOK_SECRETS: list[str] = env.list("STRIPE_WEBHOOK_SECRETS", default=[])
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com")
# Against machines: payment pages per hour for one network address and for one browser, seats held
# at a time, wrong codes and joined waitlists per hour from one network address; or off.
ORDER_LIMITS = env.str(
    "ORDER_LIMITS", default="address=5/h,browser=5/h,holds=3,codes=10/h,waitlist=10/h"
)
# The billing portal in which members change how they pay: `manage.py stripe_setup` makes it.
STRIPE_PORTAL_CONFIGURATION = env.str("STRIPE_PORTAL_CONFIGURATION", default="")

# --- Wagtail ------------------------------------------------------------------------------------
WAGTAIL_SITE_NAME = "The practice"
WAGTAILADMIN_BASE_URL = BASE_URL
WAGTAIL_I18N_ENABLED = False
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAIL_PASSWORD_MANAGEMENT_ENABLED = False
WAGTAIL_PASSWORD_RESET_ENABLED = False
WAGTAIL_EMAIL_MANAGEMENT_ENABLED = False
WAGTAILUSERS_PASSWORD_ENABLED = False
WAGTAIL_FRONTEND_LOGIN_URL = "/account/login/"
WAGTAILADMIN_LOGIN_URL = "/account/login/"
WAGTAIL_PRIVATE_PAGE_OPTIONS = {"SHARED_PASSWORD": False}
WAGTAILDOCS_PRIVATE_COLLECTION_OPTIONS = {"SHARED_PASSWORD": False}
# Whole words as they stand, in every language, on both databases; PostgreSQL would leave some out.
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "core.search", "SEARCH_CONFIG": "simple"}}
# Photographs lose where and by whom they were taken when they arrive.
WAGTAILIMAGES_IMAGE_FORM_BASE = "core.uploads.PictureForm"
WAGTAILDOCS_DOCUMENT_FORM_BASE = "core.uploads.DocumentForm"
WAGTAILEMBEDS_FINDERS: list[dict[str, str]] = []

# --- headers ------------------------------------------------------------------------------------
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Wagtail lets its own previews be framed, view by view.
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_SAMESITE = "Lax"
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": [],
    "display-capture": [],
    "geolocation": [],
    "microphone": [],
    "payment": [],
    "usb": [],
}
# Everything a page loads comes from this site; nothing inline runs. The admin's own scripts and
# styles are inline, so it has a policy of its own. ``core.middleware`` adds form-action to both.
CONTENT_SECURITY_POLICY: dict[str, dict[str, object]] = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "media-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
CONTENT_SECURITY_POLICY_ADMIN: dict[str, object] = {
    "default-src": ["'none'"],
    "script-src": ["'self'", "'unsafe-inline'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:", "blob:"],
    "font-src": ["'self'"],
    "media-src": ["'self'"],
    "connect-src": ["'self'"],
    "manifest-src": ["'self'"],
    "frame-src": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'self'"],
}
# Where a form may lead: Stripe's hosted pages too, because a POST answered by a redirect counts.
FORM_ACTION_SOURCES = ["'self'", "https://checkout.stripe.com", "https://billing.stripe.com"]

# --- logs: ids only, never a name, an address or a body -----------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "core.logs.NamelessFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # Stripe's DEBUG level prints whole bodies; INFO prints the method, the path and the status.
    # The queue writes four lines for each task, however small.
    "loggers": {"stripe": {"level": "WARNING"}, "django_tasks": {"level": "WARNING"}},
}
