"""Versions of modules: what registries say of them, and which ones are offered. The engine is
scripted, and asks a scripted registry."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from types import SimpleNamespace
from typing import cast

import pytest

from aiserver_tray.base.errors import AiServerError, SettingError, UpgradeError
from aiserver_tray.base.i18n import Text
from aiserver_tray.core import app as core_app
from aiserver_tray.core.app import App, built_in_catalog
from aiserver_tray.engine.registry import Registries
from aiserver_tray.engine.values import RegistryAccess
from aiserver_tray.features.configuration.fixed import check_versions, fixed_versions
from aiserver_tray.features.place import Place
from aiserver_tray.features.upgrade import asking
from aiserver_tray.features.upgrade.asking import RehearsalData
from aiserver_tray.features.upgrade.upgrades import Upgrades
from aiserver_tray.features.upgrade.versions import Versions
from aiserver_tray.features.upgrade.views import ModuleUpgradeView
from tests.support.registry_server import Registry, registry_with
from tests.support.waiting import eventually
from tests.unit.module_folders import write

MODULE = """\
x-aiserver:
  kind: feature
  title: Web
  updates:
    - setting: WEB_VERSION
      images: ["{at}/team/web", "{at}/team/worker"]
      tags: 'v[0-9]+\\.[0-9]+(-rc\\.[0-9]+)?'
      range: '{range}'
      notes: https://web.example/{{version}}/{{number}}
  settings: {{WEB_VERSION: {{default: {default}}}}}
services:
  web: {{image: "{at}/team/web:${{WEB_VERSION}}"}}
  worker: {{image: "{at}/team/worker:${{WEB_VERSION}}"}}
