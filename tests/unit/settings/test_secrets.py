"""Secrets: made once, encrypted, kept, never shown."""

import base64
import json
import logging
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.catalog.setting import Generator, Setting
from aiserver_tray.settings.declared import Declared
from aiserver_tray.settings.master_key import KeyKeeper, KeyRecord
from aiserver_tray.settings.secrets import SecretsData
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home
from tests.support.systems import has_mode

PLAIN = "correct horse battery staple"


def _store(home: Home, name: str, stored: str | None) -> None:
    """Put *stored*, or what another secret has, into the secrets file, as who knows its form
    could."""
    path = home.folder / "secrets.json"
    data = SecretsData.model_validate_json(path.read_bytes())
    data.secrets[name] = data.secrets["n8n.KEY"] if stored is None else stored
    data.seal()
    path.write_text(data.model_dump_json(), encoding="utf-8")


@pytest.mark.parametrize(
    ("generate", "form"),
    [
        ("hex32", "[0-9a-f]{64}"),
        ("base64url32", "[A-Za-z0-9_-]{43}"),
        ("alnum32", "[A-Za-z0-9]{32}"),
        ("alnum20", "[A-Za-z0-9]{20}"),
    ],
)
def test_a_secret_is_made_once_in_its_alphabet(home: Home, generate: Generator, form: str) -> None:
    declared = {"m.KEY": Setting(type="secret", generate=generate)}
    made = Settings(home).values(declared)["m.KEY"]
    assert re.fullmatch(form, made)
    assert Settings(home).values(declared)["m.KEY"] == made


def test_no_two_secrets_are_alike(settings: Settings) -> None:
    declared = {f"m.S{n}": Setting(type="secret", generate="alnum32") for n in range(100)}
    assert len(set(settings.values(declared).values())) == 100


@pytest.mark.parametrize("given", [PLAIN, None])
def test_a_kept_secret_that_was_given_or_made_is_never_changed(
    settings: Settings, declared: Declared, given: str | None
) -> None:
    if given:
        settings.change(declared, {"n8n.KEY": given})
    kept = settings.values(declared)["n8n.KEY"]
    assert given in (kept, None)
    settings.change(declared, {"n8n.KEY": kept})
    with pytest.raises(
        SettingError, match=r"n8n\.KEY: .*stored data depends on it.*down --volumes.*--home"
    ):
        settings.change(declared, {"n8n.KEY": "another secret"})
    with pytest.raises(SettingError, match=r"n8n\.KEY: .*stored data depends on it"):
        settings.change(declared, {"n8n.KEY": None})
    assert settings.values(declared)["n8n.KEY"] == kept


def test_another_secret_can_be_changed_and_generated_again(
    settings: Settings, declared: Declared
) -> None:
    made = settings.values(declared)["n8n.TOKEN"]
    settings.change(declared, {"n8n.TOKEN": PLAIN})
    assert settings.values(declared)["n8n.TOKEN"] == PLAIN
    settings.change(declared, {"n8n.TOKEN": None})
    assert settings.values(declared)["n8n.TOKEN"] not in (made, PLAIN)


