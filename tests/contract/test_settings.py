"""Settings of a module are previewed, applied together, and undone, on a real engine."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiserver_tray.protocol.message import Json
from aiserver_tray.state.views import Snapshot
from tests.contract.asking import given, refused
from tests.contract.host import DirectCaller, Host
from tests.support.certificates import certificates

KEY, PORT = "web.WEB_KEY", "web.WEB_PORT"
MINE = "a-secret-of-mine"
FURTHER, HIDDEN = "web.variable.web.DEBUG", "web.secret.web.EXTRA_TOKEN"


@pytest.fixture
def runs(core: DirectCaller) -> Iterator[None]:
    given(core, "ai/operation/start", kind="up", modules=["web"], untilEnd=True)
    yield
    given(core, "ai/operation/start", kind="down", untilEnd=True)


def changed(core: DirectCaller, channel: str, changes: Json, **more: str) -> Json:
    return given(core, channel, module="web", changes=changes, **more)


def is_outdated(snapshot: Snapshot) -> bool:
    return any(module.name == "web" and module.is_outdated for module in snapshot.modules)


@pytest.mark.usefixtures("runs")
def test_a_change_is_previewed_saved_for_later_applied_and_undone(
    core: DirectCaller, host: Host, tmp_path: Path
) -> None:
    before = given(core, "ai/config/reveal", name=KEY)["value"]
    wanted: Json = {KEY: MINE, PORT: "18990", FURTHER: "a $b", HIDDEN: f"other-{MINE}"}
    (module,) = changed(core, "ai/config/preview", wanted)["modules"]
    (service,) = module["services"]
    assert (module["interrupted"], module["kept"]) == (True, 1)
    assert (service["service"], service["kind"]) == ("web", "recreate")
    assert service["reasons"] == ["environment: DEBUG, EXTRA_TOKEN, WEB_KEY"]
    assert module["page"] == "http://localhost:18990"
    assert given(core, "ai/config/reveal", name=KEY)["value"] == before, "nothing is changed"

    later = changed(core, "ai/config/apply", wanted, when="later")
    assert later["operationId"] is None
    host.until(is_outdated)
    form = given(core, "ai/config/form", module="web")
    assert form["previous"]["values"] == {KEY: "********", PORT: None, FURTHER: None, HIDDEN: None}
    further = {one["address"]: one for one in form["settings"] if one["group"] == "variables"}
    assert {address: one["value"] for address, one in further.items()} == {
        FURTHER: "a $b",
        HIDDEN: "********",
    }
    assert MINE not in str(form)
    (module,) = changed(core, "ai/config/preview", {})["modules"]
    assert module["services"][0]["reasons"] == ["applies changes that were saved earlier"]

    now = changed(core, "ai/config/apply", {}, when="now")
    given(core, "ai/operation/wait", id=now["operationId"])
    host.until(lambda snapshot: not is_outdated(snapshot))

    first = {"module": "web", "when": "now", "time": "2026-01-01T00:00:00+00:00"}
    refused(core, "ai/config/restore", first, "E_REQUEST")
    last = form["previous"]["time"]
    undone = given(core, "ai/config/restore", module="web", when="now", time=last)
    given(core, "ai/operation/wait", id=undone["operationId"])
    assert given(core, "ai/config/reveal", name=KEY)["value"] == before
    listed = {one["address"] for one in given(core, "ai/config/get")["entries"]}
    assert not listed & {FURTHER, HIDDEN}
    refused(core, "ai/config/restore", {"module": "web", "when": "now"}, "E_REQUEST")
    a_proxy_is_previewed_masked_and_undone(core)
    own_certificates_concern_every_module(core, tmp_path)


def a_proxy_is_previewed_masked_and_undone(core: DirectCaller) -> None:
    own: Json = {"web.proxy-mode": "own", "web.proxy-address": f"http://u:{MINE}@proxy.example:1"}
    (module,) = changed(core, "ai/config/preview", own)["modules"]
    reasons = {one["service"]: one["reasons"] for one in module["services"]}
    assert reasons == {"db": ["uses another proxy"], "web": ["uses another proxy"]}
    lacking = {"module": "web", "changes": {"web.proxy-mode": "own"}}
    refused(core, "ai/config/preview", lacking, "E_SETTING")
    changed(core, "ai/config/apply", own, when="later")
    form = given(core, "ai/config/form", module="web")
    assert MINE not in str(form)
    shown = {one["address"]: one["value"] for one in form["settings"] if one["section"] == "Proxy"}
    assert shown == {
        "web.proxy-mode": "own",
        "web.proxy-address": "********",
        "web.proxy-exceptions": "",
    }
    given(core, "ai/config/restore", module="web", when="later")
    left = {one["address"] for one in given(core, "ai/config/get")["entries"]}
    assert not left & shown.keys()


def own_certificates_concern_every_module(core: DirectCaller, folder: Path) -> None:
    name = "app.ca_certificates"
    certificates(folder, "localhost", ended=True)
    answer = given(core, "ai/config/set", name=name, value=str(folder / "ca.pem"))
    assert answer["recreate"] == ["web"]
    assert answer["warning"] == f"{folder / 'ca.pem'} has expired certificates: Lab CA"
    modules = changed(core, "ai/config/preview", {})["modules"]
    assert {one["name"] for one in modules} == {"base", "web"}
    assert given(core, "ai/config/set", name=name, value=None)["warning"] is None
    assert not changed(core, "ai/config/preview", {})["modules"]


def test_values_are_checked_one_by_one(core: DirectCaller) -> None:
    found = changed(core, "ai/config/check", {PORT: "99999", KEY: "short"})["checks"]
    assert [one["address"] for one in found] == [PORT, KEY]
    assert all(one["error"] and not one["value"] for one in found)
    further: Json = dict.fromkeys(["web.variable.web.WEB_KEY", "web.secret.gone.A"], "a-long-value")
    taken, gone = changed(core, "ai/config/check", further)["checks"]
    assert "the module itself sets WEB_KEY of web" in taken["error"]
    assert "no service gone. There are db and web" in gone["error"]
    twice: Json = dict.fromkeys([FURTHER, FURTHER.replace("variable", "secret")], "a-long-value")
    refused(
        core, "ai/config/apply", {"module": "web", "changes": twice, "when": "later"}, "E_SETTING"
    )
    (port,) = changed(core, "ai/config/check", {PORT: " 018990 "})["checks"]
    assert (port["value"], port["port"]) == ("18990", {"ours": False, "owner": None, "free": None})


def test_a_port_in_use_comes_with_its_owner_and_a_free_one(core: DirectCaller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        (check,) = changed(core, "ai/config/check", {PORT: str(taken)})["checks"]
    assert str(os.getpid()) in check["port"]["owner"]
    assert check["port"]["free"] != taken
