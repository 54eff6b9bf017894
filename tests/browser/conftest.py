"""A real browser in front of the loaded site, with its sample quarters still to come."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from playwright.sync_api import Browser, Locator, Page, Request

# Playwright keeps an event loop in this thread, in which Django would otherwise refuse to query.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium where there is one, otherwise Playwright's own."""
    arguments = ["--no-sandbox", "--disable-background-networking"]
    installed = shutil.which("chromium")
    found = {"executable_path": installed} if installed else {}
    return {**browser_type_launch_args, **found, "args": arguments}


@pytest.fixture(scope="session")
def content_copy(django_db_setup) -> str:
    """The loaded content, as every committing test finds it."""
    return connection._test_serialized_contents


@pytest.fixture(scope="session", autouse=True)
def content_beside_the_browser(content_copy: str, browser: Browser) -> Iterator[None]:
    """Hands the copy on: beside Playwright's event loop Django opens a connection of its own."""
    connection._test_serialized_contents = content_copy
    yield
    connection.close()


@pytest.fixture
def site(django_db_serialized_rollback, transactional_db, live_server) -> Iterator[str]:
    """The address of the loaded site, with its sample quarters."""
    cache.clear()
    call_command("load_quarters")
    yield live_server.url
    cache.clear()


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Any]:
    """Opens an address in a browser of its own: ``visit("/faq/", timezone_id="Europe/London")``."""
    contexts = []

    def open_page(address: str, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.goto(site + address)
        return page

    yield open_page
    for context in contexts:
        context.close()


def follow(part: Locator) -> None:
    """Clicks what leads to another page, and waits until that page has loaded."""
    with part.page.expect_navigation():
        part.click()


class Listener:
    """What a page asks for, and what it complains about."""

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._on_request)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._on_console)

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _on_console(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)
