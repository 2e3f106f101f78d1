"""``pytest --changed [--base REV]``: only the tests that a change can break.

A file of tests is chosen where

- it ran a changed function of the product, itself or in a process that it started. Each run writes
  that down (``tests.support.recorded``). Where more than the bodies of functions has changed, it
  ran any function of the file; a file with no functions stands for those that import it. Of all
  that ran a function, the near ones are chosen: the `NEAREST` that run least of the product at the
  levels unit and oracle, and `SLOW` at the others, first those named as the function's file or
  folder is. Of what more than `HEART` files ran, they are chosen at these two levels only;
- it, or a module of the tests that it imports, was changed, or names a changed file or its folder;
- it is of the level ``ui``, and named as the changed page is.

What no run has seen yet is chosen by imports: to the end for levels whose tests run the product in
their own process, one step from the tests' modules for the others. For these, the tests marked
``smoke`` run as well, one of each level.
"""

import ast
import os
import re
import subprocess
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import grimp
import pytest

from tests.support.parallel import level_of
from tests.support.recorded import RECORD, read_record

ROOT = Path(__file__).parents[2]
SMOKE = "smoke"
BUILD = "build"
"""The folder of the developer's tools, whose modules are imported by their bare names."""
_IN_PROCESS = ("oracle", "ui", "unit")
_QUICK = ("oracle", "unit")
NEAREST = 5
SLOW = 2
HEART = 40
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


