"""Which tests ``--changed`` chooses."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from developer import packages
from tests.support import ran
from tests.support.changed import (
    HEART,
    NEAREST,
    ROOT,
    Choice,
    Sources,
    changed_files,
    changed_functions,
)
from tests.support.command_line import CommandLine
from tests.support.recorded import read_record, write_record

FILES: Mapping[str, str] = {
    "wares/__init__.py": "",
    "wares/core.py": "DATA = 'shelf/list.json'\n",
    "wares/app.py": "from wares import core\n",
    "shelf/list.json": "{}\n",
    "checks/__init__.py": "",
    "checks/helper.py": "from wares import app\n",
    "checks/unit/__init__.py": "",
    "checks/unit/test_core.py": "from wares import core\n",
    "checks/unit/test_app.py": "from checks import helper\n",
    "checks/unit/test_alone.py": "",
    "checks/unit/test_tool.py": "from maker.core import make\n",
    "build/maker/core.py": "",
    "checks/unit/kept/__init__.py": "",
    "checks/unit/kept/conftest.py": "from wares import app\n",
    "checks/unit/kept/test_kept.py": "",
    "checks/engine/__init__.py": "",
    "checks/engine/test_whole.py": "from checks import helper\n",
    "checks/engine/test_core.py": "from wares import core\nNAME = 'test_core.txt'\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in git, with all its files committed."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "first")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True)


def test_changed_new_and_removed_files_are_found(project: Path) -> None:
    (project / "wares/app.py").write_text("", encoding="utf-8")
    (project / "new.py").touch()
    (project / "shelf/list.json").unlink()
    git(project, "add", "wares")

    assert changed_files("HEAD", project) == {"wares/app.py", "new.py", "shelf/list.json"}


def test_an_unknown_commit_is_an_error(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        changed_files("no-such-commit", project)


CHOSEN = [
    ("wares/core.py", "unit", {"test_core", "test_app", "kept.test_kept"}),
    ("wares/app.py", "unit", {"test_app", "kept.test_kept"}),
    ("shelf/list.json", "unit", {"test_core", "test_app", "kept.test_kept"}),
    ("checks/unit/kept/conftest.py", "unit", {"kept.test_kept"}),
    ("checks/unit/test_alone.py", "unit", {"test_alone"}),
    ("wares/core.py", "engine", {"test_core"}),
    ("wares/app.py", "engine", set()),
    ("checks/helper.py", "engine", {"test_whole"}),
    ("build/maker/core.py", "unit", {"test_tool"}),
    ("README.md", "unit", set()),
]


@pytest.mark.parametrize(("file", "level", "tests"), CHOSEN)
def test_tests_that_a_change_can_break_are_chosen(
    project: Path, file: str, level: str, tests: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(project)
    (project / file).touch()
    sources = Sources(project, "wares", "checks")

    found = sources.dependents(sources.modules_of([file]), level)

    names = {name.removeprefix(f"checks.{level}.") for name in found}
    assert {name for name in names if "test_" in name} == tests


SEEN = {
    "checks/engine/test_whole.py": {"wares/app.py::Shop.open", "wares/app.py::close"},
    "checks/unit/test_core.py": {"wares/other.py::find", "wares/app.py::close"},
}
BY_SIGHT = [
    ("wares/app.py", {"engine/test_whole", "unit/test_core", "unit/test_app",
                      "unit/kept/test_kept"}),
    # It has no functions, so that its user stands for it.
    ("wares/core.py", {"engine/test_whole", "engine/test_core", "unit/test_core", "unit/test_app",
                       "unit/kept/test_kept"}),
    ("wares/other.py", {"unit/test_core"}),
    ("checks/unit/test_core.py", {"unit/test_core"}),
    ("checks/helper.py", {"engine/test_whole", "unit/test_app"}),
    ("pyproject.toml", {"engine/test_whole", "engine/test_core", "unit/test_app", "unit/test_core",
                        "unit/test_alone", "unit/test_tool", "unit/kept/test_kept"}),
]  # fmt: skip


@pytest.mark.parametrize(("file", "tests"), BY_SIGHT)
def test_tests_that_ran_a_changed_file_are_chosen_and_unseen_ones_by_imports(
    project: Path, file: str, tests: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(project)
    monkeypatch.setattr("tests.support.changed.level_of", lambda name: name.split("/")[1])
    (project / "wares/other.py").touch()
    write_record(project / "seen.json", SEEN)
    choice = Choice({file}, Sources(project, "wares", "checks"), read_record(project / "seen.json"))

    files = (path.relative_to(project).as_posix() for path in project.glob("checks/**/test_*.py"))
    assert {name[7:-3] for name in files if choice.wants(name)} == tests


BY_FUNCTION = [
    ({"Shop.open"}, {"engine/test_whole"}),
    ({"close"}, {"engine/test_whole", "unit/test_core"}),
    ({"close", "no_test_ran_it"}, {"engine/test_whole", "unit/test_core"}),
    ({"no_test_ran_it"}, {"engine/test_whole", "unit/test_core"}),
    (set(), set()),
]


@pytest.mark.parametrize(("functions", "tests"), BY_FUNCTION)
def test_tests_that_ran_a_changed_function_are_chosen(
    project: Path, functions: set[str], tests: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(project)
    sources = Sources(project, "wares", "checks")
    choice = Choice({"wares/app.py"}, sources, SEEN, {"wares/app.py": functions})
    assert {file[7:-3] for file in SEEN if choice.wants(file)} == tests


@pytest.mark.parametrize(("count", "slow"), [(HEART // 2, ["shop_a", "shop_b"]), (HEART, [])])
def test_of_what_many_tests_ran_the_nearest_are_chosen(
    project: Path, count: int, slow: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that run little, and of the slow ones those with the name of the folder."""
    monkeypatch.syspath_prepend(project)
    names = [f"unit/test_{number}" for number in range(count - 4)]
    names += [f"engine/test_{name}" for name in ("a", "b", "shop_a", "shop_b", "shop_c")]
    close = "wares/shop/app.py::close"
    seen = {f"tests/{n}.py": {close, *map(str, range(at))} for at, n in enumerate(names)}
    changed = {"wares/shop/app.py": {"close"}}
    (project / "wares/shop").mkdir()
    (project / "wares/shop/__init__.py").touch()
    (project / "wares/shop/app.py").touch()
    choice = Choice({*changed}, Sources(project, "wares", "checks"), seen, changed)

    wanted = {file for file in seen if choice.wants(file)}
    assert wanted == {
        *(f"tests/unit/test_{number}.py" for number in range(NEAREST)),
        *(f"tests/engine/test_{name}.py" for name in slow),
    }
    assert choice.left_out == seen.keys() - wanted


