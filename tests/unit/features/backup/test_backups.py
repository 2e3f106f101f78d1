"""What backups answer about files. The engine is a scripted one: nothing is restored here."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import (
    AiServerError,
    BackupKeyError,
    CatalogError,
    RestoreError,
    TrustError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup.archive import BackupWriter
from aiserver_tray.features.backup.backups import Backups
from aiserver_tray.features.backup.index import folder_of
from aiserver_tray.features.backup.manifest import (
    FORMAT,
    Manifest,
    ManifestEntry,
    ManifestModule,
    entry_name,
)
from aiserver_tray.features.backup.offer import Restorable
from aiserver_tray.features.backup.restore import Choice
from aiserver_tray.features.backup.views import (
    BackupSource,
    RestorableModule,
    RestoreQuestion,
    RestoreRequest,
)
from aiserver_tray.features.place import Place
from aiserver_tray.model import Actor
from aiserver_tray.operations.preflight.ports import PortUse
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.survey import HostPort
from aiserver_tray.settings.unended import Unended
from tests.unit.features.backup.planned import Stage
from tests.unit.features.backup.tars import VOLUME, Member, tar_of
from tests.unit.module_folders import declared

PASSPHRASE = "correct horse battery"
USER = Actor("window")
TAR = tar_of([VOLUME, Member("volume/file", content="text")])
DATA = ManifestEntry(
    entry_name("volume", "n8n", "data"), "volume", "n8n", "data", len(TAR), sha256(TAR).hexdigest()
)
INDEX = replace(DATA, name=entry_name("volume", "elasticsearch", "data"), module="elasticsearch")
SETTINGS = {"N8N_FOLDER": "/srv/files", "variable.n8n.TZ": "UTC"}
N8N = ManifestModule(
    "n8n", {"en": "n8n"}, "2.0", is_builtin=True, volumes=("data",), settings=SETTINGS
)
NOTES = ManifestModule(
    "notes", {"en": "Notes"}, None, is_builtin=False, folder={"compose.yaml": declared()}
)
ALLOWED = {"n8n.triggers": "off", "notes.consent": "true"}


class Here:
    """An installation with backups."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder)
        self.stage.running = []
        self.begun: list[tuple[str, ...]] = []
        self.used: set[int] = set()
        self.changes: dict[str, Any] = {}
        """Of the manifest of a backup that is written."""
        self.backups = self.of_next_process()

    def of_next_process(self) -> Backups:
        app, engine = Stage(self.stage.folder).app, self.stage.planner._engine
        store = SimpleNamespace(snapshot=SimpleNamespace(operations=()))
        operations = SimpleNamespace(port_use=self._port_use)
        core = SimpleNamespace(engine=engine, store=store, operations=operations)
        stack = SimpleNamespace(begin=self._begin)
        place = SimpleNamespace(
            app=app,
            core=core,
            publish=lambda _: None,
            refresh=app.refresh_catalog,
            feature=lambda _: stack,
        )
        return Backups(cast("Place", place))

    def _port_use(self, _module: str, port: HostPort) -> PortUse | None:
        is_used = port.number in self.used
        return PortUse(Text("the container web"), port.number + 1) if is_used else None

    def _begin(self, asked: Request, *_: object) -> SimpleNamespace:
        self.begun.append(asked.modules)
        return SimpleNamespace(wait=lambda: None)

    def write(self, *modules: ManifestModule, installation: str = "", **more: str) -> str:
        """The ID of a backup of *modules*, made by another *installation* if that is given."""
        manifest = Manifest(
            FORMAT,
            "1.0",
            installation or self.stage.app.settings.installation_id,
            "engine",
            "desk",
            datetime.now(UTC),
            "hand",
            modules,
            tuple(e for e in (DATA, INDEX) if e.module in {one.name for one in modules}),
            more,
        )
        manifest = replace(manifest, **self.changes)
        path = folder_of(self.stage.app.settings) / "aiserver-2026-03-02-1200-hand.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        with BackupWriter(path, self.backups._keys.recipients()) as writer:
            for entry in manifest.entries:
                writer.add(entry.name, [TAR])
            writer.finish(manifest)
        return path.stem

    def decisions(self, id: str, *modules: str) -> Mapping[str, str]:
        """What a restore asks about, with the suggestions."""
        offer = self.backups.inspect(RestoreQuestion(id=id, modules=modules))
        return {one.id: one.value for one in offer.decisions}

    def restorable(self, id: str) -> Restorable:
        return self.backups._restorable(self.backups._file(BackupSource(id=id)))

    def choice(self, id: str, decisions: Mapping[str, str], module: str = "n8n") -> Choice:
        """What a restore of a module would do."""
        return self.restorable(id).choice([module], decisions)

    def module(self, id: str, name: str) -> RestorableModule:
        """What is offered of it."""
        (found,) = self.backups.inspect(RestoreQuestion(id=id, modules=(name,))).modules
        return found

    def set_engine(self, platform: str, images: AbstractSet[str] = frozenset()) -> None:
        """The engine runs images for *platform*, and has some."""
        self.stage.info = replace(self.stage.info, platform=platform)
        self.stage.images = {*images}

    def restore(self, id: str, decisions: Mapping[str, str]) -> None:
        asked = RestoreRequest(id=id, modules=("n8n", "notes"), decisions=decisions)
        self.backups.restore(asked, USER)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_a_lost_key_leaves_the_recovery_file_and_says_what_to_move(here: Here) -> None:
    id = here.write(N8N)
    recovery = here.backups.save_key(PASSPHRASE, None)
    here.stage.app.settings.secrets.key_file.unlink()
    here.backups = here.of_next_process()
    listed = here.backups.list()
    assert "secrets.key" in str(listed.problem)
    assert "recovery file" in str(listed.backups[0].problem)
    with pytest.raises(BackupKeyError):
        here.backups.inspect(RestoreQuestion(id=id))
    source = {"id": id, "recovery": recovery, "passphrase": PASSPHRASE, "modules": ("n8n",)}
    question = RestoreQuestion.model_validate(source)
    assert [one.name for one in here.backups.inspect(question).modules] == ["n8n"]
    with pytest.raises(RestoreError, match=r"move .*secrets\.json and"):
        here.backups.restore(RestoreRequest.model_validate(source), USER)


