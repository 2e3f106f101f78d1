"""No test sleeps, or compares times of a machine that may be busy: it waits for what happens
(`tests.support.waiting`), or gives the code a clock. These few places use the machine's clock, each
group for its reason."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.pages import ROOT

PLACES = {
    "the wait itself: limits that the load stretches": {
        "engine/test_engine_exec.py": 1,
        "support/desktop/pointer.py": 2,
        "support/terminal.py": 2,
        "support/waiting.py": 1,
        "support/wine/windows.py": 1,
    },
    "dates of data: files, alerts and samples that are some time old": {
        "engine/test_cleanup.py": 1,
        "engine/test_samples.py": 1,
        "engine/test_upgrade.py": 2,
        "support/kept_lines.py": 1,
        "ui/alerts.py": 3,
        "ui/test_alerts.py": 1,
        "ui/test_monitoring.py": 1,
        "unit/core/test_outline_file.py": 2,
        "unit/features/alerts/test_rules.py": 2,
        "unit/features/backup/test_keys.py": 1,
        "unit/test_bundler.py": 1,
        "unit/features/logs/test_writer.py": 1,
        "unit/features/upgrade/test_versions.py": 2,
        "unit/operations/test_locks.py": 1,
        "unit/operations/test_run.py": 1,
        "unit/settings/test_store.py": 1,
        "unit/state/test_watching.py": 1,
    },
    "the span of the events that the engine or the desktop is asked for": {
        "desktop/test_tray_faults.py": 1,
        "desktop/test_tray_life.py": 1,
        "engine/test_first_values.py": 1,
        "engine/test_kernel_settings.py": 4,
        "engine/test_operations_images.py": 5,
        "engine/test_operations_stop.py": 1,
        "support/desktop/fake_desktop.py": 1,
        "support/observed.py": 1,
        "support/whole/kills.py": 2,
    },
    "a lower bound: it did wait, and a slow machine only makes that longer": {
        "engine/test_operations_hooks.py": 1,
        "engine/test_standins.py": 1,
        "unit/carriers/local/test_faults.py": 1,
        "unit/features/alerts/test_rules.py": 2,
        "unit/window/test_publisher.py": 1,
    },
    "a bound by the time that really passed": {
        "desktop/test_dashboard_page.py": 1,
        "engine/test_operations_together.py": 1,
        "unit/carriers/local/test_faults.py": 1,
        "unit/system/test_resume.py": 1,
        "wine/test_tray.py": 1,
    },
    "time for what must not happen; a slow machine only sees less": {
        "unit/carriers/http/test_httpd.py": 1,
        "unit/carriers/http/test_serve.py": 1,
        "unit/carriers/local/test_remote.py": 1,
        "unit/state/test_store.py": 1,
        "unit/state/test_watching.py": 1,
        "unit/test_dev.py": 3,
    },
    "the pace of a simulated line, hub, WSL, writer or engine clock": {
        "engine/clustered.py": 1,
        "engine/faults/full_home.py": 1,
        "engine/test_engine_elsewhere.py": 1,
        "engine/test_operations_jobs.py": 1,
        "unit/test_bundler.py": 1,
        "support/desktop/applet.py": 2,
        "support/kept_lines.py": 2,
        "support/model_hub.py": 1,
        "support/throttled.py": 2,
        "support/wine/wsl.py": 3,
        "unit/features/engine/test_engine.py": 1,
    },
    "a process or thread that stays until it is ended": {
        "support/wine/windows.py": 1,
        "unit/cli/test_ctrl_c.py": 1,
    },
    "figures that are printed": {
        "packages/setup.py": 1,
        "packages/test_deb.py": 1,
        "packages/test_setup.py": 1,
        "support/times.py": 1,
    },
    "the length of a soak": {"engine/faults/test_kept_logs.py": 1},
}
"""Reason -> file -> how many of its functions, classes and constants use a clock."""

_CLOCKS = ("monotonic", "perf_counter", "sleep", "time")
_SHORT_SECONDS = 10.0
"""A wait for less is a pause, and not a limit."""
_IN_TEXT = re.compile(r"\btime\.(sleep|monotonic|time|perf_counter)\b")
"""In the code of a process that a test starts."""
_OTHERS = ("bench", "lab", "pictures")
"""Folders without tests: what measures, the engine, and the camera."""


def uses(tree: ast.AST, names: tuple[str, ...] = ()) -> Iterator[str]:
    """The names of the functions, classes and constants that use a clock, some more than once."""
    for node in ast.iter_child_nodes(tree):
        inner = names
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            inner = (*names, node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not names:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            inner = (ast.unparse(targets[0]),)
        if _is_use(node):
            yield ".".join(inner)
        yield from uses(node, inner)


def _is_use(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "time"
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(_IN_TEXT.search(node.value))
    if isinstance(node, ast.Attribute):
        module = node.value
        return isinstance(module, ast.Name) and module.id == "time" and node.attr in _CLOCKS
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return False
    seconds = getattr(node.args[0], "value", None)
    is_short = isinstance(seconds, float) and seconds < _SHORT_SECONDS
    return node.func.attr == "wait" and is_short


def found() -> dict[str, set[str]]:
    """File -> what uses a clock in it."""
    files = {*ROOT.glob("tests/**/*.py")} - {Path(__file__)}
    trees = {f.relative_to(ROOT / "tests").as_posix(): ast.parse(f.read_bytes()) for f in files}
    return {
        name: names
        for name, tree in trees.items()
        if name.partition("/")[0] not in _OTHERS and (names := {*uses(tree)})
    }


def test_tests_use_the_clock_of_the_machine_only_where_a_reason_says_why() -> None:
    listed: Counter[str] = sum(map(Counter, PLACES.values()), Counter())
    used = found()
    wrong = {
        file: sorted(used.get(file, ()))
        for file in listed.keys() | used.keys()
        if listed[file] != len(used.get(file, ()))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import time\ndef test_a():\n    time.sleep(1)", ["test_a"]),
        ("from time import sleep", [""]),
        ("class A:\n    def b(self):\n        begun = time.monotonic()", ["A.b"]),
        ('CODE = "import time; time.sleep(9)"', ["CODE"]),
        ("def test_a():\n    Event().wait(0.1)", ["test_a"]),
        ("def test_a():\n    over.wait(60.0)\n    sleep = time = 1", []),
    ],
)
def test_use_of_a_clock_is_found(text: str, names: list[str]) -> None:
    assert [*uses(ast.parse(text))] == names
