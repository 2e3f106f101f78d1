"""Windows' own engine, from nothing to a module that runs and back, with a stand-in of ``wsl.exe``
that leads to the lab's engine."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest

from bundler.wine import windows_path
from tests.lab.place import Place
from tests.support import stand_in_wsl
from tests.support.forwarding import forwarded
from tests.support.installation import Installation, idle
from tests.support.waiting import eventually
from tests.support.wine.windows import Windows

# Without a console of its own: Wine's never comes up on a desktop without a window manager.
_PROGRAM = r"""
#include <windows.h>
#include <stdio.h>
static HANDLE usable(DWORD which) {
    SECURITY_ATTRIBUTES shared = {sizeof shared, NULL, TRUE};
    HANDLE found = GetStdHandle(which);
    DWORD access = GENERIC_READ | GENERIC_WRITE, share = FILE_SHARE_READ | FILE_SHARE_WRITE;
    if (found && found != INVALID_HANDLE_VALUE) return found;
    return CreateFileW(L"NUL", access, share, &shared, OPEN_EXISTING, 0, NULL);
}
int WINAPI WinMain(HINSTANCE own, HINSTANCE before, char *given, int look) {
    static wchar_t line[32768];
    wchar_t *words = GetCommandLineW();
    if (*words == '"') for (words++; *words && *words != '"'; words++);
    while (*words && *words != ' ') words++;
    swprintf(line, 32768, L"%ls %ls%ls", PYTHON, SCRIPT, words);
    STARTUPINFOW start = {sizeof start};
    PROCESS_INFORMATION child;
    DWORD code = 99, flags = CREATE_NO_WINDOW;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = usable(STD_INPUT_HANDLE);
    start.hStdOutput = usable(STD_OUTPUT_HANDLE);
    start.hStdError = usable(STD_ERROR_HANDLE);
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, flags, NULL, NULL, &start, &child)) return 98;
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    return code;
}
"""


class Wsl:
    """The stand-in in *folder*, which the program at *place* runs."""

    def __init__(self, folder: Path, place: Path, python: str) -> None:
        self._state = folder / "wsl.json"
        self._calls = folder / "calls"
        self._place = place
        script = folder / "stand_in_wsl.py"
        shutil.copy(stand_in_wsl.__file__, script)
        self._script = windows_path(script)
        names = {"PYTHON": python, "SCRIPT": self._script}
        definitions = [f"-D{name}=L{json.dumps(value)}" for name, value in names.items()]
        compiler = [
            "x86_64-w64-mingw32-gcc",
            "-mwindows",
            *definitions,
            "-x",
            "c",
            "-",
            "-o",
            str(place),
        ]
        subprocess.run(compiler, input=_PROGRAM.encode(), check=True)

    def has(self, **state: object) -> None:
        self._state.write_text(json.dumps(state))

    def end(self) -> None:
        """End what keeps a distribution running."""
        for process in psutil.process_iter(["cmdline"]):
            if any(self._script in word for word in process.info["cmdline"] or ()):
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    @property
    def distributions(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._state.read_text())["distributions"])
        except ValueError:  # it is being written
            return {"?": {}}

    @property
    def calls(self) -> list[str]:
        return [json.loads(line)[0] for line in self._calls.read_text().splitlines()]


@pytest.fixture
def wsl(machine: Windows, tmp_path: Path) -> Iterator[Wsl]:
    place = machine.screen.path("WINEPREFIX") / "drive_c/windows/system32/wsl.exe"
    stand_in = Wsl(tmp_path, place, windows_path(Path(machine.users[-3])))
    stand_in.has(wsl=None, distributions={})
    register = [str(place), "--install", "--no-distribution"]
    machine.screen.run(*machine.wine, *register)  # forgets those of an interrupted test
    try:
        yield stand_in
    finally:
        stand_in.end()
        place.unlink()


def test_from_nothing_to_a_module_and_back(
    machine: Windows, wsl: Wsl, here: Installation, lab: Place, engine: docker.DockerClient
) -> None:
    here.write("shop", {"web": idle(stop_signal="SIGKILL")}, title={"en": "Shop"})

    def run(*words: str) -> str:
        options = ("--home", windows_path(here.home), "--catalog", windows_path(here.catalog))
        return machine.screen.run(*machine.users, *options, *words, timeout=400).decode()

    with forwarded(lab, "127.0.0.1") as address:
        wsl.has(wsl=None, distributions={}, engine=address.removeprefix("tcp://"))
        assert "There is no" not in run("engine", "find")
        run("engine", "install", "--yes")
        assert "AI-Server Tray (WSL) *" in run("engine", "find")
        assert wsl.distributions == {"aiserver": {"mark": True, "docker": True}}
        run("engine", "keep")
        eventually(lambda: any("flock" in call for call in wsl.calls), "it is kept running")
        wsl.end()
        kept = len([call for call in wsl.calls if "flock" in call])
        run("up", "--trust", "shop", "shop")
        assert engine.containers.get("ai-shop-web").status == "running"
        again = "it is kept running without us"
        eventually(lambda: len([c for c in wsl.calls if "flock" in c]) > kept, again)
        run("down", "shop")
        run("engine", "uninstall", "--yes")
    assert not wsl.distributions
