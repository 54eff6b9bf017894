"""Testimonials: nothing stands there until somebody real has agreed."""

import pytest

from home.models import HomePage
from testimonials.models import TestimonialIndexPage, TestimonialPage
from tests.factories.pages import make_testimonial

pytestmark = pytest.mark.django_db

HEADING = "What the Partners are Saying..."


def test_no_heading_stands_over_nothing(client):
    pages = {path: client.get(path).content.decode() for path in ("/", "/testimonials/")}

    assert list(HomePage.objects.get().testimonials()) == []
    assert list(TestimonialIndexPage.objects.get().testimonials()) == []
    assert [path for path, page in pages.items() if HEADING in page] == []


def test_the_sample_is_kept_as_a_draft_and_says_that_it_is_no_quotation():
    sample = TestimonialPage.objects.get(key="sample-words")

    assert (sample.live, sample.is_sample, sample.display_name) == (False, True, "")
    assert "Sample text, not a quotation" in sample.text


def test_a_real_testimonial_brings_the_heading_with_it(client):
    make_testimonial(text="<p>It helped me.</p>")

    page = client.get("/testimonials/").content.decode()

    assert HEADING in page
    assert "It helped me." in page


@pytest.mark.parametrize("size", [1, 3])
def test_the_list_costs_one_query(django_assert_num_queries, size):
    words = [make_testimonial() for _ in range(size)]
    index_page = TestimonialIndexPage.objects.get()

    with django_assert_num_queries(1):
        found = list(index_page.testimonials())

    assert found == words


def test_the_home_page_shows_three_at_most():
    words = [make_testimonial() for _ in range(4)]

    assert list(HomePage.objects.get().testimonials()) == words[:3]


def test_the_address_of_a_testimonial_leads_to_the_list_and_says_nothing(client):
    testimonial = make_testimonial(title="How therapy helped my recovery")

    response = client.get(testimonial.url)

    assert testimonial.slug == "words-2"
    assert response.headers["Location"] == "/testimonials/"
    assert testimonial.get_sitemap_urls() == []
