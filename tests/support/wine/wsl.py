"""WSL in a Windows under Wine: a program of its name in the place of Windows' own, and a server
here that answers for it as WSL is documented to do. Its engine is the lab's, which stops with it.
"""

import json
import math
import shlex
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from tests.lab import engine as lab_engine
from tests.lab.place import Place
from tests.support.stand_in_wsl import Run, store
from tests.support.wine.windows import Windows

_LOOK_SECONDS = 0.1

# Without a console of its own: Wine's never comes up on a desktop without a window manager.
_PROGRAM = r"""
#include <winsock2.h>
#include <windows.h>
#include <shellapi.h>
static SOCKET server;
static void whole(const char *data, int size) {
    for (int sent; size > 0; data += sent, size -= sent)
        if ((sent = send(server, data, size, 0)) <= 0) ExitProcess(98);
}
static void frame(char kind, const char *data, DWORD size) {
    char head[5] = {kind};
    memcpy(head + 1, &size, 4);
    whole(head, 5);
    whole(data, size);
}
static void take(char *data, int size) {
    for (int got; size > 0; data += got, size -= got)
        if ((got = recv(server, data, size, 0)) <= 0) ExitProcess(98);
}
static DWORD WINAPI feed(void *none) {
    static char piece[65536];
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    for (DWORD got; input && ReadFile(input, piece, sizeof piece, &got, NULL) && got;)
        frame('i', piece, got);
    frame('i', "", 0);
    return 0;
}
int WINAPI WinMain(HINSTANCE own, HINSTANCE before, char *given, int look) {
    static char line[131072], piece[65536];
    struct sockaddr_in place = {AF_INET, htons(PORT), {.s_addr = htonl(INADDR_LOOPBACK)}};
    int count, used = 0;
    WSADATA data;
    WSAStartup(MAKEWORD(2, 2), &data);
    server = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(server, (struct sockaddr *)&place, sizeof place)) return 97;
    wchar_t **words = CommandLineToArgvW(GetCommandLineW(), &count);
    for (int n = 1; n < count; n++)
        used += WideCharToMultiByte(CP_UTF8, 0, words[n], -1, line + used,
                                    sizeof line - used, NULL, NULL);
    frame('w', line, used);
    CreateThread(NULL, 0, feed, NULL, 0, NULL);
    for (;;) {
        char kind;
        DWORD size, done;
        take(&kind, 1);
        take((char *)&size, 4);
        if (kind == 'x') ExitProcess(size);
        take(piece, size);
        WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), piece, size, &done, NULL);
    }
}
"""

_REGISTER = r"""
import winreg
user, lxss = winreg.HKEY_CURRENT_USER, r"Software\Microsoft\Windows\CurrentVersion\Lxss"
with winreg.CreateKey(user, lxss) as key:
    for name in [winreg.EnumKey(key, n) for n in range(winreg.QueryInfoKey(key)[0])]:
        winreg.DeleteKey(key, name)
for name, folder in {found!r}:
    with winreg.CreateKey(user, lxss + "\\" + name) as key:
        winreg.SetValueEx(key, "DistributionName", 0, winreg.REG_SZ, name)
        winreg.SetValueEx(key, "BasePath", 0, winreg.REG_SZ, "\\\\?\\" + folder)
"""


class _Caller:
    """The standard input and output of a running program, at the end of *connection*."""

    def __init__(self, connection: socket.socket, file: IO[bytes]) -> None:
        self._file = file
        self._connection = connection
        self._has_ended = False

    def frame(self) -> bytes:
        """The next one. Raises ``OSError`` where the program was killed."""
        head = self._file.read(5)
        if len(head) < 5:
            raise ConnectionResetError
        return self._file.read(struct.unpack("<I", head[1:])[0])

    def read(self) -> bytes:
        found = b"" if self._has_ended else self.frame()
        self._has_ended = not found
        return found

    def say(self, output: bytes) -> None:
        for start in range(0, len(output), 65536):
            piece = output[start : start + 65536]
            self._connection.sendall(b"o" + struct.pack("<I", len(piece)) + piece)

    def stay(self) -> None:
        while True:
            self.frame()

    def exit(self, code: int) -> None:
        self._connection.sendall(b"x" + struct.pack("<I", code))


