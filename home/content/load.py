"""The whole content, in the order in which its parts need one another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

from core.models import SitePage
from home.content import programs, site
from home.content.loading import Loading


def read(file: Path) -> dict[str, Any]:
    """The content that ``file`` holds."""
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


@transaction.atomic
def load(content: dict[str, Any]) -> Loading:
    """Create what is missing, all of it or nothing; tell what was created and what was kept."""
    loading = Loading(descriptions=content["descriptions"])
    workshops = {e["key"]: e for e in content["programs"] if e["type"] == "cohort_workshop"}
    bundles = {e["key"]: e for e in content["programs"] if e["type"] == "self_paced_bundle"}
    testimonials_heading = content["testimonials"]["heading"]["text"]

    site.load_practice(loading, content)
    home = site.load_home(loading, content["home"])
    index_page = programs.load_program_index(loading, home, content["programs_page"])
    workshop_pages = {
        key: programs.load_workshop(loading, index_page, entry, testimonials_heading)
        for key, entry in workshops.items()
    }
    bundle_pages = {
        key: programs.load_bundle(loading, index_page, entry) for key, entry in bundles.items()
    }
    program_pages: dict[str, SitePage] = {**workshop_pages, **bundle_pages}
    questions = programs.load_questions(loading, content["faq"]["items"], program_pages)
    team, people = programs.load_team(loading, home, content["team"])
    testimonials = programs.load_testimonials(loading, home, content["testimonials"])
    pages = site.load_pages(loading, home, content)

    for key, page in workshop_pages.items():
        if loading.is_new(page):
            programs.link_workshop(page, workshops[key], people, questions)
    if loading.is_new(home):
        site.link_home(home, content["home"], program_pages, questions, testimonials_heading)
    loading.finish()

    pages |= {"programs": index_page, "team": team, "testimonials": testimonials}
    site.load_menus(loading, content["menus"], pages)
    site.load_groups()
    return loading
