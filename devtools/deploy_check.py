"""``manage.py check --deploy`` on production settings, with values that exist for it alone."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

from cryptography.fernet import Fernet


def main() -> int:
    """The exit status of the check; a warning counts as a failure."""
    values = {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_KEYS": Fernet.generate_key().decode(),
        "ALLOWED_HOSTS": "practice.example",
        "BASE_URL": "https://practice.example",
        "DEFAULT_FROM_EMAIL": "Office <office@practice.example>",
        "STRIPE_MODE": "live",
        "STRIPE_SECRET_KEY": "rk_live_for_this_check",
        "STRIPE_WEBHOOK_SECRETS": "whsec_for_this_check",
    }
    check = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(check, check=False, env={**os.environ, **values}).returncode


if __name__ == "__main__":
    sys.exit(main())
