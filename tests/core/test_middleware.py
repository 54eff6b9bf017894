"""What every answer carries, leaving, health, and what robots are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from core.models import PracticeSettings
from tests.core.test_site_page import edit_form
from tests.factories.enrollments import bundle, make_access
from tests.factories.pages import make_standard_page

pytestmark = pytest.mark.django_db

PRIVATE = ["/member/", "/account/login/", "/account/signed-out/", "/staff/", "/enroll/x/",
           "/buy/x/", "/orders/x/", "/waitlist/x/", "/leave/"]  # fmt: skip


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann@example.org", chosen_name="Ann")


@pytest.fixture
def member(ann) -> Client:
    client = Client()
    client.force_login(ann)
    return client


def policy_of(response) -> dict[str, str]:
    parts = [part.strip() for part in response["Content-Security-Policy"].split(";")]
    return {part.split(" ")[0]: part.partition(" ")[2] for part in parts}


# --- content security policy ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["/", "/account/login/", "/member/", "/nothing-here/", "/leave/"]
)
def test_nothing_inline_runs_on_pages_that_people_visit(client, address):
    policy = policy_of(client.get(address))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"


def test_the_admin_has_a_policy_of_its_own(staff_client):
    policy = policy_of(staff_client.get("/staff/"))

    assert policy["script-src"] == "'self' 'unsafe-inline'"
    assert policy["img-src"] == "'self' data: blob:"
    assert policy["frame-ancestors"] == "'self'"
    assert "nonce" not in str(policy)


@pytest.mark.parametrize("address", ["/", "/staff/login/"])
def test_forms_lead_to_where_payments_are_made_and_nowhere_else(client, settings, address):
    settings.FORM_ACTION_SOURCES = ["'self'", "https://checkout.stripe.com"]

    assert policy_of(client.get(address))["form-action"] == "'self' https://checkout.stripe.com"


@pytest.mark.parametrize("address", ["/", "/account/login/", "/staff/login/"])
def test_no_page_asks_another_site_for_anything(client, address):
    allowed = policy_of(client.get(address))

    del allowed["form-action"]
    assert "http" not in str(allowed)


@pytest.fixture
def preview_address(staff_client) -> str:
    """Where the owner's browser sees a page as she has just typed it."""
    page = make_standard_page()
    address = f"/staff/pages/{page.pk}/edit/preview/"
    staff_client.post(address, edit_form(staff_client, page))
    return address


def test_only_the_form_beside_a_preview_may_frame_it(staff_client, preview_address):
    preview = policy_of(staff_client.get(preview_address))
    public = policy_of(staff_client.get("/"))

    assert preview == public | {"frame-ancestors": "'self'"}
    assert public["frame-ancestors"] == "'none'"


def test_only_a_preview_carries_what_counts_words_and_finds_faults(staff_client, preview_address):
    panel = staff_client.get(f"{preview_address}?in_preview_panel=true").content.decode()
    tab = staff_client.get(preview_address).content.decode()
    public = staff_client.get("/?in_preview_panel=true").content.decode()

    assert "js/userbar.js" in panel
    assert "userbar" not in tab
    assert "userbar" not in public


def test_a_page_cannot_be_framed(client):
    assert client.get("/")["X-Frame-Options"] == "DENY"


# --- private answers ------------------------------------------------------------------------------


@pytest.mark.parametrize("address", PRIVATE)
def test_nobody_keeps_a_copy_of_what_concerns_one_person(client, address):
    answer = client.get(address)

    assert answer["Cache-Control"] == "no-store, private"
    assert answer["X-Robots-Tag"] == "noindex"


def test_a_member_page_tells_no_other_page_where_she_was(member, ann, loaded_site):
    make_access(ann)

    page = member.get(f"/member/courses/{bundle().slug}/")

    assert page.status_code == 200
    assert page["Referrer-Policy"] == "no-referrer"


def test_a_member_page_with_a_form_lets_the_form_be_sent(ann):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ann)
    page = strict.get("/account/logout/")

    answer = strict.post("/account/logout/", {"csrfmiddlewaretoken": page.context["csrf_token"]})

    assert page["Referrer-Policy"] == "same-origin"
    assert answer.status_code == 302


@pytest.mark.parametrize("address", ["/account/login/", "/enroll/x/", "/buy/x/"])
def test_pages_with_forms_tell_our_own_pages_only(client, address):
    assert client.get(address)["Referrer-Policy"] == "same-origin"


def test_public_pages_may_be_kept_and_listed(client):
    page = client.get("/faq/")

    assert page.status_code == 200
    assert "X-Robots-Tag" not in page
    assert "no-store" not in page.get("Cache-Control", "")


