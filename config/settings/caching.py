"""Which caches there are, for where ``CACHE_URL`` points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ

# A server on the same network answers in a thousandth of this.
WAITS = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}


def caches_at(url: str, *, files: Path) -> dict[str, dict[str, Any]]:
    """The cache of the pages, whose failures are misses; and the same one, strict.

    ``strict`` is for whoever has to know that it did not answer: ``core.page_cache``.
    Without ``url`` it is the folder ``files``.
    """
    if not url:
        options = {"MAX_ENTRIES": 20_000}
        return _both("filebased.FileBasedCache", "ForgivingFileCache", str(files), options)
    named = environ.Env.cache_url_config(url)
    if not named["BACKEND"].endswith(".RedisCache"):
        return {"default": named, "strict": named}
    given = named.get("OPTIONS", {})
    waits = {name: float(given.get(name, wait)) for name, wait in WAITS.items()}
    return _both("redis.RedisCache", "ForgivingRedisCache", named["LOCATION"], given | waits)


def _both(
    strict: str, forgiving: str, location: Any, options: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    shared = {"LOCATION": location, "OPTIONS": options}
    return {
        "default": {"BACKEND": f"core.cache.{forgiving}", **shared},
        "strict": {"BACKEND": f"django.core.cache.backends.{strict}", **shared},
    }
