"""Make sure that the browser tests have a Chromium: ``python -m devtools.chromium``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
MISSING = (
    "The browser tests need Chromium at /usr/bin/chromium, and it cannot be installed from here. "
    "On Debian, as root: apt-get update && apt-get install -y chromium"
)


def main() -> int:
    """0 when Chromium is there, 2 with a sentence when it is not."""
    if not CHROMIUM.exists() and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser tests.", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *step], check=False, env=quiet, stdout=subprocess.DEVNULL)
    if not CHROMIUM.exists():
        print(MISSING, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
