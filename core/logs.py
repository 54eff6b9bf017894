"""Log lines that name nobody, also when something fails."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType


class NamelessFormatter(logging.Formatter):
    """Prints where an error happened and of what kind it is, never its text.

    The text may quote what somebody typed: a database names the value it refused, a mail server
    the address.
    """

    def formatException(  # noqa: N802 (the library's name)
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """The frames and the kind of the error, and of those that led to it, first one first."""
        error = ei[1]
        parts: list[str] = []
        while error is not None:
            frames = "".join(traceback.format_tb(error.__traceback__))
            parts.append(f"{frames}{type(error).__module__}.{type(error).__qualname__}")
            hidden = error.__suppress_context__
            error = error.__cause__ or (None if hidden else error.__context__)
        return "\n".join(reversed(parts))
