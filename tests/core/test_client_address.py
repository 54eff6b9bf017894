"""Whose request it is, behind proxies; and what is said when they are not as counted."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client, RequestFactory

from accounts.models import User
from core.client_address import UNKNOWN, Misfit, client_address, client_digest, misfit_of

ANN, EVE, CDN = "203.0.113.9", "198.51.100.7", "192.0.2.80"
NGINX, ROUTER = "10.0.0.5", "172.16.0.2"


def request(forwarded: str, near: str):
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    return RequestFactory().get("/", REMOTE_ADDR=near, headers=headers)


@pytest.fixture
def behind(settings):
    """So many proxies are counted, and these networks are ours: ``behind(1)``."""

    def count(proxies: int, *networks: str) -> None:
        settings.TRUSTED_PROXY_COUNT, settings.TRUSTED_PROXIES = proxies, list(networks)

    return count


@pytest.mark.parametrize(
    ("count", "forwarded", "near", "found"),
    [
        (0, "", ANN, ANN),
        (0, EVE, ANN, ANN),
        (1, ANN, NGINX, ANN),
        (1, f"{EVE}, {ANN}", NGINX, ANN),
        (1, f" {ANN}:51234 ", NGINX, ANN),
        (1, "[2001:db8::1]:51234", NGINX, "2001:db8::1"),
        (1, ANN, "", ANN),
        (1, ANN, f"::ffff:{NGINX}", ANN),
        (2, f"{ANN}, {ROUTER}", NGINX, ANN),
        (2, f"{EVE}, {ANN}, {ROUTER}", NGINX, ANN),
        (1, "10.0.0.77", NGINX, "10.0.0.77"),
    ],
)
def test_a_visitor_is_known_by_the_address_that_our_last_proxy_saw(
    behind, count, forwarded, near, found
):
    behind(count)

    assert client_address(request(forwarded, near)) == found
    assert misfit_of(request(forwarded, near)) is None


@pytest.mark.parametrize("count", [2, 3, 9])
@pytest.mark.parametrize("forged", ["", "192.0.2.1, ", "192.0.2.1, 10.0.0.1, ", "what, "])
def test_with_a_count_that_is_too_high_nobody_chooses_her_address(behind, count, forged):
    behind(count)
    hers = request(f"{forged}{ANN}", NGINX)

    assert client_address(hers) == ANN
    assert misfit_of(hers) == Misfit.TOO_HIGH


def test_who_comes_past_every_proxy_is_known_by_her_own_address(behind):
    behind(1)

    assert client_address(request(EVE, ANN)) == ANN
    assert misfit_of(request(EVE, ANN)) == Misfit.TOO_HIGH


def test_a_proxy_with_a_public_address_is_ours_once_it_is_named(behind):
    behind(2)
    assert client_address(request(f"{ANN}, {CDN}", NGINX)) == CDN
    assert misfit_of(request(f"{ANN}, {CDN}", NGINX)) == Misfit.TOO_HIGH

    behind(2, "192.0.2.0/24")
    assert client_address(request(f"{EVE}, {ANN}, {CDN}", NGINX)) == ANN
    assert misfit_of(request(f"{ANN}, {CDN}", NGINX)) is None


@pytest.mark.parametrize(
    ("count", "forwarded", "near", "misfit"),
    [
        (0, ANN, NGINX, Misfit.TOO_LOW),
        (1, f"{ANN}, {ROUTER}", NGINX, Misfit.TOO_LOW),
        (1, "", NGINX, Misfit.NOTHING_FORWARDED),
        (0, "", "127.0.0.1", None),
    ],
)
def test_a_count_that_is_too_low_shows_in_what_arrives(behind, count, forwarded, near, misfit):
    behind(count)

    assert misfit_of(request(forwarded, near)) == misfit


@pytest.mark.parametrize("near", ["", "unix:", "nonsense", "999.1.1.1", "\ud800", "1.2.3.4\x00"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_is_no_address_counts_as_one_nobody(behind, near, count):
    behind(count)

    assert client_address(request("", near)) == UNKNOWN
    assert client_digest(request("", near)) == client_digest(request("", "nonsense"))


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("forwarded", ["", ANN, f"{EVE}, {ANN}", ",,,", "nonsense", "\xff"])
def test_asking_for_a_code_never_fails_whatever_the_count(behind, count, forwarded):
    behind(count)
    headers = {"x-forwarded-for": forwarded} if forwarded else {}

    answer = Client().post("/account/login/", {"email": "ann@example.org"}, headers=headers)

    assert answer.status_code == 302


@pytest.mark.django_db
@pytest.mark.usefixtures("now")
def test_with_a_count_that_is_too_high_forged_entries_do_not_switch_limits_off(behind):
    behind(2)

    answers = [
        Client().post(
            "/account/login/",
            {"email": f"b{n}@example.org"},
            REMOTE_ADDR=NGINX,
            headers={"x-forwarded-for": f"192.0.2.{n}, {EVE}"},
        )
        for n in range(21)
    ]

    assert [answer.status_code for answer in answers] == [302] * 20 + [429]


@pytest.mark.django_db
def test_ready_says_that_proxies_are_not_as_counted_and_stays_ready(client, behind):
    behind(2)
    assert client.get("/readyz").json()["proxies"] == "ok"

    client.get("/robots.txt", REMOTE_ADDR=NGINX, headers={"x-forwarded-for": ANN})
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["proxies"]) == (200, "too high")


def test_a_misfit_is_logged_once_and_names_nobody(client, behind, caplog):
    behind(2)

    for _ in range(3):
        client.get("/healthz")
        client.get("/robots.txt", REMOTE_ADDR=NGINX, headers={"x-forwarded-for": ANN})

    told = [record.getMessage() for record in caplog.records if "PROXY" in record.getMessage()]
    assert told == ["TRUSTED_PROXY_COUNT 2 does not fit what arrives: too high"]


@pytest.mark.django_db
def test_the_owner_reads_at_home_that_proxies_are_not_as_counted(staff_client, behind):
    assert "Proxies are not as counted" not in staff_client.get("/staff/").content.decode()
    behind(2)

    page = staff_client.get("/staff/", REMOTE_ADDR=NGINX, headers={"x-forwarded-for": ANN})

    assert "Proxies are not as counted" in page.content.decode()
    assert ANN not in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("group", ["Editors", "Clinical lead"])
def test_who_cannot_correct_it_is_not_told(client, behind, group):
    behind(2)
    editor = User.objects.create_user("editor@example.org")
    editor.groups.add(Group.objects.get(name=group))
    client.force_login(editor)

    page = client.get("/staff/", REMOTE_ADDR=NGINX, headers={"x-forwarded-for": ANN})

    assert page.status_code == 200
    assert "Proxies are not as counted" not in page.content.decode()
