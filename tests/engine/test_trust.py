"""A module that is not built in starts only with permissions that the user allowed."""

import json
from pathlib import Path
from typing import Any

import docker
import pytest

from aiserver_tray.base.errors import CatalogError, TrustError, each
from aiserver_tray.settings.content import Trusted
from tests.support.installation import Installation, checked, idle
from tests.support.observed import names
from tests.support.owning import PEER, owned
from tests.support.terminal import terminal

UP = {"kind": "up", "modules": ["web"], "untilEnd": True}


def test_a_module_starts_over_a_channel_once_it_is_trusted(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": checked("true", cap_add=["NET_ADMIN"])})
    here.app.settings.distrust("web")
    with owned(here) as (owner, modules):

        def invoke(channel: str, payload: Any) -> Any:  # noqa: ANN401 - JSON
            return owner.api.invoke(channel, payload, PEER)

        refused = invoke("ai/operation/start", UP)
        assert refused["code"] == "E_TRUST"
        assert invoke("ai/module/start", {"name": "web"})["code"] == "E_TRUST"
        assert names(engine) == set()

        trust = refused["data"]["remedies"][0]
        assert [one["subject"] for one in trust["permissions"]] == ["NET_ADMIN"]
        assert invoke("ai/module/trust", {"name": "web", "hash": trust["hash"]})["success"]
        assert invoke("ai/operation/start", UP)["success"]
        modules.wait_for(web="running")


def test_a_module_that_would_answer_for_the_database_of_n8n_is_refused(
    here: Installation, engine: docker.DockerClient
) -> None:
    services = {
        "one": idle(hostname="postgres", networks=["ai-net"]),
        "two": idle(networks={"ai-net": {"aliases": ["POSTGRES"]}}),
    }
    here.write("web", services, top={"networks": {"ai-net": {"external": True}}})

    error = here.failed("up", "web")

    assert error.code == "E_CATALOG"
    assert [problem.place.key for problem in error.problems] == [
        "services.one.hostname",
        "services.two.networks.ai-net.aliases",
    ]
    assert names(engine) == set()


def test_a_module_that_asks_for_more_is_not_brought_back(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle()})
    here.write("other", {"other": idle()})
    here.done("up", "web", "other")
    here.done("down", "other")
    answer = here.app.settings.trusted("web")
    assert answer is not None
    here.write("web", {"web": idle(pid="host")})
    here.app.settings.trust("web", answer)
    with here.app.settings.engines.update(engine.info()["ID"]) as state:
        state.desired = ["web", "other"]

    error = here.revive().error

    assert error is not None
    assert [type(one) for one in each(error)] == [TrustError]
    assert names(engine) == {"ai-web", "ai-other"}
    assert engine.api.inspect_container("ai-web")["HostConfig"]["PidMode"] == ""
    assert here.cli.run("restart", "web", "--trust", "web").code == 0
    assert engine.api.inspect_container("ai-web")["HostConfig"]["PidMode"] == "host"


SENT = {"driver": "syslog", "options": {"syslog-address": "udp://127.0.0.1:9"}}
FOLDER = {"type": "none", "o": "bind", "device": "FOLDER/d"}
HOLES: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, str]]] = {
    "a folder below one that it can write": (
        {"helper": idle(volumes=[".:/m"]), "app": idle(volumes=["./d:/d:ro"], restart="always")},
        {},
        ("host", "FOLDER/d"),
    ),
    "the folder of a volume below one that it can write": (
        {"helper": idle(volumes=[".:/m"]), "app": idle(volumes=["data:/d"])},
        {"volumes": {"data": {"driver_opts": FOLDER}}},
        ("host", "FOLDER/d"),
    ),
    "variables of a container that is linked": (
        {"app": idle(network_mode="bridge", external_links=["other:db"])},
        {},
        ("container", "other"),
    ),
    "the bridge of all": ({"app": idle(network_mode="bridge")}, {}, ("network", "bridge")),
    "addresses of others": (
        {"app": idle(networks=["wide"])},
        {"networks": {"wide": {"ipam": {"config": [{"subnet": "9.9.9.0/24"}]}}}},
        ("addresses", "9.9.9.0/24"),
    ),
    "the name of a bridge": (
        {"app": idle(networks=["named"])},
        {"networks": {"named": {"driver_opts": {"com.docker.network.bridge.name": "eth9"}}}},
        ("option", "com.docker.network.bridge.name=eth9"),
    ),
    "a log that is sent": (
        {"app": idle(logging=SENT)},
        {},
        ("log", "syslog"),
    ),
}  # fmt: skip


