"""A cache that fails is a miss: slower, and never an error on a page.

Nothing may depend on what a cache holds, so a dead, silent, emptied or full one, and one that
holds rubbish, looks like an empty one. After a failure to reach it nobody asks for a while, so
that a silent server costs one short wait and not one at each look.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Final

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NoAnswer

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 60.0
UNREACHABLE: Final = (OSError, NotConnected, NoAnswer)


class Pause:
    """How long nobody asks: five seconds after the first failure, then twice as long each time."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._until = 0.0

    def is_on(self) -> bool:
        """Whether it is too early to ask again."""
        return time.monotonic() < self._until

    def begin(self) -> None:
        """Start another one, counted from the end of the wait for the answer that never came."""
        longer = max(FIRST_PAUSE_SECONDS, 2 * self._seconds)
        self._seconds = min(longer, LONGEST_PAUSE_SECONDS)
        self._until = time.monotonic() + self._seconds

    def end(self) -> None:
        """There was an answer: the next failure is a first one again."""
        self._seconds = self._until = 0.0


class ForgivingCache(BaseCache):
    """In front of a backend: whatever happens to it is a miss."""

    # One for the whole process, while Django makes a cache for each thread.
    pause: ClassVar[Pause]

    def add(self, *args: Any, **options: Any) -> bool:
        return bool(self._ask(partial(super().add, *args, **options), otherwise=True))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._ask(partial(super().get, key, default, version), otherwise=default)

    def set(self, *args: Any, **options: Any) -> None:
        self._ask(partial(super().set, *args, **options), otherwise=None)

    def touch(self, *args: Any, **options: Any) -> bool:
        return bool(self._ask(partial(super().touch, *args, **options), otherwise=False))

    def delete(self, *args: Any, **options: Any) -> bool:
        return bool(self._ask(partial(super().delete, *args, **options), otherwise=False))

    def get_many(self, *args: Any, **options: Any) -> dict[Any, Any]:
        found: dict[Any, Any] = self._ask(partial(super().get_many, *args, **options), otherwise={})
        return found

    def has_key(self, *args: Any, **options: Any) -> bool:
        return bool(self._ask(partial(super().has_key, *args, **options), otherwise=False))

    def incr(self, key: Any, *args: Any, **options: Any) -> int:
        """What a counter is now.

        Raises:
            ValueError: there is none, or the cache fails.
        """
        value = self._ask(partial(super().incr, key, *args, **options), otherwise=None)
        if value is None:
            raise ValueError(key)
        return int(value)

    def set_many(self, *args: Any, **options: Any) -> list[Any]:
        failed: list[Any] = self._ask(partial(super().set_many, *args, **options), otherwise=[])
        return failed

    def delete_many(self, *args: Any, **options: Any) -> None:
        self._ask(partial(super().delete_many, *args, **options), otherwise=None)

    def clear(self) -> None:
        self._ask(super().clear, otherwise=None)

    def _ask(self, ask: Callable[[], Any], *, otherwise: Any) -> Any:
        if self.pause.is_on():
            return otherwise
        try:
            answer = ask()
        except Exception as trouble:  # noqa: BLE001 (every cache has errors of its own)
            logger.warning("The cache fails: %s", type(trouble).__name__)
            if isinstance(trouble, UNREACHABLE):
                self.pause.begin()
            return otherwise
        self.pause.end()
        return answer


class ForgivingRedisCache(ForgivingCache, RedisCache):
    """For several machines."""

    pause = Pause()


class ForgivingFileCache(ForgivingCache, FileBasedCache):
    """For one machine."""

    pause = Pause()

    def __init__(self, directory: str, params: dict[str, Any]) -> None:
        # The last thing that it does is to make the folder; whoever needs it later misses it.
        with suppress(OSError):
            super().__init__(directory, params)
