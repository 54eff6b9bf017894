"""The staff's second step, and the admin's door."""

from __future__ import annotations

import json
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.fernet import Fernet
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import seeds
from accounts.models import User
from core.models import RateLimitCounter
from tests.accounts.conftest import SIGN_IN, TYPE_CODE

pytestmark = pytest.mark.django_db

SET_UP = "/account/second-step/app/"
ENTER = "/account/second-step/enter/"
AGAIN = "/account/second-step/again/"
SPARE = "/account/second-step/spare/"


@pytest.fixture(autouse=True)
def required(settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True


def app_code(secret: str) -> str:
    """What an authenticator app would show now; here it may be used again."""
    cache.clear()
    RateLimitCounter.objects.filter(kind="app_code").delete()
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


@pytest.fixture
def staff_with_app(staff_client: Client) -> tuple[Client, str]:
    """Staff who have just set up the app, and its key."""
    secret = staff_client.get(SET_UP).context["form"].secret
    staff_client.post(SET_UP, {"code": app_code(secret)})
    return staff_client, secret


def sign_in(client: Client, email: str, code) -> str:
    client.post(SIGN_IN, {"email": email})
    return client.post(TYPE_CODE, {"code": code()}).url


def test_a_visitor_is_sent_to_sign_in(client):
    assert client.get("/staff/").url == "/account/login/?next=/staff/"


@pytest.mark.parametrize("address", ["/staff/", "/staff/pages/", "/account/second-step/", SET_UP])
def test_a_member_finds_nothing_there(client, ann, address):
    client.force_login(ann)

    assert client.get(address).status_code == 404


def test_staff_without_an_app_are_sent_to_set_it_up(staff_client):
    answer = staff_client.get("/staff/reports/site-history/?page=2")

    assert answer.url.startswith(f"{SET_UP}?next=")


@pytest.mark.parametrize("address", ["/staff/", "/staff/users/", "/staff/api/main/pages/"])
def test_no_part_of_the_admin_opens_before_the_second_step(staff_client, address):
    assert staff_client.get(address).url.startswith(SET_UP)
    assert staff_client.post(address).url.startswith(SET_UP)


def test_in_development_staff_need_no_app(staff_client, settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = False

    assert staff_client.get("/staff/").status_code == 200


def test_setting_up_the_app_shows_spare_codes_and_opens_the_admin(staff_client):
    secret = staff_client.get(SET_UP).context["form"].secret

    answer = staff_client.post(SET_UP, {"code": app_code(secret)})
    page = staff_client.get(answer.url)

    assert answer.url == SPARE
    assert len(page.context["unused_codes"]) == 10
    assert staff_client.get("/staff/").status_code == 200


def test_a_wrong_app_code_sets_nothing_up(staff_client):
    staff_client.get(SET_UP)

    page = staff_client.post(SET_UP, {"code": "000000x"})

    assert page.status_code == 200
    assert not Authenticator.objects.exists()


def test_editors_need_the_second_step_too(client, ann):
    ann.groups.add(Group.objects.get(name="Editors"))
    client.force_login(ann)

    assert client.get("/staff/").url.startswith(SET_UP)


def test_signing_in_asks_staff_for_the_app(staff_with_app, code):
    _, secret = staff_with_app
    browser = Client()

    step = sign_in(browser, "staff@example.org", code)
    assert step == ENTER
    assert "_auth_user_id" not in browser.session

    answer = browser.post(ENTER, {"code": app_code(secret)})
    assert answer.url == "/staff/"
    assert browser.get("/staff/").status_code == 200


def test_a_wrong_app_code_lets_nobody_in(staff_with_app, code):
    browser = Client()
    sign_in(browser, "staff@example.org", code)

    page = browser.post(ENTER, {"code": "000000"})

    assert page.context["form"].errors["code"] == ["Incorrect code."]
    assert "_auth_user_id" not in browser.session


def test_a_spare_code_opens_the_door_once(staff_with_app, code):
    client, _ = staff_with_app
    spare = client.get(SPARE).context["unused_codes"][0]
    first, second = Client(), Client()
    for browser in (first, second):
        sign_in(browser, "staff@example.org", code)

    assert first.post(ENTER, {"code": spare}).url == "/staff/"
    assert second.post(ENTER, {"code": spare}).status_code == 200


def test_a_shared_device_stays_one_through_the_second_step(staff_with_app, code):
    _, secret = staff_with_app
    browser = Client()
    browser.post(SIGN_IN, {"email": "staff@example.org", "shared_device": "on"})
    browser.post(TYPE_CODE, {"code": code()})

    answer = browser.post(ENTER, {"code": app_code(secret)})

    assert answer.cookies["sessionid"]["max-age"] == ""


def test_a_session_without_the_second_step_is_asked_for_it(staff_with_app, owner_of_site):
    _, secret = staff_with_app
    older = Client()
    older.force_login(owner_of_site)

    step = older.get("/staff/users/").url
    assert step.startswith(f"{AGAIN}?next=")

    answer = older.post(step, {"code": app_code(secret), "next": "/staff/users/"})
    assert answer.url == "/staff/users/"
    assert older.get("/staff/users/").status_code == 200


def test_removing_the_app_closes_the_admin_again(staff_with_app):
    client, _ = staff_with_app

    client.post("/account/second-step/app/remove/")

    assert client.get("/staff/").url.startswith(SET_UP)


def test_the_seeds_stand_encrypted_and_survive_a_new_key(staff_with_app, settings, code):
    _, secret = staff_with_app
    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored

    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]
    browser = Client()
    sign_in(browser, "staff@example.org", code)
    assert browser.post(ENTER, {"code": app_code(secret)}).url == "/staff/"


@pytest.mark.parametrize(
    "address", ["/account/second-step/", SPARE, f"{SPARE}new/", "/account/second-step/app/remove/"]
)
def test_every_page_of_the_second_step_can_be_read(staff_with_app, address):
    client, _ = staff_with_app

    page = client.get(address)

    assert page.status_code == 200
    assert "<h1>" in page.content.decode()


def test_a_person_with_the_app_is_never_entered_by_the_letter_alone(staff_with_app, code):
    browser = Client()
    sign_in(browser, "staff@example.org", code)

    assert browser.get("/member/").url.startswith(SIGN_IN)
    assert User.objects.filter(email="staff@example.org", last_login=None).count() == 0


LOST = "Your second step cannot be read on this site at the moment"


@pytest.fixture
def keys_are_lost(staff_with_app, settings) -> None:
    """The staff's second steps cannot be read any more."""
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]


