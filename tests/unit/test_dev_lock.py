"""The locked packages: in step with pyproject.toml, and nothing else is installed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import lock
from developer import environment

ROOT = Path(__file__).parents[2]
FILES = ("pyproject.toml", "uv.lock", *(f"{lock.FOLDER}/{name}" for name in lock.EXPORTS))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all that decides which packages are installed; no network is needed for it."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


def check() -> object:
    """The exit status of the check, or its complaint."""
    with pytest.raises(SystemExit) as ended:
        lock.main(["--check"])
    return ended.value.code


def test_lock_and_exports_are_in_step(project: Path) -> None:
    assert check() == 0
    before = [(project / name).read_bytes() for name in FILES]
    lock.main([])
    assert [(project / name).read_bytes() for name in FILES] == before


def loosen(text: str) -> str:
    return text.replace('"click>=8.4"', '"click>=8.3"')


def add(text: str) -> str:
    return text.replace('"click>=8.4"', '"click>=8.4", "no-such-package"')


def weaken(text: str) -> str:
    return re.sub(r" \\\n    --hash=sha256:\w+$", "", text, count=1, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "change", "named"),
    [
        ("pyproject.toml", loosen, "uv.lock"),
        ("pyproject.toml", add, "uv.lock"),
        ("build/requirements/dev.txt", weaken, "build/requirements/dev.txt"),
        ("build/requirements/run.txt", weaken, "build/requirements/run.txt"),
        ("build/requirements/build.txt", weaken, "build/requirements/build.txt"),
    ],
)
def test_outdated_file_is_named_with_the_command_that_fixes_it(
    project: Path, name: str, change: Callable[[str], str], named: str
) -> None:
    file = project / name
    before = file.read_text(encoding="utf-8")
    file.write_text(change(before), encoding="utf-8")
    assert file.read_text(encoding="utf-8") != before
    assert check() == f"out of date: {named}; run build/dev.py lock"
    if name == named:  # a new lock would need the network
        lock.main([])
        assert file.read_text(encoding="utf-8") == before


def test_each_locked_package_has_hashes_and_the_build_systems_are_among_them() -> None:
    for name in lock.EXPORTS:
        text = (ROOT / lock.FOLDER / name).read_text(encoding="utf-8").replace("\\\n", "")
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        assert all("==" in line and "--hash=sha256:" in line for line in lines)
        assert {"hatchling", "setuptools"} <= {line.partition("==")[0] for line in lines}


def test_a_package_with_another_hash_is_refused_and_the_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "thing-1-py3-none-any.whl"
    wheel.write_bytes(b"tampered with")
    requirements = tmp_path / "dev.txt"
    requirements.write_text(f"thing @ {wheel.as_uri()} --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(environment, "SCRIPTS", Path(sys.executable).parent)
    with pytest.raises(SystemExit, match=r"(?s)DO NOT MATCH THE HASHES.*thing"):
        environment.fill(requirements)


def test_without_a_network_it_is_said_what_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("INDEX_URL", "http://127.0.0.1:9/simple"),
        ("RETRIES", "0"),
        ("NO_CACHE_DIR", "1"),
        ("TARGET", str(tmp_path / "target")),  # where nothing is installed yet
    ):
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setattr(environment, "SCRIPTS", Path(sys.executable).parent)
    with pytest.raises(SystemExit, match=r"(?s)hatchling.*look at the network"):
        environment.fill(environment.BUILD)


def test_the_lock_command_hands_its_words_to_uv() -> None:
    done = subprocess.run(
        [sys.executable, "build/dev.py", "lock", "--", "--no-such-option"],
        cwd=ROOT,
        env={**os.environ, "UV_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "--no-such-option" in done.stderr
