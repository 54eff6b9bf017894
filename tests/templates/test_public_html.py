"""What the public pages say in their source, read as a strict parser reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import call_command

from core.discretion import leak_words_in
from tests.reading import ADDRESSES
from tests.templates.markup import read

pytestmark = pytest.mark.django_db


@pytest.fixture
def sources(client, loaded_site, now) -> dict[str, str]:
    """Every public page's source by its address."""
    call_command("load_quarters")
    return {address: client.get(address).content.decode() for address in ADDRESSES}


def faults(sources: dict[str, str], find: Callable[[str], list[Any]]) -> dict[str, list[Any]]:
    """What ``find`` objects to, by address; empty when every page is in order."""
    found = {address: find(source) for address, source in sources.items()}
    return {address: objections for address, objections in found.items() if objections}


def test_every_page_is_valid_html(sources):
    def find(source: str) -> list[str]:
        return [str(error) for error in read(source).errors]

    assert faults(sources, find) == {}


def test_every_page_starts_with_its_only_h1_and_skips_no_level(sources):
    def find(source: str) -> list[int]:
        levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", source)]
        in_order = all(later - earlier <= 1 for earlier, later in pairwise(levels))
        return [] if in_order and levels[0] == 1 and levels.count(1) == 1 else levels

    assert faults(sources, find) == {}


def test_no_page_repeats_an_id(sources):
    def find(source: str) -> list[str]:
        ids = re.findall(r' id="([^"]+)"', source)
        return sorted({name for name in ids if ids.count(name) > 1})

    assert faults(sources, find) == {}


def test_every_link_within_a_page_has_a_target(sources):
    def find(source: str) -> list[str]:
        targets = re.findall(r'href="#([^"]+)"', source)
        return [target for target in targets if f'id="{target}"' not in source]

    assert faults(sources, find) == {}


def test_no_page_holds_inline_scripts_or_styles(sources):
    inline = re.compile(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:")

    assert faults(sources, inline.findall) == {}


def test_descriptions_for_search_engines_hold_no_clinical_word(sources):
    def find(source: str) -> list[str]:
        tags = read(source).query('meta[name="description"]')
        return leak_words_in(" ".join(tag.attrs["content"] for tag in tags))

    assert faults(sources, find) == {}


def test_no_header_names_a_program(sources):
    def find(source: str) -> list[str]:
        header = read(source).query("header")[0].to_text().casefold()
        return [name for name in ("heartbreak", "am i") if name in header]

    assert faults(sources, find) == {}


def test_every_page_leads_out_at_three_places_without_scripts(sources):
    def find(source: str) -> list[int]:
        count = len(read(source).query('a[href="/leave/"]'))
        return [] if count == 3 else [count]

    assert faults(sources, find) == {}


def test_a_heading_never_stands_over_no_testimonials(sources):
    assert "What the Partners are Saying" not in "".join(sources.values())


def test_the_workshop_page_marks_what_is_made_up(sources):
    source = sources["/programs/facing-heartbreak/"]

    tags = [tag.to_text() for tag in read(source).query("main .sample-tag")]

    assert tags.count("Sample price") == 2
    assert "Sample dates" in tags


def test_the_videos_page_counts_what_is_published(sources):
    page = read(sources["/programs/am-i/"])

    rows = [row.to_text() for row in page.query(".values td")]

    assert rows == ["18 lessons", "37 lessons", "1 lesson"]
    assert "56 video lessons" in page.to_text()
    assert "Over 57" not in page.to_text()
    assert "$499" not in page.to_text()


def test_a_lost_page_is_answered_without_naming_a_program(client, loaded_site):
    response = client.get("/nothing-here/")

    source = response.content.decode()

    assert response.status_code == 404
    assert leak_words_in(source) == []
    assert read(source).errors == []
