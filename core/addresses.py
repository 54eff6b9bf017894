"""Old addresses of pages that are not published at the moment.

When a section gets another address, Wagtail makes redirects for the published pages below it. Those
that are taken down keep their old address here, for the day on which they come back.
"""

from __future__ import annotations

from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page


def keep_old_addresses(section: Page, old_url_path: str) -> None:
    """Lead from the old addresses of what was once published below ``section`` to the new ones."""
    section = Page.objects.get(pk=section.pk)
    if section.url_path == old_url_path:
        return
    below = section.get_descendants().filter(live=False, first_published_at__isnull=False)
    for page in below.specific():
        _lead_from(old_url_path + page.url_path[len(section.url_path) :], page)


def _lead_from(old_url_path: str, page: Page) -> None:
    new_url_path, page.url_path = page.url_path, old_url_path
    parts = page.get_url_parts()
    page.url_path = new_url_path
    if parts is None:
        return
    site_id, _, path = parts
    Redirect.objects.update_or_create(
        old_path=Redirect.normalise_path(path),
        site_id=site_id,
        defaults={"redirect_page": page, "automatically_created": True},
    )
