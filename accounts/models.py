"""People: one account per email address. Members, staff and therapists sign in the same way.

Owns who somebody is and how they sign in; knows nothing of programs, orders or access.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower


def normalized_email(email: str) -> str:
    """The one spelling under which an address is stored and looked up."""
    return email.strip().lower()


class UserManager(BaseUserManager["User"]):
    """Creates people by email; a member has no password, because a code signs her in."""

    def create_user(self, email: str, **fields: Any) -> User:
        """A person without a usable password."""
        user = self.model(email=normalized_email(email), **fields)
        user.set_unusable_password()
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, **fields: Any) -> User:
        """A person who may do everything in the admin."""
        return self.create_user(email, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person with an account. ``chosen_name`` is the only name other members see."""

    username = None  # type: ignore[assignment]
    email = models.EmailField("email address", max_length=254, unique=True)
    chosen_name = models.CharField(max_length=60, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="email_is_lowercase"
            ),
        ]

    def __str__(self) -> str:
        # Wagtail's logs keep this for good, so it names nobody.
        return f"Person {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = normalized_email(self.email)
        super().save(*args, **kwargs)

    def shown_name(self) -> str:
        """What to call her on a page of the admin; never in a log."""
        return self.chosen_name or self.get_full_name() or str(self)

    def may_use_admin(self) -> bool:
        """Whether she is staff: members never hold this permission."""
        return self.has_perm("wagtailadmin.access_admin")


class CodeMailbox(models.Model):
    """The letters with codes that went to one address on one day: a digest, never the address."""

    digest = models.CharField(max_length=64, unique=True)
    # The account as it stood then; empty for an address that nobody had.
    account = models.CharField(max_length=64, blank=True)
    day = models.DateField()
    letters = models.PositiveSmallIntegerField(default=0)
    # Of the day's last letter, once that was sent.
    last_seed = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name_plural = "code mailboxes"

    def __str__(self) -> str:
        return f"{self.letters} letters on {self.day}"
