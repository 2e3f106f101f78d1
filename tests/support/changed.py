"""``pytest --changed [--base REV]``: only the tests that a change can break.

A test is chosen where its file, or a module that it imports, was changed or reads a changed file.
Levels whose tests run the product in their own process follow imports to the end. The others start
processes of the whole product, where nearly everything imports everything: they follow imports
through the tests' own modules, and one step from the test's file into the product. The imports of
those processes can't be seen: for that, the tests marked ``smoke`` always run, one of each level,
and one that reads all sources.
"""

import ast
import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import grimp
import pytest

from tests.support.parallel import level_of

ROOT = Path(__file__).parents[2]
SMOKE = "smoke"
BUILD = "build"
"""The folder of the developer's tools, whose modules are imported by their bare names."""
_IN_PROCESS = ("oracle", "ui", "unit")
_EVERYTHING = ("pyproject.toml", "tests/conftest.py")
"""Files that any test depends on."""


def changed_files(base: str, root: Path = ROOT) -> set[str]:
    """Files that differ from the commit *base*, new ones included, relative to *root*.

    Raises:
        subprocess.CalledProcessError: git knows no such commit.
    """
    found: set[str] = set()
    for words in (
        ["diff", "--name-only", "--no-renames", base, "--"],
        ["ls-files", "--others", "--exclude-standard"],
    ):
        done = subprocess.run(
            ["git", *words], cwd=root, check=True, stdout=subprocess.PIPE, text=True
        )
        found.update(done.stdout.splitlines())
    return found


@dataclass(frozen=True)
class Sources:
    """The Python modules of the project below *root*, and what each depends on."""

    root: Path = ROOT
    product: str = "aiserver_tray"
    tests: str = "tests"

    @cached_property
    def graph(self) -> grimp.ImportGraph:
        """Who imports whom."""
        return grimp.build_graph(self.product, self.tests, cache_dir=None)

    def file_of(self, module: str) -> Path:
        """The file of *module*."""
        path = self.root / module.replace(".", "/")
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

    def modules_of(self, files: Iterable[str]) -> set[str]:
        """The modules whose files these are, and those that read one of these."""
        paths = {self.root / file for file in files}
        files_of = {self.file_of(module): module for module in self.graph.modules}
        own = {files_of[path] for path in paths & files_of.keys()}
        data = paths - files_of.keys()
        inner = {path for one in data for path in (one, *one.parents) if self.root in path.parents}
        # These words mean something else where a text has them alone.
        words = {self.root / name for name in (self.product, self.tests, BUILD)}
        named = {str(path) for path in inner - words}
        return own | {module for module in self.graph.modules if self._reads(module, named)}

    def _reads(self, module: str, paths: set[str]) -> bool:
        """Whether a text in *module* names one of *paths*, from the root or its own folder."""
        file = self.file_of(module)
        if not paths or not file.exists():
            return False
        starts = (self.root, file.parent)
        return any(
            os.path.normpath(os.path.join(start, text)) in paths  # noqa: PTH118 - may be no path
            for text in texts(file)
            for start in starts
        )

    def dependents(self, changed: set[str], level: str) -> set[str]:
        """The modules of a *level* of tests that one of the *changed* modules can break."""
        ours = {module for module in self.graph.modules if module.startswith(f"{self.tests}.")}
        if level in _IN_PROCESS:
            found = changed.union(*map(self.graph.find_downstream_modules, changed)) & ours
        else:
            helpers = changed & ours
            found = helpers.union(*map(self._dependent_tests, helpers))
            found = found.union(*map(self.graph.find_modules_that_directly_import, changed))
        shared = {module.removesuffix("conftest") for module in found if _is_conftest(module)}
        found |= {module for module in ours if module.startswith(tuple(shared))}
        return {module for module in found if module.startswith(f"{self.tests}.{level}.")}

    def _dependent_tests(self, helper: str) -> set[str]:
        """The tests' own modules that come to *helper* by imports."""
        found = self.graph.find_downstream_modules(helper)
        return {module for module in found if module.startswith(f"{self.tests}.")}


def _is_conftest(module: str) -> bool:
    return module.rpartition(".")[2] == "conftest"


def texts(file: Path) -> Iterator[str]:
    """The texts in a Python file that can name a file or a folder of the project; modules that it
    imports count as files of ``build``, which is no package."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        for name in imported_by(node):
            yield from (f"{BUILD}/{name}", f"{BUILD}/{name}.py")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.strip("/")
            if text and "\n" not in text:
                yield text


def imported_by(node: ast.AST) -> list[str]:
    """The first parts of the names of the modules that a statement imports."""
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]]
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    return []


class Selection:
    """Leaves out what a change can't break."""

    def __init__(self, files: set[str], sources: Sources) -> None:
        self._all = any(file in _EVERYTHING for file in files)
        self._sources = sources
        self._changed = sources.modules_of(files)
        self._chosen: dict[str, set[str]] = {}

    def wants(self, item: pytest.Item) -> bool:
        """Whether the change can break the test, or it is a smoke test."""
        if self._all or item.get_closest_marker(SMOKE):
            return True
        level = level_of(item.nodeid)
        if level not in self._chosen:
            self._chosen[level] = self._sources.dependents(self._changed, level)
        module = item.nodeid.partition("::")[0].removesuffix(".py").replace("/", ".")
        return module in self._chosen[level]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """pytest's hook."""
        chosen = [item for item in items if self.wants(item)]
        left_out = [item for item in items if item not in set(chosen)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = chosen


def pytest_addoption(parser: pytest.Parser) -> None:
    """pytest's hook."""
    group = parser.getgroup("changed", "the project's own")
    group.addoption("--changed", action="store_true", help="only what a change can break")
    group.addoption("--base", default="HEAD", metavar="REV", help="changed since REV; HEAD without")


def pytest_configure(config: pytest.Config) -> None:
    """pytest's hook."""
    config.addinivalue_line("markers", f"{SMOKE}: runs with --changed, whatever was changed")
    if not config.option.changed:
        return
    base = config.option.base
    try:
        files = changed_files(base)
    except subprocess.CalledProcessError:
        raise pytest.UsageError(f"--base {base}: git knows no such commit") from None
    config.pluginmanager.register(Selection(files, Sources()), "changed")
