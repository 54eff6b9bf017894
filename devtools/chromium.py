"""Make sure that the browser tests have a Chromium: ``python -m devtools.chromium``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

STEPS = (["update"], ["install", "-y", "--no-install-recommends", "chromium"])
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


def install() -> None:
    """Install Debian's Chromium, where that is possible."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing Chromium for the browser tests.", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in STEPS:
        command = ["apt-get", "-qq", *step]
        subprocess.run(command, check=False, env=quiet, stdout=subprocess.DEVNULL)


def main() -> int:
    """0 when a Chromium is there, 2 with a sentence when there is none."""
    if not is_there():
        install()
    if not is_there():
        print(MISSING, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
