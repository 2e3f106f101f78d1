"""What is told to who mistypes a word, before anything is asked of an engine."""

from pathlib import Path

import pytest

from tests.engine.faults.stack import service, write
from tests.engine.faults.tray import Tray


@pytest.fixture
def tray(tmp_path: Path) -> Tray:
    """A new installation with the module web, and no engine."""
    catalog = tmp_path / "catalog"
    write(catalog, "web", {"web": service()}, kind="feature")
    return Tray(tmp_path / "home", catalog, f"unix://{tmp_path}/none.sock")


@pytest.mark.parametrize(("word", "meant"), [("stauts", "status"), ("chose", "choose")])
def test_a_command_is_told_the_nearest_ones(tray: Tray, word: str, meant: str) -> None:
    done = tray.run(word)
    assert (done.code, done.output) == (2, "")
    assert f"No such command '{word}'." in done.errors
    assert f"'{meant}'" in done.errors


@pytest.mark.parametrize(
    "words", [("up", "wbe"), ("up", "wbe", "--dry-run"), ("restart", "wbe"), ("pull", "web", "wbe")]
)
def test_a_module_is_told_the_nearest_ones_without_an_engine_too(
    tray: Tray, words: tuple[str, ...]
) -> None:
    tray.run(*words).failed("E_UNKNOWN", "There is no 'wbe'. Did you mean web?")


def test_what_is_to_be_stopped_may_be_on_the_engine_alone(tray: Tray) -> None:
    tray.run("stop", "wbe").failed("E_ENGINE_DOWN")
