"""Make sure that the browser tests have a Chromium: ``python -m devtools.chromium``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from devtools import debian

MISSING = """\
The browser tests need Chromium, and it cannot be installed from here.
On Debian, as root: apt-get update && apt-get install -y chromium
Elsewhere:          .venv/bin/playwright install chromium"""


def is_there() -> bool:
    """Whether the system has a Chromium, or Playwright one of its own."""
    if shutil.which("chromium"):
        return True
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


def main() -> int:
    """0 when a Chromium is there, 2 with a sentence when there is none."""
    if not is_there():
        debian.install("chromium")
    if not is_there():
        print(MISSING, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
