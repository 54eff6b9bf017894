"""Log lines: where and of what kind an error is, never what somebody typed."""

from __future__ import annotations

import io
import logging

from django.conf import settings

from core.logs import NamelessFormatter

# Put together here, because the lines of code themselves are printed.
ANN = "@".join(["ann", "example.org"])


def logged(raise_error) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(NamelessFormatter("%(levelname)s %(message)s"))
    logger = logging.Logger("test")  # noqa: LOG001 (no handlers but ours)
    logger.addHandler(handler)
    try:
        raise_error()
    except Exception:
        logger.exception("order 7 failed")
    return stream.getvalue()


def refuse():
    raise ValueError(f"Key (email)=({ANN}) already exists")


def refuse_because():
    try:
        refuse()
    except ValueError as error:
        raise RuntimeError(f"while writing to {ANN}") from error


def test_an_error_is_logged_by_place_and_kind_and_names_nobody():
    line = logged(refuse_because)

    assert ANN not in line
    assert line.startswith("ERROR order 7 failed")
    assert line.index("builtins.ValueError") < line.index("builtins.RuntimeError")
    assert ", in refuse\n" in line


def test_the_site_logs_like_that():
    used = settings.LOGGING["handlers"]["console"]["formatter"]

    assert settings.LOGGING["formatters"][used]["()"] == "core.logs.NamelessFormatter"
