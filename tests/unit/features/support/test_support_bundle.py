"""The support bundle: what it has, and that no secret and no user's name is in it."""

import base64
import io
import json
import logging
from pathlib import Path
from urllib.parse import quote
from zipfile import ZipFile

import pytest

from aiserver_tray.base.i18n import LocalText
from aiserver_tray.core.app import App
from aiserver_tray.features.doctor.channels import examine
from aiserver_tray.features.support import bundle, contents
from aiserver_tray.features.support.bundle import support_bundle
from aiserver_tray.owner.api import Api
from aiserver_tray.protocol.message import Peer
from aiserver_tray.settings.entries import OperationEntry
from aiserver_tray.state.views import EngineView, Snapshot
from aiserver_tray.system import logfile
from tests.support.made import STACK_ABLE
from tests.support.surroundings import Recorded

GIVEN = 'My "secret" pass/word 1'
GUESSABLE = "letmein"
MISPLACED = "in-the-wrong-file-1234"
OTHERS = "made-by-the-service-itself"

MODULE = """\
x-aiserver:
  kind: feature
  settings:
    GIVEN: {type: secret}
    MISPLACED: {type: secret}
    MADE: {type: secret, generate: alnum32}
    PORT: {type: port, default: 18999}
services: {main: {image: 'i:1'}}
"""
PLAIN = "services: {main: {image: 'i:1', environment: {DB_PASSWORD: '${DB_PASSWORD}'}}}\n"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """An installation of the user *alice*, whose settings have all sorts of secrets."""
    user = tmp_path / "home/alice"
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.setenv("USERPROFILE", str(user))
    for name, text in {"web": MODULE, "plain": PLAIN}.items():
        (user / "catalog" / name).mkdir(parents=True)
        (user / "catalog" / name / "compose.yaml").write_text(text, encoding="utf-8")
    app = App(user / "ai", [user / "catalog"], f"unix://{tmp_path}/none.sock")
    given = {"web.GIVEN": GIVEN, "plain.DB_PASSWORD": GUESSABLE, "web.PORT": "18998"}
    for address, value in given.items():
        app.settings.change(app.declared, {address: value})
    app.settings.secrets.ensure({"web.MADE": "alnum32"})
    file = app.settings.folder / "settings.json"
    raw = json.loads(file.read_bytes())
    raw["values"]["web.MISPLACED"] = MISPLACED
    file.write_text(json.dumps(raw), encoding="utf-8")
    return app


def secrets_of(app: App) -> list[str]:
    made = app.settings.secrets.values(["web.MADE"])["web.MADE"]
    key = (app.settings.folder / "secrets.key").read_text(encoding="ascii").strip()
    return [GIVEN, GUESSABLE, MISPLACED, made, key]


def spoken(secrets: list[str], user: Path) -> str:
    """Log lines with *secrets* in each form."""
    forms = [
        form
        for secret in secrets
        for form in (
            secret,
            json.dumps({"password": secret}),
            quote(secret, safe=""),
            f"postgres://ai:{secret}@db/x",
            f"Authorization: Key {base64.b64encode(secret.encode()).decode()}",
        )
    ]
    return "\n".join(["port 18998 is open", f"token={OTHERS}", f"read {user}/x", *forms, ""])


@pytest.fixture
def files(app: App, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The files of a bundle, by name, where everything that writes has written secrets."""
    said = spoken(secrets_of(app), Path.home())
    monkeypatch.setattr(contents, "logs", lambda _engine, _snapshot: [("logs/web-main.log", said)])
    folder = logfile.log_folder(app.home)
    folder.mkdir()
    (folder / "tray.log").write_text("x" * 2_000_000 + "\n" + said, encoding="utf-8")
    for secret in secrets_of(app):
        message: LocalText = {"en": f"It said {secret}.", "zh": secret}
        app.settings.journal.add(
            OperationEntry(
                operation="up", modules=("web",), pid=1, code="E_EXITED", message=message
            )
        )
    return made(app)


def made(app: App) -> dict[str, str]:
    """The files of a bundle now, by name."""
    nothing = Snapshot(EngineView(running=False), "stopped", (), abilities=STACK_ABLE)
    return unpacked(support_bundle(app, app.engine(), nothing, lambda: examine(app)))


def unpacked(content: bytes) -> dict[str, str]:
    with ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_a_bundle_has_all_parts_without_secrets(files: dict[str, str], app: App) -> None:
    assert {*files} == {
        "README.txt", "versions.json", "engine.json", "settings.json", "state.json",
        "activity.json", "doctor.json", "app/tray.log", "logs/web-main.log",
    }  # fmt: skip
    settings = {s["address"]: s["value"] for s in json.loads(files["settings.json"])["settings"]}
    assert settings["web.PORT"] == "18998"
    assert settings["web.GIVEN"] == "********"
    assert json.loads(files["engine.json"])["code"].startswith("E_ENGINE")
    assert json.loads(files["activity.json"])[0]["operation"]["error"]["message"].startswith("It ")
    for log in ("app/tray.log", "logs/web-main.log"):
        assert "port 18998 is open" in files[log]
        assert "postgres://********@db/x" in files[log]
        assert len(files[log]) < 300_000
    forbidden = {form for secret in secrets_of(app) for form in (secret, quote(secret, safe=""))}
    forbidden |= {base64.b64encode(secret.encode()).decode() for secret in secrets_of(app)}
    forbidden |= {json.dumps(secret)[1:-1] for secret in secrets_of(app)}
    for name, text in files.items():
        found = [word for word in (*forbidden, OTHERS, "alice") if word in text]
        assert not found, (name, found)


def test_it_has_a_limit(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    many = ((f"logs/{number}.log", "x" * 1000 + "\n") for number in range(100))
    monkeypatch.setattr(contents, "logs", lambda _engine, _snapshot: many)
    monkeypatch.setattr(bundle, "MAX_BYTES", 60_000)
    files = made(app)
    assert sum(map(len, files.values())) < 61_000
    assert "too large" in files["LEFT-OUT.txt"]


def test_a_part_with_a_bug_or_without_the_secrets_leaves_the_others(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(contents, "versions", lambda: 1 / 0)
    with caplog.at_level(logging.CRITICAL):
        files = made(app)
    assert json.loads(files["versions.json"])["code"] == "E_RUNTIME"
    assert json.loads(files["doctor.json"])
    (app.settings.folder / "secrets.key").unlink()
    del app.settings.secrets  # as a new process
    logfile.log_folder(app.home).mkdir()
    (logfile.log_folder(app.home) / "tray.log").write_text("said", encoding="utf-8")
    files = made(app)
    assert "secrets.key is missing" in files["LOGS-LEFT-OUT.txt"]
    assert not any("/" in name for name in files)


def test_a_client_gets_a_file_and_few_are_kept(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    core = app.core()
    api = Api(app, core, Recorded(kind="serve"))
    window = Peer("window", "en", lambda _message: None)
    names = iter(f"{number}.zip" for number in range(5))
    monkeypatch.setattr("aiserver_tray.features.support.channels.file_name", lambda: next(names))
    for _ in range(5):
        answer = api.invoke("ai/support/bundle", {}, window)
    core.store.close()
    file = Path(answer["data"]["file"])
    assert sorted(found.name for found in file.parent.iterdir()) == ["2.zip", "3.zip", "4.zip"]
    assert file.stat().st_size == answer["data"]["size"]
    assert "README.txt" in unpacked(file.read_bytes())
