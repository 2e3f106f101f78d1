"""What a deployment does, and why it is refused. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.features.cluster.spec import (
    JOB,
    NETWORK_OF,
    FileSpec,
    ModuleSpec,
    ServiceSpec,
)
from aiserver_tray.features.cluster.state import Seen, is_free, labels_of, node_views
from aiserver_tray.features.cluster.views import (
    DeployPlan,
    NodeView,
    PublishedPort,
    WorkStep,
    WorkStepKind,
)
from aiserver_tray.spec.labels import CONFIG_HASH, INSTALLATION, MODULE, SERVICE

Json = dict[str, Any]

_WORDS: Final[Mapping[WorkStepKind, Text]] = {
    "pin": Text("Keep the volumes of {module} on {name}"),
    "network": Text("Create the network {name}"),
    "config": Text("Store the file {name}"),
    "job": Text("Run {name} to its end"),
    "service": Text("Start {name}"),
    "update": Text("Update {name}"),
    "remove": Text("Remove {name}"),
    "rollback": Text("Put {name} back"),
    "scale": Text("Run {name} as often as wanted"),
}


@dataclass(frozen=True)
class Action:
    """A step with what it needs."""

    step: WorkStep
    value: NodeView | FileSpec | ServiceSpec | Json | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        kind: WorkStepKind,
        subject: str,
        module: str,
        value: NodeView | FileSpec | ServiceSpec | Json | None = None,
    ) -> "Action":
        """The action of *kind* on *subject*."""
        text = _WORDS[kind].with_values({"name": subject, "module": module})
        return cls(WorkStep(kind, subject, module, text), value)


@dataclass(frozen=True)
class Objects:
    """What else is on the cluster: networks by name, and the IDs of configs and secrets by name."""

    networks: Mapping[str, Json] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    """ID of a node -> the labels of its volumes by name; of nodes that could be asked."""


@dataclass(frozen=True)
class Here:
    """This installation, and what is asked for."""

    cluster: str
    installation: str
    running: Collection[str]
    """The modules that run here, or are to."""
    pin: str = ""
    """Name or ID of the node that was asked for; empty: none was."""


@dataclass(frozen=True)
class Planned:
    """A plan with its actions: in each wave, all begin before one is waited for."""

    view: DeployPlan
    waves: tuple[tuple[Action, ...], ...]
    files: Mapping[str, str]
    """As `Objects` has them."""


def plan_deploy(specs: Sequence[ModuleSpec], seen: Seen, objects: Objects, here: Here) -> Planned:
    """The plan that brings *specs* (required modules first) to the cluster."""
    nodes = node_views(seen)
    waves: list[tuple[Action, ...]] = []
    problems, notices, pins, ports = list[Text](), list[Text](), dict[str, str](), []
    for spec in specs:
        problems += [*spec.refused, *_taken(spec, seen, objects, here)]
        node = _place(spec, nodes, here.pin, problems)
        if node:
            pins[spec.module] = node.name
            if here.pin and find_node(here.pin, nodes) != node:
                notices.append(_STAYS.with_values({"node": node.name, "module": spec.module}))
            if not is_free(node):
                notices.append(_WAITS.with_values({"node": node.name, "module": spec.module}))
            if not seen.of_module(spec.module):
                told = _about_volumes(spec, node, objects.volumes.get(node.id), here)
                notices += told[0]
                problems += told[1]
        if spec.page:
            is_open = any(one.ports for one in spec.services)
            text = _reach(spec.page, node)
            ports.append(PublishedPort(spec.module, spec.page, text, is_open))
        waves += _waves(spec, node, seen, objects)
        objects = replace(objects, networks={**spec.networks, **objects.networks})
    if not any(map(is_free, nodes)):
        problems.append(Text("No node of the cluster takes new containers."))
    notices.append(_ENVIRONMENT)
    if ports and not any(one.is_open for one in ports):
        notices.append(_CLOSED)
    view = DeployPlan(
        here.cluster,
        tuple(spec.module for spec in specs),
        pins,
        tuple(action.step for wave in waves for action in wave),
        tuple(ports),
        tuple(dict.fromkeys(notices)),
        tuple(dict.fromkeys(problems)),
    )
    return Planned(view, tuple(waves), objects.files)


_ENVIRONMENT: Final = Text(
    "Passwords are in the environment of services. Everyone who may use a manager of the cluster "
    "can read them."
)
_WAITS: Final = Text("{node} takes no new containers now, so {module} waits for it.")
_STAYS: Final = Text("The data of {module} is on {node} already, so it runs there.")
_CLOSED: Final = Text(
    "No port is opened. To open the page of a module on its node, use --publish: on a Swarm, that "
    "is every network of the node, not only its own 127.0.0.1."
)


def _reach(port: int, node: NodeView | None) -> Text:
    if node:
        return Text(
            "Port {port} of {node} is open on every network of that machine, not only at its "
            "127.0.0.1.",
            port=port,
            node=node.name,
        )
    return Text("Port {port} is open on every network of the node that runs it.", port=port)


# -- why it is refused -----------------------------------------------------------------------------


def _taken(spec: ModuleSpec, seen: Seen, objects: Objects, here: Here) -> Iterator[Text]:
    """What is in the way of *spec*."""
    if spec.module in here.running:
        yield Text(
            "{module} runs on this computer. Stop it first, so that only one of both works on its "
            "data: aiserver-tray stop {module}",
            module=spec.module,
        )
    others = seen.foreign(spec.module, here.installation)
    for one in spec.services:
        found = seen.service(one.name)
        if found and labels_of(found).get(INSTALLATION) != here.installation:
            others.append(one.name)
    for name in others:
        yield Text(
            "The cluster has a service {name} already, which was not created from this home.",
            name=name,
        )
    for name in spec.networks:
        network = objects.networks.get(name)
        if network and (network.get("Labels") or {}).get(NETWORK_OF) != here.installation:
            yield Text(
                "The cluster has a network {name} already, which was not created from this home.",
                name=name,
            )
    own = {one.name for one in spec.services}
    wanted = {
        p["PublishedPort"] for one in spec.services for p in one.body["EndpointSpec"]["Ports"]
    }
    for other in seen.services:
        used = other["Spec"].get("EndpointSpec", {}).get("Ports") or ()
        for port in {one.get("PublishedPort") for one in used} & wanted:
            if (name := other["Spec"]["Name"]) not in own:
                yield Text(
                    "Port {port} is in use by the service {name} of the cluster.",
                    port=port,
                    name=name,
                )


def _place(
    spec: ModuleSpec, nodes: Sequence[NodeView], pin: str, problems: list[Text]
) -> NodeView | None:
    """The node for the volumes of *spec*. None: it has none, or there is one of the *problems*."""
    if not spec.volumes:
        return None
    pinned = [one for one in nodes if spec.module in one.pinned]
    asked = find_node(pin, nodes) if pin else None
    names = Listed(one.name for one in nodes)
    if pin and asked is None:
        text = Text("The cluster has no node {name}, but {names}.", name=pin, names=names)
        problems.append(text)
        return None
    if len(pinned) > 1:
        problems.append(Text(
            "The volumes of {module} are on several nodes: {names}. Choose one of them with: "
            "aiserver-tray cluster pin {module} NODE",
            module=spec.module, names=Listed(one.name for one in pinned),
        ))  # fmt: skip
        return None
    free = [one for one in nodes if is_free(one)]
    found = pinned or ([asked] if asked else free if len(free) == 1 else [])
    if not found:
        problems.append(Text(
            "{module} has data, so it needs a node that keeps its volumes: on another one it would "
            "start empty. Say which one with --pin: {names}",
            module=spec.module, names=names,
        ))  # fmt: skip
        return None
    return found[0]


def find_node(name: str, nodes: Iterable[NodeView]) -> NodeView | None:
    """The node with this name, address or ID, or its beginning. None: there is none, or several."""
    given = [*nodes]
    exact = [one for one in given if name in (one.name, one.id, one.address)]
    begun = [one for one in given if len(name) > 3 and one.id.startswith(name)]
    return next(iter(exact or begun), None) if len(exact or begun) == 1 else None


def _about_volumes(
    spec: ModuleSpec, node: NodeView, there: Mapping[str, Mapping[str, str]] | None, here: Here
) -> tuple[list[Text], list[Text]]:
    """What is to be known about the volumes of *spec* on *node*, and why they can't be used.
    *there*: the volumes of the node; None: it can't be asked."""
    said = {"node": node.name, "names": Listed(spec.volumes)}
    if there is None:
        text = Text("If {node} has volumes {names} already, they are used with their data.")
        return [text.with_values(said)], []
    own = Text("The volume {name} of {node} is used with its data.")
    other = Text(
        "{node} has a volume {name} already, which was not created from this home. Remove it "
        "there, or choose another node."
    )
    found = {
        name: there[name].get(INSTALLATION) == here.installation
        for name in spec.volumes
        if name in there
    }
    notices = [own.with_values({**said, "name": name}) for name, is_own in found.items() if is_own]
    problems = [other.with_values({**said, "name": n}) for n, is_own in found.items() if not is_own]
    return notices, problems


