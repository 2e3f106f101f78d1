"""The developer's cache folders, for users who have none yet or can't write to it."""

import os
from pathlib import Path

import pytest

from developer.cache import ADVICE, cache_folder
from tests.support.systems import NOWHERE, is_root


def test_first_use_creates_the_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home/cache"))
    folder = cache_folder("things")
    assert folder == tmp_path / "home/cache/things"
    assert list(folder.iterdir()) == []


def test_without_xdg_cache_home_the_cache_is_in_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder("things") == tmp_path / ".cache/things"


def test_cache_that_cannot_be_created_is_named_with_the_fix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(NOWHERE))
    with pytest.raises(SystemExit) as ended:
        cache_folder("things")
    said = str(ended.value)
    assert said.startswith(f"dev.py: nothing can be written to {NOWHERE / 'things'}: ")
    assert said.endswith(f"\ndev.py: {ADVICE}")


@pytest.mark.skipif(not is_root(), reason="only root can step down to another user")
def test_cache_of_another_user_is_named_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache_folder("things")
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(SystemExit, match="things: Permission denied"):
            cache_folder("things")
    finally:
        os.seteuid(0)


def test_user_without_a_home_is_asked_for_a_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:  # a fake: these tests' user has a home
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    with pytest.raises(SystemExit, match="set XDG_CACHE_HOME to a folder"):
        cache_folder("things")
