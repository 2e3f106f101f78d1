"""The commands of `build/dev.py` for a user whose home is empty: no cache folder, and nothing
downloaded. They run to the end, or to the first step that takes minutes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from developer import command_line
from developer.cache import LAB
from developer.machine import ROOT
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.waiting import eventually

DEV = [sys.executable, str(ROOT / "build/dev.py")]
START_SECONDS = 300.0
"""Seconds until a step that takes minutes, on a busy machine."""

OTHERS = ("AISERVER_", "UV_", "XDG_")
"""Variables that name other folders than those in the home."""

ENDING = {
    "run": "catalog list",
    "exec": "-- python -V",
    "lock": "-- --check",
    "test": "unit -- -n0 -k runtime_folder",
    "soak": "application_id --times 1 -- tests/packages",
    "bench": "config --pairs 1",
}
LONG = {
    "check": ("", "All checks passed!"),
    "lab": ("up", "images to build"),
    "demo": ("", "images to build"),
    "screenshots": ("pictures", "images to build"),
    "test": ("packages -- -n0 -k application_id", "images to build"),
}
"""Command that takes minutes -> its words, and the last that it says before that."""

WRITING = {"generate", "translate"}
"""Commands that write to the project's own folders, and nowhere else."""


@pytest.fixture
def user(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a user with an empty home, who can't download packages."""
    others = {name: text for name, text in os.environ.items() if not name.startswith(OTHERS)}
    yield others | {"HOME": str(tmp_path), "UV_OFFLINE": "1"}
    if (state := tmp_path / ".cache" / LAB).exists():
        lifecycle.down(Place(state).for_demo())
        lifecycle.purge(Place(state))


def test_every_command_is_tested_with_an_empty_home() -> None:
    others = {"bundle", "verify-images", "verify-models"}
    assert {*ENDING, *LONG, *WRITING, *others} == set(command_line.COMMANDS)


@pytest.mark.parametrize("command", ENDING)
def test_command_with_an_empty_home_succeeds(command: str, user: dict[str, str]) -> None:
    done = subprocess.run(
        [*DEV, command, *ENDING[command].split()],
        env=user,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_verify_images_without_an_engine_says_why_and_writes_nothing(
    user: dict[str, str], tmp_path: Path
) -> None:
    files = [f"--record={tmp_path}/images.json", f"--report={tmp_path}/report.md"]
    done = subprocess.run(
        [*DEV, "verify-images", "--yes", "--engine", f"unix://{tmp_path}/none.sock", *files],
        env=user,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "none.sock" in done.stderr
    assert "Traceback" not in done.stderr
    assert [*tmp_path.glob("*.*")] == [tmp_path / ".cache"]


@pytest.mark.parametrize("words", [[], ["--windows"], ["--deb"]])
def test_bundle_with_an_empty_cache_reaches_its_downloads(
    words: list[str], user: dict[str, str]
) -> None:
    done = subprocess.run(
        [*DEV, "bundle", *words], env=user, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    *_, last = done.stderr.splitlines()
    assert last.startswith("bundle.py: failed: ")
    assert " -m uv --quiet pip install " in last


@pytest.mark.parametrize("command", LONG)
def test_command_with_an_empty_home_reaches_its_first_long_step(
    command: str, user: dict[str, str], tmp_path: Path
) -> None:
    words, said = LONG[command]
    output = tmp_path / "output"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [*DEV, command, *words.split()],
            env=user,
            cwd=tmp_path,
            stdout=file,
            stderr=file,
            start_new_session=True,
        ) as process,
    ):
        try:
            eventually(
                lambda: said in output.read_text() or process.poll() is not None,
                said,
                START_SECONDS,
            )
            assert process.poll() is None, output.read_text()
        finally:
            with suppress(ProcessLookupError):  # it failed
                os.killpg(process.pid, signal.SIGKILL)  # downloads in the background, too
    assert "Traceback" not in output.read_text()


def test_bench_accepts_the_names_of_all_benchmarks() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench", "no-such"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stderr
    names = told.strip().rpartition("there are: ")[2].split(", ")
    assert sorted(command_line.BENCHMARKS) == sorted(names)
