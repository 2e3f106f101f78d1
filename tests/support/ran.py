"""Which functions of the product a process runs: written down for each file of tests, with the
processes that it starts. ``tests.support.changed`` chooses tests by it.

Python tells of the first call of each function and then no more (sys.monitoring, from 3.12 on), so
that this takes no time. Only functions count: nearly everything imports everything.

Each process of the tests runs this file, by a line in the virtual environment, so it imports
nothing that takes time.
"""

import atexit
import os
import sys
from types import CodeType
from typing import Any

VARIABLE = "AISERVER_TESTS_RAN"
"""Environment variable with the file to which a process adds what it runs: ``FILE::FUNCTION``."""
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 - pathlib takes longer to load than all else
_PRODUCT = os.path.join(ROOT, "aiserver_tray", "")  # noqa: PTH118 - likewise
_TOOL = 4
_OPTIMIZED = 1
"""A function's flag (inspect.CO_OPTIMIZED), which modules and bodies of classes lack."""
_monitoring: Any = getattr(sys, "monitoring", None)
IS_POSSIBLE = _monitoring is not None

_target = ""


def watch(target: str) -> None:
    """Add the functions that run from now on to the file *target*."""
    global _target  # noqa: PLW0603 - the callback has no other place
    if not _target:
        if _monitoring.get_tool(_TOOL):  # Python reads the line in the environment twice
            _monitoring.free_tool_id(_TOOL)
        _monitoring.use_tool_id(_TOOL, "ran")
        _monitoring.register_callback(_TOOL, _monitoring.events.PY_START, _started)
        _monitoring.set_events(_TOOL, _monitoring.events.PY_START)
        # While Python ends, what is used here is gone before the last functions are called.
        atexit.register(_monitoring.set_events, _TOOL, 0)
    _target = os.environ[VARIABLE] = target
    _monitoring.restart_events()


def _started(code: CodeType, offset: int) -> object:
    name = code.co_filename
    if code.co_flags & _OPTIMIZED and name.startswith(_PRODUCT):
        file = name[len(ROOT) + 1 :].replace(os.sep, "/")
        _add(f"{file}::{code.co_qualname}")
    return _monitoring.DISABLE


def _add(name: str) -> None:
    """At once, since a process may be killed. Another one writes there, too."""
    try:
        file = os.open(_target, os.O_WRONLY | os.O_APPEND)
    except OSError:  # the run is over, or this process has other rights
        return
    os.write(file, f"{name}\n".encode())
    os.close(file)


if IS_POSSIBLE and (named := os.environ.get(VARIABLE)):
    watch(named)
