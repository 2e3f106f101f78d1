"""What the page of the architecture tells, against the code; and the rules for imports."""

import ast
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from typing import Any

import grimp
import pytest

from tests.unit.pages import ROOT

PACKAGE = ROOT / "aiserver_tray"
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def contract(name: str) -> Any:  # noqa: ANN401 - TOML
    (found,) = (c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["name"] == name)
    return found


def test_the_page_has_the_layers_as_they_are_held() -> None:
    found = re.search(r"which are (`cli`;.*?)\. `build/dev\.py check`", PAGE, re.DOTALL)
    assert found
    told = [set(re.findall(r"`(\w+)`", layer)) for layer in found[1].split(";")]
    layers = contract("imports point inward")["layers"]
    assert told == [set(re.findall(r"aiserver_tray\.(\w+)", layer)) for layer in layers]


def test_only_the_engine_package_may_import_docker() -> None:
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
    parts |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    held = contract("only the engine package imports docker")["source_modules"]
    assert {name.removeprefix("aiserver_tray.") for name in held} == parts - {"__init__", "engine"}


BROUGHT = {
    "PyObjCTools": "by pystray, on macOS",
    "System": "by pywebview, on Windows: .NET",
    "Xlib": "by pystray, on Linux",
    "_typeshed": "for types alone",
    "_win32typing": "for types alone",
    "compression": "by Python from 3.14 on",
    "anyio": "by mcp",
    "gi": "by the system, where there is a desktop on Linux",
    "mcp_types": "by mcp",
    "pydantic_core": "by pydantic",
    **dict.fromkeys(
        (
            *("pywintypes", "win32api", "win32event", "win32file"),
            *("win32pipe", "win32process", "win32security"),
        ),
        "pywin32",
    ),
}
"""What is imported and goes by no name of a dependency, and whence it comes."""


def imported() -> Iterator[str]:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_every_import_is_a_declared_dependency() -> None:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *extras["desktop"], *extras["mcp"]]
    known = {re.split(r"[^\w.-]", entry)[0].lower() for entry in declared}
    others = set(imported()) - set(sys.stdlib_module_names) - {"aiserver_tray"} - BROUGHT.keys()
    distributions = packages_distributions()
    assert [n for n in sorted(others) if not {d.lower() for d in distributions[n]} & known] == []


