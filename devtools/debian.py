"""Debian's packages for tests that need a program: installed where that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess


def install(*packages: str) -> bool:
    """Install the packages; False where nobody may (not Debian, or not root)."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print(f"Installing {', '.join(packages)} for the tests.", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        command = ["apt-get", "-qq", *step]
        subprocess.run(command, check=False, env=quiet, stdout=subprocess.DEVNULL)
    return True
