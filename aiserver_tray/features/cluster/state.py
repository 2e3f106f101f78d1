"""The state of a cluster, from what its managers say about nodes, services and tasks. Pure.

Containers of other nodes can't be asked. A node that was cut off keeps the last state of its tasks,
which count as running for a while: so a task is only as sure as its node.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.engine.parse import moment
from aiserver_tray.features.cluster.spec import JOB, SCALABLE, pin_label
from aiserver_tray.features.cluster.views import (
    ClusterServiceState,
    ClusterServiceView,
    DeployedView,
    NodeView,
    TaskView,
)
from aiserver_tray.spec.labels import CONFIG_HASH, INSTALLATION, MODULE, SERVICE

Json = dict[str, Any]

_ENDED: Final = ("shutdown", "remove")
_FAILED: Final = ("failed", "rejected", "orphaned")
_EARLIER_TASKS: Final = 5
_TRIES: Final = 3
"""Tasks that failed one after the other before a service counts as failed."""
_WORST: Final[Sequence[ClusterServiceState]] = (
    "failed", "unknown", "waiting", "updating", "starting", "stopped", "running", "done",
)  # fmt: skip
_LABELS: Final[Mapping[ClusterServiceState, Text]] = {
    "failed": Text("failed"),
    "unknown": Text("unknown"),
    "waiting": Text("waits for a node"),
    "updating": Text("is updated"),
    "starting": Text("starting"),
    "stopped": Text("stopped"),
    "running": Text("running"),
    "done": Text("done"),
}


_AWAY: Final = Text("its data is there, and it starts by itself once {node} is back")
_DRAINED: Final = Text("its data is there: let {node} work again to start it")


@dataclass(frozen=True)
class Seen:
    """The answers of a manager, as they are."""

    nodes: Sequence[Json] = ()
    services: Sequence[Json] = ()
    tasks: Sequence[Json] = ()

    def service(self, name: str) -> Json | None:
        """The service *name*, also one that is not ours."""
        return next((one for one in self.services if one["Spec"]["Name"] == name), None)

    def of_module(self, module: str) -> list[Json]:
        """The services of *module* that an AI-Server Tray created."""
        return [one for one in self.services if labels_of(one).get(MODULE) == module]

    def foreign(self, module: str, installation: str) -> list[str]:
        """The names of those services of *module* that another installation created."""
        found = self.of_module(module)
        return [o["Spec"]["Name"] for o in found if labels_of(o).get(INSTALLATION) != installation]

    def tasks_of(self, service: Json) -> list[Json]:
        """The tasks of *service*, the newest first."""
        found = (one for one in self.tasks if one["ServiceID"] == service["ID"])
        return sorted(found, key=lambda one: str(one["CreatedAt"]), reverse=True)


def labels_of(found: Json) -> Json:
    """The labels of a service or node."""
    return found["Spec"].get("Labels") or {}


def node_views(seen: Seen) -> tuple[NodeView, ...]:
    """The nodes, managers first."""
    names = node_names(seen.nodes)
    counts: dict[str, int] = defaultdict(int)
    for task in seen.tasks:
        if task["Status"]["State"] == "running" and task["DesiredState"] not in _ENDED:
            counts[task.get("NodeID", "")] += 1
    views = (_node(one, names, counts[one["ID"]]) for one in seen.nodes)
    return tuple(sorted(views, key=lambda one: (one.role != "manager", one.name)))


def node_names(nodes: Iterable[Json]) -> dict[str, str]:
    """ID -> name; a name that several nodes have is followed by the beginning of the ID."""
    hosts = {one["ID"]: one.get("Description", {}).get("Hostname", "") for one in nodes}
    known = [*hosts.values()]
    return {
        id: name if name and known.count(name) == 1 else f"{name or 'node'}-{id[:5]}"
        for id, name in hosts.items()
    }


def _node(one: Json, names: Mapping[str, str], tasks: int) -> NodeView:
    description, status = one.get("Description", {}), one["Status"]
    manager, resources = one.get("ManagerStatus") or {}, description.get("Resources", {})
    address = status.get("Addr", "")
    if address in ("", "0.0.0.0"):
        address = manager.get("Addr", "").rpartition(":")[0]
    prefix = pin_label("")
    pinned = (key.removeprefix(prefix) for key, v in labels_of(one).items() if v == "true"
              and key.startswith(prefix))  # fmt: skip
    is_ready = status["State"] == "ready"
    return NodeView(
        one["ID"],
        names[one["ID"]],
        address,
        one["Spec"]["Role"],
        status["State"],
        one["Spec"]["Availability"],
        bool(manager.get("Leader")),
        manager.get("Reachability", "reachable") == "reachable",
        None if is_ready else moment(one.get("UpdatedAt", "")),
        resources.get("NanoCPUs", 0) / 1e9,
        resources.get("MemoryBytes", 0),
        tuple(sorted(pinned)),
        tasks,
    )


@dataclass(frozen=True)
class Deployed:
    """What is known here of deployed modules: titles of the catalog; the installation; and what is
    not finished."""

    titles: Mapping[str, LocalText]
    installation: str
    unfinished: Mapping[str, Text] = field(default_factory=dict)


def module_views(
    seen: Seen, nodes: Sequence[NodeView], known: Deployed
) -> tuple[DeployedView, ...]:
    """The modules that were deployed by an AI-Server Tray."""
    by_module: dict[str, list[Json]] = defaultdict(list)
    for one in seen.services:
        if module := labels_of(one).get(MODULE):
            by_module[module].append(one)
    for name in known.unfinished:
        by_module[name]  # it may have no service yet
    return tuple(_module(name, by_module[name], seen, nodes, known) for name in sorted(by_module))


def _module(
    name: str, services: Sequence[Json], seen: Seen, nodes: Sequence[NodeView], known: Deployed
) -> DeployedView:
    views = tuple(
        sorted((service_view(one, seen, nodes) for one in services), key=lambda one: one.name)
    )
    states = [one.state for one in views]
    state: ClusterServiceState = min(states, key=_WORST.index, default="stopped")
    label = next((one.label for one in views if one.state == state), _LABELS[state])
    return DeployedView(
        name,
        known.titles.get(name, {}),
        state,
        label,
        tuple(one.name for one in nodes if name in one.pinned),
        not seen.foreign(name, known.installation),
        known.unfinished.get(name),
        views,
    )


def service_view(service: Json, seen: Seen, nodes: Sequence[NodeView]) -> ClusterServiceView:
    """One service of a module."""
    spec, labels = service["Spec"], labels_of(service)
    by_id = {one.id: one for one in nodes}
    tasks = seen.tasks_of(service)
    current = _current(tasks)
    replicas = spec["Mode"].get("Replicated", {}).get("Replicas", 1)
    update = service.get("UpdateStatus") or {}
    module, is_job = labels[MODULE], JOB in labels
    places = [one for one in nodes if module in one.pinned]
    found = [_state(one, tasks, by_id, places, is_job=is_job) for one in current[:replicas]]
    state, label, why = min(found, key=lambda one: _WORST.index(one[0]), default=_NONE)
    if len(found) < replicas and state in ("running", "done"):
        state, label, why = "starting", _LABELS["starting"], None
    if replicas == 0:
        state, label, why = "stopped", _LABELS["stopped"], None
    state, label, why = _updated(update, (state, label, why))
    running = sum(one[0] == "running" for one in found)
    shown = [*current, *(one for one in tasks if one not in current)][
        : len(current) + _EARLIER_TASKS
    ]
    ports = spec.get("EndpointSpec", {}).get("Ports") or ()
    return ClusterServiceView(
        labels.get(SERVICE, spec["Name"]),
        spec["Name"],
        state,
        label,
        why,
        _since(current, by_id),
        is_job,
        running,
        replicas,
        SCALABLE in labels,
        tuple(one["PublishedPort"] for one in ports),
        moment(service.get("UpdatedAt", "")),
        update.get("State", ""),
        update.get("Message", ""),
        not is_job and _can_go_back(service),
        tuple(_task(one, by_id) for one in shown),
    )  # fmt: skip


def _can_go_back(service: Json) -> bool:
    """Whether its last update can be undone. After that, the cluster has the two in turn."""
    previous = service.get("PreviousSpec") or {}
    hashes = [(one.get("Labels") or {}).get(CONFIG_HASH) for one in (service["Spec"], previous)]
    was_put_back = (service.get("UpdateStatus") or {}).get("State", "").startswith("rollback")
    return bool(previous) and hashes[0] != hashes[1] and not was_put_back


def _since(tasks: Sequence[Json], nodes: Mapping[str, NodeView]) -> datetime | None:
    """Since when they are what they are; of those whose node does not answer, since that."""
    gone = [nodes[id].since for one in tasks if (id := one.get("NodeID", "")) in nodes]
    times = [one for one in gone if one]
    times = times or [t for o in tasks if (t := moment(o["Status"].get("Timestamp", "")))]
    return min(times, default=None)


_State = tuple[ClusterServiceState, Text, Text | None]
_NONE: Final[_State] = ("starting", _LABELS["starting"], None)


def _current(tasks: Sequence[Json]) -> list[Json]:
    """The newest task of each slot that is meant to be there, else the newest that was."""
    slots: dict[int, Json] = {}
    for one in tasks:  # the newest first
        known = slots.get(one.get("Slot", 0))
        if known is None or (known["DesiredState"] in _ENDED and one["DesiredState"] not in _ENDED):
            slots[one.get("Slot", 0)] = one
    wanted = [one for one in slots.values() if one["DesiredState"] not in _ENDED]
    return sorted(wanted or slots.values(), key=lambda one: one.get("Slot", 0))


def why_of(task: Json) -> Text | None:
    """What Docker says about *task*."""
    said = task["Status"].get("Err") or task["Status"].get("Message")
    code = (task["Status"].get("ContainerStatus") or {}).get("ExitCode")
    if code and str(said).startswith("task: non-zero exit"):
        return Text("exited with code {code}", code=code)
    return Text("{message}", message=said) if said else None


def _state(
    task: Json,
    tasks: Sequence[Json],
    nodes: Mapping[str, NodeView],
    places: Sequence[NodeView],
    *,
    is_job: bool,
) -> _State:
    state, node = task["Status"]["State"], nodes.get(task.get("NodeID", ""))
    is_alive = state not in ("complete", "shutdown", *_FAILED)
    if node and node.state != "ready" and is_alive:
        return "unknown", Text("unknown: {node} does not answer", node=node.name), None
    if state == "running" or (is_job and state == "complete"):
        found: ClusterServiceState = "running" if state == "running" else "done"
        return found, _LABELS[found], None
    said = why_of(task)
    if state == "pending" and task["Status"].get("Err"):
        return _waiting(places, said)
    failed = [one for one in tasks if one.get("Slot") == task.get("Slot") and has_failed(one)]
    why = why_of(failed[0]) if failed else None
    if (state in _FAILED and is_job) or len(failed) >= _TRIES:
        return "failed", _LABELS["failed"], why or said
    is_over = state == "complete" or (state in _FAILED and task["DesiredState"] in _ENDED)
    return ("stopped", _LABELS["stopped"], said) if is_over else ("starting", _NONE[1], why)


def _waiting(places: Sequence[NodeView], said: Text | None) -> _State:
    if (gone := next((one for one in places if not is_free(one)), None)) is None:
        return "waiting", _LABELS["waiting"], said
    why = _DRAINED if gone.state == "ready" else _AWAY
    label = Text("waits for its node {node}", node=gone.name)
    return "waiting", label, why.with_values({"node": gone.name})


def is_free(node: NodeView) -> bool:
    """Whether *node* takes new tasks."""
    return node.state == "ready" and node.availability == "active"


def has_failed(task: Json) -> bool:
    """Whether *task* ended by itself, and not well."""
    return task["Status"]["State"] in _FAILED


def _updated(update: Json, found: _State) -> _State:
    """The state of a service, with what its update says."""
    said = Text("{message}", message=update.get("Message", ""))
    match update.get("State"):
        case "updating":
            return "updating", _LABELS["updating"], found[2]
        case "rollback_started":
            return "updating", Text("is put back"), said
        case "paused" | "rollback_paused":
            return "failed", Text("its update failed"), said
    return found


def _task(one: Json, nodes: Mapping[str, NodeView]) -> TaskView:
    node, status = nodes.get(one.get("NodeID", "")), one["Status"]
    is_over = status["State"] in ("complete", "shutdown", *_FAILED)
    is_unknown = bool(node and node.state != "ready" and not is_over)
    text = why_of(one) or Text("")
    return TaskView(
        one["ID"],
        node.name if node else "",
        status["State"],
        is_unknown,
        (node.since if node and is_unknown else None) or moment(status.get("Timestamp", "")),
        text,
        (status.get("ContainerStatus") or {}).get("ExitCode"),
    )
