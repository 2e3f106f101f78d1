"""The table of every service of the built-in catalog, from its Compose files.

``python build/catalog_table.py`` writes ``orchestration/README.md``; a test compares the file.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiserver_tray.catalog.catalog import Catalog, load_catalog
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.compose.service import Service
from aiserver_tray.catalog.extension import stated
from aiserver_tray.catalog.jobs import jobs_in
from aiserver_tray.catalog.module_rules import secrets_used
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import config_environment
from aiserver_tray.core.app import built_in_catalog

COLUMNS = ("image", "volumes", "ports", "health check", "dependencies", "secrets", "memory")
README = built_in_catalog() / "README.md"

_NAME = re.compile(r"\$\{(\w+)\}")

_HEAD = """\
# The modules and their services

Generated from the Compose files by `python3 build/dev.py exec -- python build/catalog_table.py`;
a test compares it with them. Text in italics gives the reason for an empty cell. Host ports are on
127.0.0.1 (`app.bind`). Ports, sizes and choices are settings.
"""


_EMPTY = {"ports": "internal only", "dependencies": "no dependencies"}
_EMPTY_OF_JOBS = {
    "volumes": "a job: stores nothing",
    "ports": "a job: publishes no port",
    "health check": "a job: must exit with 0",
}


@dataclass(frozen=True)
class Row:
    """A service and its cells in `COLUMNS`; empty if there is no content."""

    service: str
    is_job: bool
    cells: Mapping[str, str]
    without: Mapping[str, str]
    """Column -> why its cell is empty, as the module's file says."""

    def why_empty(self, column: str) -> str:
        """Why the cell is empty. Nothing if no reason is known."""
        of_jobs = _EMPTY_OF_JOBS if self.is_job else {}
        return {**_EMPTY, **of_jobs, **self.without}.get(column, "")


def load() -> Catalog:
    """The built-in catalog alone."""
    return load_catalog([built_in_catalog()])


def rows(catalog: Catalog, module: Module) -> list[Row]:
    """Every service of *module*, with any choice that activates it."""
    project = load_project(module.source, config_environment(catalog, module, None), profiles=["*"])
    done = jobs_in(project)
    found: dict[str, Row] = {}
    for name, service in project.services.items():
        cells = dict(zip(COLUMNS, _cells(catalog, module, name, service), strict=True))
        reasons = stated(service.extensions).without.model_dump(exclude_defaults=True)
        found[name] = Row(name, name in done, cells, reasons)
    return [found[name] for name in module.section("services")]


def document() -> str:
    """The whole file."""
    catalog = load()
    return "\n".join([_HEAD, *(_section(catalog, module) for module in catalog.modules.values())])


def _section(catalog: Catalog, module: Module) -> str:
    requires = f" Requires: {', '.join(module.requires)}." if module.requires else ""
    lines = [
        " | ".join([row.service, *(_shown(row, column) for column in COLUMNS)])
        for row in rows(catalog, module)
    ]
    head = f"| service | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}\n"
    table = "".join(f"| {line} |\n" for line in lines)
    text = f"{module.title['en']}: {module.summary['en']}.{requires}"
    return f"## {module.name}\n\n{text}\n\n{head}{table}"


def _shown(row: Row, column: str) -> str:
    return row.cells[column] or f"*{row.why_empty(column)}*"


def _cells(catalog: Catalog, module: Module, name: str, service: Service) -> list[str]:
    written = module.section("services")[name]
    check = service.healthcheck
    return [
        f"`{service.image}`",
        _lines(f"`{v.source}` → `{v.target}`" for v in service.volumes),
        _lines(f"{p.published} → {p.target}" for p in service.ports),
        _code(" ".join(check.test or [])) if check else "",
        _lines(_dependencies(module, service)),
        _lines(f"`{secret}`" for secret in secrets_used(catalog, module, name)),
        _memory(module, written),
    ]


def _dependencies(module: Module, service: Service) -> Iterable[str]:
    for other, how in service.depends_on.items():
        yield f"{other} ({_CONDITIONS[how.condition]}{'' if how.required else ', where chosen'})"
    for required in stated(service.extensions).waited_for(module.possible_requires):
        chosen = "" if required in module.requires else ", where chosen"
        yield f"module {required} (healthy{chosen})"


_CONDITIONS = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "done",
}


def _lines(items: Iterable[str]) -> str:
    return "<br>".join(items)


def _code(text: str) -> str:
    return "`` " + " ".join(text.split()).replace("|", "\\|") + " ``"


def _memory(module: Module, written: Mapping[str, Any]) -> str:
    limit = str(written.get("mem_limit", ""))
    found = _NAME.fullmatch(limit)
    return f"{module.settings[found[1]].initial} (`{found[1]}`)" if found else limit


if __name__ == "__main__":
    README.write_text(document(), encoding="utf-8")
