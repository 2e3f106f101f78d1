"""What is shown of a module and its services on request, without their secrets. The engine is a
fake, which answers as the real one does."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.masking import MASK
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.engine import parse
from aiserver_tray.engine.values import ContainerDetails, Volume
from aiserver_tray.features.modules.channels import ModulesFeature
from aiserver_tray.features.modules.connections import ModuleConnection, connections
from aiserver_tray.model import Port
from aiserver_tray.protocol.channel import dispatch, handlers_of
from aiserver_tray.protocol.message import Caller, Envelope, Peer
from aiserver_tray.spec.labels import CONFIG_OF, INSTALLATION, MODULE
from aiserver_tray.system.clock import timezone_name
from tests.support.places import place
from tests.unit.module_folders import write

CALLER = Caller(Peer("window", "en", lambda _message: None), "en")
FILE = """
    x-aiserver:
      kind: feature
      settings:
        WEB_KEY: {type: secret, generate: hex32}
        WEB_ZONE: {type: timezone, default: Antarctica/Troll}
      accounts: [{title: {en: Admin, zh: 管理员}, user: root, secret: WEB_KEY}]
    services: {web: {image: 'i:1', environment: [WEB_KEY]}}
"""
DATABASE = """
    x-aiserver:
      kind: basic
      settings: {DB_KEY: {type: secret, generate: hex32}}
      accounts: [{title: Admin, user: a/b, secret: DB_KEY}]
      connect:
        address: db://{user}:{password}@{host}:{port}/{database}
        port: 9000
        host: store
        database: main
    services: {web: {image: 'i:1'}}
"""
USER = """
    x-aiserver:
      kind: feature
      requires: [db]
      settings:
        KEY: {type: secret, generate: hex32}
        WHICH: {type: choice, default: b, choices: {a: {}, b: {value: second}}}
      databases: [{module: db, user: me, database: '${WHICH}', secret: KEY}]
    services: {web: {image: 'i:1'}}
"""


@pytest.fixture
def app(tmp_path: Path) -> App:
    write(tmp_path / "catalog", "web", FILE)
    return App(tmp_path / "home", [tmp_path / "catalog"])


class FakeEngine:
    """One container, whose health check prints its secret, and some volumes."""

    def __init__(self, app: App) -> None:
        self._secret = app.target("web").services[0].body["Env"][0]
        ours = {INSTALLATION: app.settings.installation_id, MODULE: "web"}
        self._volumes = {
            "ai-web-data": ours,
            "ai-web-config": {**ours, CONFIG_OF: "web"},
            "ai-other-data": {**ours, MODULE: "other"},
            "foreign": {MODULE: "web"},
        }
        self.containers = self.volumes = self

    def all(self) -> list[Volume]:
        return [Volume(name, given, None) for name, given in self._volumes.items()]

    def details(self, container: str) -> ContainerDetails:
        end = "2026-01-02T03:04:05.678901234Z"
        check = {"Start": end, "End": end, "ExitCode": 1, "Output": f"sent {self._secret}\n"}
        return parse.container_details(
            {
                "Id": "1", "Name": f"/{container}", "Image": "sha256:1", "Created": end,
                "RestartCount": 3,
                "Config": {"Image": "i:1", "Env": [self._secret, "PATH=/bin"]},
                "State": {
                    "Status": "running", "ExitCode": 137, "OOMKilled": True, "Error": "",
                    "StartedAt": end, "FinishedAt": "0001-01-01T00:00:00Z",
                    "Health": {"Status": "unhealthy", "FailingStreak": 1, "Log": [check]},
                },
                "NetworkSettings": {},
                "Mounts": [
                    {"Type": "volume", "Name": "ai-web-data", "Source": "/x", "Destination": "/d",
                     "RW": True},
                ],
            }
        )  # fmt: skip


def asked(app: App, channel: str, **payload: str) -> Envelope:
    service = SimpleNamespace(name="web", container="ai-web")
    module = SimpleNamespace(name="web", services=(service,))
    state = SimpleNamespace(modules=(module,), engine=SimpleNamespace(running=True))
    store = SimpleNamespace(snapshot=state, state=SimpleNamespace(containers={}))
    fake = SimpleNamespace(store=store, engine=FakeEngine(app))
    parts = [ModulesFeature(place(app, cast("Core", fake)))]
    return dispatch(handlers_of(parts), channel, payload, CALLER)


def test_details_have_accounts_volumes_and_a_time_zone_that_nobody_set(app: App) -> None:
    data: Any = asked(app, "ai/module/details", name="web")["data"]
    account = {"title": "Admin", "user": "root", "setting": "web.WEB_KEY", "note": ""}
    assert (data["accounts"], data["volumes"]) == ([account], ["ai-web-data"])
    assert (data["consent"]["module"], data["isAllowed"]) == ("web", False)
    zone = {"setting": "web.WEB_ZONE", "value": "Antarctica/Troll", "own": timezone_name()}
    assert data["timezone"] == zone
    app.settings.change(app.declared, {"web.WEB_ZONE": "Antarctica/Troll"})
    data = asked(app, "ai/module/details", name="web")["data"]
    assert data["timezone"] is None


def test_a_service_is_inspected_without_its_secrets(app: App) -> None:
    data: Any = asked(app, "ai/service/inspect", module="web", service="web")["data"]
    assert data["lastCheck"] == {
        "endedAt": "2026-01-02T03:04:05.678901+00:00",
        "exitCode": 1,
        "output": f"sent WEB_KEY={MASK}",
    }
    assert (data["exitCode"], data["outOfMemory"]) == (137, True)
    assert data["environment"] == ["PATH", "WEB_KEY"]
    mount = {"kind": "volume", "source": "ai-web-data", "target": "/d", "readOnly": False}
    assert data["mounts"] == [mount]
    assert data["finishedAt"] is None


@pytest.mark.parametrize("names", [("wbe", "web"), ("web", "wbe")])
def test_unknown_module_or_service_is_refused(app: App, names: tuple[str, str]) -> None:
    module, service = names
    assert asked(app, "ai/service/inspect", module=module, service=service)["code"] == "E_UNKNOWN"


def test_connections_are_those_of_accounts_and_used_databases(tmp_path: Path) -> None:
    write(tmp_path, "db", DATABASE)
    write(tmp_path, "user", USER)
    app = App(tmp_path / "home", [tmp_path])
    ports = (Port("0.0.0.0", 4000, 9000, "udp"), Port("0.0.0.0", 5000, 9000))

    def found(*ports: Port) -> list[ModuleConnection]:
        return [*connections(app.catalog, app.settings, app.catalog.module("db"), ports)]

    (own,) = found(*ports)
    assert own.here == "db://a%2Fb:{password}@127.0.0.1:5000/main"
    assert (own.others, own.setting) == ("db://a%2Fb:{password}@store:9000/main", "db.DB_KEY")
    app.settings.values({"user.KEY": app.declared["user.KEY"]})
    for port, host in (
        (Port("::", 1, 9000), "[::1]:1"),
        (Port("192.0.2.7", 1, 9000), "192.0.2.7:1"),
    ):
        _, other = found(port)
        assert other.here == f"db://me:{{password}}@{host}/second"
        assert (other.title["en"], other.setting) == ("user", "user.KEY")
    assert [one.here for one in found()] == [None, None]
