"""Runs the command line in processes that have its imports already.

A short command spends most of its time on imports. So one process of the tests imports the modules
once, and forks for each command: still a process of its own, with its own exit status and streams,
that runs the program's entry point. Where the start itself or a signal matters, a test starts the
program as a user does (`CommandLine.started`). Windows can't fork: there, every command starts the
program.
"""

import atexit
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile

from tests.support import ran

ROOT = Path(__file__).parents[2]
PRELOADED = (
    "aiserver_tray.core.app",
    "aiserver_tray.catalog.check",
    "aiserver_tray.settings.store",
    "aiserver_tray.spec.outline",
    "aiserver_tray.core.core",
    "aiserver_tray.features.doctor.channels",
    "aiserver_tray.cli",
)
_LARGEST = 2**17
"""Bytes of a request, the whole environment included."""


def run(words: Sequence[str], env: Mapping[str, str], limit: float) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of the command *words*.

    Raises:
        TimeoutError: it did not end within *limit* seconds.
    """
    return _forked(words, env, limit) if hasattr(os, "fork") else _started(words, env, limit)


def _started(words: Sequence[str], env: Mapping[str, str], limit: float) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "aiserver_tray", *words]
    try:
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error
    return done.returncode, done.stdout, done.stderr


def _forked(words: Sequence[str], env: Mapping[str, str], limit: float) -> tuple[int, str, str]:
    ours, theirs = socket.socketpair()
    with (
        TemporaryFile("w+", encoding="utf-8") as output,
        TemporaryFile("w+", encoding="utf-8") as errors,
        Path(os.devnull).open() as nothing,
        ours,
    ):
        with theirs:
            files = [nothing.fileno(), output.fileno(), errors.fileno(), theirs.fileno()]
            request = json.dumps({"words": [*words], "env": {**env}, "folder": str(Path.cwd())})
            socket.send_fds(_requests(), [request.encode()], files)
        ours.settimeout(limit)
        status = int(ours.recv(16))
        for file in (output, errors):
            file.seek(0)
        return status, output.read(), errors.read()


@cache
def _requests() -> socket.socket:
    """Where the process that forks takes requests. It ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            cwd=ROOT,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # so that text is not written line by line
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# -- in the process that forks -----------------------------------------------------------------


def serve(requests: socket.socket) -> bool:
    """Fork for each request. Returns true in a process that is to run a command, and false at the
    end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the tests' terminal
    while True:
        request, files, _, _ = socket.recv_fds(requests, _LARGEST, 4)
        if not request:
            return False
        if os.fork() == 0:
            requests.close()
            _watch(files)
            _become(json.loads(request), files)
            return True
        for file in files:
            os.close(file)


def _watch(files: Sequence[int]) -> None:
    """Fork, and report the end of the new process. Only that one returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os.write(files[-1], str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)


def _become(request: Mapping[str, object], files: Sequence[int]) -> None:
    """Take on what the command has of its own."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[call-overload]
    if target := os.environ.get(ran.VARIABLE):
        ran.watch(target)
    os.chdir(str(request["folder"]))
    sys.argv = ["aiserver-tray", *request["words"]]  # type: ignore[misc]


def main(number: str) -> None:
    """Import, and fork for each request that comes over the socket with this file descriptor."""
    for name in PRELOADED:
        import_module(name)
    commands = import_module("aiserver_tray.cli")
    for module in pkgutil.iter_modules(commands.__path__, "aiserver_tray.cli."):
        import_module(module.name)
    if serve(socket.socket(fileno=int(number))):
        import_module("aiserver_tray.__main__").main()


if __name__ == "__main__":
    main(*sys.argv[1:])
