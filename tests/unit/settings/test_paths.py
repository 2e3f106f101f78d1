"""Where home and the runtime folder are, and that they are the user's own."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.file_paths import user_home
from aiserver_tray.system.paths import Home, find_home, make_folder, runtime_folder
from tests.support.systems import DATA, NOWHERE, RUNTIME, has_mode, on_unix


@pytest.fixture(autouse=True)
def _no_home_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AISERVER_HOME", raising=False)
    monkeypatch.setenv(DATA, str(tmp_path / "data"))


def test_home_is_the_users_data_folder_with_its_key_in_the_credential_store(tmp_path: Path) -> None:
    assert find_home() == Home(tmp_path / "data" / "aiserver-tray", "credential store")


def test_a_named_home_holds_its_own_key_and_the_option_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AISERVER_HOME", str(tmp_path / "variable"))
    assert find_home() == Home(tmp_path / "variable", "home")
    assert find_home(tmp_path / "option") == Home(tmp_path / "option", "home")
    monkeypatch.setenv("AISERVER_HOME", "")
    assert find_home().key_place == "credential store"


def test_one_folder_has_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("real")
    assert find_home("link") == find_home("real") == find_home(tmp_path / "x" / ".." / "real")
    (tmp_path / "data").symlink_to("real")
    assert find_home().folder == find_home("data/aiserver-tray").folder


def test_home_is_made_user_only_and_finding_it_makes_nothing(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        home = find_home()
        assert not (tmp_path / "data").exists()
        make_folder(home.folder)
    finally:
        os.umask(old)
    assert has_mode(home.folder, 0o700)
    assert has_mode(home.folder.parent, 0o700)


@on_unix
def test_the_mode_of_a_folder_that_the_user_made_is_kept(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folder(find_home(tmp_path).folder)
    assert has_mode(tmp_path, 0o755)


def test_a_home_whose_name_is_not_utf_8_is_a_setting_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = f"{tmp_path}/h\udcff"
    monkeypatch.setenv("AISERVER_HOME", folder)
    for option in (None, folder):
        with pytest.raises(SettingError, match=r"h\\x.*: .* not valid UTF-8") as refused:
            find_home(option)
        refused.value.render().encode()


def test_without_a_home_of_the_user_there_is_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_uid: int) -> NoReturn:
        raise KeyError

    pwd = pytest.importorskip("pwd")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv(DATA)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for find in (find_home, user_home):
        with pytest.raises(SettingError, match="HOME: this user has no home folder"):
            find()


def test_a_home_that_cannot_be_made_is_a_setting_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", tmp_path / "file" / "home"):
        with pytest.raises(SettingError, match="can't create the folder") as refused:
            make_folder(find_home(home).folder)
        assert refused.value.data["name"] == str(home)


def test_the_runtime_folder_is_user_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv(RUNTIME, str(tmp_path))
    folder = runtime_folder()
    assert folder.is_relative_to(tmp_path)
    assert folder.name == "aiserver-tray"
    folder.chmod(0o777)
    assert has_mode(runtime_folder(), 0o700)


@on_unix
def test_without_a_session_the_runtime_folder_is_still_one_of_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    found = runtime_folder().lstat()
    assert (found.st_uid, found.st_mode & 0o777) == (os.geteuid(), 0o700)


def test_a_runtime_folder_that_can_not_be_made_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNTIME, str(NOWHERE))
    with pytest.raises(
        SettingError, match=r"can't create the folder for locks .* XDG_RUNTIME_DIR"
    ) as refused:
        runtime_folder()
    assert "--home" not in str(refused.value)
    tmp_path.chmod(0o700)
    monkeypatch.setenv(RUNTIME, str(tmp_path))
    (runtime_folder() / "locks").touch()
    with pytest.raises(SettingError, match="XDG_RUNTIME_DIR"):
        runtime_folder("locks")


def test_without_any_safe_place_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """platformdirs refuses a temporary folder in which somebody else made ours."""

    def refuse(*_: object, **__: object) -> Path:
        raise PermissionError("/tmp/runtime-7 is not owned by uid 7")

    monkeypatch.setattr("platformdirs.user_runtime_path", refuse)
    with pytest.raises(SettingError, match=r"XDG_RUNTIME_DIR: .*uid 7\)\. Set this variable"):
        runtime_folder()


@on_unix
def test_a_runtime_folder_that_leads_elsewhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv(RUNTIME, str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "aiserver-tray").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingError):
        runtime_folder()
