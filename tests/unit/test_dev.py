"""The developer's entry point: what it hands on, and what it says where it can't go on."""

import ast
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from developer import (
    command_line,
    commands,
    environment,
    machine,
    packages,
    processes,
    soak,
    typescript,
)
from tests.support.limits import LIMIT
from tests.support.systems import on_linux, on_unix
from tests.support.waiting import eventually, see_waiting_for_lock

DEV = Path(__file__).parents[2] / "build/dev.py"


def run(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DEV), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


OLD = """
import runpy, sys
sys.version_info, sys.version = (2, 7, 18), "2.7.18 (fake)"
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def test_old_python_is_refused_with_the_version_that_is_needed() -> None:
    # A fake: only new ones are at hand. The oldest grammar that can be asked for is Python 3.4's.
    ast.parse(DEV.read_text(encoding="ascii"), feature_version=(3, 4))
    done = subprocess.run(
        [sys.executable, "-c", OLD, DEV], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "dev.py: Python 3.11 or later is needed; this is 2.7.18\n"


def test_exec_runs_in_the_environment_and_hands_on_the_exit_status() -> None:
    done = run("exec", "--", "python", "-c", "import sys; print(sys.prefix); sys.exit(7)")
    assert (done.returncode, done.stdout) == (7, f"{DEV.parents[1] / '.venv'}\n")


@on_unix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_exec_passes_on_signals_and_the_exit_status(name: str) -> None:
    number = signal.Signals[name]
    # Blocked, it waits: one that comes just before `signal.pause` would be lost.
    code = f"""
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [{number:d}])
print("ready", flush=True)
signal.sigwait([{number:d}])
sys.exit(7)
"""
    with subprocess.Popen(
        [sys.executable, DEV, "exec", "--", "python", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.communicate(timeout=LIMIT) == ("", "")
        assert process.returncode == 7


CHILD = """
import signal, sys, time
def end(*_):
    print("ending", flush=True)
    time.sleep(0.5)
    print("tidied", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready", flush=True)
while True:
    time.sleep(0.1)
"""

CHECK = f"""
import sys
from developer import command_line, commands
commands.set_up = lambda needs: None
commands.typescript.set_up = lambda: sys.executable
commands.CHECKS = [(sys.executable, "-c", {CHILD!r})] * 2
sys.exit(command_line.main(["check"]))
"""


def ended(command: Sequence[object], numbers: Sequence[signal.Signals]) -> tuple[str, int]:
    """What *command* says after ``ending``, and its exit status. Once it has said ``ready``, it
    gets the first of the signals *numbers*, and when it is ending, the others."""
    with subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=DEV.parents[1],
        env={**os.environ, "PYTHONPATH": str(DEV.parent)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert "ready\n" in iter(process.stdout.readline, "")
        process.send_signal(numbers[0])
        assert any(line.endswith("ending\n") for line in iter(process.stdout.readline, ""))
        for number in numbers[1:]:
            process.send_signal(number)
        said = process.communicate(timeout=LIMIT)[0]
        return said, process.returncode


@on_unix
@pytest.mark.parametrize(
    "numbers", [(signal.SIGTERM,), (signal.SIGINT,), (signal.SIGTERM, signal.SIGTERM)]
)
def test_interrupted_check_ends_the_running_command_first(
    numbers: Sequence[signal.Signals],
) -> None:
    assert ended(["-c", CHECK], numbers) == ("tidied\n", 130), "and no further check begins"


def test_check_runs_everything_and_names_the_failures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    monkeypatch.setattr(typescript, "set_up", lambda: Path("tsc"))

    def run(words: Sequence[str], _: object) -> int:
        ran.append(words[0])
        return int(words == ("mypy",))

    monkeypatch.setattr(commands, "run", run)
    assert command_line.main(["check"]) == 1
    assert ran == [check[0] for check in commands.CHECKS] + ["tsc"]
    said = "dev.py: advisories: not checked\ndev.py: failed: mypy\n"
    assert capsys.readouterr().err == said


INSTALLER = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.default_int_handler)
screen = open(f"/proc/{os.getppid()}/fd/1", "w")
try:
    print("ready", file=screen, flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.5)
    print("left in order", file=screen, flush=True)
    raise
"""

SET_UP = f"""
import sys
from developer import command_line, commands, processes
commands.set_up = lambda needs: processes.must([sys.executable, "-c", {INSTALLER!r}], "advice")
sys.exit(command_line.main(["check"]))
"""


def interrupt(process: subprocess.Popen[str]) -> None:
    """Do what Ctrl-C on its terminal does to *process*."""
    os.killpg(process.pid, signal.SIGINT)


@on_linux
@pytest.mark.parametrize("end", [interrupt, subprocess.Popen.terminate])
def test_interrupted_set_up_ends_in_order_without_a_traceback(
    end: Callable[[subprocess.Popen[str]], None],
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SET_UP],
        env={**os.environ, "PYTHONPATH": str(DEV.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        end(process)
        assert process.communicate(timeout=LIMIT)[0] == "left in order\n"
        assert process.returncode == 130


def test_failed_set_up_shows_its_output_and_then_the_advice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = "import sys; print('no network', file=sys.stderr); sys.exit(3)"
    processes.must([sys.executable, "-c", "print('fine')"], "never said")
    assert capsys.readouterr() == ("", "")
    with pytest.raises(SystemExit, match=r"^dev.py: failed: .*\nno network\ndev.py: try again$"):
        processes.must([sys.executable, "-c", code], "try again")


FIXTURE = """
import os, time, pytest

screen = open(f"/proc/{{{process}}}/fd/1", "w")

@pytest.fixture
def process():
    yield
    print("ending", file=screen, flush=True)
    time.sleep(0.5)
    print("tidied", file=screen, flush=True)

def test_long(process):
    print("ready", file=screen, flush=True)
    time.sleep(60)
"""


@on_linux
@pytest.mark.parametrize(
    ("words", "process", "numbers"),
    [
        ([], "os.getpid()", [signal.SIGINT, signal.SIGTERM]),
        (["--numprocesses=1"], "os.getppid()", [signal.SIGTERM] * 2),
    ],
)
def test_interrupted_tests_tear_down_their_fixtures(
    tmp_path: Path, words: list[str], process: str, numbers: list[signal.Signals]
) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(FIXTURE.format(process=process), encoding="utf-8")
    plugin = ["-p", "tests.conftest"]
    said, status = ended(["-m", "pytest", "-qs", *plugin, *words, file], numbers)
    assert "tidied\n" in said
    assert status == pytest.ExitCode.INTERRUPTED


@pytest.mark.parametrize("words", [["nope"], ["--", "tests/nope/test_it.py"]])
def test_a_level_without_tests_is_named_with_those_that_there_are(words: list[str]) -> None:
    done = run("test", *words)
    assert done.returncode == 1
    assert "nope" in done.stderr
    assert "unit" in done.stderr


def test_a_file_of_tests_runs_alone_with_what_its_level_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs: list[Collection[str]] = []
    monkeypatch.setattr(commands, "needs_of_tests", needs.append)
    monkeypatch.setattr(commands, "set_up", lambda _: None)
    pytests: list[Sequence[str]] = []
    monkeypatch.setattr(commands, "become", lambda *words: pytests.append(words))
    command_line.main(["test", "--", "tests/unit/test_dev.py"])
    ((*_, workers, file),) = pytests
    assert (needs, file) == ([["unit"]], "tests/unit/test_dev.py")
    assert workers.startswith("--numprocesses=")


@on_unix
def test_a_user_without_sudo_or_its_permission_gets_the_command_and_not_sudos_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sudo").write_text("#!/bin/sh\necho ada is not in the sudoers file. >&2\nexit 1\n")
    (tmp_path / "sudo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # a fake: the tests may run as root
    with pytest.raises(SystemExit, match=r"does not allow you that. As root, run:\n  ls -l$"):
        processes.must_as_root("true; ls -l", "ls -l")
    monkeypatch.setattr(environment, "DEBIAN", True)
    monkeypatch.setattr("shutil.which", lambda _: None)
    typed = r"  apt-get update && apt-get install --no-install-recommends a b$"
    with pytest.raises(SystemExit, match=typed):
        environment.install_packages({"one": {"b"}, "other": {"a"}})


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where a script may be put that is root's apt-get on Debian: a fake, since a test must not
    install anything."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(environment, "DEBIAN", True)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    path = tmp_path / "apt-get"
    path.touch(0o755)
    return path


@on_unix
def test_missing_packages_are_installed_together_and_quietly_unless_apt_fails(
    apt: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    apt.write_text("#!/bin/sh\nprintf 'Reading\\nSetting up a (1)\\n'\n")
    environment.install_packages({"icon": {"b", "a"}, "nothing": set(), ".venv": {"c", "a"}})
    first, last = capfd.readouterr().err.splitlines()
    assert first == "dev.py: installing a b c (for icon, .venv)"
    assert last.startswith("dev.py: installed 2 packages in ")

    apt.write_text("#!/bin/sh\necho first; read answer || echo last >&2; exit 9\n")
    with pytest.raises(SystemExit, match=r"install .* a\nfirst\nlast"):
        environment.install_packages({"icon": {"a"}})


@on_linux
def test_packages_are_installed_once_another_program_has_updated_the_lists(
    apt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    lock = tmp_path / "lock"
    monkeypatch.setattr(
        environment, "APT_SCRIPT", environment.APT_SCRIPT.replace(environment.LISTS_LOCK, str(lock))
    )
    installing = partial(environment.install_packages, {"icon": {"a"}})
    see_waiting_for_lock(lock, installing, tmp_path / "ran")


@on_unix
def test_needs_of_icon_and_windows_are_installed_only_on_a_desktop(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "x86_64").mkdir()
    (tmp_path / "x86_64/there").touch()
    inner = tmp_path.relative_to("/")
    files = {f"{inner}/*/there": "one", f"{inner}/*/missing": "other"}
    monkeypatch.setattr(packages, "DEBIAN", True)
    monkeypatch.setattr(packages, "DESKTOP", files)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert packages.desktop_needs() == {}
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert packages.desktop_needs() == {"icon and windows": {"other"}}
    assert commands.wants_icon([])
    assert commands.wants_icon(["--home", "there"])
    assert not commands.wants_icon(["up", "n8n"])


def test_an_activated_environment_does_not_recreate_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "DEBIAN", False)
    code = "import sys; sys.exit(sys.prefix != sys.base_prefix)"
    assert environment.answers(environment.base_python(), code)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where an environment with nothing in it is set up."""
    venv, fake = tmp_path / ".venv", tmp_path / "python"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    monkeypatch.setattr(environment, "STAMP", venv / "stamp")
    monkeypatch.setattr(environment, "SCRIPTS", venv / "bin")
    monkeypatch.setattr(environment, "python_needs", dict)

    def make(_: str) -> None:
        shutil.rmtree(venv, ignore_errors=True)
        (venv / "bin").mkdir(parents=True)
        (venv / "bin/python").symlink_to(fake)

    monkeypatch.setattr(environment, "make", make)
    return venv


@on_unix
def test_an_environment_that_is_not_whole_is_recreated(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "dev.py: setting up .venv\n"
    environment.set_up({})
    assert capsys.readouterr().err == said
    environment.set_up({})
    assert capsys.readouterr().err == "", "it is whole"
    (made / "bin/python").unlink()
    environment.set_up({})
    assert capsys.readouterr().err == said
    assert (made / "bin/python").exists()

    monkeypatch.setattr(environment, "wanted_stamp", lambda *_: ["new packages", "", "project"])
    monkeypatch.setattr(environment, "must", lambda *_: sys.exit(1))
    with pytest.raises(SystemExit):
        environment.set_up({})
    assert environment.stamp() == [], "it was interrupted"


@on_unix
def test_environment_gets_what_a_command_needs_and_is_recreated_for_changed_packages_only(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(environment, "must", lambda words, _: asked.append(Path(words[-1]).name))
    build, run, dev = (path.name for path in (environment.BUILD, environment.RUN, environment.DEV))
    for requirements, locked, project, expected in (
        (environment.RUN, "packages", "project", [build, run, ""]),
        (environment.RUN, "packages", "project", []),
        (environment.DEV, "packages", "project", [dev, ""]),
        (environment.RUN, "packages", "project", []),
        (environment.RUN, "packages", "new project", [""]),
        (environment.RUN, "new packages", "new project", [build, dev, ""]),
    ):
        asked.clear()
        stamps = {path: [locked, path.name, project] for path in (environment.RUN, environment.DEV)}
        monkeypatch.setattr(environment, "wanted_stamp", lambda _, of, stamps=stamps: stamps[of])
        (made / "left").parent.mkdir(exist_ok=True)
        (made / "left").touch()
        environment.set_up({}, requirements)
        assert asked == expected
        assert (made / "left").exists() == (build not in expected)


@pytest.mark.parametrize("name", ["build/requirements/run.txt", "pyproject.toml"])
def test_the_stamp_tells_packages_from_the_project(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for copy in ("build.txt", "run.txt", "dev.txt", "../../pyproject.toml"):
        (tmp_path / "build/requirements").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(environment.BUILD.parent / copy, tmp_path / "build/requirements" / copy)
    for constant in ("ROOT", "BUILD", "RUN", "DEV"):
        moved = tmp_path / getattr(environment, constant).relative_to(DEV.parents[1])
        monkeypatch.setattr(environment, constant, moved)
    before = environment.wanted_stamp(sys.executable, environment.DEV)
    with (tmp_path / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    packages, _, project = environment.wanted_stamp(sys.executable, environment.DEV)
    is_project = name == "pyproject.toml"
    assert (packages == before[0], project == before[2]) == (is_project, not is_project)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Debian machine with nothing: a fake, since a test must not take anything away."""
    monkeypatch.setattr(packages, "DEBIAN", True)
    monkeypatch.setattr(packages, "has_wine", lambda: False)
    monkeypatch.setattr(packages, "is_here", lambda _: False)
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)


@on_linux
def test_each_level_gets_what_it_needs_and_no_more(
    bare: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = {path.parent.name for path in DEV.parents[1].glob("tests/*/test_*.py")}
    assert set(packages.TESTS) == levels
    assert packages.needs_of_tests(["unit"]) == {"tests": set()}
    assert packages.needs_of_tests(["oracle"]) == {"tests": {"docker-compose"}}
    both = packages.needs_of_tests(["unit", "desktop"])
    benchmarks, pictures = packages.needs_of_benchmarks(), packages.needs_of_pictures()
    assert both["tests"] >= {"dbus-daemon", "gnome-keyring", "python3-gi", "xvfb"}
    assert benchmarks["benchmarks"] >= {"docker-compose", "xvfb"}
    assert pictures["pictures"] >= {"chromium", "fonts-wqy-zenhei"}
    assert all("docker.io" in needs["the lab"] for needs in (both, benchmarks, pictures))
    assert "wine" not in set().union(*benchmarks.values())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match="needs root: run the same with sudo"):
        packages.needs_of_tests(["engine"])


@on_linux
def test_demo_asks_for_the_password_where_there_is_a_terminal(
    bare: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Fakes: the tests may run as root.
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda name, **_: f"/usr/bin/{name}")
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    ran: list[str] = []
    monkeypatch.setattr(commands, "become", lambda *words: ran.extend(words))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    command_line.main(["demo"])
    assert ran[:2] == ["sudo", "env"]
    assert ran[2].startswith(f"PATH={DEV.parents[1] / '.venv'}")
    assert ran[-4:] == ["python", "-m", "tests.lab", "demo"]

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(SystemExit, match="needs root: run the same as root"):
        command_line.main(["demo"])


@on_linux
def test_images_are_built_before_the_tests_and_their_time_limits(
    bare: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Fakes: a test must not build images for half an hour, and none may fail to be built.
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    ran: list[tuple[str, ...]] = []
    statuses = iter([0, 1])

    def prepare(words: tuple[str, ...], _: object) -> int:
        ran.append(words)
        return next(statuses)

    monkeypatch.setattr(soak, "run", prepare)
    monkeypatch.setattr(commands, "become", lambda *words: ran.append(words))
    for levels, expected in (
        ("unit", ["pytest"]),
        ("unit engine", ["tests.lab", "pytest"]),
        ("engine", ["tests.lab"]),  # whose status is 1 now
    ):
        ran.clear()
        command_line.main(["test", *levels.split()])
        assert [words[2] for words in ran] == expected


def test_elsewhere_than_on_debian_the_first_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "DEBIAN", False)
    said = r"^dev.py: this is neither Debian nor Ubuntu, .* Install what Debian calls a b, then"
    with pytest.raises(SystemExit, match=said):
        environment.install_packages({"the lab": {"a", "b"}})


def test_soak_installs_the_needs_of_the_level(
    bare: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked: list[packages.Needs] = []
    monkeypatch.setattr(soak, "set_up", asked.append)
    environment.set_up({})
    words = ["soak", "less_than_one or named_with", "--times", "2", "--", "tests/unit/test_dev.py"]
    assert command_line.main(words) == 0
    assert "2 of 2 passed, median" in capfd.readouterr().out
    assert asked[1:] == [packages.needs_of_tests(["unit"])]


SOMETIMES = """
import os, pathlib, pytest

RUNS = pathlib.Path(__file__).with_name("runs")

@pytest.mark.parametrize("number", range(9))
def test_order(number):
    with RUNS.open("a") as file:
        file.write(f"{number}")

@pytest.mark.timeout(9)
def test_luck(request):
    with RUNS.open("a") as file:
        file.write(f"|{os.environ['AISERVER_TEST_LOAD']}|")
    assert RUNS.read_text().count("|") != 4, "bad luck"
"""


SHARING = """
import pathlib, pytest

@pytest.fixture(scope="module")
def found():
    return []

@pytest.mark.parametrize("number", range(9))
def test_order(number, found):
    assert len(found) == number
    found.append(number)
"""


def test_soak_of_all_lists_what_failed_and_repeats_an_order(
    bare: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_sometimes.py").write_text(SOMETIMES, encoding="utf-8")
    (tmp_path / "test_sharing.py").write_text(SHARING, encoding="utf-8")
    monkeypatch.setattr(soak, "set_up", lambda _: None)
    monkeypatch.setattr(commands, "possible_levels", lambda: ["unit"])
    environment.set_up({})
    words = ["soak", "--all", "--times", "2", "--load", "1", "--seed"]
    # Else names begin at what this folder has in common with ours.
    after = ["--", str(tmp_path), f"--rootdir={tmp_path}", "-n0"]
    assert command_line.main([*words, "7", *after]) == 1
    said = capfd.readouterr().out
    assert "soak: run 2 of 2, --seed 8" in said
    assert said.endswith(
        "soak: failed 1 of 2: test_sometimes.py::test_luck\n    AssertionError: bad luck\n"
        "soak: 1 of 2 runs passed\n"
    )
    assert command_line.main([*words, "8", *after]) == 0
    runs = (tmp_path / "runs").read_text(encoding="utf-8").split("|1|")
    assert len(runs) == 5
    numbers = "".join(runs)
    orders = [numbers[start : start + 9] for start in range(0, 36, 9)]
    assert {*map("".join, map(sorted, orders))} == {"012345678"}
    assert orders[1] == orders[2]
    assert len({*orders}) == 3


def test_soak_of_all_runs_our_tests_in_workers(
    bare: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, "set_up", lambda _: None)
    monkeypatch.setattr(commands, "possible_levels", lambda: ["unit"])
    environment.set_up({})
    words = ["soak", "--all", "--times", "1", "--", "tests/unit/test_times.py", "-n2"]
    assert command_line.main(words) == 0
    assert capfd.readouterr().out.endswith("soak: 1 of 1 runs passed\n")


@on_unix
def test_load_ends_with_the_soak_even_if_that_is_killed() -> None:
    code = (
        "import threading; from developer.soak import busy\n"
        "with busy(2): print('up', flush=True); threading.Event().wait()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=DEV.parent) as process:
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        children = psutil.Process(process.pid).children()
        assert [child.nice() - os.nice(0) for child in children] == [5, 5]
        process.kill()
    assert len(psutil.wait_procs(children, LIMIT)[0]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--all", "NAME"], "--all takes no NAME"),
        (["NAME", "--seed", "2"], "--seed goes with --all"),
    ],
)
def test_soak_with_words_that_do_not_go_together_is_refused(words: list[str], said: str) -> None:
    done = run("soak", *words)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"dev.py soak: error: {said}")


def test_soak_logs_keeps_logs_for_the_given_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[Sequence[str], Mapping[str, str]]] = []
    monkeypatch.setattr(soak, "set_up", lambda _: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)  # a fake: the lab needs root, this test does not

    def run(words: Sequence[str], surroundings: Mapping[str, str]) -> int:
        ran.append((words, surroundings))
        return 0

    monkeypatch.setattr(soak, "run", run)
    command_line.main(["soak", "logs", "--minutes", "0.5"])
    ((words, surroundings),) = ran
    assert (machine.ROOT / words[-1]).exists()
    assert surroundings["AISERVER_SOAK_MINUTES"] == "0.5"
    assert "--timeout=630" in words, "that of all tests would end a long one"


def test_soak_logs_with_times_is_refused() -> None:
    done = run("soak", "logs", "--times", "2")
    assert done.returncode == 2
    assert done.stderr.endswith("soak logs takes --minutes, not --times\n")


def test_soak_without_a_matching_test_fails(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, "set_up", lambda _: None)
    with pytest.raises(SystemExit) as ended:
        command_line.main(["soak", "no-such-test", "--", "tests/unit/test_dev.py"])
    assert ended.value.code == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "deselected" in capfd.readouterr().out


def test_soak_with_zero_times_is_refused() -> None:
    done = run("soak", "--times", "0")
    assert done.returncode == 2
    assert done.stderr.endswith("argument --times: 0 is less than 1\n")


def test_levels_that_need_linux_are_left_out_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A fake: no other system is at hand.
    monkeypatch.setattr(sys, "platform", "darwin")
    assert commands.possible_levels() == ["unit"]
    assert "engine, oracle, packages, ui, wine need Linux; left out" in capsys.readouterr().err


@on_linux
def test_levels_that_need_root_are_left_out_without_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # a fake: the tests may run as root
    assert commands.possible_levels() == ["oracle", "unit"]
    assert "ui, wine need root; left out. For all, use sudo" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exec"], "what to run stands after --, as in: exec -- python -V"),
        (["exec", "ls"], "unknown: ls; what to run stands after --, as in: exec -- python -V"),
        (["test", "-k", "unit"], "unknown: -k; what pytest is to get stands after --, as in: "),
        (["check", "--", "x"], "unknown: x"),
        (["bench", "nope"], "no benchmark nope; there are: chain, "),
    ],
)
def test_wrong_words_are_refused_before_anything_is_set_up(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "set_up", lambda *_: pytest.fail("set up"))
    with pytest.raises(SystemExit) as ended:
        command_line.main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(set(command_line.COMMANDS) - {"run"}))
def test_the_help_of_a_command_says_what_it_does(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command_line.main([command, "--help"])
    usage, does, *_ = capsys.readouterr().out.split("\n\n")
    assert usage.startswith(f"usage: dev.py {command}")
    assert does.endswith(".")


def test_bench_writes_its_figures_from_the_folder_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    monkeypatch.setattr(commands, "needs_of_benchmarks", dict)
    monkeypatch.setattr(commands, "become", lambda *words: words)
    monkeypatch.chdir(tmp_path)
    options = command_line.parse(["bench", "ten", "--pairs", "1", "--json", "it.json"])
    words: object = commands.command_bench(options)
    file = tmp_path / "it.json"
    assert words == ("python", "-m", "tests.bench", "ten", "--pairs=1", f"--json={file}")


@pytest.mark.skipif(not Path("/proc").exists(), reason="elsewhere, there is always a desktop")
def test_without_a_desktop_the_dashboard_is_served_and_opened_in_the_set_browser(
    tmp_path: Path,
) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.new; mv {opened}.new {opened}\n')
    browser.chmod(0o700)
    away = ("DISPLAY", "WAYLAND_DISPLAY", "PYSTRAY_BACKEND")
    env = {name: value for name, value in os.environ.items() if name not in away}
    words = ["--home", str(tmp_path), "--host", "unix:///nowhere.sock"]
    with subprocess.Popen(
        [sys.executable, str(DEV), "run", *words],
        env=env | {"BROWSER": str(browser), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            assert process.stderr
            assert process.stderr.readline().startswith("There is no desktop here")
            address = process.stdout.readline()
            assert address.startswith("http://127.0.0.1:")
            eventually(opened.exists, "the browser")
            assert opened.read_text() == address
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("words", "is_asked"), [(["up"], True), ([], True), (["--host", "tcp://a:1"], False)]
)
@pytest.mark.parametrize("yes", [["--yes"], []])
def test_run_offers_an_engine_where_none_is_installed(
    monkeypatch: pytest.MonkeyPatch, words: list[str], yes: list[str], *, is_asked: bool
) -> None:
    ran: list[object] = []
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(commands, "DEBIAN", True)
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    monkeypatch.setattr(commands, "answers", lambda *_: False)  # of a machine without an engine
    monkeypatch.setattr(commands, "run", lambda command, _env: ran.append(command))
    monkeypatch.setattr(commands, "become", lambda *words, **_: ran.append(words))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))

    commands.command_run(command_line.parse(["run", *yes, *words]))

    offer = [["aiserver-tray", "engine", "install", *yes]] if is_asked else []
    assert ran == [*offer, ("aiserver-tray", *words)]


def test_words_after_run_belong_to_the_applet_in_the_folder_of_the_user(tmp_path: Path) -> None:
    assert "aiserver-tray up [OPTIONS]" in run("run", "up", "--help").stdout
    done = run("run", "config", "set", "app.language", "--home", "own", "--", "zh", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "own/settings.json").exists()


def test_unknown_command_is_reported() -> None:
    done = run("exec", "--", "no-such-command")
    assert done.returncode == 1
    assert "no-such-command" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_run_leaves_engine_and_browser_to_the_applet_on_other_systems(
    system: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Fakes: neither system is at hand.
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    monkeypatch.setattr(commands, "become", lambda *_, **__: 0)
    assert command_line.main(["run", "status"]) == 0
    assert capsys.readouterr().err == ""
