"""A stand-in of ``wsl.exe``: it does what WSL is documented to do. There is no Windows here. As a
program it has its state in the file beside it (``wsl.json``); under Wine, `WslServer` has it.

``warns``: a line that WSL itself says once before what a program says; ``wsl``: the version of WSL,
or null; ``distributions``: name -> what it has; ``fail``: the begin of a command -> the words it
fails with, as WSL writes them; ``wait``: the begin of a command that ends
only when it is killed; ``restart``: switching on needs one; ``engine``: the socket of the engine
inside.
"""

import json
import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any, Protocol

MISSING = "The Windows Subsystem for Linux is not installed."
GONE = "There is no such distribution.\r\nError code: Wsl/Service/WSL_E_DISTRO_NOT_FOUND"
INVALID = "Invalid command line argument: {}\r\nError code: Wsl/E_INVALIDARG"


def store(file: Path, state: dict[str, Any]) -> None:
    """Write the state at once: another run may read it meanwhile."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(state))
    new.replace(file)


class Pipes(Protocol):
    """Standard input and output of a run."""

    def say(self, output: bytes) -> None: ...
    def read(self) -> bytes:
        """Some input; empty: its end."""

    def stay(self) -> None:
        """Wait until it is killed."""


class Console:
    """Those of this process."""

    def say(self, output: bytes) -> None:
        os.write(1, output)

    def read(self) -> bytes:
        return os.read(0, 65536)

    def stay(self) -> None:
        Event().wait()


class Run:
    """A run with *words*; *file* has the state."""

    def __init__(self, words: list[str], pipes: Pipes, file: Path) -> None:
        self._words, self._pipes, self._file = words, pipes, file
        self._line = " ".join(words)
        self._given = ""
        self._state: dict[str, Any] = json.loads(file.read_text())

    def run(self) -> int:
        """Its exit code."""
        state, line = self._state, self._line
        if "dial-stdio" not in line and "/root/install-docker " not in line:
            self._given = b"".join(iter(self._pipes.read, b"")).decode()
        with self._file.with_name("calls").open("a") as calls:
            calls.write(json.dumps([line, self._given]) + "\n")
        for begin, why in state.get("fail", {}).items():
            if line.startswith(begin):
                self._say(why + "\r\n")
                return 1
        if (begin := state.get("wait")) and line.startswith(begin):
            self._say("Downloading: Debian\r\n10%\r")
            self._pipes.stay()
        before = json.dumps(state)
        code = self._answer()
        if json.dumps(state) != before:  # another one may run beside
            store(self._file, state)
        return code

    def _say(self, text: str) -> None:
        """As WSL without WSL_UTF8."""
        self._pipes.say(text.encode("utf-16-le"))

    def _answer(self) -> int:
        state, words, line = self._state, self._words, self._line
        if line == "--install --no-distribution":
            state["pending" if state.get("restart") else "wsl"] = "2.6.1.0"
            return 0
        if state["wsl"] is None:
            self._say(MISSING + "\r\n")
            return 1
        if words[0] == "-d":
            return self._inside(words[1], words[words.index("--exec") + 1 :])
        if line == "--version":
            self._say(f"WSL version: {state['wsl']}\r\nKernel version: 6.6.87.2-1\r\n")
        elif words[0] == "--update":
            state["wsl"] = "2.6.1.0"
        elif words[0] == "--shutdown":
            state["shut down"] = True
        else:
            return self._of_distributions()
        return 0

    def _of_distributions(self) -> int:
        known, words = self._state["distributions"], self._words
        match words:
            case ["--install", "Debian", *_]:
                self._say("Downloading: Debian GNU/Linux\r\n")
                for percent in (10, 55, 100):
                    self._say(f"[====   {percent}.0%   ]\r")
                known[words[words.index("--name") + 1]] = {}
                self._say("\r\nDistribution successfully installed.\r\n")
            case ["--terminate", _]:
                self._state["terminated"] = True
            case ["--unregister", name]:
                del known[name]
            case ["--manage", name, "--move", folder]:
                known[name]["folder"] = folder
            case ["--manage", name, "--resize", size]:
                known[name]["size"] = int(size.removesuffix("GB")) * 1024**3
            case ["--list", *_]:
                self._say("".join(f"{n}\r\n" for n, has in known.items() if has.get("running")))
            case _:
                self._say(INVALID.format(self._line) + "\r\n")
                return 1
        return 0

    def _inside(self, name: str, words: list[str]) -> int:
        if name not in self._state["distributions"]:
            self._say(GONE + "\r\n")
            return 1
        found = self._state["distributions"][name]
        match words:
            case ["test", "-f", _]:
                return int(not found.get("mark"))
            case ["sh"] if "blockdev" in self._given:
                size = found.get("size", 1024**4)
                if warning := self._state.pop("warns", None):
                    self._pipes.say(f"{warning}\n".encode())
                self._pipes.say(f"{size}\n{found.get('used', 5 * 1024**3)}\n".encode())
            case ["sh", "-c", _]:
                return int(not found.get("docker"))
            case ["sh", "-ec", script]:
                found["mark"] = found.get("mark") or "touch /etc/aiserver-tray" in script
            case ["/bin/sh", *_]:
                self._install(found)
            case ["docker", *_]:
                dial(self._state["engine"], self._pipes)
            case ["flock", *_]:
                self._pipes.stay()
        return 0

    def _install(self, found: dict[str, Any]) -> None:
        """Write what the script of Docker's installation writes."""
        for phase in ("update", "download", "install"):
            self._pipes.say(f"aiserver-phase:{phase}\ndlstatus:1:50.0:half\n".encode())
        self._pipes.say(f"Setting up {self._words[-1]}\n".encode())
        found["docker"] = True


def dial(engine: str, pipes: Pipes) -> None:
    """Bridge *pipes* to the engine."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(engine)
        sender = threading.Thread(target=_send, args=(pipes, sock), daemon=True)
        sender.start()
        while data := sock.recv(65536):
            pipes.say(data)


def _send(pipes: Pipes, sock: socket.socket) -> None:
    with suppress(OSError):
        try:
            while data := pipes.read():
                sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        except OSError:  # it was killed
            sock.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    sys.exit(Run(sys.argv[1:], Console(), Path(__file__).with_name("wsl.json")).run())
