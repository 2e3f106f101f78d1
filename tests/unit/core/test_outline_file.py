"""Stored outlines: used while nothing has changed, and made again after any change."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aiserver_tray.core import outlines
from aiserver_tray.core.app import App
from aiserver_tray.model import ModuleModel
from tests.support.systems import has_mode

SERVICE = "services: {{web: {{image: 'i:{tag}'}}}}\n"
LONG_AGO = time.time() - 60


@pytest.fixture
def app(tmp_path: Path) -> App:
    """A module that includes a file of another folder, which has no ``.env`` yet."""
    catalog = tmp_path / "catalog/web"
    (tmp_path / "else").mkdir()
    catalog.mkdir(parents=True)
    (catalog / "compose.yaml").write_text("include: [../../else/compose.yaml]\n", encoding="utf-8")
    included = tmp_path / "else/compose.yaml"
    included.write_text(SERVICE.format(tag="${TAG:-1}"), encoding="utf-8")
    before = new(tmp_path)
    before.settings.change(before.declared, {"app.bind": "127.0.0.2"})
    settle(tmp_path)
    return new(tmp_path)


def new(folder: Path) -> App:
    """What another process would use."""
    return App(folder / "home", [folder / "catalog"])


def settle(folder: Path) -> None:
    """Make all files old enough for their time stamps to show the next change."""
    for file in folder.rglob("*"):
        os.utime(file, (LONG_AGO, LONG_AGO))


def models(app: App) -> dict[str, ModuleModel]:
    return {model.name: model for model in app.models}


def is_stored(folder: Path) -> bool:
    return new(folder).outlines.stored is not None


def test_a_process_uses_the_outlines_that_an_earlier_one_left(app: App, tmp_path: Path) -> None:
    made = app.models
    later = new(tmp_path)
    assert later.outlines.stored is not None
    assert later.models == made
    assert (later.names, later.chosen) == (app.names, app.chosen)
    assert later.model("web") == models(app)["web"]
    assert later.edition._catalog is None
    assert has_mode(tmp_path / "home" / outlines.NAME, 0o600)


def test_a_command_that_read_the_catalog_leaves_the_outlines(app: App, tmp_path: Path) -> None:
    app.read()
    assert is_stored(tmp_path)


def write(path: str, text: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")

    return change


@pytest.mark.parametrize(
    "change",
    [
        write("catalog/web/compose.yaml", SERVICE.format(tag=2)),
        write("catalog/web/compose.override.yaml", SERVICE.format(tag=2)),
        write("catalog/more/compose.yaml", SERVICE.format(tag=2)),
        write("else/compose.yaml", SERVICE.format(tag=2)),
        write("else/.env", "TAG=2\n"),
        write("home/settings.json", '{"version": 1, "values": {"web.TAG": "2"}}'),
        write("home/secrets.json", "{"),
        lambda folder: (folder / "else/compose.yaml").unlink(),
        lambda folder: (folder / "catalog/web/compose.yaml").unlink(),
    ],
)
def test_any_change_has_the_outlines_made_again(
    app: App, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    _ = app.models
    assert is_stored(tmp_path)
    change(tmp_path)
    later = new(tmp_path)
    assert later.outlines.stored is None
    expected = App(tmp_path / "home", [tmp_path / "catalog"])
    assert later.models == tuple(expected.outlines._made(name) for name in expected.names)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:0],
        lambda text: text[:-9],
        lambda text: text.replace("i:1", "i:9"),
        lambda text: text.partition("\n")[0] + "\n{}",
        lambda text: "\0" + text,
    ],
)
def test_a_damaged_file_is_ignored_and_replaced(
    app: App, tmp_path: Path, damage: Callable[[str], str]
) -> None:
    made = app.models
    file = tmp_path / "home" / outlines.NAME
    file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")
    assert not is_stored(tmp_path)
    assert new(tmp_path).models == made
    assert is_stored(tmp_path)


def test_the_outlines_of_another_version_are_ignored(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ = app.models
    monkeypatch.setattr(outlines, "__version__", "0.0.0")
    assert not is_stored(tmp_path)


def test_a_file_that_has_just_changed_may_change_again_unnoticed(app: App, tmp_path: Path) -> None:
    soon = time.time() + 3600
    os.utime(tmp_path / "else/compose.yaml", (soon, soon))
    _ = app.models
    assert not is_stored(tmp_path)


def test_a_module_with_a_problem_is_never_stored(app: App, tmp_path: Path) -> None:
    (tmp_path / "catalog/bad").mkdir()
    (tmp_path / "catalog/bad/compose.yaml").write_text("services: [}\n", encoding="utf-8")
    settle(tmp_path)
    later = new(tmp_path)
    assert models(later)["bad"].problem
    assert not is_stored(tmp_path)


def test_a_home_that_cannot_be_written_goes_without(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(outlines, "write_private", refuse)
    assert models(app)["web"].problem is None
    assert not is_stored(tmp_path)
