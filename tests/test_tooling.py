"""What stands around the site: make's targets, lock files, the demo's runner, benchmarks."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import client, load
from bench.__main__ import SECTIONS, chosen
from devtools import demo, postgres

PROJECT = Path(__file__).resolve().parent.parent
LOCKS = {name: (PROJECT / f"requirements/{name}.txt").read_text() for name in ("runtime", "dev")}


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==(\S+)", lock, re.MULTILINE))


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_make_alone_lists_every_target():
    makefile = (PROJECT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split())

    listed = subprocess.run(
        ["make"],
        cwd=PROJECT,
        # As somebody would type it: when make runs this test, its own variables are there too.
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert {line.split()[0] for line in listed.stdout.splitlines()} == targets


def test_what_must_be_green_is_run_in_order():
    script = PROJECT / ".ci/run"

    steps = [line for line in script.read_text().splitlines() if line.startswith("make")]

    assert steps == ["make test", "make check", "make test-postgres"]
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_its_hashes(name):
    entries = re.split(r"\n(?=[a-z0-9])", LOCKS[name])

    assert len(pins(LOCKS[name])) == len(entries)
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_host_and_no_path(name):
    assert re.findall(r"https?:|file:|index-url|find-links|^-.*", LOCKS[name], re.MULTILINE) == []


def test_development_runs_on_what_production_runs_on():
    runtime, dev = pins(LOCKS["runtime"]), pins(LOCKS["dev"])

    shared = runtime.keys() & dev.keys()

    assert {name: dev[name] for name in shared} == {name: runtime[name] for name in shared}


def test_the_demo_says_that_its_port_is_taken(monkeypatch, capsys, taken_port):
    monkeypatch.setenv("PORT", str(taken_port))

    status = demo.main([])

    assert status == 2
    assert capsys.readouterr().err == (
        f"Port {taken_port} is taken. Choose another one: make demo PORT=8123\n"
    )


@pytest.mark.parametrize("port", ["", "abc", "0", "65536", "-1", "80.5"])
def test_the_demo_says_what_a_port_is(monkeypatch, capsys, port):
    monkeypatch.setenv("PORT", port)

    status = demo.main([])

    assert status == 2
    assert "between 1 and 65535" in capsys.readouterr().err


def test_the_stand_in_gets_another_port_when_its_own_is_taken(taken_port):
    other = demo.free_port(taken_port)

    assert other != taken_port
    assert demo.free_port(other) == other


def test_a_reset_takes_away_the_demo_and_nothing_else(monkeypatch, tmp_path):
    (tmp_path / "letters").mkdir()
    for name in ("db.sqlite3", "db.sqlite3-wal", "letters/one.txt", "standin.json", "notes.txt"):
        (tmp_path / name).write_text("x")
    monkeypatch.setattr(demo, "VAR", tmp_path)

    demo.forget()

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_the_tests_on_postgresql_refuse_another_database(monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "sqlite:///some.sqlite3")

    status = postgres.main(["-c", "raise SystemExit(0)"])

    assert status == 2
    assert "these tests are for PostgreSQL" in capsys.readouterr().err


def test_the_tests_on_postgresql_are_told_where_and_answer_as_the_module_does(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere/practice")
    asks = "import os; raise SystemExit(len(os.environ['DATABASE_URL']))"

    assert postgres.main(["-c", asks]) == len("postgres://somewhere/practice")


def test_without_a_browser_the_tests_do_not_begin():
    nowhere = {**os.environ, "PATH": "", "PLAYWRIGHT_BROWSERS_PATH": "/nowhere"}

    looked = subprocess.run(
        [sys.executable, "-m", "devtools.chromium"],
        cwd=PROJECT,
        env=nowhere,
        capture_output=True,
        text=True,
        check=False,
    )

    assert looked.returncode == 2
    assert "apt-get install -y chromium" in looked.stderr


def test_load_goes_to_this_machine_only():
    with pytest.raises(ValueError, match="loopback only"):
        client.ask("http://practice.example/", 1)


@pytest.mark.parametrize(
    ("text", "number"), [("900.00us", 0.9), ("1.20ms", 1.2), ("1.02s", 1020.0), ("0.00us", 0.0)]
)
def test_times_are_read_in_every_unit(text, number):
    assert client._milliseconds(text) == pytest.approx(number)


def test_a_spread_names_the_median_first():
    assert load.spread([3.0, 1.0, 20_000.0]) == "3 (1 to 20,000)"


def test_ratios_are_taken_round_by_round():
    def rounds(*speeds: float) -> list[load.Round]:
        return [load.Round(client.Asked(1, speed, 0, 0), 0) for speed in speeds]

    ratio = load.paired(rounds(4, 90), rounds(2, 30), lambda each: each.asked.per_second)

    assert ratio == "2.5 (2 to 3)"


@pytest.mark.parametrize(("named", "measured"), [([], list(SECTIONS)), (["race"], ["race"])])
def test_benchmarks_measure_what_is_named_or_everything(named, measured):
    assert chosen(named) == measured


def test_a_benchmark_that_does_not_exist_is_named_in_the_refusal(capsys):
    with pytest.raises(SystemExit):
        chosen(["seats", "chairs"])

    assert "unknown: chairs; there are queries, pages, seats" in capsys.readouterr().err
