"""Making the bundle with PyInstaller."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundler.inputs import changed_at
from bundler.processes import must

NAME: Final = "aiserver-tray"
"""The bundle's folder, and its program."""

_SPEC = Path(__file__).with_name("aiserver-tray.spec")


@dataclass(frozen=True)
class Python:
    """The ``command`` and the ``env`` of a Python that has the locked packages and PyInstaller.
    ``path``: how it writes a path of this machine."""

    command: Sequence[str]
    env: Mapping[str, str]
    path: Callable[[Path], str] = str

    def freeze(self, site: Path, folder: Path, work: Path) -> Path:
        """The bundle, made in *folder* from the unpacked wheel *site*; *work* is for files between.

        Raises:
            CalledProcessError: PyInstaller fails; its output was shown.
        """
        words = ["-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
        words += ["--distpath", self.path(folder), "--workpath", self.path(work)]
        variables = {
            "PYTHONPATH": self.path(site),
            "AISERVER_SITE": self.path(site),
            "PYTHONPYCACHEPREFIX": self.path(work / "bytecode"),
            # The same files make the same programs: the time in them, and the order in sets.
            "SOURCE_DATE_EPOCH": str(int(changed_at().timestamp())),
            "PYTHONHASHSEED": "0",
        }
        must(*self.command, *words, self.path(_SPEC), env={**self.env, **variables})
        return folder / NAME
