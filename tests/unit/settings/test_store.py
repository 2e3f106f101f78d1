"""Settings by address: what holds, what is shown, what can be set."""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiserver_tray.base.errors import JointError, SettingError, UnknownNameError
from aiserver_tray.base.masking import MASK
from aiserver_tray.catalog.setting import Choice, Setting
from aiserver_tray.settings import previous
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.settings.content import EngineState
from aiserver_tray.settings.declared import Declared, address_of
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home
from tests.support.systems import NOWHERE, has_mode, on_unix


def test_the_users_value_holds_before_the_default(settings: Settings, declared: Declared) -> None:
    settings.change(declared, {"n8n.HOST_PORT": " 8080 "})
    values = settings.values(declared)
    assert values["n8n.HOST_PORT"] == "8080"
    assert values["ragflow.HOST_PORT"] == "18200"
    assert not {"n8n.NOTE", "n8n.API_KEY"} & values.keys(), "they have no value"
    settings.change(declared, {"n8n.HOST_PORT": None})
    settings.change(declared, {"n8n.NOTE": ""})
    values = settings.values(declared)
    assert (values["n8n.HOST_PORT"], values["n8n.NOTE"]) == ("18100", "")


def test_only_the_requested_settings_are_read_and_generated(
    settings: Settings, declared: Declared
) -> None:
    some = {name: declared[name] for name in ("n8n.TOKEN", "n8n.HOST_PORT")}
    assert list(settings.values(some)) == ["n8n.TOKEN", "n8n.HOST_PORT"]
    assert settings.secrets.names() == {"n8n.TOKEN"}


def test_a_bare_name_serves_where_it_is_unique(settings: Settings, declared: Declared) -> None:
    settings.change(declared, {"bind": "0.0.0.0"})
    assert settings.values(declared)["app.bind"] == "0.0.0.0"
    with pytest.raises(SettingError, match=r"HOST_PORT: .*n8n\.HOST_PORT, ragflow\.HOST_PORT"):
        settings.change(declared, {"HOST_PORT": "1"})
    with pytest.raises(UnknownNameError, match=r"n8n\.HOST_PORT"):
        settings.change(declared, {"n8n.HOST_PROT": None})
    assert address_of(declared, "KEY") == "n8n.KEY"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("n8n.host_port", ["n8n.HOST_PORT", "ragflow.HOST_PORT"]),
        ("HOST_PROT", ["HOST_PORT"]),
        ("bnd", ["bind"]),
        ("xyzzy", []),
    ],
)
def test_a_mistyped_name_is_given_the_nearest_ones_once_and_where_all_are(
    declared: Declared, name: str, near: list[str]
) -> None:
    with pytest.raises(UnknownNameError) as unknown:
        address_of(declared, name)
    text = str(unknown.value)
    assert unknown.value.data["near"] == near
    assert text.endswith(" All settings: aiserver-tray config list")
    assert [a for a in declared if a in text] == [a for a in near if "." in a]


def test_a_wrong_value_is_refused_and_nothing_is_stored(
    settings: Settings, declared: Declared
) -> None:
    with pytest.raises(SettingError, match=r"n8n\.HOST_PORT: expected a port"):
        settings.change(declared, {"n8n.HOST_PORT": "http"})
    assert settings.values(declared)["n8n.HOST_PORT"] == "18100"
    assert not (settings.folder / "settings.json").exists()


def test_a_stored_value_that_is_no_longer_one_is_refused_with_the_remedy(
    settings: Settings,
) -> None:
    before = {"dify.STORE": Setting(type="choice", choices={"a": Choice(), "b": Choice()})}
    after = {"dify.STORE": Setting(type="choice", default="a", choices={"a": Choice()})}
    settings.change(before, {"STORE": "b"})
    with pytest.raises(SettingError, match=r"dify\.STORE: .*config unset dify\.STORE"):
        settings.values(after)
    assert [entry.value for entry in settings.entries(after)] == ["b"]
    settings.change(after, {"dify.STORE": None})
    assert settings.values(after) == {"dify.STORE": "a"}


