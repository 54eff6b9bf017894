"""The project's environment in ``.venv``: ``python3 -m devtools.environment demo`` or ``dev``.

Runs before anything is installed, so it uses Python's own library only. The pip that Python brings
installs uv, uv installs the rest: both read lock files with hashes. Where uv cannot (a registry
that only pip is configured for, a platform without uv), pip does it, more slowly.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
REQUIREMENTS = PROJECT / "requirements"
# What stands in the environment: a group's name and the content of its lock files.
RECORD = VENV / "installed"
# The larger group comes last and holds everything of the smaller one.
GROUPS = {"demo": ("runtime", "demo"), "dev": ("runtime", "demo", "dev")}
OLDEST_PYTHON = (3, 11)
TOO_OLD = "Python 3.11 or newer is needed. Name it like this: make demo PYTHON=python3.12"
NO_VENV = "Python's venv module is missing. On Debian: apt-get install python3-venv"
BY_PIP = "uv could not install the packages; pip does it now, which takes a few minutes."


class NotPossible(Exception):
    """Why there is no environment, as a sentence."""


def locks(group: str) -> list[Path]:
    """The lock files of everything in ``group``."""
    return [REQUIREMENTS / f"{name}.txt" for name in GROUPS[group]]


def fingerprint(group: str) -> str:
    """The line that ``RECORD`` holds once ``group`` stands as locked, for this Python."""
    digest = hashlib.sha256(sys.version.encode())
    for path in (*locks(group), REQUIREMENTS / "uv.txt"):
        digest.update(path.read_bytes())
    return f"{group} {digest.hexdigest()}"


def recorded() -> str:
    """The line of the environment as it stands, or the empty text when none was finished."""
    return RECORD.read_text() if RECORD.exists() else ""


def group_to_install(wanted: str, record: str) -> str:
    """``wanted``, or the larger group that stands already, so that nothing is taken away."""
    installed = record.partition(" ")[0]
    return max(wanted, installed, key=lambda name: len(GROUPS.get(name, ())))


def run(*command: str) -> bool:
    """Whether ``command`` succeeded; what it says is shown."""
    return subprocess.run([str(VENV / "bin" / "python"), *command], check=False).returncode == 0


def pip(*arguments: str) -> bool:
    """Whether the environment's pip could install the named lock files, hashes checked."""
    return run(
        *("-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check"),
        *("--require-hashes", "--only-binary", ":all:", *arguments),
    )


def install(group: str) -> None:
    """Install exactly what the lock files of ``group`` name.

    Raises:
        NotPossible: neither uv nor pip could.
    """
    names = [str(path) for path in locks(group)]
    has_uv = pip("-r", str(REQUIREMENTS / "uv.txt"))
    synced = has_uv and run(
        *("-m", "uv", "pip", "sync", "--quiet", "--require-hashes", "--no-build"),
        *("--python", str(VENV / "bin" / "python"), *names),
    )
    if synced:
        return
    print(BY_PIP, flush=True)
    if not pip(*(word for name in names for word in ("-r", name))):
        raise NotPossible("The packages could not be installed; the lines above say why.")


def create() -> None:
    """An empty environment with pip, in place of whatever was there.

    Raises:
        NotPossible: this Python cannot make one.
    """
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        raise NotPossible(NO_VENV)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=False)
    if made.returncode != 0:
        raise NotPossible(NO_VENV)


def provide(wanted: str) -> None:
    """Let ``.venv`` hold ``wanted`` as locked; only looks at it when it does already.

    One process at a time: the demo and the tests may be started side by side.

    Raises:
        NotPossible: Python is too old, or something could not be installed.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise NotPossible(TOO_OLD)
    lock = os.open(REQUIREMENTS, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record = recorded()
        group = group_to_install(wanted, record)
        if record == fingerprint(group):
            return
        print("Installing what the project needs; this takes some seconds.", flush=True)
        if not record or not run("-c", f"import sys; sys.exit(sys.version != {sys.version!r})"):
            create()
        install(group)
        RECORD.write_text(fingerprint(group))
    finally:
        os.close(lock)


def main(arguments: list[str]) -> int:
    """The exit status: 0 when the environment stands, 2 with a sentence otherwise."""
    try:
        provide(arguments[0])
    except NotPossible as reason:
        print(reason, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