def test_what_can_not_be_backed_up_first_is_replaced_only_if_that_is_allowed(here: Here) -> None:
    id = here.write(N8N)
    assert "without_backup" not in here.decisions(id, "n8n")
    assert here.backups._is_noted(["n8n"], Text("its server does not start"))
    here.backups = here.of_next_process()
    assert here.decisions(id, "n8n")["without_backup"] == ""
    here.backups._is_noted(["n8n"], None)
    assert "without_backup" not in here.decisions(id, "n8n")
    here.stage.sizes["n8n-data"] = 10**18
    here.backups = here.of_next_process()
    assert here.decisions(id, "n8n")["without_backup"] == ""
    del here.stage.sizes["n8n-data"]
    assert "without_backup" not in here.decisions(id, "n8n"), "nothing is there"


def test_answers_and_modules_of_a_backup_are_checked_before_anything_is_added(here: Here) -> None:
    id = here.write(N8N, NOTES, installation="another")
    assert here.decisions(id, "n8n", "notes") == {
        "n8n.triggers": "off",
        "n8n.N8N_FOLDER": "",
        "notes.consent": "",
    }
    added = here.stage.app.home.folder / "modules" / "notes"
    for wrong in ({"n8n.triggers": "false"}, {"notes.consent": "yes"}, {}):
        with pytest.raises(RestoreError):
            here.restore(id, {**ALLOWED, **wrong} if wrong else {})
        assert not added.exists()
    refused = declared(body="image: busybox:1\n    scale: 2")
    id = here.write(replace(NOTES, folder={"compose.yaml": refused}), N8N, installation="another")
    with pytest.raises(CatalogError, match="scale"):
        here.restore(id, ALLOWED)
    assert not added.exists()
    id = here.write(N8N, NOTES, installation="another")
    with pytest.raises(TrustError, match="starts only after you allow it"):
        here.restore(id, ALLOWED)
    assert added.is_dir()


def test_what_clashes_here_is_asked_with_an_answer_and_each_answer_is_checked(here: Here) -> None:
    ports = {"n8n": {"N8N_HOST_PORT": "18100"}, "oneapi": {"ONEAPI_HOST_PORT": "18101"}}
    modules = [replace(N8N, name=name, settings=given) for name, given in ports.items()]
    app = {"app.bind": "0.0.0.0", "app.engine": "ssh://other"}
    id = here.write(*modules, installation="another", **app)
    here.used = {18100}
    asked = here.decisions(id, "n8n", "oneapi")
    assert asked == {
        "n8n.N8N_HOST_PORT": "18101",
        "oneapi.ONEAPI_HOST_PORT": "18080",  # n8n has its port now
        "n8n.triggers": "off",
        "app.bind": "127.0.0.1",
        "engine": "true",
    }
    restorable = here.restorable(id)
    wrong = {
        ("n8n.N8N_HOST_PORT", "18100"): "in use by the container web. Choose another port",
        ("n8n.N8N_HOST_PORT", "18080"): "also that of oneapi.ONEAPI_HOST_PORT",
        ("n8n.N8N_HOST_PORT", "eighty"): "N8N_HOST_PORT",
        ("app.bind", "here"): "app.bind",
        ("engine", ""): "allow this first",
    }
    for (address, answer), why in wrong.items():
        with pytest.raises(AiServerError, match=why):
            restorable.check(["n8n", "oneapi"], {address: answer})
    restorable.check(["n8n", "oneapi"], {})


