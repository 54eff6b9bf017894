"""What a hosted page's door gives back, and how it reads a browser's request."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from devtools.stripe_standin.api import Request


@dataclass(frozen=True)
class Page:
    """What to show, or where to go when ``location`` is set."""

    status: int = 200
    html: bytes = b""
    location: str = ""


def form_of(request: Request) -> dict[str, str]:
    """The fields of a form post."""
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def problem_of(request: Request) -> str:
    """What the page was told to complain about."""
    return dict(parse_qsl(request.query)).get("problem", "")