def test_settings_of_a_missing_module_are_kept_for_its_return(
    settings: Settings, declared: Declared
) -> None:
    settings.change(declared, {"n8n.HOST_PORT": "8080"})
    without_secrets = {a for a, setting in APP_SETTINGS.items() if not setting.is_secret}
    assert settings.values(APP_SETTINGS).keys() == without_secrets
    settings.change(APP_SETTINGS, {"language": "zh"})
    assert settings.values(declared)["n8n.HOST_PORT"] == "8080"


def test_entries_show_every_setting_and_no_secret(settings: Settings, declared: Declared) -> None:
    settings.change(declared, {"n8n.API_KEY": "plain text"})
    settings.change(declared, {"n8n.HOST_PORT": "8080"})
    shown = {entry.address: (entry.value, entry.origin) for entry in settings.entries(declared)}
    assert list(shown) == list(declared)
    assert shown["n8n.HOST_PORT"] == ("8080", "set")
    assert shown["ragflow.HOST_PORT"] == ("18200", "default")
    assert shown["n8n.NOTE"] == (None, "none")
    assert shown["n8n.API_KEY"] == (MASK, "set")
    assert shown["n8n.KEY"] == (None, "none")


def test_a_value_is_revealed_by_its_address_or_its_bare_name(
    settings: Settings, declared: Declared
) -> None:
    assert settings.reveal(declared, "n8n.HOST_PORT") == "18100"
    made = settings.reveal(declared, "TOKEN")
    assert len(made) == 43
    assert settings.reveal(declared, "n8n.TOKEN") == made
    assert settings.secrets.names() == {"n8n.TOKEN"}
    settings.change(declared, {"NOTE": ""})
    assert settings.reveal(declared, "NOTE") == ""
    with pytest.raises(SettingError, match=r"n8n\.API_KEY: .*config set n8n\.API_KEY - "):
        settings.reveal(declared, "API_KEY")
    with pytest.raises(UnknownNameError):
        settings.reveal(declared, "APIKEY")


def test_a_secret_written_into_the_settings_file_is_refused_until_it_is_stored(
    settings: Settings, declared: Declared
) -> None:
    settings.choose([])
    path = settings.folder / "settings.json"
    raw = json.loads(path.read_bytes())
    raw["values"]["n8n.API_KEY"] = "plain-secret"
    path.write_text(json.dumps(raw))
    with pytest.raises(SettingError, match=r"n8n\.API_KEY: .*must not contain secrets") as refused:
        settings.values(declared)
    assert "plain-secret" not in str(refused.value)
    assert "config set n8n.API_KEY - " in str(refused.value)
    settings.change(declared, {"n8n.API_KEY": "another secret"})
    assert settings.values(declared)["n8n.API_KEY"] == "another secret"
    assert "plain-secret" not in path.read_text()


def test_reading_creates_no_home(settings: Settings, declared: Declared, tmp_path: Path) -> None:
    open_ = {address: setting for address, setting in declared.items() if not setting.is_secret}
    assert settings.values(open_)["n8n.HOST_PORT"] == "18100"
    assert {entry.origin for entry in settings.entries(declared)} == {"default", "none"}
    assert settings.chosen is None
    assert settings.engines.state("engine") == EngineState()
    assert settings.secrets.key_record is None
    assert list(tmp_path.iterdir()) == []
    settings.change(declared, {"n8n.HOST_PORT": "8080"})
    assert has_mode(settings.folder, 0o700)
    settings.choose([])
    assert settings.chosen == (), "another choice than none"


def test_the_installation_id_is_made_once_per_home(home: Home, tmp_path: Path) -> None:
    first = Settings(home).installation_id
    assert Settings(home).installation_id == first
    assert Settings(Home(tmp_path / "other", "home")).installation_id != first