# -- actions ---------------------------------------------------------------------------------------


def _waves(
    spec: ModuleSpec, node: NodeView | None, seen: Seen, objects: Objects
) -> Iterator[tuple[Action, ...]]:
    first = []
    if node and spec.module not in node.pinned:
        first.append(Action.of("pin", node.name, spec.module, node))
    first += [
        Action.of("network", name, spec.module, {**body, "Name": name})
        for name, body in spec.networks.items()
        if name not in objects.networks
    ]
    files = {file.name: file for one in spec.services for file in one.files}
    first += [
        Action.of("config", name, spec.module, file)
        for name, file in files.items()
        if name not in objects.files
    ]
    if first:
        yield tuple(first)
    left, ready = list(spec.services), set[str]()
    known = {one.service for one in left}
    while left:
        wave = [one for one in left if {*one.needs} & known <= ready]
        if actions := tuple(a for one in wave if (a := _of_service(one, seen))):
            yield actions
        ready |= {one.service for one in wave}
        left = [one for one in left if one not in wave]
    gone = [one for one in seen.of_module(spec.module) if labels_of(one)[SERVICE] not in known]
    if gone:
        yield tuple(Action.of("remove", one["Spec"]["Name"], spec.module, one) for one in gone)


def _of_service(one: ServiceSpec, seen: Seen) -> Action | None:
    """The action for a service. None: it is there already, as it is to be."""
    found = seen.service(one.name)
    if found is None:
        return Action.of("job" if one.is_job else "service", one.name, one.module, one)
    tasks = seen.tasks_of(found)
    if one.is_job:  # it runs again also if it has not ended well
        is_done = tasks and tasks[0]["Status"]["State"] == "complete"
        if is_done and labels_of(found).get(CONFIG_HASH) == one.hash:
            return None
        return Action.of("job", one.name, one.module, one)
    if labels_of(found).get(CONFIG_HASH) != one.hash:
        return Action.of("update", one.name, one.module, one)
    if any(t["Status"]["State"] == "running" and t["DesiredState"] == "running" for t in tasks):
        return None
    return Action.of("service", one.name, one.module, one)  # it is waited for


def plan_removal(modules: Sequence[str], seen: Seen) -> tuple[Action, ...]:
    """The removal of the services of *modules*, users first."""
    services = [one for module in reversed(modules) for one in seen.of_module(module)]
    order = sorted(services, key=lambda one: JOB in labels_of(one))
    return tuple(
        Action.of("remove", one["Spec"]["Name"], labels_of(one)[MODULE], one) for one in order
    )