"""


@dataclass
class Here:
    """An installation with one built-in module, ``web``, which is in use."""

    home: Path
    packaged: Path
    server: Registry
    told: list[bool] = field(default_factory=list)
    names: tuple[str, ...] = ()
    """Of its image on the engine."""
    engine: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(running=True))

    def __post_init__(self) -> None:
        self.app = App(self.home, [])
        self.app.applied.take("web", self.packaged / "features/web")
        assert self.app.catalog.built_in == {"web"}
        self.versions = self.of_next_process()

    def of_next_process(self) -> Versions:
        access = RegistryAccess(insecure=(self.server.address,), is_local=True)
        registries = Registries(lambda: access)
        engine = SimpleNamespace(
            image_tags=registries.tags,
            image_digest=registries.digest,
            image_size=lambda name, *_: registries.size(name, "linux/amd64"),
            images=SimpleNamespace(find=lambda _: SimpleNamespace(names=self.names, id="")),
            volumes=SimpleNamespace(all=list),
            info=lambda: SimpleNamespace(platform="linux/amd64"),
        )
        state = SimpleNamespace(containers={}, engine=self.engine)
        core = SimpleNamespace(engine=engine, store=SimpleNamespace(state=state))

        def publish(message: object) -> None:
            self.told.append(self.versions.asking.is_asking)

        self.place = cast(
            "Place", SimpleNamespace(app=self.app, core=core, publish=publish, engine_id="here")
        )
        return Versions(self.place)

    def tags(self, *web: str, worker: tuple[str, ...] | None = None) -> None:
        """What the registry has of both images."""
        found = {"web": web, "worker": web if worker is None else worker}
        for name, tags in found.items():
            self.server.content[f"/v2/team/{name}/tags/list?n=1000"] = {"tags": [*tags]}

    def ask(self) -> ModuleUpgradeView:
        """What is known once registries were asked."""
        self.versions.ask(None)
        eventually(lambda: not self.versions.asking.is_asking, "the answer of the registry")
        return self.web

    @property
    def web(self) -> ModuleUpgradeView:
        (found,) = self.versions.views().modules
        return found

    @property
    def offered(self) -> list[tuple[str, str]]:
        return [(one.version, one.kind) for one in self.web.versions]

    def bring(self, **other: str) -> None:
        """A new application is installed, with *other* files of the module."""
        write_module(self.packaged, self.server, **other)
        self.app.refresh_catalog()


def write_module(root: Path, server: Registry, **other: str) -> None:
    given = {"at": server.address, "range": ">=1.2 <2", "default": "v1.2", **other}
    folder = root / "features/web"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compose.yaml").write_text(MODULE.format(**given), encoding="utf-8")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    packaged = tmp_path / "packaged"
    monkeypatch.setattr(core_app, "built_in_catalog", lambda: packaged)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with registry_with({}, {}) as server:
        write_module(packaged, server)
        here = Here(tmp_path / "home", packaged, server)
        yield here
        here.versions.close()


def test_versions_that_all_images_have_are_offered_the_newest_first(here: Here) -> None:
    here.tags(
        *("v1.2", "v1.10", "v1.3", "v1.3-rc.1", "v0.9", "v2.0", "v2.0-rc.1", "latest", "v1.11"),
        worker=("v1.2", "v1.10", "v1.3", "v1.3-rc.1", "v2.0", "v9"),
    )
    for tag, size in (("v1.10", 5), ("v1.2", 4)):
        for name in ("web", "worker"):
            layers = [{"digest": f"sha256:{name}", "size": size}]
            here.server.content[f"/v2/team/{name}/manifests/{tag}"] = {"layers": layers}
    view = here.ask()
    assert (view.name, view.version) == ("web", "v1.2")
    assert here.offered == [("v1.10", "version"), ("v1.3", "version"), ("v1.3-rc.1", "version")]
    assert view.offer == view.versions[0]
    assert view.offer.notes == "https://web.example/v1.10/1.10"
    assert [one.bytes for one in view.versions] == [10, None, None]
    assert (here.told[0], here.told[-1]) == (True, False)
    target = here.versions.target("web", None)
    assert (target.version, target.now, target.folder) == ("v1.10", "v1.2", None)
    assert target.changes == {"web.WEB_VERSION": "v1.10"}
    assert {one.image.name for one in target.preview.services} == {
        f"{here.server.address}/team/web:v1.10",
        f"{here.server.address}/team/worker:v1.10",
    }
    assert here.versions.target("web", "v1.3-rc.1").version == "v1.3-rc.1"


def test_a_new_application_changes_no_module_and_its_files_are_offered(here: Here) -> None:
    before = here.app.preview("web").services
    here.bring(default="v1.4", range=">=1.2 <3")
    assert here.app.preview("web").services == before
    assert here.app.catalog.built_in == {"web"}
    assert here.offered == [("v1.4", "files")]
    target = here.versions.target("web", None)
    assert target.kinds == {"version", "files"}
    assert (target.folder, target.changes) == (here.packaged / "features/web", {})
    assert target.preview.services[0].image.display_name.endswith(":v1.4")
    assert here.app.preview("web").services == before, "the target is only looked at"
    here.bring(default="v1.4")  # in the same files
    target = here.versions.target("web", "v1.3")
    assert target.changes == {"web.WEB_VERSION": "v1.3"}
    assert target.preview.services[0].image.display_name.endswith(":v1.3")


def test_new_files_for_the_same_version_are_offered_and_the_version_is_kept(here: Here) -> None:
    here.app.settings.change(here.app.declared, {"web.WEB_VERSION": "v1.5"})
    here.bring(default="v1.3", range=">=1.2 <3")
    assert here.offered == [("v1.5", "files")]
    assert here.versions.target("web", None).changes == {}
    here.bring(default="v1.5", range=">=1.2 <3")
    assert here.versions.target("web", None).changes == {"web.WEB_VERSION": None}
    here.bring(default="v1.3", range=">=1.2 <1.4")
    assert here.offered == [], "of an older application"
    here.bring(default="v1.5", range=">=1.2 <3")
    here.tags("v2.7")
    here.ask()
    assert here.offered == [("v2.7", "version"), ("v1.5", "files")]
    assert here.versions.target("web", None).kinds == {"version", "files"}


def test_why_a_module_can_not_be_upgraded_so_is_told(here: Here) -> None:
    settings, other = here.app.settings, "ssh://me@elsewhere"
    settings.engines.meet(other, "there", "")
    with settings.engines.update("there") as state:
        state.desired = ["web"]
    here.versions.target("web", "v1.3")
    settings.change(here.app.declared, {"app.engines": f"server={other}"})
    with pytest.raises(UpgradeError, match="runs on the Docker engine server"):
        here.versions.target("web", "v1.3")
    with settings.engines.update("there") as state:
        state.desired = []
    here.versions.target("web", "v1.3")

    def refuses(version: str | None, said: str) -> None:
        with pytest.raises(UpgradeError, match=said):
            here.versions.target("web", version)

    refuses("v1.2", "has version v1.2 already")
    for version in ("v2.0", "latest", "v1.٣"):
        refuses(version, ">=1.2 <2")
    here.app.settings.change(here.app.declared, {"web.WEB_VERSION": "v1.5"})
    refuses("v1.2", r"newer than v1\.2")
    refuses(None, "No other version")
    here.app.applied.forget("web")
    refuses("v1.6", "has not started yet")


def test_images_that_were_published_anew_are_offered(here: Here) -> None:
    here.tags("v1.2")
    for name in ("web", "worker"):
        path = f"/v2/team/{name}/manifests/v1.2"
        here.server.content[path], here.server.digests[path] = {"layers": []}, "sha256:new"
    here.names = ("team/web:v1.2",)
    here.ask()
    assert here.offered == [], "it is not known what the engine has"
    here.names = ("mirror.example/team/web@sha256:new",)
    assert here.offered == []
    here.names = ("mirror.example/team/web@sha256:old",)
    assert here.offered == [("v1.2", "image")]
    assert here.versions.target("web", None).kinds == {"image"}


def test_a_version_that_failed_or_rests_is_not_offered_until_something_is_new(here: Here) -> None:
    here.tags("v1.2", "v1.3", "v1.4")
    here.ask()
    here.versions.failed("web", "v1.4", Text("it never got healthy"))
    assert str(here.web.versions[0].failed) == "it never got healthy"
    assert here.versions.target("web", None).version == "v1.3"
    assert here.versions.target("web", "v1.4").version == "v1.4", "who asks for it gets it"
    here.ask()
    assert here.web.versions[0].failed, "the present images are others, but not those of v1.4"
    here.versions.rest("web", "v1.3", "skip")
    assert here.of_next_process().views().modules[0].offer is None
    here.versions.rest("web", "v1.3", "week")
    assert [one.rest for one in here.web.versions] == [None, "week"]
    with here.versions.file.module("web") as data:
        data.rests["v1.3"] = time.time() - 1
    assert here.web.offer == here.web.versions[1]
    here.bring(default="v1.4", range=">=1.2 <4")
    assert here.web.versions[0].failed is None


def test_a_rehearsal_counts_only_for_the_files_and_images_that_were_rehearsed(here: Here) -> None:
    feature = SimpleNamespace(backups=SimpleNamespace(tools=None, journal=None))
    place = SimpleNamespace(app=here.app, feature=lambda _: feature)
    upgrades = Upgrades(cast("Place", place), here.versions)

    def is_remembered() -> bool:
        data = here.versions.file.read().modules["web"]
        return upgrades._remembered(here.web, data).rehearsal is not None

    def rehearse() -> None:
        of = here.versions.made_of("web", "v1.2")
        with here.versions.file.module("web") as data:
            data.rehearsal = RehearsalData(version="v1.2", of=of, ended_at=1.0, seconds=1.0)

    rehearse()
    assert is_remembered()
    with here.versions.file.module("web") as data:
        data.digests["team/web:v1.2"] = "sha256:new"
    assert not is_remembered()
    rehearse()
    here.bring(default="v1.2", range=">=1.2 <4")
    assert not is_remembered()


@pytest.mark.parametrize(
    ("answer", "said"), [(["no tags"], "does not answer as a registry does"), (None, "answers 404")]
)
def test_what_was_known_outlasts_a_registry(here: Here, answer: object, said: str) -> None:
    here.tags("v1.3")
    here.ask()
    here.server.content["/v2/team/worker/tags/list?n=1000"] = answer
    here.ask()
    assert here.offered == [("v1.3", "version")]
    assert said in str(here.versions.views().problem)
    here.tags("v1.3")
    here.server.digests = dict.fromkeys(
        (f"/v2/team/{name}/manifests/v1.2" for name in ("web", "worker")), "sha256:new"
    )
    here.server.content |= {key: {"layers": []} for key in here.server.digests}
    here.ask()
    assert here.versions.views().problem is None


def test_registries_are_asked_once_a_day(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    is_due = here.versions.asking.is_due
    assert not is_due(now), "modules come back first"
    monkeypatch.setattr(asking, "REST_SECONDS", 0.0)
    here.versions = here.of_next_process()
    is_due = here.versions.asking.is_due
    assert is_due(now)
    here.tags("v1.3")
    here.ask()
    assert not is_due(now + 60)
    assert is_due(now + 27 * 3600)
    assert is_due(now - 3600), "the clock was set back"
    here.engine.running = False
    assert not is_due(now + 27 * 3600)
    here.engine.running = True
    here.app.settings.change(here.app.declared, {"app.check_versions": "false"})
    assert not is_due(now + 27 * 3600)
    before = len(here.server.asked)
    assert here.ask().offer, "who wants to know it can ask"
    assert len(here.server.asked) > before


def test_only_an_upgrade_changes_the_version_of_a_module_in_use(here: Here) -> None:
    declared = here.app.declared
    for version in ("v2.0", "1.3", "latest", "v1.x"):
        with pytest.raises(AiServerError, match=r">=1\.2 <2"):
            here.app.settings.change(declared, {"web.WEB_VERSION": version})
    check_versions(here.place, {"web.WEB_VERSION": "v1.2", "app.language": "zh"})
    check_versions(here.place, {"web.WEB_VERSION": None})
    with pytest.raises(SettingError, match="aiserver-tray upgrade web --to v1") as caught:
        check_versions(here.place, {"web.WEB_VERSION": "v1.3"})
    assert caught.value.remedies[0]["page"] == "modules/web"
    assert fixed_versions(here.place, "web") == {"web.WEB_VERSION"}
    here.app.applied.forget("web")
    check_versions(here.place, {"web.WEB_VERSION": "v1.3"})
    assert fixed_versions(here.place, "web") == set()


# -- the files that apply --------------------------------------------------------------------------


def test_files_are_swapped_and_put_back_at_any_point(here: Here, tmp_path: Path) -> None:
    applied = here.app.applied
    old = (applied.folder / "web/compose.yaml").read_text("utf-8")
    here.bring(default="v1.4")
    new = (here.packaged / "features/web/compose.yaml").read_text("utf-8")
    for _ in range(2):
        applied.swap("web", here.packaged / "features/web", "id")
        assert (applied.folder / "web/compose.yaml").read_text("utf-8") == new
        here.app.refresh_catalog()
        assert here.offered == []
    for _ in range(2):
        applied.put_back("web", "id")
        assert (applied.folder / "web/compose.yaml").read_text("utf-8") == old
    assert {one.name for one in applied.folder.iterdir()} == {"web"}
    copytree(applied.folder / "web", applied.folder / ".id/web")  # killed within `swap`
    applied.forget("web")
    applied.put_back("web", "id")
    assert (applied.folder / "web/compose.yaml").read_text("utf-8") == old
    applied.swap("web", here.packaged / "features/web", "id")
    applied.drop("id")
    applied.put_back("web", "id")
    assert (applied.folder / "web/compose.yaml").read_text("utf-8") == new
    applied.forget("web")  # nothing was kept before
    applied.swap("web", here.packaged / "features/web", "id")
    applied.put_back("web", "id")
    assert "web" not in applied
    assert here.app.catalog.built_in == {"web"}


def test_kept_files_of_no_use_say_what_to_do_and_those_of_a_former_module_go_on(here: Here) -> None:
    file = here.app.applied.folder / "web/compose.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("kind: feature", "kind: ability"), encoding="utf-8")
    here.app.refresh_catalog()
    with pytest.raises(AiServerError, match="move this folder to another place"):
        here.app.catalog.module("web")
    assert here.versions.views().modules == ()
    file.write_text(text, encoding="utf-8")
    write(here.packaged / "basic", "other", "services: {main: {image: busybox:1}}\n")
    (here.packaged / "features/web/compose.yaml").unlink()
    (here.packaged / "features/web").rmdir()
    here.app.refresh_catalog()
    assert here.app.catalog.built_in == {"other", "web"}
    assert here.offered == []


def test_each_built_in_module_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = tmp_path / "packaged"
    copytree(built_in_catalog(), packaged)
    monkeypatch.setattr(core_app, "built_in_catalog", lambda: packaged)
    app = App(tmp_path / "home", [])
    names = sorted(app.catalog.modules)
    before = {name: hashes(app, name) for name in names}
    app.keep_files(names)
    for file in packaged.glob("*/*/*"):
        if file.is_file():
            file.write_text(f"{file.read_text('utf-8')}\n# new\n", encoding="utf-8")
    for file in packaged.glob("*/*/compose.yaml"):
        text = re.sub(r"(?m)^( *)(mem_limit:)", r"\1cpus: 7\n\1\2", file.read_text("utf-8"))
        file.write_text(text, encoding="utf-8")
    app.refresh_catalog()
    assert {one.folder.parent for one in app.catalog.modules.values()} == {app.applied.folder}
    assert app.catalog.built_in == {*names}
    assert {name: hashes(app, name) for name in names} == before
    for name in names:
        assert app.preview(name).consent is None
        assert hashes(app.as_packaged(name), name).items().isdisjoint(before[name].items())


def hashes(app: App, module: str) -> dict[str, str]:
    """What decides whether containers are created again."""
    return {one.container: one.config_hash for one in app.preview(module).services}