def test_an_installation_id_is_never_replaced(home: Home) -> None:
    assert Settings(home).installation_id
    for path in home.folder.glob("installation.json*"):
        path.write_text("{")
    for read in ("installation_id", "id_for_reading"):
        with pytest.raises(SettingError, match=r"installation\.json: it is damaged"):
            getattr(Settings(home), read)


def test_a_flipped_bit_in_the_installation_id_makes_no_other_installation(home: Home) -> None:
    installation = Settings(home).installation_id
    path = home.folder / "installation.json"
    flipped = "0" if installation[0] != "0" else "1"
    path.write_text(path.read_text().replace(installation, flipped + installation[1:]))
    settings = Settings(home)
    assert settings.installation_id == installation
    assert "not what was written" in str(settings.notices)


def test_a_new_home_that_can_not_be_written_has_an_id_for_reading_only() -> None:
    settings = Settings(Home(NOWHERE, "home"))
    assert settings.id_for_reading == settings.id_for_reading
    (notice,) = settings.notices
    assert "This home folder is new and can't be written" in str(notice)
    with pytest.raises(SettingError):
        _ = settings.installation_id


def test_the_desired_state_and_learnt_times_are_kept_per_engine(home: Home) -> None:
    with Settings(home).engines.update("engine-1") as state:
        state.desired.append("n8n")
        state.learnt["n8n"] = 12.5
    assert Settings(home).engines.state("engine-1") == EngineState(
        desired=["n8n"], learnt={"n8n": 12.5}
    )
    assert Settings(home).engines.state("engine-2") == EngineState()


def test_the_images_that_are_ours_are_kept_the_newest_last(home: Home) -> None:
    with Settings(home).engines.update("engine-1") as state:
        state.add_images(["one", "two"])
        state.add_images(["one", "three", "three"])
    assert Settings(home).engines.state("engine-1").images == ["two", "one", "three"]
    with Settings(home).engines.update("engine-1") as state:
        state.add_images([str(number) for number in range(498)])
    assert Settings(home).engines.state("engine-1").images[:3] == ["one", "three", "0"]


def test_a_state_from_before_images_were_kept_is_read(home: Home) -> None:
    content = {"version": 1, "engines": {"engine-1": {"desired": ["n8n"], "learnt": {}}}}
    digest = hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
    home.folder.mkdir(parents=True)
    (home.folder / "state.json").write_text(json.dumps({**content, "digest": digest}))
    settings = Settings(home)
    assert settings.engines.state("engine-1") == EngineState(desired=["n8n"])
    with settings.engines.update("engine-1") as state:
        state.learnt["n8n"] = 12.5
    assert Settings(home).engines.state("engine-1") == EngineState(
        desired=["n8n"], learnt={"n8n": 12.5}
    )
    assert settings.notices == []


def test_numbers_and_truths_that_a_hand_wrote_are_taken_as_text(
    settings: Settings, home: Home, declared: Declared
) -> None:
    settings.change(declared, {"n8n.NOTE": "mine"})
    values = {"n8n.HOST_PORT": 8080, "n8n.NOTE": True, "ragflow.HOST_PORT": 1.5}
    (home.folder / "settings.json").write_text(json.dumps({"version": 1, "values": values}))

    found = {entry.address: entry.value for entry in settings.entries(declared)}

    assert found["n8n.HOST_PORT"] == "8080"
    assert found["n8n.NOTE"] == "true"
    assert found["ragflow.HOST_PORT"] == "1.5"
    assert settings.notices == []


def test_value_of_a_former_secret_is_ignored_and_can_be_unset(
    settings: Settings, declared: Declared
) -> None:
    settings.change(declared, {"n8n.API_KEY": "given by the user"})
    now = {"n8n.API_KEY": Setting(default="open")}

    (entry,) = settings.entries(now)
    assert (entry.value, entry.origin) == ("open", "default")
    settings.change(now, {"n8n.API_KEY": "text"})
    (entry,) = settings.entries(now)
    assert (entry.value, entry.origin) == ("text", "set")

    settings.change(now, {"n8n.API_KEY": None})
    assert settings.secrets.names() == frozenset()
    assert settings.values(now) == {"n8n.API_KEY": "open"}


