"""What must be true before the site may run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.db import connection

from core import checks

PRODUCTION = {
    "SECRET_KEY": "0123456789" * 6 + "abcdefghij",
    "FIELD_KEYS": Fernet.generate_key().decode(),
    "ALLOWED_HOSTS": "stillwater.example",
    "BASE_URL": "https://stillwater.example",
    "DEFAULT_FROM_EMAIL": "office@stillwater.example",
}


def ids(messages) -> list[str]:
    return [message.id for message in messages]


def production(**changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        **PRODUCTION,
        **changes,
    }
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=django_settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_production_starts_clean_when_told_its_secrets():
    run = production()

    assert "no issues" in run.stdout
    assert run.returncode == 0


@pytest.mark.parametrize("name", sorted(PRODUCTION))
def test_production_refuses_to_start_without(name):
    run = production(**{name: ""})

    assert run.returncode != 0
    assert f"Production needs {name};" in run.stderr


@pytest.mark.parametrize(
    ("keys", "found"),
    [([], ["core.E001"]), (["short"], ["core.E001"]), ([Fernet.generate_key().decode()], [])],
)
def test_keys_must_be_keys(settings, keys, found):
    settings.FIELD_KEYS = keys

    assert ids(checks.keys_are_usable()) == found


@pytest.mark.parametrize(
    ("address", "development", "found"),
    [
        ("https://stillwater.example", False, []),
        ("http://stillwater.example", False, ["core.E002"]),
        ("http://127.0.0.1:8000", True, []),
        ("https://stillwater.example/", False, ["core.E002"]),
        ("stillwater.example", True, ["core.E002"]),
        ("", True, ["core.E002"]),
    ],
)
def test_the_address_must_be_one(settings, address, development, found):
    settings.BASE_URL = address
    settings.DEVELOPMENT = development

    assert ids(checks.address_is_usable()) == found


@pytest.mark.parametrize(
    ("sender", "address", "found"),
    [
        ("office@stillwater.example", "https://stillwater.example", []),
        ("", "https://stillwater.example", ["core.E003"]),
        ("Stillwater", "https://stillwater.example", ["core.E003"]),
        ("office@therapy.example", "https://stillwater.example", ["core.E004"]),
        ("office@stillwater.example", "https://sexhelp.example", ["core.E004"]),
    ],
)
def test_sender_and_links_must_be_discreet(settings, sender, address, found):
    settings.DEFAULT_FROM_EMAIL = sender
    settings.BASE_URL = address

    assert ids(checks.letters_can_be_sent()) == found


@pytest.mark.django_db
def test_the_database_works_at_read_committed():
    assert checks.isolation_is_read_committed(databases=["default"]) == []


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_another_isolation_is_refused():
    if connection.vendor != "postgresql":
        pytest.skip("Isolation is a matter of PostgreSQL.")
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = 'repeatable read'")
        try:
            found = ids(checks.isolation_is_read_committed(databases=["default"]))
        finally:
            cursor.execute("RESET default_transaction_isolation")

    assert found == ["core.E005"]


@pytest.mark.parametrize(
    ("count", "networks", "found"),
    [
        (0, [], []),
        (2, ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"], []),
        (1, ["cdn.example"], ["core.E012"]),
        (1, ["192.0.2.9/24"], ["core.E012"]),
        (1, ["0.0.0.0/0"], ["core.E012"]),
        (-1, [], ["core.E012"]),
    ],
)
def test_networks_of_proxies_can_be_read(settings, count, networks, found):
    settings.TRUSTED_PROXY_COUNT, settings.TRUSTED_PROXIES = count, networks

    assert ids(checks.proxies_can_be_read()) == found
