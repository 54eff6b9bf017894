"""Opening accounts. Members' open by paying; nobody signs up. Staff are added by staff."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import IntegrityError, transaction

from accounts.errors import AddressTaken
from accounts.models import User, normalized_email


def open_account(*, email: str, chosen_name: str) -> User:
    """The person with ``email``: a new account, or the one that exists, unchanged."""
    address = normalized_email(email)
    existing = User.objects.filter(email=address).first()
    if existing:
        return existing
    try:
        with transaction.atomic():
            return User.objects.create_user(address, chosen_name=chosen_name)
    except IntegrityError:
        # Somebody else opened it a moment ago.
        return User.objects.get(email=address)


def reopen_account(person: User) -> None:
    """Let ``person`` sign in again. Only staff decide so: no payment does."""
    person.is_active = True
    person.save(update_fields=["is_active"])


@transaction.atomic
def open_owner_account(*, email: str) -> User:
    """The person with ``email``, who may do everything in the admin from now on."""
    person = open_account(email=email, chosen_name="")
    person.is_staff = person.is_superuser = person.is_active = True
    person.save(update_fields=["is_staff", "is_superuser", "is_active"])
    return person


def forget_second_step(person: User) -> bool:
    """Whether ``person`` had a second step; she sets up a new one when she signs in next."""
    deleted, _ = Authenticator.objects.filter(user=person).delete()
    return bool(deleted)


@transaction.atomic
def move_account(*, member_id: int, email: str) -> User:
    """The person, under another address. All her sessions end, and no code sent before lets in.

    What else carries her address follows in ``enrollments.operations.addresses``, which calls this.

    Raises:
        AddressTaken: somebody else has it.
    """
    member = User.objects.select_for_update().get(pk=member_id)
    member.email = normalized_email(email)
    # Another random mark in its place: sessions and codes hang on it (get_session_auth_hash).
    member.set_unusable_password()
    try:
        with transaction.atomic():
            member.save(update_fields=["email", "password"])
    except IntegrityError as taken:
        raise AddressTaken from taken
    return member
