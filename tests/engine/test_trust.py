"""A module that is not built in starts only with permissions that the user allowed."""

from typing import Any

import docker

from aiserver_tray.base.errors import TrustError, each
from tests.support.installation import Installation, checked, idle
from tests.support.observed import names
from tests.support.owning import PEER, owned

UP = {"kind": "up", "modules": ["web"], "untilEnd": True}


def test_a_module_starts_over_a_channel_once_it_is_trusted(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": checked("true", cap_add=["NET_ADMIN"])})
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
    here.write("web", {"web": idle(pid="host")})
    with here.app.settings.engines.update(engine.info()["ID"]) as state:
        state.desired = ["web", "other"]

    error = here.revive().error

    assert error is not None
    assert [type(one) for one in each(error)] == [TrustError]
    assert names(engine) == {"ai-web", "ai-other"}
    assert engine.api.inspect_container("ai-web")["HostConfig"]["PidMode"] == ""
    assert here.cli.run("restart", "web", "--trust", "web").code == 0
    assert engine.api.inspect_container("ai-web")["HostConfig"]["PidMode"] == "host"
