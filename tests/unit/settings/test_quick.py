"""The settings that are read without the models of their files: the same, or left to these."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.settings import content, names, quick
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.settings.quick import QuickSettings
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home

ENGINE = "ENGINE"


def unused() -> Settings:
    raise AssertionError("the models were needed")


def written(folder: Path) -> Settings:
    """Settings with a value in every file."""
    settings = Settings(Home(folder, "home"))
    settings.change(APP_SETTINGS, {"app.language": "zh"})
    settings.change(APP_SETTINGS, {"app.engine": "unix:///other.sock"})
    settings.change(APP_SETTINGS, {"app.engines": "a=tcp://a:1 b=unix:///b.sock"})
    folders = [str(Path(name).absolute()) for name in (f"a{os.pathsep}b", "c")]
    settings.change(APP_SETTINGS, {"app.module_folders": json.dumps(folders)})
    settings.choose(["n8n"])
    with settings.engines.update(ENGINE) as state:
        state.desired = ["n8n", "dify"]
        state.learnt = {"n8n/n8n": 1e-7}
    assert settings.installation_id
    return settings


def values(settings: QuickSettings) -> tuple[object, ...]:
    desired = [*settings.desired(ENGINE)], [*settings.desired("ANOTHER")]
    folders, chosen = settings.module_folders, settings.chosen
    known = settings.installation_id, settings.language, settings.engine, settings.engines
    return *known, folders, chosen, *desired


def values_of_models(settings: Settings) -> tuple[object, ...]:
    desired = settings.engines.state(ENGINE).desired, settings.engines.state("ANOTHER").desired
    app = settings.app
    known = settings.installation_id, app.language, app.engine, app.engines
    return *known, app.module_folders, settings.chosen, *desired


def test_files_that_we_wrote_need_no_models(tmp_path: Path) -> None:
    settings = written(tmp_path)
    assert values(QuickSettings(tmp_path, unused)) == values_of_models(settings)
    versions = [model().version for model in (content.SettingsData, content.StateData)]
    assert {*versions, content.InstallationData().version} == {quick.FORMAT}


def test_only_a_new_installation_id_needs_the_models_in_an_empty_home(tmp_path: Path) -> None:
    empty = QuickSettings(tmp_path / "home", unused)
    assert (empty.language, empty.engine, empty.chosen) == ("system", "", None)
    assert empty.desired(ENGINE) == ()
    with pytest.raises(AssertionError):
        _ = empty.installation_id
    settings = Settings(Home(tmp_path / "home", "home"))
    assert QuickSettings(tmp_path / "home", lambda: settings).installation_id
    assert QuickSettings(tmp_path / "home", unused).installation_id == settings.installation_id


def test_a_change_by_another_process_is_seen(tmp_path: Path) -> None:
    settings = written(tmp_path)
    known = QuickSettings(tmp_path, unused)
    languages = [str(known.language)]
    settings.change(APP_SETTINGS, {"app.language": "en"})
    assert [*languages, known.language] == ["zh", "en"]


def outcome(read: Callable[[], tuple[object, ...]]) -> object:
    """The values without the id, or the error that reading them raises."""
    try:
        return read()[1:]
    except SettingError as error:
        return type(error)


def edited(text: str) -> str:
    return text.replace('"zh"', '" en "')


@pytest.mark.parametrize(
    "damage",
    [
        edited,
        lambda text: text.replace("unix://", "ssh://me@"),
        lambda text: text.replace("unix:///other.sock", "unix:///other.sock "),
        lambda text: text[:-20],
        lambda text: text.replace(":", "::"),
        lambda text: text.replace("dify", "Dify"),
        lambda text: text.replace('"version": 1', '"version": 99'),
    ],
)
@pytest.mark.parametrize("name", [names.INSTALLATION, names.SETTINGS, names.STATE])
def test_any_other_file_is_read_and_repaired_by_the_models(
    tmp_path: Path, name: str, damage: Callable[[str], str]
) -> None:
    for home in ("quick", "models"):
        written(tmp_path / home)
        file = tmp_path / home / name
        file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")
    settings = Settings(Home(tmp_path / "quick", "home"))
    expected = Settings(Home(tmp_path / "models", "home"))
    found = outcome(lambda: values(QuickSettings(tmp_path / "quick", lambda: settings)))
    assert found == outcome(lambda: values_of_models(expected))
    assert len(settings.notices) == len(expected.notices)


def test_a_file_that_is_gone_is_restored_by_the_models(tmp_path: Path) -> None:
    settings = written(tmp_path)
    (tmp_path / names.SETTINGS).unlink()
    assert QuickSettings(tmp_path, lambda: settings).chosen == ("n8n",)
    assert json.loads((tmp_path / names.SETTINGS).read_bytes())["chosen"] == ["n8n"]
