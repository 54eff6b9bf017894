"""What must be true before this site may run: said at start, not found out by a member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from email.utils import parseaddr
from ipaddress import ip_network
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.models import Model

from core.discretion import leak_words_in
from core.fields import EncryptedColumn, UnreadableText, encrypted_columns


@register(Tags.security)
def keys_are_usable(**_: Any) -> list[CheckMessage]:
    """Encrypted columns have at least one key, and every key is one."""
    if settings.FIELD_KEYS and all(_is_key(key) for key in settings.FIELD_KEYS):
        return []
    return [
        Error(
            "FIELD_KEYS must hold one key or more, newest first.",
            hint="Make one: python -c "
            '"from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
            id="core.E001",
        )
    ]


@register(Tags.urls)
def address_is_usable(**_: Any) -> list[CheckMessage]:
    """Letters and Stripe can find the way back, and over TLS outside development."""
    schemes = ("http://", "https://") if settings.DEVELOPMENT else ("https://",)
    if settings.BASE_URL.startswith(schemes) and not settings.BASE_URL.endswith("/"):
        return []
    return [
        Error(
            f"BASE_URL must start with {' or '.join(schemes)} and end without a slash.",
            id="core.E002",
        )
    ]


@register()
def proxies_can_be_read(**_: Any) -> list[CheckMessage]:
    """``TRUSTED_PROXIES`` holds networks and nothing else."""
    try:
        networks = [ip_network(network) for network in settings.TRUSTED_PROXIES]
    except ValueError as mistake:
        return [Error(f"TRUSTED_PROXIES cannot be read: {mistake}.", id="core.E012")]
    if settings.TRUSTED_PROXY_COUNT >= 0 and all(network.prefixlen for network in networks):
        return []
    return [
        Error("TRUSTED_PROXY_COUNT is below 0, or TRUSTED_PROXIES names everybody.", id="core.E012")
    ]


@register()
def letters_can_be_sent(**_: Any) -> list[CheckMessage]:
    """Letters have a sender, and neither it nor the links in them say what the practice does."""
    if "@" not in parseaddr(settings.DEFAULT_FROM_EMAIL)[1]:
        return [Error("DEFAULT_FROM_EMAIL must hold an email address.", id="core.E003")]
    return [
        Error(
            f"{name} holds the word “{leaks[0]}”, so every letter would be refused.",
            hint="Members' letters are read over shoulders. Use a neutral address.",
            id="core.E004",
        )
        for name in ("DEFAULT_FROM_EMAIL", "BASE_URL")
        if (leaks := leak_words_in(getattr(settings, name)))
    ]


@register(Tags.database)
def isolation_is_read_committed(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """A row lock followed by a count sells no seat twice at READ COMMITTED, and only there."""
    return [
        Error(
            f"The database “{alias}” works at isolation level “{level}”. Seats are counted "
            "after a lock, which needs “read committed”.",
            hint="ALTER DATABASE … SET default_transaction_isolation = 'read committed'",
            id="core.E005",
        )
        for alias in databases or []
        if (level := _isolation(alias)) != "read committed"
    ]


@register(Tags.database)
def waits_are_limited(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """PostgreSQL keeps the time limits of the settings; a pooler drops those sent to it."""
    return [
        Error(
            f"The database “{alias}” has {name} at {found} ms instead of {wanted} ms.",
            hint="Run manage.py set_database_limits, then have the pooler make its connections "
            "anew (in PgBouncer: RECONNECT).",
            id="core.E008",
        )
        for alias in databases or []
        if connections[alias].vendor == "postgresql"
        for name, found, wanted in limits_in_force(alias)
        if found != wanted
    ]


def limits_in_force(alias: str) -> list[tuple[str, int, int]]:
    """Each time limit, with the milliseconds that PostgreSQL has and those of the settings."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)",
            [list(settings.DATABASE_LIMITS)],
        )
        found = dict(cursor.fetchall())
    return [
        (name, int(found[name]), seconds * 1000)
        for name, seconds in settings.DATABASE_LIMITS.items()
    ]


def _isolation(alias: str) -> str:
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return "read committed"
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        return str(cursor.fetchone()[0])


@register(Tags.database)
def encrypted_columns_can_be_read(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """For every key that a stored value needs there is one that opens it."""
    return [
        unreadable_values(column.label, missing)
        for alias in databases or []
        for column in encrypted_columns()
        if (missing := _unreadable_fingerprints(alias, column))
    ]


def unreadable_values(place: str, fingerprints: Iterable[str]) -> CheckMessage:
    """The finding that values in ``place`` need keys that are not there."""
    return Error(
        f"{place} holds values that cannot be read; the fingerprints of their keys are "
        f"{', '.join(sorted(fingerprints))}.",
        hint="Put the missing key behind the others in FIELD_KEYS, then run manage.py reencrypt. "
        "If it is lost, enter the values again where they are shown as not readable.",
        id="core.E007",
    )


def has_table(alias: str, model: type[Model]) -> bool:
    """Whether the migration that makes it has run; ``migrate`` asks the checks before that."""
    return model._meta.db_table in connections[alias].introspection.table_names()  # noqa: SLF001


def _unreadable_fingerprints(alias: str, column: EncryptedColumn) -> set[str]:
    """The fingerprints of which one value was tried and did not open. A query for each."""
    if not has_table(alias, column.model):
        return set()
    rows = column.rows().using(alias).order_by()
    names = rows.values_list(column.key_name, flat=True).distinct()
    ones = {name: rows.filter(**{column.key_name: name}).first() for name in names}
    return {
        name for name, row in ones.items() if isinstance(getattr(row, column.name), UnreadableText)
    }


def _is_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
