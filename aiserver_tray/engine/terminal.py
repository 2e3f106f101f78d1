"""A shell at a terminal of its own, or a command, in a container that runs, and the guard that ends
it.

The engine lets a command go on when its client is gone, and it can start what outlives it. So a
second command, the guard, waits beside it for the end of its own input, which the engine passes on:
when the client ends it, and also when the client is killed. Then the guard ends the processes that
are left, and reports those that it could not end.
"""

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aiserver_tray.base.errors import AiServerError, EngineRequestError, NoShellError
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.execution import ATTACHED, Execution

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aiserver_tray.spec.model import Body

_MARK: Final = "AISERVER_TERMINAL"
"""The variable that all guarded processes inherit, with a value of their own."""

_OPEN_SECONDS: Final = 15.0
"""Seconds for the first word of the guard. What is called sh may be anything."""

_END_SECONDS: Final = 15.0
"""Seconds for the report of the guard. A paused container gives none."""

_NOT_FOUND: Final = (126, 127)
"""The exit codes of an exec whose command does not exist."""

_GUARD: Final = r"""
mark=$1
# Sets $found to the processes of the terminal: those with its mark, then those in their sessions
# and their children, because the variables of other users' processes can't be read. Only words
# that each shell has built in: an image may have no ps, and no kill.
find_own() {
  found=' ' sessions=' '
  for each in /proc/[0-9]*; do
    while IFS= read -r line || [ "$line" ]; do
      case $line in *"$mark"*) add "$each"; break ;; esac
    done < "$each/environ"
  done
  for each in /proc/[0-9]*; do
    read_stat "$each"
    case $state in ''|Z) continue ;; esac
    case $sessions in *" $session "*) add "$each"; continue ;; esac
    case $found in *" $parent "*) add "$each" ;; esac
  done
} 2>/dev/null
add() {
  case $found in *" ${1#/proc/} "*) return ;; esac
  found="$found${1#/proc/} "
  read_stat "$1"
  case $session in ''|0) ;; *) sessions="$sessions$session " ;; esac
}
read_stat() {
  stat=
  read -r stat < "$1/stat"
  set -- ${stat##*) }
  state=$1 parent=$2 session=$4
}
end_own() {
  find_own
  [ "$found" = ' ' ] || kill -s "$1" $found 2>/dev/null
}
echo "shell $(command -v bash || echo sh)"
while read -r line; do :; done
end_own HUP
end_own TERM
end_own CONT
for turn in 1 2 3 4 5; do
  find_own
  [ "$found" = ' ' ] && break
  sleep 0.2 2>/dev/null || sleep 1 2>/dev/null || break
done
for turn in 1 2 3; do
  [ "$found" = ' ' ] && break
  end_own KILL
  sleep 0.1 2>/dev/null
  find_own
done
echo "left$found"
"""


