"""The letter with the code.

It goes out by a task, not in the request, for three reasons: a member's address and a stranger's
take the same time to answer, a provider that is down breaks no page, and it is tried again.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

from accounts import codes
from accounts.models import User
from core import letters
from core.tasks import letter_task


def queue_code(sign_in: codes.SignIn) -> None:
    """Have the code sent. A stranger's sign-in is queued too, and sends nothing."""
    send_code.enqueue(sign_in.member_id, sign_in.seed, sign_in.sent_at)


def queue_last_code(sign_in: codes.SignIn) -> None:
    """Have the last code of the day sent. A stranger's is queued too, and sends nothing."""
    send_last_code.enqueue(sign_in.member_id, sign_in.seed, sign_in.sent_at)


@letter_task
def send_code(member_id: int | None, seed: str, sent_at: float) -> None:
    """Send the code of ``seed``, unless it has expired while the letter waited."""
    lifetime = codes.lifetime()
    if timezone.now().timestamp() > sent_at + lifetime.total_seconds():
        return
    minutes = int(lifetime.total_seconds() // 60)
    _send("code", codes.code_of(seed), member_id, minutes=minutes)


@letter_task
def send_last_code(member_id: int | None, seed: str, sent_at: float) -> None:
    """Send the last code of a day, unless the day has ended while the letter waited."""
    asked = datetime.fromtimestamp(sent_at, tz=UTC)
    if timezone.localdate(timezone.now()) == timezone.localdate(asked):
        _send("last_code", codes.last_code_of(seed), member_id)


def _send(template: str, code: str, member_id: int | None, **context: object) -> None:
    member = User.objects.filter(pk=member_id or 0, is_active=True).first()
    if member is None:
        return
    letters.send_letter(
        to=member.email,
        template=template,
        context={"name": member.chosen_name, "code": in_groups(code), **context},
    )


def in_groups(code: str) -> str:
    """``code`` as it is easily read: four digits at a time."""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))
