"""All modules in one Compose project, as a person without us would write it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aiserver_tray.catalog.jobs import jobs_in
from aiserver_tray.catalog.resolve import ResolvedModule
from aiserver_tray.model import SHARED_NETWORK

Tree = dict[str, Any]

_DONE = "service_completed_successfully"


def write(modules: Sequence[ResolvedModule], file: Path) -> int:
    """The Compose file of *modules*: their names prefixed by the module, and what a module
    requires as a condition of each of its services. The number of services that are no jobs."""
    trees = {resolved.module.name: resolved.project.to_compose() for resolved in modules}
    ready = {resolved.module.name: _ready(resolved) for resolved in modules}
    for tree in trees.values():
        _without_inactive(tree["services"])
    whole: Tree = {"services": {}, "volumes": {}, "configs": {}, "networks": {SHARED_NETWORK: {}}}
    for resolved in modules:
        name = resolved.module.name
        first = {
            f"{required}-{service}": {"condition": condition}
            for required in resolved.requires
            for service, condition in ready[required].items()
        }
        for section, found in _prefixed(name, trees[name], first).items():
            whole[section] |= found
    file.write_text(json.dumps(whole), encoding="utf-8")
    return sum(c != _DONE for conditions in ready.values() for c in conditions.values())


def _without_inactive(services: Tree) -> None:
    """Leave out dependencies on what no choice activates; Compose wants all of one file there."""
    for service in services.values():
        needed = service.get("depends_on") or {}
        service["depends_on"] = {name: how for name, how in needed.items() if name in services}


def _ready(resolved: ResolvedModule) -> dict[str, str]:
    """Service -> the condition under which it is ready."""
    done = jobs_in(resolved.project)
    return {
        name: _DONE if name in done else "service_healthy" for name in resolved.project.services
    }


def _prefixed(module: str, tree: Tree, first: Mapping[str, Any]) -> Tree:
    return {
        "services": {
            f"{module}-{name}": _service(module, name, service, first)
            for name, service in tree["services"].items()
        },
        "volumes": {f"{module}-{name}": {} for name in tree.get("volumes") or {}},
        "configs": {
            f"{module}-{name}": {key: c[key] for key in ("content", "file") if key in c}
            for name, c in (tree.get("configs") or {}).items()
        },
        "networks": {
            f"{module}-{name}": {"internal": network.get("internal", False)}
            for name, network in tree["networks"].items()
            if name != SHARED_NETWORK
        },
    }


def _service(module: str, name: str, service: Tree, first: Mapping[str, Any]) -> Tree:
    def prefixed(other: str) -> str:
        return f"{module}-{other}"

    left_out = ("build", "profiles", "x-aiserver", "container_name")
    kept = {key: value for key, value in service.items() if key not in left_out}
    needed = {prefixed(o): d for o, d in service["depends_on"].items()}
    volumes = [
        v | {"source": prefixed(v["source"])} if v["type"] == "volume" else v
        for v in service.get("volumes") or []
    ]
    configs = [c | {"source": prefixed(c["source"])} for c in service.get("configs") or []]
    networks = {
        network if network == SHARED_NETWORK else prefixed(network): {
            "aliases": [name, *((found or {}).get("aliases") or [])]
        }
        for network, found in (service.get("networks") or {}).items()
    }
    return kept | {
        "depends_on": needed | dict(first),
        "volumes": volumes,
        "configs": configs,
        "networks": networks,
    }
