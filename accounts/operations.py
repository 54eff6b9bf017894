"""Opening accounts. They open by paying; nobody signs up."""

from __future__ import annotations

from django.db import IntegrityError, transaction

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
