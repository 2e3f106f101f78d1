"""Two operations on one module never interleave, and nothing that dies leaves a lock."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from aiserver_tray.base.errors import BusyError, CancelledError, SettingError
from aiserver_tray.operations.locks import Holder, Work, holders, module_locks, one_shot_lock
from aiserver_tray.system.paths import runtime_folder
from tests.support import lock_holder
from tests.support.limits import LIMIT
from tests.support.systems import RUNTIME, has_mode, on_unix

ENGINE = "ABCD:EFGH:1234"
OURS = ("id", "/home/me/ours")
THEIRS = ("other-id", "/home/me/theirs")


def work(command: str, installation: tuple[str, str] = OURS) -> Work:
    return Work(command, *installation)


@pytest.fixture(autouse=True)
def _own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv(RUNTIME, str(tmp_path / "run"))


@contextmanager
def other_process(
    *modules: str, installation: tuple[str, str] = OURS
) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds *modules*."""
    words = [ENGINE, "aiserver-tray up x", *installation, *modules]
    command = [sys.executable, lock_holder.__file__, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


class Waiter:
    """A thread that waits for *modules* and then runs *work* with them."""

    def __init__(self, *modules: str, work: Callable[[], None] = lambda: None) -> None:
        self.told: list[BusyError] = []
        self.is_told = threading.Event()
        self.cancelled = threading.Event()
        self.error: BaseException | None = None
        self._modules = modules
        self._work = work
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Waiter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cancelled.set()
        self._thread.join()

    def join(self) -> None:
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()

    def _tell(self, busy: BusyError) -> None:
        self.told.append(busy)
        self.is_told.set()

    def _run(self) -> None:
        try:
            with module_locks(ENGINE, self._modules, work("waiter"), self._tell, self.cancelled):
                self._work()
        except CancelledError as error:
            self.error = error


def refused(module: str = "n8n", command: str = "x", engine: str = ENGINE) -> BusyError:
    """Why *command* does not get *module*."""
    with pytest.raises(BusyError) as caught, module_locks(engine, [module], work(command)):
        pytest.fail("both have it")
    return caught.value


def lock_files(pattern: str = "*.json") -> list[Path]:
    return [*(runtime_folder() / "locks").glob(pattern)]


def test_another_process_has_a_module_and_is_named() -> None:
    with other_process("n8n", "postgres") as process:
        error = refused("postgres")
        assert error.data == {
            "module": "postgres",
            "pid": process.pid,
            "command": "aiserver-tray up x",
            "home": None,
        }
        assert str(error) == (
            "postgres is locked by another operation: aiserver-tray up x (process "
            f"{process.pid}). Wait until it finishes, or end that process."
        )
        holder = Holder(process.pid, work("aiserver-tray up x"), is_own=True)
        assert holders(ENGINE) == {"n8n": holder, "postgres": holder}
        for file in lock_files():
            file.write_bytes(b"")
        assert refused().data["pid"] is None, "a lock without a name is still held"


def test_another_installation_has_a_module_and_its_home_is_named() -> None:
    with other_process("n8n", installation=THEIRS) as process:
        error = refused()
        assert error.data["home"] == THEIRS[1]
        assert str(error) == (
            "n8n is locked by another installation of AI-Server Tray with the home folder "
            f"{THEIRS[1]}: aiserver-tray up x (process {process.pid}). Wait until it finishes, or "
            "end that process."
        )
        assert holders(ENGINE)["n8n"].work == work("aiserver-tray up x", THEIRS)


def test_two_operations_of_one_process_exclude_each_other_also_from_what_they_require() -> None:
    with module_locks(ENGINE, ["n8n"], work("first"), required=["n8n", "postgres"]):
        own = {module: holder.is_own for module, holder in holders(ENGINE).items()}
        assert own == {"n8n": True, "postgres": False}
        for module in ("n8n", "postgres"):
            data = refused(module, "second").data
            assert (data["pid"], data["command"]) == (os.getpid(), "first")
        assert all(has_mode(path, 0o600) for path in lock_files("*")), "they are the user's own"
    with module_locks(ENGINE, ["n8n"], work("second")):
        pass


def test_unrelated_modules_and_other_engines_go_side_by_side() -> None:
    with (
        other_process("n8n", "postgres"),
        module_locks(ENGINE, ["dify", "redis"], work("up dify")),
        module_locks("another engine", ["n8n"], work("up n8n")),
    ):
        assert set(holders(ENGINE)) == {"n8n", "postgres", "dify", "redis"}
        assert holders("another engine") == {"n8n": (os.getpid(), work("up n8n"), True)}
        assert holders("a third") == {}


def test_a_waiting_operation_is_notified_once_and_then_gets_the_lock() -> None:
    order: list[str] = []
    with ExitStack() as first:
        first.enter_context(module_locks(ENGINE, ["postgres"], work("first")))
        with Waiter("n8n", "postgres", work=lambda: order.append("waiter")) as waiter:
            assert waiter.is_told.wait(LIMIT)
            order.append("first")
            first.close()
            waiter.join()
    assert order == ["first", "waiter"]
    assert [error.data["command"] for error in waiter.told] == ["first"]
    assert holders(ENGINE) == {}


def test_cancelled_wait_releases_its_locks() -> None:
    with module_locks(ENGINE, ["postgres"], work("first")):
        with Waiter("n8n", "postgres", work=lambda: pytest.fail("it has it")) as waiter:
            assert waiter.is_told.wait(LIMIT)
            assert set(holders(ENGINE)) == {"n8n", "postgres"}
            waiter.cancelled.set()
            waiter.join()
        assert isinstance(waiter.error, CancelledError)
        assert set(holders(ENGINE)) == {"postgres"}
        with module_locks(ENGINE, ["n8n"], work("third")):
            pass


def test_locks_in_different_order_do_not_deadlock() -> None:
    counts = {"one": 0, "two": 0}

    def many(name: str, *modules: str) -> None:
        for _ in range(20):
            with module_locks(ENGINE, modules, work(name), lambda _: None, stop):
                counts[name] += 1

    stop = threading.Event()
    threads = [
        threading.Thread(target=many, args=("one", "a", "b", "c")),
        threading.Thread(target=many, args=("two", "c", "b", "a")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    is_over = not any(thread.is_alive() for thread in threads)
    stop.set()
    assert is_over
    assert counts == {"one": 20, "two": 20}


def test_no_two_processes_are_ever_inside_at_once(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    program = (
        "import os, sys; from aiserver_tray.operations.locks import Work, module_locks\n"
        "for _ in range(30):\n"
        f"    with module_locks({ENGINE!r}, ['m'], Work('x', 'id', '/home'), lambda _: None):\n"
        f"        os.close(os.open({str(inside)!r}, os.O_CREAT | os.O_EXCL)); "
        f"os.unlink({str(inside)!r})\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    assert [process.wait(LIMIT) for process in processes] == [0, 0, 0]


def killed_holder() -> int:
    """The number of a process that had ``n8n`` and was killed."""
    with other_process("n8n") as process:
        process.kill()
        process.wait()
    return process.pid


def test_next_operation_gets_the_lock_of_a_killed_holder_and_learns_which_died() -> None:
    pid = killed_holder()
    assert holders(ENGINE) == {}
    with module_locks(ENGINE, ["n8n", "dify"], work("next")) as dead:
        assert holders(ENGINE)["n8n"] == (os.getpid(), work("next"), True)
        assert dead == {"n8n": (pid, work("aiserver-tray up x"), True)}
        assert dead["n8n"].work.kind == "up"
    with module_locks(ENGINE, ["n8n", "dify"], work("next")) as dead:
        assert set(dead) == {"n8n"}, "nothing was done about it"
        dead.clear()
    with module_locks(ENGINE, ["n8n", "dify"], work("next")) as dead:
        assert not dead


def test_holder_that_died_long_ago_or_whose_number_is_anothers_is_none() -> None:
    killed_holder()
    (file,) = lock_files()
    os.utime(file, (time.time() - 3600,) * 2)
    with module_locks(ENGINE, ["n8n"], work("next")) as dead:
        assert not dead
    # A later process with the number of a dead holder is none.
    with other_process("n8n") as process:
        (file,) = lock_files()
        born = psutil.Process(process.pid).create_time()
        os.utime(file, (born - 60, born - 60))
        assert holders(ENGINE) == {}


@on_unix
def test_zombie_holds_no_lock() -> None:
    with other_process("n8n") as process:
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
        assert holders(ENGINE) == {}


def test_a_waiter_gets_the_lock_of_a_killed_holder() -> None:
    with other_process("n8n") as process, Waiter("n8n") as waiter:
        assert waiter.is_told.wait(LIMIT)
        process.kill()
        waiter.join()
    assert waiter.error is None
    assert waiter.told[0].data["pid"] == process.pid


UNNAMED = b'{"pid": null, "command": "", "installation": "", "home": "", "is_own": true}'


@pytest.mark.parametrize("content", [b"", b"{", b"[]", UNNAMED, b"\xff"])
def test_damaged_lock_file_names_no_holder(content: bytes) -> None:
    with module_locks(ENGINE, ["n8n"], work("x")):
        pass
    (file,) = lock_files()
    file.write_bytes(content)
    assert holders(ENGINE) == {}
    with module_locks(ENGINE, ["n8n"], work("x")):
        assert set(holders(ENGINE)) == {"n8n"}


@pytest.mark.parametrize("module", ["..", "a/b", "n8n.1", "ä b", "con"])
def test_a_module_may_have_any_name(module: str) -> None:
    with module_locks(ENGINE, [module], work("x")):
        assert set(holders(ENGINE)) == {module}
    assert all(path.parent.name == "locks" for path in runtime_folder().rglob("*.lock"))


def test_a_lock_that_can_not_be_made_is_reported_with_its_file() -> None:
    with module_locks(ENGINE, ["n8n"], work("x")):
        (path,) = lock_files("*.lock")
    path.unlink(missing_ok=True)  # on Windows, it goes with the lock
    path.mkdir()
    with (
        pytest.raises(SettingError, match=r"\.lock: it can't be read or written"),
        module_locks(ENGINE, ["n8n"], work("x")),
    ):
        pytest.fail("it has it")


def test_one_container_for_one_command_runs_at_a_time_and_is_no_module_at_work() -> None:
    cancelled = threading.Event()
    entered: list[str] = []

    def second() -> None:
        with one_shot_lock(ENGINE, cancelled):
            entered.append("second")

    with one_shot_lock(ENGINE):
        assert holders(ENGINE) == {}
        cancelled.set()
        with pytest.raises(CancelledError):
            second()
        assert entered == []
        cancelled.clear()
        thread = threading.Thread(target=second)
        thread.start()
        with one_shot_lock("another engine"):
            entered.append("first")
    thread.join(LIMIT)
    assert entered == ["first", "second"]
