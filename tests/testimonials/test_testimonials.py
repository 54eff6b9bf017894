"""Testimonials: nothing stands there until somebody real has agreed."""

import pytest

from home.models import HomePage
from testimonials.models import TestimonialIndexPage, TestimonialPage
from tests.factories.pages import make_testimonial

pytestmark = pytest.mark.django_db

HEADING = "What the Partners are Saying..."


def test_no_heading_stands_over_nothing(client):
    page = client.get("/").content.decode()

    assert list(HomePage.objects.get().testimonials()) == []
    assert HEADING not in page


def test_a_list_of_nothing_is_not_there_for_visitors_nor_in_the_sitemap(client):
    index_page = TestimonialIndexPage.objects.get()

    assert list(index_page.testimonials()) == []
    assert client.get("/testimonials/").status_code == 404
    assert "/testimonials/" not in client.get("/sitemap.xml").content.decode()


def test_an_editor_sees_the_list_before_there_is_anything_on_it(staff_client):
    index_page = TestimonialIndexPage.objects.get()

    preview = staff_client.get(f"/staff/pages/{index_page.pk}/view_draft/")

    assert preview.status_code == 200
    assert HEADING in preview.content.decode()


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


@pytest.mark.parametrize("size", [1, 3])
def test_the_page_costs_so_many_queries(client, django_assert_num_queries, size):
    for _ in range(size):
        make_testimonial()
    client.get("/testimonials/")

    with django_assert_num_queries(8):
        client.get("/testimonials/")


def test_the_home_page_shows_three_at_most():
    words = [make_testimonial() for _ in range(4)]

    assert list(HomePage.objects.get().testimonials()) == words[:3]


def test_the_address_of_a_testimonial_leads_to_the_list_and_says_nothing(client):
    testimonial = make_testimonial(title="How therapy helped my recovery")

    response = client.get(testimonial.url)

    assert testimonial.slug == "words-2"
    assert response.headers["Location"] == "/testimonials/"
    assert testimonial.get_sitemap_urls() == []
