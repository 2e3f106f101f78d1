"""A computer with a stand-in of ``wsl.exe``, on this system: there is no Windows here."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aiserver_tray.features.engine import own
from aiserver_tray.features.engine.events import OwnEngine
from aiserver_tray.features.engine.own import OwnSetup, Surroundings
from aiserver_tray.system import wsl
from tests.support import stand_in_wsl

NEW: dict[str, Any] = {"wsl": "2.6.1.0", "distributions": {}}
GIB = 1024**3
ROOM: dict[str, Any] = {
    "memory": 16 * GIB,
    "total": 32 * GIB,
    "processors": 8,
    "allProcessors": 8,
    "file": r"C:\Users\Ada\.wslconfig",
    "others": ["Ubuntu", "docker-desktop"],
    "folder": r"D:\AI-Server",
    "disk": 21 * GIB,
    "used": 14 * GIB,
    "limit": 1024 * GIB,
    "free": 412 * GIB,
    "kept": False,
    "volumes": ["ai-n8n-data", "ai-postgres-data"],
}
"""What the channels say that it takes of a computer."""
OURS = {"aiserver": {"mark": True, "docker": True}}


class Machine:
    """A computer with a stand-in of WSL. *folder* is the home."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        source = Path(stand_in_wsl.__file__).read_text(encoding="utf-8")
        self.program = folder / "wsl"
        self.program.write_text(f"#!{sys.executable} -IS\n{source}", encoding="utf-8")
        self.program.chmod(0o755)
        self.has(**NEW)
        monkeypatch.setattr(wsl, "wsl_program", lambda: self.program)
        monkeypatch.setattr(wsl, "distributions", lambda: [*self.state["distributions"]])
        self.noted = ""
        monkeypatch.setattr(own, "note_own_engine", partial(setattr, self, "noted", "yes"))
        monkeypatch.setattr(own, "forget_own_engine", partial(setattr, self, "noted", ""))
        monkeypatch.setattr(own, "has_own_engine", lambda: bool(self.noted))
        monkeypatch.setattr(wsl, "run_as_administrator", self._allowed)
        self.answer: Callable[[], str] = lambda: "28.4.0"
        self.seen: list[OwnEngine] = []
        self.boot = 1.0
        monkeypatch.setattr(own, "boot_time", lambda: self.boot)

    def has(self, **state: object) -> None:
        (self.folder / "wsl.json").write_text(json.dumps({**NEW, **state}))

    @property
    def state(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads((self.folder / "wsl.json").read_text())

    @property
    def calls(self) -> list[tuple[str, str]]:
        """The commands, each with its input."""
        return [
            tuple(json.loads(line)) for line in (self.folder / "calls").read_text().splitlines()
        ]

    def _allowed(self, words: list[str], _cancelled: object) -> int:
        return subprocess.run(
            [self.program, *words], stdin=subprocess.DEVNULL, check=False
        ).returncode

    def setup(self, surroundings: Surroundings = Surroundings(proxies={})) -> OwnSetup:  # noqa: B008
        file = own.state_file(self.folder, [])
        return OwnSetup(file, surroundings, self._answered, self.seen.append)

    def _answered(self) -> str:
        return self.answer()

    def set_up(self, surroundings: Surroundings = Surroundings(proxies={})) -> OwnEngine:  # noqa: B008
        """How a set-up ends."""
        setup = self.setup(surroundings)
        setup.run()
        return setup.view
