"""Leaving without a trace: the session ended, and everything this site put into the browser erased.

Three things together keep the Back button from showing what was there, in every browser family: the
pages were sent with no-store, the HttpOnly cookies are deleted, and Clear-Site-Data is sent.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, TypeVar

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse

Response = TypeVar("Response", bound=HttpResponse)

PLAIN_PAGE: Final = "https://www.weather.gov/"


def end_session(request: HttpRequest) -> None:
    """Sign out. With a database that fails the row stays, but no cookie leads to it any more."""
    try:
        request.session.flush()
    except Error:
        # An empty session in its place: the middleware deletes the cookie and stores nothing.
        request.session = import_module(settings.SESSION_ENGINE).SessionStore()


def erase_traces(request: HttpRequest, response: Response) -> Response:
    """``response``, which also takes away the cookies and everything stored."""
    for name in request.COOKIES:
        response.delete_cookie(name)
    response["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    response["Cache-Control"] = "no-store, private"
    return response