def test_no_file_log_or_representation_contains_a_secret(
    settings: Settings, declared: Declared, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert settings.secrets.key_record is None
    settings.change(declared, {"n8n.API_KEY": PLAIN})
    values = settings.values(declared)
    settings.choose(["n8n"])
    with settings.engines.update("engine"):
        pass
    shown = [repr(settings), repr(settings.secrets), repr(vars(settings.secrets))]
    shown += [repr(settings.entries(declared)), repr(settings.secrets.key_record), caplog.text]
    files = list(settings.folder.iterdir())
    assert len(files) >= 5
    assert has_mode(settings.folder, 0o700)
    assert all(has_mode(path, 0o600) for path in files)
    assert settings.secrets.key_record
    assert settings.secrets.key_record.store == "file"
    assert settings.secrets.key_file == settings.folder / "secrets.key"
    key = settings.secrets.key_file.read_text().strip()
    for secret in (values["n8n.API_KEY"], values["n8n.KEY"], values["ragflow.PASSWORD"]):
        encoded = base64.b64encode(secret.encode())
        for path in files:
            assert secret.encode() not in path.read_bytes()
            assert encoded not in path.read_bytes()
        assert secret not in "".join(shown)
    assert key not in "".join(shown)


def test_an_altered_secret_is_refused_by_name_and_the_others_serve(
    home: Home, declared: Declared
) -> None:
    values = Settings(home).values(declared)
    _store(home, "n8n.TOKEN", None)
    with pytest.raises(SettingError, match=r"n8n\.TOKEN: .*was changed") as refused:
        Settings(home).values(declared)
    assert values["n8n.KEY"] not in "".join(traceback.format_exception(refused.value))
    others = {name: setting for name, setting in declared.items() if name != "n8n.TOKEN"}
    assert Settings(home).values(others) == {n: v for n, v in values.items() if n in others}


@pytest.mark.parametrize("stored", ["", "AAAA", "not base64!", "é", "A" * 64])
def test_wrong_ciphertext_is_refused(home: Home, declared: Declared, stored: str) -> None:
    Settings(home).values(declared)
    _store(home, "n8n.KEY", stored)
    with pytest.raises(SettingError, match=r"n8n\.KEY: .*was changed"):
        Settings(home).values(declared)


def _contents(folder: Path) -> dict[str, bytes]:
    """What a folder holds. A lock file is made by the first reader too."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix != ".lock"}


@pytest.mark.parametrize("content", [None, b"", b"junk", base64.b64encode(b"\0" * 32)])
def test_a_key_file_that_is_lost_damaged_or_another_is_never_replaced(
    home: Home, declared: Declared, content: bytes | None
) -> None:
    Settings(home).values(declared)
    more = {**declared, "m.NEW": Setting(type="secret", generate="hex32")}
    key = home.folder / "secrets.key"
    key.unlink()
    if content is not None:
        key.write_bytes(content)
    before = _contents(home.folder)
    for use in (
        lambda: Settings(home).values(declared),
        lambda: Settings(home).values(more),
        lambda: Settings(home).change(more, {"m.NEW": PLAIN}),
    ):
        with pytest.raises(SettingError, match=r"secrets\.json: .*from a backup"):
            use()
    assert _contents(home.folder) == before


def test_a_key_file_that_can_not_be_read_says_what_to_look_at(
    home: Home, declared: Declared
) -> None:
    Settings(home).values(declared)
    key = home.folder / "secrets.key"
    key.unlink()
    key.mkdir()
    with pytest.raises(SettingError, match=r"secrets\.key can't be read .*\. Check its folder"):
        Settings(home).values(declared)


def test_a_store_that_is_not_here_is_reported_in_the_readers_language(tmp_path: Path) -> None:
    keeper = KeyKeeper(tmp_path / "secrets.json", lambda: "id", "home", [])
    with pytest.raises(SettingError, match="does not exist in this session") as refused:
        keeper.find(KeyRecord(store="keyring", backend="no.Such", check=""))
    assert "没有此凭据存储" in refused.value.render("zh")


def test_damaged_secrets_file_does_not_affect_other_settings(
    settings: Settings, home: Home, declared: Declared
) -> None:
    settings.values(declared)
    for name in ("secrets.json", "secrets.json.good"):
        (home.folder / name).write_text("torn")
    before = _contents(home.folder)

    plain = {address: s for address, s in declared.items() if not s.is_secret}
    assert settings.values(plain)
    with pytest.raises(SettingError, match=r"secrets\.json: it is damaged"):
        settings.values(declared)
    assert _contents(home.folder) == before, "lost secrets are never replaced"


def test_a_key_that_was_made_before_a_crash_is_used(home: Home, declared: Declared) -> None:
    Settings(home).values(declared)
    key = (home.folder / "secrets.key").read_bytes()
    for path in home.folder.glob("secrets.json*"):
        path.unlink()
    Settings(home).values(declared)
    assert (home.folder / "secrets.key").read_bytes() == key


def test_a_home_can_be_moved(home: Home, declared: Declared, tmp_path: Path) -> None:
    values = Settings(home).values(declared)
    moved = Home(home.folder.rename(tmp_path / "moved"), "home")
    assert Settings(moved).values(declared) == values


def test_a_fingerprint_tells_secrets_apart_and_installations_too(
    settings: Settings, declared: Declared, tmp_path: Path
) -> None:
    settings.change(declared, {"n8n.KEY": PLAIN})
    settings.change(declared, {"n8n.API_KEY": PLAIN})
    first = settings.secrets.fingerprint("n8n.KEY")
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert Settings(Home(settings.folder, "home")).secrets.fingerprint("n8n.KEY") == first
    assert settings.secrets.fingerprint("n8n.API_KEY") != first
    settings.change(declared, {"n8n.API_KEY": "another secret"})
    assert settings.secrets.fingerprint("n8n.API_KEY") != first
    other = Settings(Home(tmp_path / "other", "home"))
    other.change(declared, {"n8n.KEY": PLAIN})
    assert other.secrets.fingerprint("n8n.KEY") != first
    with pytest.raises(SettingError, match=r"n8n\.TOKEN"):
        settings.secrets.fingerprint("n8n.TOKEN")


MAKER = """
import json, sys
from pathlib import Path
from aiserver_tray.catalog.setting import Setting
from aiserver_tray.system.paths import Home
from aiserver_tray.settings.store import Settings

settings = Settings(Home(Path(sys.argv[1]), "home"))
declared = {f"m.S{n}": Setting(type="secret", generate="hex32", keep=True) for n in range(30)}
print("ready", flush=True)
sys.stdin.readline()
values = {}
for address, setting in declared.items():
    values |= settings.values({address: setting})
print(json.dumps([settings.installation_id, values]))
"""


def test_two_processes_that_make_the_same_secrets_at_once_get_the_same(home: Home) -> None:
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", MAKER, home.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for maker in makers:
        assert maker.stdout
        assert maker.stdout.readline() == "ready\n"
    for maker in makers:
        assert maker.stdin
        maker.stdin.write("go\n")
        maker.stdin.flush()
    first, second = (json.loads(maker.communicate()[0]) for maker in makers)
    assert first == second
    assert len(first[1]) == 30


UNUSABLE = """
import json, sys
from pathlib import Path
from aiserver_tray.catalog.setting import Setting
from aiserver_tray.system.paths import Home
from aiserver_tray.settings.store import Settings

settings = Settings(Home(Path(sys.argv[1]), "credential store"))
settings.values({"m.S": Setting(type="secret", generate="hex32")})
print(json.dumps([settings.secrets.key_record.store, list(map(str, settings.notices))]))
"""


def test_a_credential_store_that_cannot_be_loaded_is_reported_once(tmp_path: Path) -> None:
    def use() -> list[object]:
        done = subprocess.run(
            [sys.executable, "-c", UNUSABLE, tmp_path / "home"],
            env={**os.environ, "PYTHON_KEYRING_BACKEND": "no.such.Keyring"},
            capture_output=True,
            text=True,
            check=True,
        )
        result: list[object] = json.loads(done.stdout)
        return result

    store, notices = use()
    assert store == "file"
    assert "No module named 'no'" in str(notices)
    assert str(tmp_path / "home/secrets.key") in str(notices).replace("\\\\", "\\")  # of `repr`
    assert use() == ["file", []]
