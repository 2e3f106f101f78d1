"""Running processes, and stopping them."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from developer.machine import ROOT, WINDOWS, environment

_BEGUN = "dev.py: running as root"
NEEDS_ROOT = "the lab runs its own Docker Engine, which needs root"


def fail(message: str) -> NoReturn:
    """Exit with *message* on standard error."""
    sys.exit(f"dev.py: {message}")


def found(program: str, env: Mapping[str, str] | None) -> str:
    """The path of *program*. Windows by itself looks it up in the PATH of the parent, not of
    *env*."""
    path = shutil.which(program, path=env["PATH"] if env else None)
    return path or fail(f"there is no command {program}")


def run(
    command: Sequence[object], env: Mapping[str, str] | None = None, folder: Path = ROOT
) -> int:
    """Run *command* in *folder*; its exit status. It never outlives this process."""
    program, *words = map(str, command)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen([found(program, env), *words], cwd=folder, env=env)
    try:
        return process.wait()
    finally:
        if not WINDOWS:  # if Ctrl-C has reached it, and nothing else stops it
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            process.terminate()  # no effect if it has exited
        process.wait()
        signal.signal(signal.SIGTERM, before)


def become(program: str, *words: str, folder: Path = ROOT) -> int:
    """Run *program* in the environment and in *folder*, in the place of this process: signals and
    the exit status are its own."""
    if not WINDOWS:
        path = found(program, environment())
        os.chdir(folder)
        os.execve(path, [path, *words], environment())
    # There both processes stay, and Ctrl-C reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return run([program, *words], environment(), folder)


def quietly(command: Sequence[object]) -> subprocess.CompletedProcess[str]:
    """Run *command* without a terminal for input. Returns its exit status and output. It never
    outlives this process, and may finish first: it may be an installation."""
    process = subprocess.Popen(
        [*map(str, command)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,  # but sudo asks on the terminal itself
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        with suppress(PermissionError):  # sudo is root's
            process.terminate()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        printed, _ = process.communicate()
    except KeyboardInterrupt:  # Ctrl-C has reached it, too
        process.communicate()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    return subprocess.CompletedProcess(process.args, process.returncode, printed)


def must(command: Sequence[object], advice: str) -> None:
    """Run *command* without output. If it fails, exit with its output and *advice*."""
    done = quietly(command)
    if done.returncode:
        fail(f"failed: {shlex.join(map(str, command))}\n{done.stdout.rstrip()}\ndev.py: {advice}")


def root_prefix() -> list[str]:
    """The words before a command of the environment that run it as root: sudo, which asks for the
    password on the terminal. Exits if there is neither."""
    if os.geteuid() == 0:
        return []
    if not (sys.stdin.isatty() and shutil.which("sudo")):
        fail(f"{NEEDS_ROOT}: run the same as root")
    env = environment()
    kept = [f"{name}={env[name]}" for name in ("PATH", "VIRTUAL_ENV")]
    # No files of root's in the folder of the project.
    return ["sudo", "env", *kept, "PYTHONDONTWRITEBYTECODE=1"]


def must_as_root(script: str, shown: str) -> str:
    """Run the shell *script* as root, or with sudo. Its output is shown only if it fails. If
    neither is available, exit with *shown*, the command to type."""
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    if sudo and not shutil.which("sudo"):
        fail(f"this needs root, and there is no sudo here. As root, run:\n  {shown}")
    done = quietly([*sudo, "sh", "-c", f"echo {_BEGUN}; {script}"])
    if _BEGUN not in done.stdout:
        fail(f"this needs root, and sudo does not allow you that. As root, run:\n  {shown}")
    if done.returncode:
        fail(f"failed: {shown}\n{done.stdout.replace(_BEGUN, '').lstrip()}")
    return done.stdout