class Guarded:
    """What runs in *container* with a guard, for the user *user*; empty: the user of its image.
    ``shell``: the path or name of the container's shell, and ``image_user``: the user of the image,
    both once it is open."""

    def __init__(self, connection: Connection, container: str, user: str = "") -> None:
        self._connection = connection
        self._container = container
        self._common = {**ATTACHED, **({"User": user} if user else {})}
        self._mark = f"{_MARK}={uuid4().hex}"
        self._guard: Execution | None = None
        self._main: Execution | None = None
        self.shell = ""
        self.image_user = ""

    def _open(self, body: "Body", env: "Sequence[str]") -> None:
        """Start guard and shell, or what *body* says, with the variables *env*.

        Raises:
            NoShellError: the image has none.
            ObjectNotFoundError, ObjectConflictError: there is no such container, or it does not
                run.
            EngineRequestError: its shell does not answer.
        """
        config = self._connection.get("/containers/{}/json", self._container)["Config"]
        self.image_user = config["User"] or "root"
        command = ["sh", "-c", _GUARD, "sh", self._mark]
        self._guard = self._execution({"Tty": False, "Cmd": command})
        self._report = self._guard.output()
        try:
            self.shell = self._found_shell()
            variables = [self._mark, *_encoding(config), *env]
            self._main = self._execution({"Cmd": [self.shell], **body, "Env": variables})
            self._main.start(_OPEN_SECONDS)
        except BaseException:
            self._guard.stream.close()
            raise

    def output(self) -> "Iterator[bytes]":
        """What it shows or writes, until it exits. Its pieces end anywhere.

        Raises:
            EngineDownError: the engine is lost.
        """
        assert self._main
        for _, data in self._main.output():
            yield data

    def end(self) -> None:
        """Let the guard end it and what it has started. Does not wait."""
        if self._guard:
            self._guard.stream.send(b"")

    def left(self) -> tuple[int, ...] | None:
        """After the end of the output: the processes that could not be ended, by their ids in the
        container. None: nobody can tell, because the container or the engine has stopped."""
        self.end()
        said = b""
        with self._closing_guard(_END_SECONDS), suppress(AiServerError):
            said = b"".join(data for name, data in self._report if name == "stdout")
        word, *ids = said.split() or [b""]
        return tuple(map(int, ids)) if word == b"left" else None

    def _execution(self, body: "Body") -> Execution:
        return Execution(self._connection, self._container, {**self._common, **body})

    @contextmanager
    def _closing_guard(self, seconds: float) -> "Iterator[None]":
        """Leave the guard alone if that lasts longer than *seconds*: its output ends."""
        assert self._guard
        timer = threading.Timer(seconds, self._guard.stream.close)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _found_shell(self) -> str:
        """The shell of which the guard's first line tells."""
        assert self._guard
        said = b""
        with self._closing_guard(_OPEN_SECONDS):
            for name, data in self._report:
                said += data if name == "stdout" else b""
                if said.endswith(b"\n") and said.startswith(b"shell "):
                    return said.removeprefix(b"shell ").strip().decode()
        if self._guard.stream.is_closed:
            raise EngineRequestError(504, f"sh has said nothing for {_OPEN_SECONDS:.0f} s")
        if (code := self._guard.exit_code) in _NOT_FOUND:
            raise NoShellError(self._container)
        raise EngineRequestError(409, f"sh exited with code {code}")


class Terminal(Guarded):
    """A shell at a terminal. What is typed goes to `send`, and `output` has what it shows."""

    def open(self, rows: int, columns: int) -> None:
        """Open it. Raises as `Guarded._open`."""
        self._open({"Tty": True, "ConsoleSize": [rows, columns]}, ["TERM=xterm-256color"])

    def send(self, data: bytes) -> None:
        """Type *data*. Waits while the other side does not read. No effect after the end."""
        if self._main:
            self._main.stream.send(data)

    def resize(self, rows: int, columns: int) -> None:
        """Set its size. No effect after the end."""
        if self._main:
            self._main.resize(rows, columns)


class Command(Guarded):
    """A command without input."""

    def open(self, words: "Sequence[str]", env: "Mapping[str, str]") -> None:
        """Start *words* with the variables *env*. Raises as `Guarded._open`."""
        body: Body = {"Tty": False, "Cmd": list(words), "AttachStdin": False}
        self._open(body, [f"{name}={value}" for name, value in env.items()])

    def end(self) -> None:
        """As `Guarded.end`. Its output ends within seconds, also in a paused container."""
        super().end()
        if self._main:
            late = threading.Timer(_END_SECONDS, self._main.stream.close)
            late.daemon = True
            late.start()

    @property
    def exit_code(self) -> int:
        """Its exit code."""
        assert self._main
        return self._main.exit_code


def _encoding(config: "Body") -> list[str]:
    """A variable for a container without a locale, whose shell would take letters other than
    English ones apart."""
    names = [text.partition("=")[0] for text in config["Env"] or ()]
    has_locale = any(name == "LANG" or name.startswith("LC_") for name in names)
    return [] if has_locale else ["LANG=C.UTF-8"]
