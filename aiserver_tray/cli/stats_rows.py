"""The rows of the table of `stats`. Pure."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.cli.words import memory, size
from aiserver_tray.features.monitoring.rows import FIELDS
from aiserver_tray.state.views import ModuleView, Snapshot

if TYPE_CHECKING:
    from aiserver_tray.cli.forms import ModuleStatsJson, StatsJson, UseJson
    from aiserver_tray.features.monitoring.samples import LoadJson, SampleJson

STATS_HEADS = (
    Text("MODULE"),
    Text("CPU %"),
    Text("MEMORY"),
    Text("LIMIT"),
    Text("NET RX / TX"),
    Text("DISK R / W"),
)
"""Headings of the columns."""
_ALL = Text("all modules")

Row = tuple[str, str, str, str, str, str]


def stats_json(snapshot: Snapshot, sample: "SampleJson", named: Collection[str]) -> "StatsJson":
    """The use of the modules *named*, or of all running modules if none is named."""
    from aiserver_tray.state.progress import sorted_by_name  # noqa: PLC0415 - after Ctrl-C works

    running = {load["module"] for load in sample["modules"]}
    return {
        "time": datetime.fromtimestamp(sample["time"], UTC).isoformat(),
        "cpus": snapshot.engine.cpus,
        "total": _use(sample["total"], snapshot.engine.memory),
        "modules": [
            _module(module, sample)
            for module in sorted_by_name(snapshot.modules)
            if module.name in (named or running)
        ],
    }


def rows(stats: "StatsJson", named: Collection[str], language: Language) -> list[Row]:
    """A row for each module and for each service of the modules *named*, and the total."""
    found: list[Row] = []
    for module in stats["modules"]:
        found.append(_row(module["name"], module))
        if module["name"] in named:
            services = module["services"]
            found += [_row(f"{module['name']}/{each['name']}", each) for each in services]
    return [*found, _row(_ALL.render(language), stats["total"])]


def _module(module: ModuleView, sample: "SampleJson") -> "ModuleStatsJson":
    whole = {load["module"]: load for load in sample["modules"]}
    parts = {load["service"]: load for load in sample["services"] if load["module"] == module.name}
    return {
        "name": module.name,
        **_use(whole.get(module.name), module.memory_limit),
        "services": [
            {"name": service.name, **_use(parts[service.name], service.memory_limit)}
            for service in module.services
            if service.name in parts
        ],
    }


def _use(load: "LoadJson | None", limit: int | None) -> "UseJson":
    known: Mapping[str, Any] = load or {}
    return cast("UseJson", {name: known.get(name) for name in FIELDS} | {"memoryLimit": limit})


def _row(name: str, use: "UseJson") -> Row:
    cpu = "-" if use["cpu"] is None else f"{use['cpu']:.1f}"
    network, disk = _rates(use["rx"], use["tx"]), _rates(use["read"], use["write"])
    return (name, cpu, _memory(use["memory"]), _memory(use["memoryLimit"]), network, disk)


def _rates(one: int | None, other: int | None) -> str:
    """Two rates in one cell."""
    return "-" if one is None or other is None else f"{size(one)}/s / {size(other)}/s"


def _memory(count: int | None) -> str:
    return "-" if count is None else memory(count)