class Wsl:
    """The state is in *folder*. `idle`: the seconds that its distribution outlives its last client,
    which are 15 on Windows (https://learn.microsoft.com/windows/wsl/systemd)."""

    def __init__(self, machine: Windows, lab: Place, folder: Path) -> None:
        self._machine = machine
        self._lab = lab
        self._file = folder / "wsl.json"
        self._lock = threading.RLock()
        self._clients: dict[socket.socket, str] = {}
        self._left = time.monotonic()
        self._is_up = True
        self._registered: list[tuple[str, str]] | None = None
        self.idle = math.inf
        self.stops = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._over = threading.Event()
        # A lab for tests ends with the thread that has started it.
        self._boots = ThreadPoolExecutor(1, "wsl-boots")
        self.has(wsl=None)
        for work in (self._serve, self._watch):
            threading.Thread(target=work, daemon=True).start()

    def has(self, **state: object) -> None:
        """Let WSL have the *state*, and no distribution unless it says so."""
        new = {"distributions": {}, "engine": str(self._lab.socket), **state}
        with self._lock:
            store(self._file, new)
            self._register()

    @property
    def state(self) -> dict[str, Any]:
        with self._lock:
            return dict(json.loads(self._file.read_text()))

    @property
    def calls(self) -> list[str]:
        lines = self._file.with_name("calls").read_text().splitlines()
        return [json.loads(line)[0] for line in lines]

    def clients(self, words: str = "") -> int:
        """How many programs run with *words*."""
        with self._lock:
            return sum(words in line for line in self._clients.values())

    def drop(self, words: str = "") -> None:
        """End the programs that run with *words*."""
        with self._lock:
            for connection, line in self._clients.items():
                if words in line:
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._over.set()
        self._boots.shutdown()
        self._server.shutdown(socket.SHUT_RDWR)
        self.drop()

    def _serve(self) -> None:
        with self._server, suppress(OSError):
            while not self._over.is_set():
                connection, _ = self._server.accept()
                threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as file, suppress(OSError):
            caller = _Caller(connection, file)
            words = caller.frame().decode().split("\0")[:-1]
            is_client = words[:1] == ["-d"]
            try:
                if is_client:
                    self._come(connection, shlex.join(words))
                if words[:1] in (["--terminate"], ["--shutdown"], ["--unregister"]):
                    self._stop()
                code = Run(words, caller, self._file).run()
                with self._lock:
                    self._register()
                caller.exit(code)
            finally:
                if is_client:
                    self._leave(connection)

    def _come(self, connection: socket.socket, line: str) -> None:
        with self._lock:
            self._clients[connection] = line
            if not self._is_up:
                self._boots.submit(_boot, self._lab).result()
                self._is_up = True

    def _leave(self, connection: socket.socket) -> None:
        with self._lock:
            del self._clients[connection]
            self._left = time.monotonic()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            with self._lock:
                if not self._clients and time.monotonic() - self._left > self.idle:
                    self._stop()

    def _stop(self) -> None:
        """End the distribution, with what runs in it."""
        with self._lock:
            has_engine = any(has.get("docker") for has in self.state["distributions"].values())
            if self._is_up and has_engine:
                self.drop()
                lab_engine.kill(self._lab)
                self._is_up = False
                self.stops += 1

    def _register(self) -> None:
        """Put the names where Windows has them, if they have changed."""
        known = json.loads(self._file.read_text())["distributions"]
        found = [(name, has.get("folder") or rf"C:\wsl\{name}") for name, has in known.items()]
        if found != self._registered:
            self._machine.says(_REGISTER.replace("{found!r}", repr(found)))
            self._registered = found


def _boot(lab: Place) -> None:
    with lab.locked():
        lab_engine.sweep(lab)
        lab_engine.start(lab)


@contextmanager
def installed(machine: Windows, lab: Place, folder: Path) -> Iterator[Wsl]:
    """A WSL that is not installed yet, while it lasts."""
    place = machine.screen.path("WINEPREFIX") / "drive_c/windows/system32/wsl.exe"
    wsl = Wsl(machine, lab, folder)
    words = ["-mwindows", f"-DPORT={wsl.port}", "-x", "c", "-", "-o", str(place), "-lws2_32"]
    subprocess.run(["x86_64-w64-mingw32-gcc", *words], input=_PROGRAM.encode(), check=True)
    try:
        yield wsl
    finally:
        wsl.close()
        for file in (place, *machine.screen.path("WINEPREFIX").glob("drive_c/users/*/.wslconfig*")):
            file.unlink()
