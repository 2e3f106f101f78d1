"""Which folder has what is kept about an engine."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.owner.owner import EngineFolder


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "home", [])


def answer(app: App, host: str, *ids: str) -> tuple[str, int]:
    """An owner of the engine at *host*, which answers with these IDs: the folder that is used then,
    and how often the core is to be opened again."""
    restarts: list[None] = []
    core = cast(Core, SimpleNamespace(engine=SimpleNamespace(host=host)))
    folder = EngineFolder(app, core, lambda: restarts.append(None))
    for each in ids:
        try:
            folder.check(each)
        except EngineDownError:
            assert restarts
    return app.settings.engines.folder(host), len(restarts)


def test_what_was_kept_before_belongs_to_the_first_engine_that_answers(app: App) -> None:
    assert app.settings.engines.folder("unix:///a") == ""
    assert answer(app, "unix:///a", "A", "A") == ("", 0)
    assert answer(app, "unix:///a", "A") == ("", 0)


def test_an_engine_keeps_its_folder_at_whatever_address_it_answers(app: App) -> None:
    answer(app, "unix:///a", "A")
    own, restarts = answer(app, "ssh://b", "B")
    assert (own[:8], restarts) == ("engines/", 0)
    assert answer(app, "ssh://b") == (own, 0)  # also while it is down
    assert answer(app, "tcp://b:1", "B") == (own, 1)
    assert answer(app, "tcp://b:1", "B") == (own, 0)


def test_another_engine_at_the_same_address_is_refused_until_the_core_is_opened_again(
    app: App,
) -> None:
    answer(app, "unix:///a", "A")
    own, restarts = answer(app, "unix:///a", "B", "B")
    assert (own != "", restarts) == (True, 1)
    assert answer(app, "unix:///a", "B") == (own, 0)
    assert answer(app, "unix:///a", "A") == ("", 1)