def code_by_function(source: str) -> dict[str, str]:
    """Qualified name of each function -> its code without that of functions in it, and ``""`` ->
    the rest of the file, with what stands before the functions' bodies."""
    found: dict[str, str] = {}

    def take(node: ast.AST, place: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{place}{child.name}"
                take(child, f"{name}.<locals>.")
                found[name] = found.get(name, "") + ast.dump(child)  # a property has several
                child.body = []
            else:
                take(child, f"{place}{child.name}." if isinstance(child, ast.ClassDef) else place)

    tree = ast.parse(source)
    take(tree, "")
    return {**found, "": ast.dump(tree)}


def changed_functions(base: str, file: str, root: Path = ROOT) -> set[str] | None:
    """The functions in the Python *file* whose bodies differ from the commit *base*. None: other
    code differs, too, or one of the files is none."""
    words = ["git", "show", f"{base}:{file}"]
    try:
        done = subprocess.run(words, cwd=root, check=True, capture_output=True, text=True)
        after = code_by_function((root / file).read_text(encoding="utf-8"))
        before = code_by_function(done.stdout)
    except (subprocess.CalledProcessError, OSError, SyntaxError):
        return None
    if before.keys() != after.keys() or before[""] != after[""]:
        return None
    return {name for name in after if before[name] != after[name]}


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

    def name_of(self, module: str) -> str:
        """The file of *module*, relative to the root."""
        return self.file_of(module).relative_to(self.root).as_posix()

    def is_tests(self, module: str) -> bool:
        """Whether *module* belongs to the tests."""
        return module.startswith(f"{self.tests}.")

    def modules_of(self, files: Iterable[str]) -> set[str]:
        """The modules whose files these are, and those that name one of these or its folder."""
        paths = {self.root / file for file in files}
        files_of = {self.file_of(module): module for module in self.graph.modules}
        own = {files_of[path] for path in paths & files_of.keys()}
        data = paths - files_of.keys()
        inner = {path for one in data for path in (one, *one.parents) if self.root in path.parents}
        # These words mean something else where a text has them alone.
        words = {self.root / name for name in (self.product, self.tests, BUILD, "ui")}
        named = {str(path) for path in inner - words}
        return own | {module for module in self.graph.modules if self._reads(module, named)}

    def _reads(self, module: str, paths: set[str]) -> bool:
        """Whether a text in *module* names one of *paths*, from the root or its own folder. A word
        alone names no folder, but in a file of tests: it may be a level, or a language."""
        file = self.file_of(module)
        if not paths or not file.exists():
            return False
        is_test = file.name.startswith("test_")
        starts = (self.root, file.parent)
        return any(
            os.path.normpath(os.path.join(start, text)) in paths  # noqa: PTH118 - may be no path
            for text in texts(file)
            if is_test or not text.isidentifier()
            for start in starts
        )

    def dependents(self, changed: set[str], level: str) -> set[str]:
        """The modules of a *level* of tests that one of the *changed* modules can break, as far as
        imports show."""
        ours = {module for module in self.graph.modules if self.is_tests(module)}
        if level in _IN_PROCESS:
            found = changed.union(*map(self.graph.find_downstream_modules, changed)) & ours
        else:
            found = self.tests_of(changed & ours)
            found = found.union(*map(self.graph.find_modules_that_directly_import, changed))
        return self._with_shared(found, f"{self.tests}.{level}.")

    def tests_of(self, changed: set[str]) -> set[str]:
        """The tests' own modules that come to the *changed* ones of the tests by imports."""
        found = changed.union(*map(self.graph.find_downstream_modules, changed))
        return self._with_shared({module for module in found if self.is_tests(module)}, "")

    def _with_shared(self, found: set[str], start: str) -> set[str]:
        """*found*, with all below a ``conftest`` in it, if their names begin with *start*."""
        shared = tuple(
            module.removesuffix("conftest") for module in found if module.endswith(".conftest")
        )
        below = {module for module in self.graph.modules if module.startswith(shared or "\0")}
        return {module for module in found | below if module.startswith(start)}


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


@dataclass(frozen=True)
class Choice:
    """The files of tests that a change can break.

    Attributes:
        files: What has changed, relative to the root.
        record: File of tests -> what it ran of the product, as ``FILE::FUNCTION``.
        functions: Changed file -> its changed functions, where nothing else in it has changed.
    """

    files: set[str]
    sources: Sources = field(default_factory=Sources)
    record: Mapping[str, set[str]] = field(default_factory=dict)
    functions: Mapping[str, set[str]] = field(default_factory=dict)

    @cached_property
    def _changed(self) -> set[str]:
        return self.sources.modules_of(self.files)

    @cached_property
    def _of_tests(self) -> set[str]:
        """Tests that were changed, or that use helpers or name files that were."""
        ours = {module for module in self._changed if self.sources.is_tests(module)}
        return set(map(self.sources.name_of, self.sources.tests_of(ours)))

    @cached_property
    def _of_product(self) -> set[str]:
        """Files of the product that count as changed: one that no test ran stands for those that
        import it."""
        changed = {module for module in self._changed if not self.sources.is_tests(module)}
        known = {_file_of(one) for one in self._known}
        found, left = set[str](), [*changed]
        while left:
            name = self.sources.name_of(module := left.pop())
            if name in known or name in found:
                found.add(name)
            else:
                found.add(name)
                left += self.sources.graph.find_modules_that_directly_import(module)
        return found

    @cached_property
    def _known(self) -> set[str]:
        return set().union(*self.record.values())

    @cached_property
    def _touched(self) -> set[str]:
        """What tests ran that has changed. A function that no test ran stands for its file."""
        apart = {
            file: {f"{file}::{name}" for name in names} for file, names in self.functions.items()
        }
        return {
            one
            for one in self._known
            if (file := _file_of(one)) in self._of_product
            and (file not in apart or one in apart[file] or not apart[file] <= self._known)
        }

    @cached_property
    def _nearest(self) -> set[str]:
        """The files of tests that ran what has changed, but for those `left_out`."""
        ran_by: dict[str, list[str]] = {one: [] for one in self._touched}
        for file, ran in sorted(self.record.items(), key=lambda item: len(item[1])):
            for one in ran & ran_by.keys():
                ran_by[one].append(file)
        return {file for one, files in ran_by.items() for file in _near(one, files)}

    @cached_property
    def left_out(self) -> set[str]:
        """The files of tests that ran what has changed, and are not near."""
        ran = {file for file, seen in self.record.items() if not seen.isdisjoint(self._touched)}
        return {file for file in ran if not self.wants(file)}

    @cached_property
    def _by_imports(self) -> dict[str, set[str]]:
        return {}

    def wants(self, file: str) -> bool:
        """Whether the tests in *file* can be broken."""
        if self.files & {*_EVERYTHING} or file in self._of_tests or self._is_of_page(file):
            return True
        if file in self.record:
            return file in self._nearest
        level = level_of(file)
        if level not in self._by_imports:
            found = self.sources.dependents(self._changed, level)
            self._by_imports[level] = set(map(self.sources.name_of, found))
        return file in self._by_imports[level]

    def _is_of_page(self, file: str) -> bool:
        """Whether *file* tests a page, or the whole page, whose script or style has changed."""
        pages = {PurePosixPath(name) for name in self.files if name.startswith("ui/")}
        if not pages or level_of(file) != "ui":
            return False
        words = set(re.split(r"[_.]", PurePosixPath(file).name))
        names = [
            {word for part in page.parts[2:] for word in re.split(r"\W", part)} for page in pages
        ]
        return any("pages" not in name or name & words for name in names)


def _file_of(ran: str) -> str:
    return ran.partition("::")[0]


def _near(function: str, files: Sequence[str]) -> list[str]:
    """Of all *files* of tests that ran a *function*, those that are near. *files*: in the order of
    how much they run."""
    quick = [file for file in files if level_of(file) in _QUICK]
    if len(files) > HEART:
        return quick[:NEAREST] or [*files[:SLOW]]
    words = {*_words(function)}
    slow = [file for file in files if level_of(file) not in _QUICK]
    return quick[:NEAREST] + sorted(slow, key=lambda file: words.isdisjoint(_words(file)))[:SLOW]


def _words(file: str) -> Iterable[str]:
    """The words in the path of a file of the product, or in the name of one of tests."""
    path = PurePosixPath(_file_of(file))
    parts = [path.stem] if path.stem.startswith("test_") else path.with_suffix("").parts
    return (word for part in parts for word in part.split("_"))


@dataclass(frozen=True)
class Chosen:
    """What a change can break: whole files of tests, and those of which only the test marked
    ``smoke`` runs."""

    files: set[str]
    smoke: set[str]


def chosen(choice: Choice) -> Chosen:
    """The files below the root that *choice* wants."""
    files, smoke = set(), set()
    for path in sorted(ROOT.glob("tests/*/**/test_*.py")):
        file = path.relative_to(ROOT).as_posix()
        has_smoke = f"\n@pytest.mark.{SMOKE}" in path.read_text(encoding="utf-8")
        if choice.wants(file):
            files.add(file)
        # Where a run has seen what processes run, no test stands for that.
        elif has_smoke and (file not in choice.record or level_of(file) == "unit"):
            smoke.add(file)
    return Chosen(files, smoke)


class Selection:
    """Leaves out what a change can't break."""

    def __init__(self, chosen: Chosen, left_out: Collection[str] = ()) -> None:
        self._chosen = chosen
        self._left_out = left_out

    def pytest_report_header(self) -> str:
        """pytest's hook."""
        near, others = len(self._chosen.files), len(self._left_out)
        return f"changed: {near} files of tests are near, {others} others ran it, too"

    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist's
        """pytest-xdist's hook: tell a worker."""
        node.workerinput["chosen"] = [sorted(self._chosen.files), sorted(self._chosen.smoke)]

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """pytest's hook: what is left out is not even read."""
        if not collection_path.match("test_*.py"):
            return None
        file = collection_path.relative_to(ROOT).as_posix()
        return None if file in self._chosen.files | self._chosen.smoke else True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """pytest's hook."""
        kept = [item for item in items if self._keeps(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept

    def _keeps(self, item: pytest.Item) -> bool:
        file = item.nodeid.partition("::")[0]
        return file in self._chosen.files or item.get_closest_marker(SMOKE) is not None


def pytest_addoption(parser: pytest.Parser) -> None:
    """pytest's hook."""
    group = parser.getgroup("changed", "the project's own")
    group.addoption("--changed", action="store_true", help="only what a change can break")
    group.addoption("--base", default="HEAD", metavar="REV", help="changed since REV; HEAD without")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """pytest's hook, before pytest-xdist's. No more workers start than have a file to run."""
    if not config.option.changed or hasattr(config, "workerinput"):  # a worker is told
        return
    base = config.option.base
    try:
        files = changed_files(base)
    except subprocess.CalledProcessError:
        raise pytest.UsageError(f"--base {base}: git knows no such commit") from None
    apart = {file: changed_functions(base, file) for file in files if file.endswith(".py")}
    functions = {file: names for file, names in apart.items() if names is not None}
    choice = Choice(files, record=read_record(RECORD), functions=functions)
    found = chosen(choice)
    config.pluginmanager.register(Selection(found, choice.left_out), "changed")
    if wanted := getattr(config.option, "numprocesses", None):
        # Where nothing waits for an engine, more workers than processors only take time to start.
        is_quick = all(level_of(file) in _QUICK for file in found.files)
        most = min(wanted, os.cpu_count() or 1) if is_quick else wanted
        count = min(most, len(found.files | found.smoke))
        config.option.numprocesses = count if count > 1 else 0


def pytest_configure(config: pytest.Config) -> None:
    """pytest's hook."""
    config.addinivalue_line("markers", f"{SMOKE}: runs with --changed, whatever was changed")
    if told := getattr(config, "workerinput", {}).get("chosen"):
        config.pluginmanager.register(Selection(Chosen(*map(set, told))), "changed")
