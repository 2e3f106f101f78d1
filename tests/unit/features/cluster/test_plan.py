"""Plans of deployments: what is done, in which order, and why one is refused."""

from dataclasses import replace
from typing import Any

import pytest

from aiserver_tray.features.cluster.plan import Here, Objects, Planned, plan_deploy
from aiserver_tray.features.cluster.spec import NETWORK_OF, ModuleSpec
from aiserver_tray.features.cluster.state import Seen
from aiserver_tray.spec.labels import CONFIG_HASH, INSTALLATION
from tests.unit.features.cluster.made import node, spec_of, task
from tests.unit.spec.made import TargetOf

HERE = Here("lab", "home", ())
NODES = [node("a"), node("b")]


@pytest.fixture
def spec(target_of: TargetOf) -> ModuleSpec:
    return spec_of(target_of)


def plan(
    spec: ModuleSpec,
    seen: Seen,
    objects: Objects = Objects(),  # noqa: B008 - frozen
    here: Here = HERE,
    pin: str = "server-a",
) -> Planned:
    return plan_deploy([spec], seen, objects, replace(here, pin=pin))


def kinds(planned: Planned) -> list[list[str]]:
    return [[action.step.kind for action in wave] for wave in planned.waves]


def there(spec: ModuleSpec, **labels: str) -> list[dict[str, Any]]:
    """The services of *spec* on the cluster."""
    return [
        {"ID": f"id-{one.name}", "Spec": {**one.body, "Labels": {**one.body["Labels"], **labels}}}
        for one in spec.services
    ]


def running(services: list[dict[str, Any]]) -> list[dict[str, Any]]:
    states = {"prepare": ("complete", "shutdown"), "web": ("running", "running")}
    return [
        {**task(*states[s["Spec"]["Name"].rpartition("-")[2]]), "ServiceID": s["ID"]}
        for s in services
    ]


def test_networks_come_first_then_jobs_then_services(spec: ModuleSpec, target_of: TargetOf) -> None:
    planned = plan(spec, Seen(NODES))
    first, *rest = kinds(planned)
    assert first == ["pin", "network", "network", "config", "config", "config"]
    assert rest == [["job"], ["service"]]
    assert planned.view.pins == {"m": "server-a"}
    assert planned.view.problems == ()
    (port,) = plan(spec, Seen(NODES)).view.ports
    assert port.is_open
    assert "127.0.0.1" in str(port.text)
    closed = plan(spec_of(target_of, publish=False), Seen(NODES))
    assert not closed.view.ports[0].is_open
    assert any("--publish" in str(one) for one in closed.view.notices)
    (problem,) = plan(spec, Seen(NODES), here=Here("lab", "home", {"m"})).view.problems
    assert "aiserver-tray stop m" in str(problem)


def test_nothing_is_done_to_what_is_there_but_updates_and_removals(spec: ModuleSpec) -> None:
    services = there(spec)
    seen = Seen([node("a", pinned="m"), node("b")], services, running(services))
    own = {"Labels": {NETWORK_OF: "home"}}
    files = {file.name: "id" for one in spec.services for file in one.files}
    objects = Objects(dict.fromkeys(spec.networks, own), files)
    assert plan(spec, seen, objects, pin="").waves == ()
    services = there(spec, **{CONFIG_HASH: "old"})
    planned = plan(spec, Seen([node("a", pinned="m")], services, running(services)))
    assert kinds(planned)[1:] == [["job"], ["update"]]
    services = there(spec)
    services[0]["Spec"]["Labels"]["io.aiserver.service"] = "former"
    services[0]["Spec"]["Name"] = "ai-m-former"
    planned = plan(spec, Seen(NODES, services))
    assert [a.step.subject for a in planned.waves[-1]] == ["ai-m-former"]
    assert kinds(planned)[-1] == ["remove"]


@pytest.mark.parametrize(
    ("pin", "nodes", "word"),
    [
        ("", NODES, "--pin"),
        ("nowhere", NODES, "no node nowhere"),
        ("", [node("a", pinned="m"), node("b", pinned="m")], "several nodes"),
        ("server-a", [node("a", availability="drain")], "takes new containers"),
    ],
)
def test_volumes_need_one_node(
    spec: ModuleSpec, pin: str, nodes: list[dict[str, Any]], word: str
) -> None:
    (problem,) = plan(spec, Seen(nodes), pin=pin).view.problems
    assert word in str(problem)


def test_a_pin_moves_no_data_and_the_only_node_needs_none(spec: ModuleSpec) -> None:
    view = plan(spec, Seen([node("a"), node("b", pinned="m")]), pin="server-a").view
    assert view.pins == {"m": "server-b"}
    assert any("server-b already" in str(one) for one in view.notices)
    assert plan(spec, Seen(NODES[:1]), pin="").view.pins == {"m": "server-a"}


def test_what_others_have_is_neither_taken_nor_removed(spec: ModuleSpec) -> None:
    other = {INSTALLATION: "others"}
    services = there(spec, **other)[1:]
    stranger = {
        "ID": "x",
        "Spec": {"Name": "x", "EndpointSpec": {"Ports": [{"PublishedPort": 18100}]}},
    }
    objects = Objects(
        networks={name: {"Labels": {NETWORK_OF: "others"}} for name in list(spec.networks)[:1]},
        volumes={"a": {"ai-m-data": other}},
    )
    seen = Seen(NODES, [*services, stranger])
    problems = [*map(str, plan(spec, seen, objects).view.problems)]
    assert any("service ai-m-web" in one for one in problems)
    assert any("network ai-m" in one for one in problems)
    assert any("Port 18100 is in use by the service x" in one for one in problems)
    fresh = plan(spec, Seen(NODES), Objects(volumes={"a": {"ai-m-data": other}}))
    assert ["ai-m-data" in str(one) for one in fresh.view.problems] == [True]
    (foreign,) = there(spec, **other)[1:]
    foreign["Spec"] |= {"Name": "ai-m-former", "EndpointSpec": {}}
    foreign["Spec"]["Labels"]["io.aiserver.service"] = "former"
    (problem,) = plan(spec, Seen(NODES, [foreign])).view.problems
    assert "ai-m-former" in str(problem)
