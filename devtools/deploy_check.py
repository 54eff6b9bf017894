"""``manage.py check --deploy`` on production settings, with values that exist for it alone.

And a picture is fetched from the site as production would run it.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet


def main() -> int:
    """The exit status of the checks; a warning counts as a failure."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "static").mkdir()
        return checked({**os.environ, **values(), "VAR_DIR": folder})


def values() -> dict[str, str]:
    """What production is told."""
    return {
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


def checked(environment: dict[str, str]) -> int:
    """The first exit status that is not 0, or 0."""
    check = ["manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    for command in (check, ["-m", "devtools.served_picture"]):
        status = subprocess.run([sys.executable, *command], check=False, env=environment).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