def test_a_seed_that_cannot_be_read_is_said_to_be_at_the_door(staff_with_app, keys_are_lost, code):
    _, secret = staff_with_app
    browser = Client()
    sign_in(browser, "staff@example.org", code)

    page = browser.post(ENTER, {"code": app_code(secret)})

    assert page.context["form"].errors["code"][0].startswith(LOST)
    assert "_auth_user_id" not in browser.session


def test_a_seed_that_cannot_be_read_is_said_to_be_once_more(
    staff_with_app, keys_are_lost, owner_of_site
):
    _, secret = staff_with_app
    older = Client()
    older.force_login(owner_of_site)

    page = older.post(AGAIN, {"code": app_code(secret)})

    assert page.context["form"].errors["code"][0].startswith(LOST)


@pytest.mark.parametrize("address", [SPARE, f"{SPARE}new/"])
def test_spare_codes_that_cannot_be_read_are_not_shown(staff_with_app, keys_are_lost, address):
    client, _ = staff_with_app

    page = client.get(address, follow=True)

    assert page.redirect_chain == [("/account/second-step/", 302)]
    assert LOST in page.content.decode()


def test_after_a_reset_the_app_is_set_up_again(staff_with_app, keys_are_lost, code, capsys):
    call_command("reset_second_step", "Staff@example.org")
    browser = Client()

    landed = sign_in(browser, "staff@example.org", code)
    step = browser.get(landed).url

    assert step.startswith(SET_UP)
    secret = browser.get(SET_UP).context["form"].secret
    browser.post(SET_UP, {"code": app_code(secret)})
    assert browser.get("/staff/").status_code == 200
    assert not seeds.unreadable_fingerprints(using="default")


def test_a_reset_can_be_repeated_and_knows_whom_it_is_about(staff_with_app, capsys):
    for _ in range(2):
        call_command("reset_second_step", "staff@example.org")

    assert capsys.readouterr().out == "Forgotten.\nThere was no second step.\n"
    with pytest.raises(CommandError, match="Nobody"):
        call_command("reset_second_step", "nobody@example.org")
