"""A database to show: ``python -m devtools.demo_content``. Safe to repeat.

One process for all of it, because each start of Django takes longer than most of the steps.
"""

from __future__ import annotations

import django
from django.core.management import call_command

STAFF = "staff@stillwater.example"
STEPS = (
    ("migrate", "--verbosity", "0"),
    ("load_content", "--verbosity", "0"),
    ("load_quarters",),
    ("create_staff", STAFF),
    # What the loading has queued, so that the worker starts with nothing to say.
    ("db_worker", "--batch", "--no-reload"),
)


def main() -> None:
    """The practice's content, sample quarters, and somebody who may edit."""
    django.setup()
    for step in STEPS:
        call_command(*step)


if __name__ == "__main__":
    main()
