"""Accounts: how they open, and the admin's desk for them."""

from __future__ import annotations

import threading
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connections
from django.urls import reverse
from wagtail.models import ModelLogEntry

from accounts.models import User
from accounts.operations import open_account
from tests.factories.enrollments import make_place, make_quarter

pytestmark = pytest.mark.django_db

NEW = "/staff/users/new/"


def test_an_account_opens_without_a_password():
    person = open_account(email=" Ann@Example.org ", chosen_name="Ann")

    assert (person.email, person.chosen_name) == ("ann@example.org", "Ann")
    assert not person.has_usable_password()


def test_paying_again_never_renames_anybody(ann):
    again = open_account(email="ANN@example.org", chosen_name="Somebody else")

    assert (again.pk, again.chosen_name) == (ann.pk, "Ann")
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_payments_at_once_open_one_account():
    start, opened = threading.Barrier(4), []

    def pay() -> None:
        start.wait()
        opened.append(open_account(email="ann@example.org", chosen_name="Ann").pk)
        connections.close_all()

    buyers = [threading.Thread(target=pay) for _ in range(4)]
    for buyer in buyers:
        buyer.start()
    for buyer in buyers:
        buyer.join(timeout=30)

    assert len(opened) == 4
    assert len(set(opened)) == 1


def test_staff_are_opened_by_command_again_and_again():
    out = StringIO()
    for _ in range(2):
        call_command("create_staff", "Staff@example.org", stdout=out)

    person = User.objects.get()
    assert (person.email, person.is_superuser) == ("staff@example.org", True)
    assert not person.has_usable_password()


def test_a_member_may_become_staff_and_keeps_her_name(ann):
    call_command("create_staff", "ann@example.org", stdout=StringIO())

    ann.refresh_from_db()
    assert (ann.is_superuser, ann.chosen_name) == (True, "Ann")


def test_the_command_refuses_what_is_no_address():
    with pytest.raises(CommandError, match="nobody is not an email address"):
        call_command("create_staff", "nobody")


def test_staff_add_staff_by_email(staff_client, mailoutbox):
    editors = Group.objects.get(name="Editors")

    answer = staff_client.post(NEW, {"email": "New@example.org", "groups": [editors.pk]})

    added = User.objects.get(email="new@example.org")
    assert answer.status_code == 302
    assert not added.has_usable_password()
    assert added.may_use_admin()


def test_the_form_asks_for_no_password(staff_client):
    page = staff_client.get(NEW).content.decode()

    assert 'name="email"' in page
    assert "password" not in page.lower()


def test_an_address_that_is_taken_in_other_letters_gets_a_sentence(staff_client, ann):
    page = staff_client.post(NEW, {"email": "ANN@example.org"})

    assert page.status_code == 200
    assert len(page.context["form"].errors["email"]) >= 1


def test_a_changed_address_signs_in_and_the_old_one_does_not(staff_client, ann, ask, mailoutbox):
    staff_client.post(
        f"/staff/users/edit/{ann.pk}/", {"email": "new@example.org", "is_active": "on"}
    )

    ask("ann@example.org")
    ask("new@example.org")

    assert [letter.to for letter in mailoutbox] == [["new@example.org"]]


def test_the_form_for_a_person_holds_the_name_she_chose(staff_client, ann):
    page = staff_client.get(f"/staff/users/edit/{ann.pk}/").content.decode()

    assert 'name="chosen_name" value="Ann"' in page
    assert 'name="chosen_name"' in staff_client.get(NEW).content.decode()


def test_somebody_who_has_a_place_cannot_be_deleted(staff_client, ann, loaded_site):
    make_place(make_quarter(), ann)

    answer = staff_client.post(f"/staff/users/delete/{ann.pk}/", follow=True)

    assert "remove the tick at Active" in answer.content.decode()
    assert User.objects.filter(pk=ann.pk).exists()


def test_somebody_whom_nothing_depends_on_can_be_deleted(staff_client, ann):
    staff_client.post(f"/staff/users/delete/{ann.pk}/")

    assert not User.objects.filter(pk=ann.pk).exists()


def test_people_are_not_deleted_in_bulk(staff_client, ann):
    answer = staff_client.post(f"/staff/bulk/accounts/user/delete/?id={ann.pk}")

    assert answer.status_code == 302
    assert User.objects.filter(pk=ann.pk).exists()


def test_the_list_tells_staff_from_members(staff_client, ann):
    everybody = staff_client.get("/staff/users/").content.decode()
    members = staff_client.get("/staff/users/?kind=members").content.decode()
    staff = staff_client.get("/staff/users/?kind=staff").content.decode()

    assert ("ann@example.org" in everybody, "ann@example.org" in members) == (True, True)
    assert "ann@example.org" not in staff
    assert f"/staff/users/edit/{ann.pk}/" not in staff


def test_the_list_asks_nobody_else_for_pictures(staff_client, ann):
    page = staff_client.get("/staff/users/").content.decode()

    assert "gravatar" not in page


def test_members_are_found_by_any_of_their_names(staff_client, ann):
    assert "ann@example.org" in staff_client.get("/staff/users/?q=Ann").content.decode()


@pytest.mark.parametrize("people", [1, 3])
def test_a_longer_list_costs_no_more_queries(staff_client, django_assert_num_queries, people):
    staff_client.get("/staff/users/")
    for number in range(people):
        User.objects.create_user(f"ann{number}@example.org")

    with django_assert_num_queries(10):
        staff_client.get("/staff/users/")


@pytest.mark.parametrize("change", ["edit", "delete"])
def test_no_log_names_a_person(staff_client, change):
    rose = User.objects.create_user("rose@example.org", chosen_name="Rose", last_name="Miller")
    url = reverse(f"wagtailusers_users:{change}", args=[rose.pk])

    staff_client.post(url, {"email": "rose@example.org", "chosen_name": "Rosalind"})

    labels = ModelLogEntry.objects.filter(content_type__model="user").values_list("label", "data")
    assert [label for label, _ in labels] == [f"Person {rose.pk}"]
    assert "ros" not in str(list(labels)).lower()


def test_staff_still_read_what_a_person_is_called(staff_client):
    rose = User.objects.create_user("rose@example.org", chosen_name="Rose")

    assert rose.shown_name() == "Rose"
    assert "Rose" in staff_client.get(reverse("wagtailusers_users:index")).content.decode()
