"""A stand-in of ``wsl.exe``, run as a program: it does what WSL is documented to do, with its state
in the file beside it (``wsl.json``). There is no Windows here.

``wsl``: the version of WSL, or null; ``distributions``: name -> what it has; ``fail``: the begin of
a command -> the words it fails with, as WSL writes them; ``wait``: the begin of a command that ends
only when it is killed; ``restart``: switching on needs one; ``engine``: the address of the engine
inside, ``HOST:PORT``.
"""

import json
import os
import socket
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

STATE = Path(__file__).with_name("wsl.json")
MISSING = "The Windows Subsystem for Linux is not installed."
GONE = "There is no such distribution.\r\nError code: Wsl/Service/WSL_E_DISTRO_NOT_FOUND"


def say(text: str) -> None:
    """As WSL without WSL_UTF8."""
    sys.stdout.buffer.write(text.encode("utf-16-le"))
    sys.stdout.flush()


def main(words: list[str]) -> int:
    state = json.loads(STATE.read_text())
    given = (
        b"" if "dial-stdio" in words or "/root/install-docker" in words else sys.stdin.buffer.read()
    )
    line = " ".join(words)
    with STATE.with_name("calls").open("a") as calls:
        calls.write(json.dumps([line, given.decode()]) + "\n")
    for begin, why in state.get("fail", {}).items():
        if line.startswith(begin):
            say(why + "\r\n")
            return 1
    if (begin := state.get("wait")) and line.startswith(begin):
        say("Downloading: Debian\r\n10%\r")
        time.sleep(600)
    before = json.dumps(state)
    code = answer(state, words, line)
    if json.dumps(state) != before:  # another one may run beside
        STATE.write_text(json.dumps(state))
    register(state["distributions"])
    return code


def register(distributions: dict[str, Any]) -> None:
    """Put the names where Windows has them."""
    try:
        winreg: Any = import_module("winreg")
    except ImportError:
        return
    user, lxss = winreg.HKEY_CURRENT_USER, r"Software\Microsoft\Windows\CurrentVersion\Lxss"
    with winreg.CreateKey(user, lxss) as key:
        for name in [winreg.EnumKey(key, n) for n in range(winreg.QueryInfoKey(key)[0])]:
            winreg.DeleteKey(key, name)
    for number, (name, has) in enumerate(distributions.items()):
        with winreg.CreateKey(user, rf"{lxss}\{{{number}}}") as key:
            folder = has.get("folder") or r"C:\wsl\aiserver"
            winreg.SetValueEx(key, "DistributionName", 0, winreg.REG_SZ, name)
            winreg.SetValueEx(key, "BasePath", 0, winreg.REG_SZ, "\\\\?\\" + folder)


def answer(state: dict[str, Any], words: list[str], line: str) -> int:
    if line == "--install --no-distribution":
        state["pending" if state.get("restart") else "wsl"] = "2.6.1.0"
        return 0
    if state["wsl"] is None:
        say(MISSING + "\r\n")
        return 1
    if words[0] == "-d":
        return inside(state, words[1], words[words.index("--exec") + 1 :])
    if line == "--version":
        say(f"WSL version: {state['wsl']}\r\nKernel version: 6.6.87.2-1\r\n")
    elif words[0] == "--update":
        state["wsl"] = "2.6.1.0"
    elif words[0] == "--shutdown":
        state["shut down"] = True
    else:
        return of_distributions(state, words, line)
    return 0


def of_distributions(state: dict[str, Any], words: list[str], line: str) -> int:
    known = state["distributions"]
    match words:
        case ["--install", "Debian", *_]:
            say("Downloading: Debian GNU/Linux\r\n")
            for percent in (10, 55, 100):
                say(f"[====   {percent}.0%   ]\r")
            known[words[words.index("--name") + 1]] = {}
            say("\r\nDistribution successfully installed.\r\n")
        case ["--terminate", _]:
            state["terminated"] = True
        case ["--unregister", name]:
            del known[name]
        case ["--manage", name, "--move", folder]:
            known[name]["folder"] = folder
        case ["--list", *_]:
            say("".join(f"{name}\r\n" for name, has in known.items() if has.get("running")))
        case _:
            say(f"Invalid command line argument: {line}\r\n")
            return 1
    return 0


def inside(state: dict[str, Any], name: str, words: list[str]) -> int:
    if name not in state["distributions"]:
        say(GONE + "\r\n")
        return 1
    found = state["distributions"][name]
    match words:
        case ["test", "-f", _]:
            return int(not found.get("mark"))
        case ["sh", "-c", _]:
            return int(not found.get("docker"))
        case ["sh", "-ec", script]:
            found["mark"] = found.get("mark") or "touch /etc/aiserver-tray" in script
        case ["/bin/sh", *_]:
            install(found, words)
        case ["docker", *_]:
            dial(state["engine"])
        case ["flock", *_]:
            time.sleep(600)
    return 0


def install(found: dict[str, Any], words: list[str]) -> None:
    """Write what the script of Docker's installation writes."""
    for phase in ("update", "download", "install"):
        sys.stdout.write(f"aiserver-phase:{phase}\n")
        sys.stderr.write("dlstatus:1:50.0:half\n")
    sys.stdout.write(f"Setting up {words[-1]}\n")
    found["docker"] = True


def dial(engine: str) -> None:
    """Bridge standard input and output to the engine."""
    host, _, port = engine.rpartition(":")
    sock = socket.create_connection((host, int(port)))

    def send() -> None:
        while data := os.read(0, 65536):
            sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)

    threading.Thread(target=send, daemon=True).start()
    while data := sock.recv(65536):
        os.write(1, data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