SHOP = """
LIMIT = 2
class Shop:
    @property
    def open(self, at=9):
        def later():
            return at
        return [one for one in later()]
"""
EDITED = [
    ("", "", set()),
    ("LIMIT", "# why\nLIMIT", set()),
    ("return at", "return at + 1", {"Shop.open.<locals>.later"}),
    ("return [one", "return [-one", {"Shop.open"}),
    ("LIMIT = 2", "LIMIT = 3", None),
    ("at=9", "at=8", None),
    ("@property", "", None),
    ("later", "after", None),
    ("LIMIT = 2", "LIMIT =", None),
]


@pytest.mark.parametrize(("old", "new", "functions"), EDITED)
def test_a_change_is_of_functions_where_nothing_else_differs(
    project: Path, old: str, new: str, functions: set[str] | None
) -> None:
    file = project / "wares/app.py"
    file.write_text(SHOP, encoding="utf-8")
    git(project, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-am", "shop")
    file.write_text(SHOP.replace(old, new), encoding="utf-8")
    assert changed_functions("HEAD", "wares/app.py", project) == functions


def test_a_new_file_has_no_functions_to_compare(project: Path) -> None:
    (project / "wares/new.py").write_text("def new(): pass", encoding="utf-8")
    assert changed_functions("HEAD", "wares/new.py", project) is None


PAGES = [
    ("ui/js/pages/logs.js", {"test_logs", "test_kept_logs"}),
    ("ui/css/pages/home.css", {"test_home", "test_home_operations"}),
    ("ui/js/bridge.js", {"test_logs", "test_kept_logs", "test_home", "test_home_operations"}),
]


@pytest.mark.parametrize(("file", "tests"), PAGES)
def test_a_page_has_the_tests_with_its_name(
    project: Path, file: str, tests: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(project)
    names = ("test_logs", "test_kept_logs", "test_home", "test_home_operations")
    record = {f"tests/ui/{name}.py": set[str]() for name in names}
    choice = Choice({file}, Sources(project, "wares", "checks"), record)
    assert {name for name in names if choice.wants(f"tests/ui/{name}.py")} == tests


def test_a_process_writes_down_the_functions_that_it_runs(tmp_path: Path) -> None:
    target = tmp_path / "ran"
    target.touch()
    code = f"exec(open({ran.__file__!r}).read(), {{'__file__': {ran.__file__!r}}})\n"
    code += "from aiserver_tray.base import masking, strings\n"
    code += "strings.in_line('abc')\n"
    environment = {**os.environ, ran.VARIABLE: str(target)}
    subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, env=environment, check=True)
    seen = {*target.read_text(encoding="utf-8").splitlines()}
    assert {one.partition("::")[0] for one in seen} == {
        *(["aiserver_tray/base/strings.py"] if ran.IS_POSSIBLE else [])
    }
    assert ("aiserver_tray/base/strings.py::in_line" in seen) == ran.IS_POSSIBLE


@pytest.mark.skipif(not ran.IS_POSSIBLE, reason="Python 3.11 can't tell")
def test_a_forked_command_writes_down_what_it_runs_for_the_test_that_asked(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.catalog.mkdir(parents=True)
    for number in range(2):
        target = tmp_path / str(number)
        target.touch()
        monkeypatch.setenv(ran.VARIABLE, str(target))
        assert cli.run("catalog", "list").code == 0
        assert "aiserver_tray/catalog/catalog.py::load_catalog" in target.read_text().splitlines()


def test_workers_are_told_what_is_chosen() -> None:
    words = ["-m", "pytest", "tests/unit", "--changed", "-n2", "-k", "no_test_has_this_name"]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout


def test_each_level_has_one_test_that_always_runs() -> None:
    """More would make a short run long; none would leave out what processes import."""
    marks = dict.fromkeys(packages.TESTS, 0)
    for file in ROOT.glob("tests/*/**/test_*.py"):
        marks[file.relative_to(ROOT).parts[1]] += file.read_text("utf-8").count(
            "\n@pytest.mark.smoke\n"
        )
    assert marks == dict.fromkeys(packages.TESTS, 1)
