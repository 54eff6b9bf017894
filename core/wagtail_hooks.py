"""The admin: nothing sample is published in bulk outside demo mode."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from wagtail import hooks
from wagtail.models import Page

from core.models import SAMPLE_REFUSAL, SitePage


@hooks.register("before_bulk_action")
def refuse_samples_in_bulk(
    request: HttpRequest, action_type: str, objects: Iterable[Any], action: Any
) -> HttpResponse | None:
    """Send the editor back when a bulk publication would take a sample along."""
    if action_type != "publish" or settings.DEMO_MODE or request.method != "POST":
        return None
    samples = [page.title for page in objects if isinstance(page, Page) and _holds_samples(page)]
    if not samples:
        return None
    messages.error(request, f"{', '.join(samples)}: {SAMPLE_REFUSAL}")
    return redirect(action.next_url)


def _holds_samples(page: Page) -> bool:
    own = page.get_latest_revision_as_object()
    return isinstance(own, SitePage) and own.holds_samples()
