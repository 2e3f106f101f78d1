"""States of a cluster, from nodes, services and tasks. The answers are written down here as real
managers gave them."""

from typing import Any

import pytest

from aiserver_tray.features.cluster.state import (
    Deployed,
    Seen,
    module_views,
    node_names,
    node_views,
    service_view,
)
from aiserver_tray.features.cluster.views import ClusterServiceView
from aiserver_tray.spec.labels import CONFIG_HASH, INSTALLATION, MODULE, SERVICE
from tests.unit.features.cluster.made import Json, node, task

NO_NODE = "no suitable node (scheduling constraints not satisfied on 2 nodes)"


def service(**more: Any) -> Json:  # noqa: ANN401 - JSON
    labels = {MODULE: "web", SERVICE: "web", INSTALLATION: "us", **more.pop("labels", {})}
    mode = {"Replicated": {"Replicas": more.pop("replicas", 1)}}
    task = {"ContainerSpec": {"Image": "web:1"}}
    spec = {"Name": "ai-web", "Labels": labels, "Mode": mode, "TaskTemplate": task}
    return {"ID": "s", "Spec": spec, "UpdatedAt": "2026-11-30T12:00:00Z", **more}


def view(nodes: list[Json], tasks: list[Json], **more: Any) -> ClusterServiceView:  # noqa: ANN401
    made = service(**more)
    seen = Seen(nodes, [made], tasks)
    return service_view(made, seen, node_views(seen))


def test_a_service_runs_once_all_its_tasks_do_and_waits_for_its_node() -> None:
    nodes = [node("a"), node("b")]
    running = task("running", slot=1)
    assert view(nodes, [running]).state == "running"
    assert view(nodes, [running], replicas=2).state == "starting"
    both = view(nodes, [running, task("running", slot=2, node="b", at=1)], replicas=2)
    assert (both.state, both.running) == ("running", 2)
    bad = [task("failed", "shutdown", at=n, err=f"exit {n}") for n in range(1, 4)]
    again = task("starting", at=9)
    assert view([node("a")], [*bad[:2], again]).state == "starting"
    found = view([node("a")], [*bad, again])
    assert (found.state, str(found.why)) == ("failed", "exit 3")
    nodes = [node("a", "down", pinned="web"), node("b")]
    lost = task("running", "shutdown", at=1)
    waiting = task("pending", at=2, node="", err=NO_NODE)
    found = view(nodes, [lost, waiting])
    assert found.state == "waiting"
    assert str(found.label) == "waits for its node server-a"
    assert str(found.why).endswith("starts by itself once server-a is back")
    assert str(found.tasks[0].text) == NO_NODE
    nodes[0] = node("a", pinned="web", availability="drain")
    assert str(view(nodes, [waiting]).why).endswith("let server-a work again to start it")
    elsewhere = view([node("a", pinned="web"), node("b")], [waiting])
    assert str(elsewhere.label) == "waits for a node"


@pytest.mark.parametrize("state", ["down", "unknown", "disconnected"])
def test_a_task_is_unknown_while_its_node_does_not_answer(state: str) -> None:
    found = view([node("a", state)], [task("running", at=30)])
    assert found.state == "unknown"
    assert "server-a" in str(found.label)
    assert found.since is not None
    assert found.since.second == 0  # since the node is gone, not since the task runs
    assert found.tasks[0].is_unknown


def test_a_job_is_done_once_it_has_ended_well_and_an_update_undone_once() -> None:
    job = {"io.aiserver.job": "true"}
    done = view([node("a")], [task("complete", "shutdown")], labels=job)
    assert (done.state, done.is_job) == ("done", True)
    # Its node may be gone since.
    assert view([node("a", "down")], [task("complete", "shutdown")], labels=job).state == "done"
    assert view([node("a")], [task("failed", "shutdown", err="1")], labels=job).state == "failed"
    now, before = {CONFIG_HASH: "new"}, {"Labels": {CONFIG_HASH: "old"}}
    running = [task("running")]
    assert view([node("a")], running, labels=now, PreviousSpec=before).can_roll_back
    put_back = {"State": "rollback_completed"}
    again = view([node("a")], running, labels=now, PreviousSpec=before, UpdateStatus=put_back)
    assert not again.can_roll_back
    assert not view([node("a")], running).can_roll_back


@pytest.mark.parametrize(
    ("update", "state"),
    [
        ("updating", "updating"),
        ("rollback_started", "updating"),
        ("paused", "failed"),
        ("completed", "running"),
        ("rollback_completed", "running"),
    ],
)
def test_an_update_under_way_is_shown(update: str, state: str) -> None:
    said = {"State": update, "Message": "said"}
    assert view([node("a")], [task("running")], UpdateStatus=said).state == state


def test_nodes_are_told_apart_and_a_module_is_as_its_worst_service() -> None:
    one, two, other = node("aaaaaa"), node("bbbbbb"), node("c")
    for each in (one, two):
        each["Description"]["Hostname"] = "vm"
    names = node_names([one, two, other])
    assert names == {"aaaaaa": "vm-aaaaa", "bbbbbb": "vm-bbbbb", "c": "server-c"}
    job = service(labels={SERVICE: "job", "io.aiserver.job": "true"})
    web = {**service(), "ID": "w"}
    tasks = [task("complete", "shutdown"), {**task("running", at=1), "ServiceID": "w"}]
    seen = Seen([node("a", pinned="web")], [job, web], tasks)
    (found,) = module_views(seen, node_views(seen), Deployed({}, "us"))
    assert (found.state, found.pinned) == ("running", ("server-a",))
    assert found.is_ours
