"""Encrypted columns: which key a value needs, what happens without it, and moving to a new one."""

from __future__ import annotations

import copy
import pickle
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test.utils import isolate_apps

from accounts import checks as account_checks
from accounts import seeds
from core import checks, reencryption
from core.encryption import (
    Unreadable,
    decrypt,
    encrypt,
    fingerprint_of_key,
    fingerprint_of_value,
    newest_fingerprint,
)
from core.fields import EncryptedTextField, UnreadableText, encrypted_columns
from enrollments.models import MeetingRoom
from tests.factories.enrollments import make_member, make_quarter

pytestmark = pytest.mark.django_db

OTHER = Fernet.generate_key().decode()
LINK = "https://video.example/123"


@pytest.fixture
def room(loaded_site) -> MeetingRoom:
    """How the members of a quarter come in, under the key of the tests."""
    return MeetingRoom.objects.create(quarter=make_quarter(), join_link=LINK)


@pytest.fixture
def seed(db) -> Authenticator:
    """An authenticator app, under the key of the tests."""
    return Authenticator.objects.create(
        user=make_member("staff@example.org"), type="totp", data={"secret": encrypt("ABCD")}
    )


def stored(column: str = "join_link") -> str:
    """What stands in the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM enrollments_meetingroom")
        return cursor.fetchone()[0]


def test_a_value_stands_encrypted_with_the_name_of_its_key_in_front_and_in_a_column(room):
    room.refresh_from_db()

    assert LINK not in stored()
    assert fingerprint_of_value(stored()) == newest_fingerprint()
    assert (room.join_link, room.join_link_key) == (LINK, newest_fingerprint())
    assert (room.dial_in, room.dial_in_key, stored("dial_in")) == ("", "", "")


def test_the_column_follows_however_a_value_is_written(room, settings):
    settings.FIELD_KEYS = [OTHER, *settings.FIELD_KEYS]

    MeetingRoom.objects.update(join_link="https://video.example/456")

    assert MeetingRoom.objects.get().join_link_key == fingerprint_of_key(OTHER)


def test_the_name_of_a_key_is_not_a_part_of_it():
    assert fingerprint_of_key(OTHER) != fingerprint_of_key(Fernet.generate_key().decode())
    assert fingerprint_of_key(OTHER) not in OTHER


def test_an_encrypted_column_cannot_be_searched(room):
    with pytest.raises(FieldError, match="encrypted"):
        MeetingRoom.objects.filter(join_link=LINK)


def test_without_its_key_a_value_is_empty_and_says_why(room, settings):
    settings.FIELD_KEYS = [OTHER]

    text = MeetingRoom.objects.get().join_link

    assert (text, bool(text), type(text)) == ("", False, UnreadableText)
    with pytest.raises(Unreadable):
        decrypt(stored())


@pytest.mark.parametrize("damaged", ["x", "gAAAAABn", "{key}:", "{key}:gAAAAABnonsense", "é"])
def test_a_damaged_value_is_not_readable(damaged):
    with pytest.raises(Unreadable):
        decrypt(damaged.format(key=newest_fingerprint()))


def test_saving_what_cannot_be_read_leaves_it_as_it_is(room, settings):
    before, keys = stored(), settings.FIELD_KEYS
    settings.FIELD_KEYS = [OTHER]

    MeetingRoom.objects.get().save()

    assert stored() == before
    settings.FIELD_KEYS = [OTHER, *keys]
    assert MeetingRoom.objects.get().join_link == LINK


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_of_what_cannot_be_read_still_knows_what_is_stored(copied):
    assert copied(UnreadableText("stored")).stored == "stored"


def test_every_encrypted_column_has_one_for_the_name_of_its_key():
    assert [column.label for column in encrypted_columns()] == [
        "enrollments.MeetingRoom.join_link",
        "enrollments.MeetingRoom.dial_in",
    ]
    fields = [field for model in apps.get_models() for field in model._meta.local_concrete_fields]
    assert [f for f in fields if isinstance(f, EncryptedTextField) and f.check()] == []


@isolate_apps("core")
def test_an_encrypted_column_without_one_is_refused():
    class Bare(models.Model):
        secret = EncryptedTextField()

        class Meta:
            app_label = "core"

        def __str__(self):
            return "Bare"

    assert [message.id for message in Bare.check()] == ["core.E006"]


# --- the check with the database ----------------------------------------------------------------


def found() -> list[str]:
    """What the checks say, each with its id."""
    messages = [
        *checks.encrypted_columns_can_be_read(databases=["default"]),
        *account_checks.second_steps_can_be_read(databases=["default"]),
    ]
    return [f"{message.id} {message.msg}" for message in messages]


def test_the_check_says_nothing_while_every_key_is_there(room, seed, settings):
    settings.FIELD_KEYS = [OTHER, *settings.FIELD_KEYS]

    assert found() == []


def test_the_check_names_the_keys_that_are_missing_and_where(room, seed, settings):
    missing = newest_fingerprint()
    settings.FIELD_KEYS = [OTHER]

    columns, second_steps = found()

    assert columns.startswith("core.E007 enrollments.MeetingRoom.join_link holds values")
    assert second_steps.startswith("core.E007 The second step of staff holds values")
    assert missing in columns
    assert missing in second_steps


def test_the_check_opens_a_value_and_does_not_trust_its_name(room):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE enrollments_meetingroom SET join_link = %s", [f"{newest_fingerprint()}:x"]
        )

    assert len(found()) == 1


def test_the_check_opens_one_value_of_each_key(loaded_site, settings, django_assert_num_queries):
    for keys in (settings.FIELD_KEYS, settings.FIELD_KEYS, [OTHER]):
        settings.FIELD_KEYS = keys
        MeetingRoom.objects.create(quarter=make_quarter(), join_link=LINK)

    # The tables, the names, one value of each of two keys; then the same of a column without any.
    with django_assert_num_queries(2 + 2 + 2):
        checks.encrypted_columns_can_be_read(databases=["default"])


def test_the_check_may_come_before_the_first_migration(monkeypatch):
    monkeypatch.setattr(connection.introspection, "table_names", lambda *_: [])

    assert found() == []


def test_without_a_database_the_check_asks_nothing(room, settings, django_assert_num_queries):
    settings.FIELD_KEYS = [OTHER]

    with django_assert_num_queries(0):
        assert checks.encrypted_columns_can_be_read(databases=None) == []


# --- reencrypt ----------------------------------------------------------------------------------


def reencrypt() -> str:
    said = StringIO()
    call_command("reencrypt", stdout=said)
    return said.getvalue()


def test_reencrypt_moves_everything_to_the_newest_key_so_that_the_older_can_go(
    room, seed, settings
):
    settings.FIELD_KEYS = [OTHER, *settings.FIELD_KEYS]

    said = reencrypt()

    settings.FIELD_KEYS = [OTHER]
    assert "enrollments.MeetingRoom.join_link: 1 moved, 0 not readable" in said
    assert "second steps of staff: 1 moved, 0 not readable" in said
    assert MeetingRoom.objects.get().join_link == LINK
    seed.refresh_from_db()
    assert decrypt(seed.data["secret"]) == "ABCD"
    assert found() == []


def test_reencrypt_again_writes_nothing(room, seed, settings):
    settings.FIELD_KEYS = [OTHER, *settings.FIELD_KEYS]
    reencrypt()
    before = stored()

    said = reencrypt()

    assert "1 moved" not in said
    assert stored() == before


def test_reencrypt_leaves_what_it_cannot_read_and_says_so(room, seed, settings):
    before = stored()
    settings.FIELD_KEYS = [OTHER]
    readable = MeetingRoom.objects.create(quarter=make_quarter(), join_link=LINK)
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), OTHER]

    with pytest.raises(CommandError, match="2 values cannot be read"):
        reencrypt()

    readable.refresh_from_db()
    assert readable.join_link_key == newest_fingerprint()
    assert stored() == before
    seed.refresh_from_db()
    assert seeds.unreadable_fingerprints(using="default") != set()


def test_reencrypt_stopped_anywhere_goes_on_from_there(loaded_site, settings, monkeypatch):
    monkeypatch.setattr(reencryption, "CHUNK", 2)
    for number in range(5):
        MeetingRoom.objects.create(quarter=make_quarter(), join_link=f"{LINK}/{number}")
    settings.FIELD_KEYS = [OTHER, *settings.FIELD_KEYS]
    saved = []

    def stop_at_the_fourth(self, **kwargs):
        if len(saved) == 3:
            raise KeyboardInterrupt
        saved.append(self.pk)
        models.Model.save(self, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(MeetingRoom, "save", stop_at_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            reencrypt()
    moved = MeetingRoom.objects.filter(join_link_key=newest_fingerprint()).count()

    said = reencrypt()

    assert moved == 2
    assert "join_link: 3 moved" in said
    links = [room.join_link for room in MeetingRoom.objects.order_by("pk")]
    assert links == [f"{LINK}/{number}" for number in range(5)]
