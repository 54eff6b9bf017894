"""The public pages as visitors and editors see them."""

import re
from html import unescape

import pytest
from django.conf import settings as project
from django.db import connection
from django.test.utils import CaptureQueriesContext
from wagtail.models import Page

from core.discretion import leak_words_in
from core.models import SitePage
from home.content.load import read
from home.models import HomePage, NavigationSettings
from programs.models import CoursePage, LessonPage
from tests.factories.pages import make_standard_page, make_week, make_workshop
from tests.reading import ADDRESSES

pytestmark = pytest.mark.django_db

CONTENT = read(project.BASE_DIR / "content/practice.yaml")


def words(response):
    """What a visitor reads, on one line."""
    source = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", response.content.decode())
    source = re.sub(r"</?(a|abbr|em|strong|b|i|span)\b[^>]*>", "", source)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", source)).split())


def one_line(text):
    return " ".join(text.split())


def practice_words():
    """The practice's own words that a visitor finds somewhere on the site."""
    home, team, faq = CONTENT["home"], CONTENT["team"], CONTENT["faq"]
    yield from (part["text"] for part in home["hero"].values())
    yield home["benefits"]["heading"]["text"]
    yield from (point["text"] for point in home["benefits"]["points"])
    yield home["promises"]["lead_in"]["text"]
    yield from (promise["text"] for promise in home["promises"]["items"])
    workshop, bundle = CONTENT["programs"]
    yield from workshop_words(workshop)
    yield from bundle_words(bundle)
    for item in faq["items"]:
        for part in item["answer"]:
            yield from [part["text"]] if "text" in part else part["items"]
    yield team["heading"]["text"]
    yield team["body"]["text"]
    yield from (person["name"] for person in team["people"])
    yield from (person["role"]["text"] for person in team["people"])


def workshop_words(workshop):
    how, plan = workshop["how_it_works"], workshop["plan"]
    yield workshop["name"]
    yield from (how[part]["text"] for part in ("heading", "format", "led_by", "guided_journey"))
    yield from (fact["text"] for fact in how["facts"])
    yield workshop["weekly_components"]["lead_in"]["text"]
    yield from (line["text"] for line in workshop["weekly_components"]["items"])
    yield plan["heading"]["text"]
    for week in plan["weeks"]:
        yield from (week["title"], week["summary"]["text"])
    yield from (line["text"] for line in plan["after_plan"])
    yield workshop["recordings"]["text"]


def bundle_words(bundle):
    yield from (bundle["name"], bundle["tagline"]["text"], bundle["who_its_for"]["text"])
    yield bundle["included"]["heading"]["text"]
    yield from (line["text"] for line in bundle["included"]["items"])
    for course in bundle["courses"]:
        if not course.get("draft"):
            yield course["title"]["text"]
            for section in course.get("sections", [course]):
                yield from (lesson["text"] for lesson in section["lessons"])


# --- what visitors read --------------------------------------------------------------------------


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_public_page_is_served(client, address):
    assert client.get(address).status_code == 200


def test_all_of_the_practices_words_can_be_read_on_the_site(client):
    site = " ".join(words(client.get(address)) for address in ADDRESSES)

    missing = [text for text in practice_words() if one_line(text) not in site]

    assert missing == []
    assert len(list(practice_words())) == 137


def test_claims_that_are_not_true_or_not_confirmed_are_not_read_anywhere(client):
    site = " ".join(words(client.get(address)) for address in ADDRESSES)

    found = [text for text in ("Over 57", "$499", "$399", "$199", "1,097") if text in site]

    assert found == []
    assert "56 video lessons" in site


def test_what_is_made_up_carries_the_word_sample(client):
    for address in ("/privacy/", "/terms/", "/refunds/", "/programs/facing-heartbreak/"):
        assert "Sample" in words(client.get(address))


def test_outside_demo_mode_no_public_page_holds_sample_material(client, settings):
    settings.DEMO_MODE = False
    samples = [policy["text"] for policy in CONTENT["programs"][0]["policies"]]

    statuses = {a: client.get(a).status_code for a in ("/privacy/", "/terms/", "/refunds/")}
    page = words(client.get("/programs/facing-heartbreak/"))

    assert set(statuses.values()) == {404}
    assert [text for text in samples if text in page] == []


def test_an_entry_of_a_menu_disappears_with_its_page(django_assert_num_queries):
    menus = NavigationSettings.load()
    pages = [make_standard_page() for _ in range(3)]
    menus.main_menu = [("link", {"page": page, "label": ""}) for page in pages]
    menus.save()
    pages[1].unpublish()
    fresh = NavigationSettings.load()

    with django_assert_num_queries(1):
        entries = fresh.main_entries()

    assert [entry.page.pk for entry in entries] == [pages[0].pk, pages[2].pk]


def test_a_workshop_costs_as_many_queries_with_three_weeks_as_with_one(client):
    small, large = make_workshop(), make_workshop()
    make_week(small, 1)
    for number in (1, 2, 3):
        make_week(large, number)
    client.get("/safety/")

    with CaptureQueriesContext(connection) as for_one:
        client.get(small.url)
    with CaptureQueriesContext(connection) as for_three:
        response = client.get(large.url)

    assert "Title of week 3" in words(response)
    assert len(for_three) == len(for_one)


# --- what editors see ----------------------------------------------------------------------------


def test_every_page_with_a_preview_is_previewed_in_every_mode():
    pages = [page for page in Page.objects.specific() if isinstance(page, SitePage)]

    broken = [
        (page.key, mode)
        for page in pages
        for mode, _ in page.preview_modes
        if page.make_preview_request(preview_mode=mode).status_code != 200
    ]

    assert broken == []
    assert {type(page) for page in pages if not page.preview_modes} == {CoursePage, LessonPage}


def test_a_preview_shows_the_draft_not_the_published_words():
    home = HomePage.objects.get()
    home.headline = "Not published yet"

    preview = home.make_preview_request()

    assert "Not published yet" in preview.render().content.decode()


def test_every_block_can_be_previewed_when_it_is_chosen():
    missing = [
        (model._meta.label, name)
        for model in (HomePage, *SitePage.__subclasses__())
        for name, block in blocks_of(model)
        if not block.meta.description
    ]

    assert missing == []


def blocks_of(model):
    """The blocks that an editor may choose on a page of this type."""
    for name in model.stream_names():
        yield from model._meta.get_field(name).stream_block.child_blocks.items()


@pytest.mark.parametrize("page", SitePage.__subclasses__(), ids=lambda page: page.__name__)
def test_a_loaded_page_describes_itself_to_search_engines_without_a_telling_word(page):
    described = page.objects.exclude(search_description="")

    assert [leak_words_in(each.search_description) for each in described] == [[]] * len(described)


def test_the_pages_people_search_for_are_described(client):
    silent = [
        address
        for address in ("/", "/programs/", "/programs/facing-heartbreak/", "/programs/am-i/")
        if '<meta name="description"' not in client.get(address).content.decode()
    ]

    assert silent == []