def test_a_public_page_sets_no_cookie(client):
    assert dict(client.get("/faq/").cookies) == {}


# --- leaving --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post", "head"])
def test_leaving_signs_out_erases_everything_and_goes_somewhere_plain(member, method):
    answer = getattr(member, method)("/leave/")

    assert (answer.status_code, answer["Location"]) == (302, "https://www.weather.gov/")
    assert answer["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert answer["Cache-Control"] == "no-store, private"
    assert answer.cookies["sessionid"]["max-age"] == 0
    assert Session.objects.count() == 0
    assert member.get("/member/").status_code == 302


def test_leaving_deletes_every_cookie_that_was_sent(member):
    member.get("/account/logout/")

    answer = member.get("/leave/")

    assert {name: c["max-age"] for name, c in answer.cookies.items()} == {
        "sessionid": 0,
        "csrftoken": 0,
    }


def test_the_practice_says_where_leaving_goes(client):
    PracticeSettings.objects.update(leave_url="https://news.example/")

    assert client.get("/leave/")["Location"] == "https://news.example/"


def test_leaving_works_before_anybody_has_said_where(client):
    PracticeSettings.objects.all().delete()

    assert client.get("/leave/")["Location"] == "https://www.weather.gov/"


def test_leaving_needs_no_token(ann):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ann)

    assert strict.post("/leave/").status_code == 302


def database_is_down(*_):
    raise OperationalError("the database is down")


def test_leaving_works_while_the_database_is_down(member):
    with connection.execute_wrapper(database_is_down):
        answer = member.get("/leave/")

    assert (answer.status_code, answer["Location"]) == (302, "https://www.weather.gov/")
    assert answer.cookies["sessionid"]["max-age"] == 0
    assert answer["Clear-Site-Data"] == '"cache", "cookies", "storage"'


# --- health ---------------------------------------------------------------------------------------


def test_being_alive_asks_the_database_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok")


def test_ready_when_everything_is_there(client):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "database": "ok",
        "cache": "ok",
        "proxies": "ok",
        "migrations": "ok",
        "tasks": "ok",
        "emails": "ok",
    }


def test_not_ready_without_the_database(client):
    with connection.execute_wrapper(database_is_down):
        answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"database": "down", "cache": "ok", "proxies": "ok"}


def test_not_ready_before_the_migrations(client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'accounts'")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["migrations"]) == (503, "missing")


def test_without_the_cache_it_is_told_and_ready_all_the_same(client, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["cache"]) == (200, "down")


AT_ONCE = datetime(9999, 1, 1, tzinfo=UTC)


def wait(minutes: int, run_after: datetime = AT_ONCE) -> None:
    task = DBTaskResult.objects.create(
        args_kwargs={"args": [], "kwargs": {}},
        task_path="x",
        backend_name="default",
        run_after=run_after,
    )
    since = timezone.now() - timedelta(minutes=minutes)
    DBTaskResult.objects.filter(pk=task.pk).update(enqueued_at=since)


def test_a_queue_that_stands_still_is_told(client, now):
    wait(20)
    wait(1)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["tasks"]) == (200, "late: 1200 s")


def test_a_task_for_later_is_not_late(client):
    wait(60, run_after=timezone.now() + timedelta(hours=1))
    wait(60, run_after=timezone.now() - timedelta(minutes=1))

    assert client.get("/readyz").json()["tasks"] == "ok"


# --- robots ---------------------------------------------------------------------------------------


def test_robots_are_told_what_to_leave_alone(client, settings):
    settings.BASE_URL = "https://stillwater.example"

    told = client.get("/robots.txt").content.decode().splitlines()

    assert "Disallow: /member/" in told
    assert "Disallow: /account/" in told
    assert told[-1] == "Sitemap: https://stillwater.example/sitemap.xml"


def test_the_sitemap_lists_public_pages_only(client, loaded_site):
    told = client.get("/sitemap.xml").content.decode()

    assert "/programs/facing-heartbreak/</loc>" in told
    assert [
        word for word in ("/member", "/staff", "/account", "lesson", "course-") if word in told
    ] == []


def test_the_sitemap_leaves_samples_out_outside_demo_mode(client, loaded_site, settings):
    type(loaded_site).objects.update(is_sample=True)
    with_samples = client.get("/sitemap.xml").content.decode().count("<loc>")
    cache.clear()
    settings.DEMO_MODE = False

    without = client.get("/sitemap.xml").content.decode().count("<loc>")

    assert without < with_samples