def test_each_way_out_of_its_containers_needs_a_yes_of_its_own(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"app": idle()})
    for name, (services, top, expected) in HOLES.items():
        folder = str(here.catalog / "web")
        content = json.dumps({"services": services, **top}).replace("FOLDER", folder)
        (here.catalog / "web/compose.yaml").write_text(content, encoding="utf-8")
        here.app.settings.distrust("web")
        error = here.failed("up", "web")
        assert isinstance(error, TrustError), name
        asked = error.data["remedies"][0]["permissions"]
        found = [(one["kind"], one["subject"].replace(folder, "FOLDER")) for one in asked]
        assert expected in found, name
        # All but this one is not enough.
        lesser = [list(one) for one in found if one != expected]
        lesser = [[kind, subject.replace("FOLDER", folder)] for kind, subject in lesser]
        here.app.settings.trust("web", Trusted(folder, lesser))
        assert isinstance(here.failed("up", "web"), TrustError), name
    assert names(engine) == set()


def test_a_path_that_the_engine_would_follow_elsewhere_is_refused(
    here: Installation, engine: docker.DockerClient
) -> None:
    folder = here.write("web", {"app": idle()})
    (folder / "link").symlink_to("/usr/lib")
    climbing = f"{folder}/link/../.."
    device = {"driver_opts": {"type": "none", "o": "bind", "device": climbing}}
    # The engine's own folder is / in most cases.
    relative = {"driver_opts": {"type": "none", "o": "bind,rw", "device": "."}}
    for services, top in (
        ({"app": idle(volumes=[f"{climbing}:/host:ro"])}, {}),
        ({"app": idle(volumes=["up:/host"])}, {"volumes": {"up": device}}),
        ({"app": idle(volumes=["up:/host"])}, {"volumes": {"up": relative}}),
        ({"app": idle(configs=["c"])}, {"configs": {"c": {"file": f"{climbing}/etc/shadow"}}}),
        ({"app": idle(secrets=["c"])}, {"secrets": {"c": {"file": f"{climbing}/etc/shadow"}}}),
        ({"app": {"build": climbing}}, {}),
    ):
        here.write_plain("web", services, top)
        assert isinstance(here.failed("up", "web"), CatalogError), services
    assert names(engine) == set()


def test_the_engine_gets_the_path_that_was_judged(
    here: Installation, engine: docker.DockerClient
) -> None:
    folder = here.write("web", {"web": idle()})
    (folder / "link").symlink_to("/usr/share")
    here.write("web", {"web": idle(volumes=["./link:/there:ro"])})
    here.done("up", "web")
    (mount,) = engine.api.inspect_container("ai-web")["Mounts"]
    assert mount["Source"] == "/usr/share"
    (folder / "link").unlink()
    (folder / "link").symlink_to("/usr/lib")
    assert isinstance(here.failed("up", "web"), TrustError)


def test_a_volume_that_leads_to_a_folder_is_not_used_for_what_the_file_says_later(
    here: Installation, engine: docker.DockerClient, tmp_path: Path
) -> None:
    options = {"type": "none", "o": "bind", "device": str(tmp_path)}
    volume = {"volumes": {"there": {"driver_opts": options}}}
    here.write("web", {"web": idle(volumes=["there:/d:ro"])}, top=volume)
    here.done("up", "web")
    here.write("web", {"web": idle(volumes=["there:/d"])}, top={"volumes": {"there": {}}})
    error = here.failed("up", "web")
    assert "ai-web-there is still the folder" in str(error)
    (mount,) = engine.api.inspect_container("ai-web")["Mounts"]
    assert not mount["RW"], "it is as the user allowed it"


def test_trust_that_is_taken_back_stops_the_module(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": checked("true")})
    with owned(here) as (owner, modules):
        assert owner.api.invoke("ai/operation/start", UP, PEER)["success"]
        modules.wait_for(web="running")
        details = owner.api.invoke("ai/module/details", {"name": "web"}, PEER)
        assert details["data"]["isAllowed"]
        assert owner.api.invoke("ai/module/distrust", {"name": "web"}, PEER)["success"]
        modules.wait_for(web="stopped")
        assert owner.api.invoke("ai/operation/start", UP, PEER)["code"] == "E_TRUST"
        entries = owner.api.invoke("ai/activity/list", {}, PEER)["data"]["activities"]
        assert "distrusted" in {entry["kind"] for entry in entries}


@pytest.mark.parametrize(
    ("language", "does", "question"),
    [
        ("C.UTF-8", "- runs 1 container: web", "Allow this and continue?"),
        ("zh_CN.UTF-8", "- 运行 1 个容器：web", "允许并继续吗？"),
    ],
)
def test_one_yes_on_a_terminal_allows_and_starts(
    here: Installation, engine: docker.DockerClient, language: str, does: str, question: str
) -> None:
    here.write("web", {"web": checked("true")})
    here.app.settings.distrust("web")
    for answer, code, running in (("n", 1, set()), ("y", 0, {"ai-web"})):
        with terminal(*here.cli.options, "up", "web", LC_ALL=language) as shown:
            shown.wait_for(question)
            assert does in shown.text
            shown.type(f"{answer}\n")
            assert shown.end() == code, shown.text
        assert names(engine) == running
