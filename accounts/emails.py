"""The letter with the code.

It goes out by a task, not in the request, for three reasons: a member's address and a stranger's
take the same time to answer, a provider that is down breaks no page, and it is tried again.
"""

from __future__ import annotations

from django.utils import timezone

from accounts import codes
from accounts.models import User
from core import letters
from core.tasks import letter_task


def queue_code(sign_in: codes.SignIn) -> None:
    """Have the code sent. A stranger's sign-in is queued too, and sends nothing."""
    send_code.enqueue(sign_in.member_id, sign_in.seed, sign_in.sent_at)


@letter_task
def send_code(member_id: int | None, seed: str, sent_at: float) -> None:
    """Send the code of ``seed``, unless it has expired while the letter waited."""
    lifetime = codes.lifetime()
    if timezone.now().timestamp() > sent_at + lifetime.total_seconds():
        return
    member = User.objects.filter(pk=member_id or 0, is_active=True).first()
    if member is None:
        return
    code = codes.code_of(seed)
    half = codes.DIGITS // 2
    letters.send_letter(
        to=member.email,
        template="code",
        context={
            "name": member.chosen_name,
            "code": f"{code[:half]} {code[half:]}",
            "minutes": int(lifetime.total_seconds() // 60),
        },
    )
