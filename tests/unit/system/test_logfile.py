"""The application's log, written by real processes, since hooks are a process's own."""

import logging
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from aiserver_tray.system.logfile import log_folder
from aiserver_tray.system.paths import Home
from tests.support.systems import has_mode, on_unix

BEGIN = """
import gc, logging, sys, threading
from pathlib import Path
from aiserver_tray.system import logfile
from aiserver_tray.system.paths import Home
logfile.set_up(Home(Path(sys.argv[1]), "home"), "tray")
"""


def run(home: Path, body: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", BEGIN + body, str(home)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def log_of(home: Path, name: str = "tray.log") -> str:
    return (home / "logs" / name).read_text(encoding="utf-8")


def test_messages_go_to_a_file_that_only_the_user_can_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    folder = log_folder(Home(home, "home"))
    assert not folder.exists()
    assert logging.getLogger().level == logging.WARNING
    forged = "1\\n2026-01-01 00:00:00,000 INFO MainThread x: forged\\x1b[2J\\u202e"
    body = f"""
logging.getLogger('x').info('图标 drawn')
logging.debug('too much')
logging.warning('a client was refused: %s', '{forged}')
raise KeyboardInterrupt  # which is no bug
"""
    assert run(home, body).stdout == ""
    first, second, third = log_of(home).splitlines()
    assert first.endswith("INFO MainThread x: 图标 drawn")
    assert second.endswith("a client was refused: 1")
    assert third == "    2026-01-01 00:00:00,000 INFO MainThread x: forged␛[2J\ufffd"
    assert has_mode(folder, 0o700)
    assert sorted(path.name for path in folder.iterdir()) == ["crash-tray.log", "tray.log"]
    assert all(has_mode(path, 0o600) for path in folder.iterdir())


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ("fail()", 1, "uncaught: ValueError"),
        (
            "t = threading.Thread(target=fail, name='store')\nt.start()\nt.join()",
            0,
            "uncaught in store: ValueError",
        ),
        (
            "class Fail: __del__ = fail\nFail()\ngc.collect()",
            0,
            "uncaught in a finalizer: ValueError",
        ),
        ("try: fail()\nexcept ValueError: logging.exception('caught')", 0, "caught\n"),
    ],
)
def test_log_has_type_and_place_of_an_exception_but_not_its_text(
    tmp_path: Path, body: str, status: int, where: str
) -> None:
    done = run(tmp_path, f"def fail(*_): raise ValueError('hun' + 'ter2')\n{body}")
    log = log_of(tmp_path)
    assert done.returncode == status
    assert where in log
    assert "ValueError" in log
    assert 'File "<string>", line' in log
    assert "hunter2" not in log + done.stdout + done.stderr


def test_the_log_takes_5_mb_at_most(tmp_path: Path) -> None:
    run(tmp_path, "for _ in range(70): logging.info('x' * 99_000)")
    sizes = {p.name: p.stat().st_size for p in (tmp_path / "logs").glob("tray.log*")}
    assert sorted(sizes) == ["tray.log", *(f"tray.log.{n}" for n in range(1, 5))]
    assert max(sizes.values()) <= 1_000_000
    assert has_mode(tmp_path / "logs/tray.log.1", 0o600)


@on_unix
def test_processes_that_share_a_log_put_it_away_for_each_other(tmp_path: Path) -> None:
    write = "for line in sys.stdin: logging.info(line.strip().ljust(300_000)); print(flush=True)"
    words = [sys.executable, "-c", BEGIN + write, str(tmp_path)]
    with ExitStack() as stack:
        writers = [
            stack.enter_context(Popen(words, stdin=PIPE, stdout=PIPE, text=True)) for _ in range(2)
        ]
        for number in range(14):
            writer = writers[number % 2]
            assert writer.stdin
            assert writer.stdout
            print(number, file=writer.stdin, flush=True)
            writer.stdout.readline()
    files = sorted((tmp_path / "logs").glob("tray.log*"), reverse=True)
    kept = [
        [int(line.split(": ")[1]) for line in log_of(tmp_path, file.name).splitlines()]
        for file in files
    ]
    assert kept == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [12, 13]]


@pytest.mark.skipif(not Path("/proc").exists(), reason="a signal of Unix")
def test_a_crash_leaves_the_places_of_all_threads(tmp_path: Path) -> None:
    done = run(tmp_path, "import faulthandler\ndef crash(): faulthandler._sigsegv()\ncrash()")
    assert done.returncode < 0
    dump = log_of(tmp_path, "crash-tray.log")
    assert "Segmentation fault" in dump
    assert "in crash" in dump


@pytest.mark.parametrize("name", ["tray.log", "crash-tray.log"])
def test_a_log_that_cannot_be_written_is_reported(tmp_path: Path, name: str) -> None:
    in_the_way = tmp_path / "logs" / name
    in_the_way.mkdir(parents=True)
    done = run(tmp_path, "")
    assert done.returncode == 1
    assert f"SettingError: {in_the_way}: can't write the log (" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full")
def test_a_full_disk_is_reported_in_one_line(tmp_path: Path) -> None:
    log = tmp_path / "logs/tray.log"
    log.parent.mkdir()
    log.symlink_to("/dev/full")
    body = f"""
for number in range(3): logging.info('a record ' * 1000)
Path({str(log)!r}).unlink()
logging.info('there is room again')
"""
    done = run(tmp_path, body)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"E_SETTING: {log}: can't write the log (No space left on device)")
    assert [line.partition(": ")[2] for line in log_of(tmp_path).splitlines()] == [
        "there is room again"
    ]