def test_settings_come_back_but_no_version_of_kept_data_and_no_store_without_users(
    here: Here,
) -> None:
    id = here.write(N8N)
    assert here.choice(id, {}).changes["n8n.variable.n8n.TZ"] == "UTC"
    assert str(here.module(id, "n8n").parts) == "Its files and settings"
    values = {"MYSQL_VERSION": "8.0.41", "MYSQL_HOST_PORT": "13307"}
    id = here.write(replace(N8N, name="mysql", settings=values, volumes=()))
    assert here.choice(id, {}, "mysql").changes["mysql.MYSQL_VERSION"] == "8.0.41"
    here.stage.sizes["mysql-data"] = 1
    changes = here.choice(id, {}, "mysql").changes
    assert "mysql.MYSQL_VERSION" not in changes
    assert changes["mysql.MYSQL_HOST_PORT"] == "13307"
    id = here.write(replace(N8N, name="elasticsearch", settings={}))
    assert here.module(id, "elasticsearch").problem is None
    here.stage.running.append("ragflow")
    assert "also keeps data of ragflow" in str(here.module(id, "elasticsearch").problem)


def test_what_has_to_end_on_another_engine_is_no_new_failure_at_each_start(here: Here) -> None:
    journal = here.backups._journal
    for id, engine in (("a", "there"), ("b", "ENGINE")):
        with journal.operation(id, Unended(kind="restore", modules=[id], engine=engine)):
            pass
    here.backups.recover(USER)
    assert here.begun == [("b",), ("a",)]
    for id in ("a", "b"):
        with journal.update(id) as entry:
            entry.problem = {"en": "It can't be ended."}
    here.backups.recover(USER)
    assert here.begun[2:] == [("b",)]
    assert "It can't be ended." in str(here.backups.list().problem)


# -- everything from another computer --------------------------------------------------------------

SAVED = ManifestEntry(
    entry_name("image", "n8n", "1"),
    "image",
    "n8n",
    "1",
    len(TAR),
    sha256(TAR).hexdigest(),
    images=("n8nio/n8n:2.41.6", "busybox:1.37.0"),
)
MOVED: dict[str, Any] = {
    "reason": "move",
    "entries": (DATA, SAVED),
    "platform": "linux/amd64",
    "wanted": (),
    "settings": {"app.theme": "dark", "app.mirrors": "mirror.example", "app.engine": "ssh://a@b"},
    "secrets": {"app.alert_webhook": "https://ntfy.example/topic"},
}


def test_images_are_loaded_where_they_can_run_and_else_pulled(here: Here) -> None:
    here.changes = MOVED
    id = here.write(N8N, installation="another")
    asked = here.decisions(id, "n8n")
    suggested = asked["images"], asked["n8n.triggers"], asked["app.mirrors"]
    assert suggested == ("load", "off", "mirror.example")
    choice = here.choice(id, {})
    assert (choice.images, choice.features) == (SAVED, ()), "it did not run there"
    assert {a: v for a, v in choice.changes.items() if a.startswith("app.")} == {
        "app.theme": "dark",
        "app.alert_webhook": "https://ntfy.example/topic",
        "app.mirrors": "mirror.example",
    }
    assert here.choice(id, {"images": "pull"}).images is None
    with pytest.raises(RestoreError, match="load or pull"):
        here.choice(id, {"images": "both"})
    here.set_engine(platform="linux/arm64")
    assert here.decisions(id, "n8n")["images"] == "true"
    assert here.choice(id, {}).images is None
    here.set_engine(platform="linux/amd64", images={*SAVED.images})
    assert "images" not in here.decisions(id, "n8n"), "they are there"
    here.changes = {**MOVED, "is_stopped": True, "wanted": ("n8n",)}
    id = here.write(N8N, installation="another")
    assert here.decisions(id, "n8n")["n8n.triggers"] == "on", "it was stopped there"
    assert here.choice(id, {}).features == ("n8n",)
