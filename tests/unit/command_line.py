"""The command line as a person uses it: a real process, its exit status, both streams."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


class Tray:
    """Runs ``aiserver-tray`` with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(
        self, *arguments: object, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "aiserver_tray", *map(str, arguments)],
            env={
                "PATH": os.environ["PATH"],
                "LANG": "C.UTF-8",
                "AISERVER_HOME": str(self.home),
                **(env or {}),
            },
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )


def module_folder(tray: Tray, name: str, text: str) -> Path:
    folder = tray.home / "modules" / name
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text(text, encoding="utf-8")
    return folder
