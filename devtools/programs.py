"""Make sure that the tests marked ``outside`` find their programs: ``python -m devtools.programs``.

Without arguments everything is looked for that ``PACKAGES`` names.
"""

from __future__ import annotations

import os
import shutil
import sys

from devtools import debian

# By program, the Debian package that brings it.
PACKAGES = {"pgbouncer": "pgbouncer", "redis-server": "redis-server"}
# Where Debian puts servers, which is not on everybody's path.
SERVERS = "/usr/sbin"
MISSING = "Missing: {missing}. On Debian, as root: apt-get update && apt-get install -y {packages}"


def path_of(program: str) -> str | None:
    """Where ``program`` is on this machine, or None."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SERVERS}")


def missing() -> list[str]:
    """The programs that this machine does not have."""
    return [program for program in PACKAGES if not path_of(program)]


def main() -> int:
    """0 when every program is there, 2 with a sentence when one is missing."""
    if wanted := missing():
        debian.install(*(PACKAGES[program] for program in wanted))
    if still := missing():
        packages = " ".join(PACKAGES[program] for program in still)
        print(MISSING.format(missing=", ".join(still), packages=packages), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