def imports_of_test(module: tuple[str, ...], text: str) -> Iterator[str]:
    """The full names that the *module* of tests imports; *text* is its source."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module[: -node.level] if node.level else ()
            base = [*package, node.module] if node.module else package
            yield from (".".join([*base, alias.name]) for alias in node.names)


def forbidden(module: tuple[str, ...], text: str) -> list[str]:
    """The imports of a *module* of tests that break a rule. A level imports only from its own
    folder, support and lab; these two import from no level. Nobody imports a test module."""
    allowed = {module[1], "support", "lab"}
    own = [name.split(".") for name in imports_of_test(module, text) if name.startswith("tests.")]
    return [
        ".".join(parts)
        for parts in own
        if parts[1] not in allowed or any(part.startswith("test_") for part in parts)
    ]


def test_levels_of_tests_share_only_what_is_in_support_and_lab() -> None:
    found = []
    for file in sorted(ROOT.glob("tests/**/*.py")):
        place = file.relative_to(ROOT)
        module, text = place.with_suffix("").parts, file.read_text(encoding="utf-8")
        found += [f"{place} imports {name}" for name in forbidden(module, text)]
    assert found == []


@pytest.mark.parametrize(
    ("module", "text", "found"),
    [
        ("tests.unit.cli.test_a", "from tests.engine.dify import JOBS", "tests.engine.dify.JOBS"),
        ("tests.unit.cli.test_a", "from tests import engine", "tests.engine"),
        ("tests.unit.cli.test_a", "def f():\n import tests.bench.sides", "tests.bench.sides"),
        ("tests.unit.cli.test_a", "from .test_b import B", "tests.unit.cli.test_b.B"),
        ("tests.unit.cli.test_a", "from ...ui import home", "tests.ui.home"),
        ("tests.support.stack", "from tests.engine import dify", "tests.engine.dify"),
        ("tests.lab.engine", "from tests.engine import dify", "tests.engine.dify"),
        ("tests.engine.dify", "from tests.engine.test_a import A", "tests.engine.test_a.A"),
        ("tests.engine.dify", "from tests.lab import place\nfrom tests.support import made", ""),
        ("tests.engine.dify", "from . import oneapi\nfrom tests.engine.n8n import OWNER", ""),
    ],
)
def test_an_import_that_breaks_the_rule_is_found(module: str, text: str, found: str) -> None:
    assert forbidden(tuple(module.split(".")), text) == ([found] if found else [])


def test_no_unit_test_is_skipped_because_something_is_not_installed() -> None:
    """Whatever else the level needed would be tested on some machines only."""
    skips = [
        f"{file.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
        for file in ROOT.glob("tests/unit/**/*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Call) and is_skip_without_program(ast.unparse(node))
    ]
    assert skips == []


def is_skip_without_program(call: str) -> bool:
    """Whether *call* skips a test where a program, or a package of another than Python's own
    modules, is missing."""
    wanted = re.match(r"pytest\.importorskip\(['\"](\w+)", call)
    is_foreign = bool(wanted and wanted[1] not in sys.stdlib_module_names)
    return is_foreign or (call.startswith("pytest.mark.skipif(") and "which(" in call)


@pytest.mark.parametrize(
    ("call", "is_found"),
    [
        ("pytest.importorskip('gi', reason='')", True),
        ("pytest.importorskip('gi.repository.Gio')", True),
        ("pytest.mark.skipif(not shutil.which('dbus-daemon'), reason='')", True),
        ("pytest.importorskip('pwd')", False),
        ("pytest.mark.skipif(not Path('/proc').exists(), reason='')", False),
    ],
)
def test_skip_without_a_program_is_found(call: str, *, is_found: bool) -> None:
    assert is_skip_without_program(call) == is_found


def named(node: ast.expr) -> str:
    """The name of a thread, as the page writes it: what differs from one to another as dots."""
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value if isinstance(v, ast.Constant) else "…" for v in node.values)  # type: ignore[misc]
    assert isinstance(node, ast.Constant)
    return str(node.value)


def threads() -> Iterator[str]:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            kind = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if kind == "Thread":
                (name,) = (word.value for word in node.keywords if word.arg == "name")
                yield named(name)
            elif kind == "ThreadPoolExecutor":
                yield f"{named(node.args[1])}_…"


def test_the_page_has_every_thread() -> None:
    section = PAGE.partition("| thread | does | ends |")[2].partition("\n## ")[0]
    table, _, windows = section.partition("Processes of windows have ")
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = re.findall(r"`([\w…-]+)`", " ".join(cells)) + re.findall(r"`([\w-]+)` \(", windows)
    assert sorted(told) == sorted(set(threads()))


def test_no_dataclass_has_a_default_that_python_3_11_refuses() -> None:
    """There, a mapping proxy has no hash, and the class can't be made."""
    trees = [ast.parse(file.read_bytes()) for file in PACKAGE.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    named = {
        ast.unparse(node.target)
        for node in nodes
        if isinstance(node, ast.AnnAssign) and "MappingProxyType(" in ast.unparse(node)
    }
    refused = [
        f"{cls.name}.{ast.unparse(field)}"
        for cls in nodes
        if isinstance(cls, ast.ClassDef)
        and "dataclass" in "".join(map(ast.unparse, cls.decorator_list))
        for field in cls.body
        if isinstance(field, ast.AnnAssign) and field.value and ast.unparse(field.value) in named
    ]
    assert named
    assert refused == []


# -- files -----------------------------------------------------------------------------------------

SMALL = 60
"""Lines of a module that tells a story of its own."""

ALONE = {"features.events": "it imports all events, so the dashboard's window alone may import it"}
"""Small modules with one importer at most -> why they are modules."""


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Module -> the modules of the product that it imports, also within functions."""
    graph = grimp.build_graph("aiserver_tray", cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def test_no_files_import_each_other_in_a_circle(imports: dict[str, set[str]]) -> None:
    TopologicalSorter(imports).prepare()


def test_small_modules_serve_several_others(imports: dict[str, set[str]]) -> None:
    sources = {
        ".".join(file.relative_to(PACKAGE).with_suffix("").parts): file
        for file in PACKAGE.rglob("*.py")
        if file.stem not in ("__init__", "__main__")
    }
    small = {
        name
        for name, file in sources.items()
        if len(file.read_text(encoding="utf-8").splitlines()) < SMALL
    }
    importers = [other for found in imports.values() for other in found]
    alone = {name for name in small if importers.count(f"aiserver_tray.{name}") < 2}
    assert alone == ALONE.keys()
    assert len(small) <= 35
    house = [name for name in sources if not name.startswith("features.")]
    assert len(house) <= 269
    per_feature = Counter(name.split(".")[1] for name in sources.keys() - set(house))
    assert max(per_feature.values()) <= 24
