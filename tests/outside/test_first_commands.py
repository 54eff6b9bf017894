"""Each command of the README as the first command of a fresh clone, with the pip of its Python.

`make test` is the other one: whoever runs it in a fresh clone, as `.ci/run` does, proves it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools import environment

pytestmark = pytest.mark.outside

PROJECT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 300
PYTHONS = ("3.11", "3.12", "3.13")


def python_of(version: str) -> str:
    """The path of this machine's Python of a version; skips with a sentence without one."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = shutil.which(f"python{version}")
    for python in filter(None, (on_path, *pyenv.glob(f"versions/{version}.*/bin/python"))):
        # pyenv's own python3.12 is there and answers nothing while another version is chosen.
        command = [python, "-c", "import ensurepip, venv"]
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            return str(python)
    pytest.skip(f"This machine has no Python {version}; it was not tried.")


def free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def as_newcomer() -> dict[str, str]:
    """The environment without what this test run and an outer make have put there."""
    added = ("MAKE", "MFLAGS", "DJANGO_", "VAR_DIR", "DATABASE_URL", "PYTEST", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(added)}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project as committed, nowhere near this checkout."""
    subprocess.run(["git", "clone", "--quiet", f"file://{PROJECT}", tmp_path / "clone"], check=True)
    return tmp_path / "clone"


@contextlib.contextmanager
def demo(clone: Path, python: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """``make demo`` and the address of its site; its whole process group has ended afterwards."""
    port = free_port()
    command = ["make", "demo", f"PYTHON={python}", f"PORT={port}", f"STANDIN_PORT={free_port()}"]
    with (clone / "said").open("w") as said:
        running = subprocess.Popen(
            command,
            cwd=clone,
            env=as_newcomer(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield running, f"http://127.0.0.1:{port}/"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        running.wait(timeout=30)


def first_page(running: subprocess.Popen[bytes], address: str, said: Path) -> str:
    """The site's first page, as soon as it answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and running.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=30) as answer:
            return answer.read().decode()
        time.sleep(0.1)
    pytest.fail(f"The demo did not start:\n{said.read_text()}")


@pytest.mark.parametrize("version", PYTHONS)
def test_the_demo_is_a_first_command_and_a_second_one(clone, version):
    python = python_of(version)

    for _run in ("first", "second"):
        with demo(clone, python) as (running, address):
            page = first_page(running, address, clone / "said")
            assert "<h1" in page
            # As Ctrl-C does: to everybody in the foreground.
            os.killpg(running.pid, signal.SIGINT)
            running.wait(timeout=30)
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(address, timeout=5)


@pytest.mark.parametrize("version", PYTHONS)
def test_a_server_is_set_up_by_the_pip_that_python_brings(tmp_path, version):
    subprocess.run([python_of(version), "-m", "venv", tmp_path / "venv"], check=True)

    installed = subprocess.run(
        [
            *(tmp_path / "venv/bin/python", "-m", "pip", "install", "--quiet"),
            *("--require-hashes", "--only-binary", ":all:", "--disable-pip-version-check"),
            *("-r", PROJECT / "requirements/runtime.txt"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )

    assert installed.returncode == 0, installed.stderr


def test_pip_installs_where_uv_cannot(tmp_path, monkeypatch, capfd):
    locks = tmp_path / "requirements"
    locks.mkdir()
    shutil.copy(PROJECT / "requirements/uv.txt", locks)
    for name in environment.GROUPS["demo"]:
        lock = (PROJECT / f"requirements/{name}.txt").read_text()
        (locks / f"{name}.txt").write_text(
            re.search(r"^(honcho|qrcode)==(.|\n)+?# via", lock, re.MULTILINE)[0]
        )
    monkeypatch.setattr(environment, "REQUIREMENTS", locks)
    monkeypatch.setattr(environment, "VENV", tmp_path / "venv")
    monkeypatch.setattr(environment, "RECORD", tmp_path / "venv/installed")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))

    environment.provide("demo")

    assert environment.BY_PIP in capfd.readouterr().out
    assert environment.run("-c", "import honcho, qrcode")
    assert environment.recorded() == environment.fingerprint("demo")
