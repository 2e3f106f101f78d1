"""Which functions of the product each file of tests has run, as the last run of it has seen."""

import json
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import ran

ROOT = Path(__file__).parents[2]
RECORD = ROOT / ".tests-ran.json"
_FOLDER = "AISERVER_TESTS_RAN_FOLDER"
"""Environment variable for the workers, with the folder of what runs now."""
_LINE = "import os; {0!r} in os.environ and exec(open({1!r}).read(), {{'__file__': {1!r}}})\n"
"""What each process of the virtual environment does at its start."""


def read_record(file: Path) -> dict[str, set[str]]:
    """What `write_record` has written; nothing where there is none that can be read."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    names = content["product"]
    return {
        test: {names[number] for number in numbers} for test, numbers in content["tests"].items()
    }


def write_record(file: Path, record: Mapping[str, set[str]]) -> None:
    """Keep *record* for later runs. Names are numbered, because each comes hundreds of times."""
    names = sorted(set[str]().union(*record.values()))
    number = {name: place for place, name in enumerate(names)}
    tests = {test: sorted(number[name] for name in ran) for test, ran in sorted(record.items())}
    text = json.dumps({"product": names, "tests": tests}, separators=(",", ":"))
    new = file.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


class Recording:
    """Notes in a process that runs tests which file of tests is under way."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """pytest's hook."""
        file = nodeid.partition("::")[0]
        if file != self._file:
            self._file = file
            target = self._folder / file.replace("/", "@")
            target.touch()  # it may run nothing of the product
            ran.watch(str(target))


class Record:
    """Lets the processes of a run write down what they run, and keeps that."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="aiserver-ran-"))
        os.environ[_FOLDER] = str(self._folder)
        line = _LINE.format(ran.VARIABLE, str(Path(ran.__file__)))
        Path(sysconfig.get_path("purelib"), "zz_tests_ran.pth").write_text(line, encoding="utf-8")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """pytest's hook. What ran in a file of which only some tests ran is added to what is
        known."""
        option, arguments = session.config.option, session.config.args
        is_part = option.changed or option.keyword or option.markexpr
        is_part = is_part or any("::" in word for word in arguments)
        has_ended = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        is_whole = has_ended and not is_part
        record = read_record(RECORD)
        for path in self._folder.iterdir():
            test = path.name.replace("@", "/")
            seen = set(path.read_text(encoding="utf-8").splitlines())
            record[test] = seen if is_whole else seen | record.get(test, set())
        shutil.rmtree(self._folder, ignore_errors=True)
        tests = {test: seen for test, seen in record.items() if (ROOT / test).exists()}
        if tests:
            write_record(RECORD, tests)


def pytest_configure(config: pytest.Config) -> None:
    """pytest's hook. Only a virtual environment is written to."""
    if not ran.IS_POSSIBLE or config.option.collectonly or sys.prefix == sys.base_prefix:
        return
    is_worker = hasattr(config, "workerinput")
    if not is_worker:
        config.pluginmanager.register(Record(), "record")
    if is_worker or not getattr(config.option, "numprocesses", None):
        config.pluginmanager.register(Recording(Path(os.environ[_FOLDER])), "recording")
