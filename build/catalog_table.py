"""The table of every service of the built-in catalog, from its Compose files.

``python build/catalog_table.py`` writes ``orchestration/README.md``; a test compares the file. For
empty cells, ``catalog_reasons.toml`` has the reason.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiserver_tray.app import built_in_catalog
from aiserver_tray.catalog.catalog import Catalog, load_catalog
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.compose.service import Service
from aiserver_tray.catalog.extension import stated
from aiserver_tray.catalog.jobs import jobs_in
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import config_environment

COLUMNS = ("image", "volumes", "ports", "health check", "dependencies", "secrets", "memory")
README = built_in_catalog() / "README.md"
REASONS = Path(__file__).with_name("catalog_reasons.toml")

_NAME = re.compile(r"\$\{(\w+)\}")

_HEAD = """\
# The modules and their services

Generated from the Compose files by `python3 build/dev.py exec -- python build/catalog_table.py`;
a test compares it with them. Text in italics gives the reason for an empty cell. Host ports are on
127.0.0.1 (`app.bind`). Ports, sizes and choices are settings.
"""


@dataclass(frozen=True)
class Row:
    """A service and its cells in `COLUMNS`; empty if there is no content."""

    service: str
    is_job: bool
    cells: Mapping[str, str]


def load() -> Catalog:
    """The built-in catalog alone."""
    return load_catalog([built_in_catalog()])


def rows(catalog: Catalog, module: Module) -> list[Row]:
    """Every service of *module*, with any choice that activates it."""
    project = load_project(module.source, config_environment(catalog, module, None), profiles=["*"])
    done = jobs_in(project)
    found: dict[str, Row] = {}
    for name, service in project.services.items():
        cells = _cells(catalog, module, name, service)
        found[name] = Row(name, name in done, dict(zip(COLUMNS, cells, strict=True)))
    return [found[name] for name in module.section("services")]


def reasons() -> Mapping[str, Mapping[str, str]]:
    """Column -> ``module/service`` (or ``*/job`` for every job) -> why the cell is empty."""
    return tomllib.loads(REASONS.read_text(encoding="utf-8"))


def why_empty(module: str, row: Row, column: str) -> str:
    """The reason in the file, or nothing."""
    given = reasons().get(column, {})
    keys = [f"{module}/{row.service}", *(["*/job"] if row.is_job else []), "*"]
    return next((given[key] for key in keys if key in given), "")


def document() -> str:
    """The whole file."""
    catalog = load()
    return "\n".join([_HEAD, *(_section(catalog, module) for module in catalog.modules.values())])


def _section(catalog: Catalog, module: Module) -> str:
    requires = f" Requires: {', '.join(module.requires)}." if module.requires else ""
    lines = [
        " | ".join([row.service, *(_shown(module.name, row, column) for column in COLUMNS)])
        for row in rows(catalog, module)
    ]
    head = f"| service | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}\n"
    table = "".join(f"| {line} |\n" for line in lines)
    text = f"{module.title['en']}: {module.summary['en']}.{requires}"
    return f"## {module.name}\n\n{text}\n\n{head}{table}"


def _shown(module: str, row: Row, column: str) -> str:
    return row.cells[column] or f"*{why_empty(module, row, column)}*"


def _cells(catalog: Catalog, module: Module, name: str, service: Service) -> list[str]:
    written = module.section("services")[name]
    check = service.healthcheck
    return [
        f"`{service.image}`",
        _lines(f"`{v.source}` → `{v.target}`" for v in service.volumes),
        _lines(f"{p.published} → {p.target}" for p in service.ports),
        _code(" ".join(check.test or [])) if check else "",
        _lines(_dependencies(module, service)),
        _lines(_secrets(catalog, module, name)),
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


def names_used(module: Module, service: str) -> list[str]:
    """The NAMEs that *service* of *module* depends on, as its file is written: in its own lines
    and in the configuration and env files that it gets under the default choices."""
    written = module.section("services")[service]
    configs = module.section("configs")
    sources = [c if isinstance(c, str) else c["source"] for c in written.get("configs", [])]
    text = json.dumps([written, *(configs.get(source) for source in sources)])
    if env_file := written.get("env_file"):
        name = _NAME.sub(lambda found: module.settings[found[1]].initial or "", env_file)
        text += (module.folder / name).read_text(encoding="utf-8")
    return list(dict.fromkeys(re.findall(r"\$\{(\w+)", text)))


def _secrets(catalog: Catalog, module: Module, service: str) -> list[str]:
    scope = catalog.scope(module)
    used = (name for name in names_used(module, service) if name in scope)
    return [f"`{name}`" for name in used if catalog.declared[scope[name]].is_secret]


if __name__ == "__main__":
    README.write_text(document(), encoding="utf-8")