@pytest.fixture
def _read_only(home: Home, declared: Declared) -> Iterator[None]:
    """A home that its user may only read. Root may write everywhere, so it steps down."""
    Settings(home).change(declared, {"app.bind": "0.0.0.0"})
    assert Settings(home).installation_id
    with Settings(home).engines.update("e") as engine:
        engine.desired = ["n8n"]
    Settings(home).change(declared, {"n8n.KEY": "a-secret-of-mine"})
    is_root = os.geteuid() == 0
    for path in (*home.folder.glob("*.lock"), *home.folder.glob("*.good")):
        path.unlink()
    for path in home.folder.iterdir():
        path.chmod(0o444 if is_root else 0o400)
    home.folder.chmod(0o555)
    for folder in home.folder.parents[:-1] if is_root else ():
        folder.chmod(folder.stat().st_mode | 0o055)
    if is_root:
        os.seteuid(65534)
    yield
    if is_root:
        os.seteuid(0)
    home.folder.chmod(0o700)


@on_unix
@pytest.mark.usefixtures("_read_only")
def test_a_home_without_write_permission_can_be_read(home: Home, declared: Declared) -> None:
    settings = Settings(home)
    assert settings.app.bind == "0.0.0.0"
    assert settings.engines.state("e").desired == ["n8n"]
    assert settings.secrets.values(["n8n.KEY"]) == {"n8n.KEY": "a-secret-of-mine"}
    assert settings.installation_id == Settings(home).installation_id
    assert settings.inspect(declared) == []
    with pytest.raises(SettingError, match="Permission denied"):
        settings.change(declared, {"app.bind": "127.0.0.1"})
    assert {path.suffix for path in home.folder.iterdir()} <= {".json", ".key"}


def test_several_settings_are_changed_together_or_not_at_all(
    settings: Settings, declared: Declared
) -> None:
    settings.change(declared, {"n8n.KEY": "kept for ever"})
    good = {"n8n.HOST_PORT": " 8080", "n8n.API_KEY": "of the user", "ragflow.HOST_PORT": None}
    some = {address: declared[address] for address in good}
    settings.change(declared, good)
    expected = {"n8n.HOST_PORT": "8080", "n8n.API_KEY": "of the user", "ragflow.HOST_PORT": None}
    assert settings.stored(some) == expected
    wrong = {"n8n.HOST_PORT": "1", "ragflow.HOST_PORT": "none", "n8n.API_KEY": "short"}
    with pytest.raises(JointError, match=r"ragflow\.HOST_PORT: .*\nn8n\.API_KEY: "):
        settings.change(declared, wrong)
    with pytest.raises(SettingError, match="stored data depends on it"):
        settings.change(declared, {"n8n.HOST_PORT": "1", "n8n.API_KEY": None, "n8n.KEY": None})
    assert settings.stored(some) == expected


def test_the_values_before_a_change_are_kept_for_a_day(
    settings: Settings, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {"n8n.HOST_PORT": None, "n8n.API_KEY": "a former secret"}
    settings.previous.remember("n8n", before, {"n8n.API_KEY"})
    again = Settings(home)
    kept = again.previous.of("n8n")
    assert kept
    assert kept.values == before
    assert "former" not in (home.folder / "previous.json").read_text()

    now = time.time()
    for elsewhen in (now - 3600, now + previous.KEPT_SECONDS + 1):  # a clock that was set back
        monkeypatch.setattr("time.time", lambda: elsewhen)  # noqa: B023
        assert again.previous.of("n8n") is None
    again.previous.forget("another")
    assert again.secrets.names() == frozenset()
