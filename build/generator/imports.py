"""Draws the rooms of the package and the imports between them, for docs/architecture.md."""

import inspect
import tomllib
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "aiserver_tray"
_ENTRIES = {"__init__", "__main__"}

Imports = dict[str, set[str]]
"""Room -> the rooms that it imports."""


def imports() -> Imports:
    """The imports between the rooms, which are the package's own packages and modules."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found: Imports = {
        child.rpartition(".")[2]: set()
        for child in graph.find_children(PACKAGE)
        if child.rpartition(".")[2] not in _ENTRIES
    }
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            ends = _room(importer), _room(imported)
            if ends[0] != ends[1] and found.keys() >= set(ends):
                found[ends[0]].add(ends[1])
    return found


def _room(module: str) -> str:
    return (*module.split("."), "__init__")[1]


def reduced(imports: Imports) -> Imports:
    """*imports* without those that lead where others lead, too.

    Raises:
        CycleError: rooms import each other.
    """
    reached: Imports = {}
    for room in TopologicalSorter(imports).static_order():
        reached[room] = set[str]().union(imports[room], *(reached[r] for r in imports[room]))
    return {
        room: {end for end in ends if not any(end in reached[other] for other in ends)}
        for room, ends in imports.items()
    }


def diagram() -> str:
    """The diagram, and how many rooms and imports it stands for."""
    found = imports()
    count = sum(map(len, found.values()))
    lines = [f'  {room}["{room}<br/>{_purpose(room)}"]' for room in sorted(found)]
    lines += [
        f"  {room} --> {' & '.join(sorted(ends))}"
        for room, ends in sorted(reduced(found).items())
        if ends
    ]
    body = "\n".join(lines)
    told = f"{len(found)} packages and modules, {count} imports between them"
    return (
        f"```mermaid\nflowchart TD\n{body}\n```\n\n"
        f"{told}. An import that other arrows imply is not drawn. Each package imports\n"
        f"only from those below it, which are {_layers()}. `build/dev.py check`\n"
        "enforces this.\n"
    )


def _layers() -> str:
    """The layers as the checker of imports knows them, from the outermost."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    return "; ".join(
        " and ".join(f"`{name.strip().removeprefix(f'{PACKAGE}.')}`" for name in layer.split("|"))
        for layer in layers
    )


def _purpose(room: str) -> str:
    """The first sentence of its docstring."""
    text = inspect.getdoc(import_module(f"{PACKAGE}.{room}")) or ""
    return text.partition("\n\n")[0].replace("\n", " ").rstrip(".").replace('"', "'")
