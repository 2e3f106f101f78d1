"""The bundle for the system that this runs on."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bundler.freeze import Python
from bundler.inputs import unpacked, wheel
from bundler.mac import APP
from bundler.packages import installed
from bundler.processes import must
from bundler.windows_python import BUNDLE
from developer.machine import DEBIAN, WINDOWS

_BUILD_SYSTEMS: Final = ("--only-group", "build")


def native_bundle(folder: Path) -> Path:
    """The bundle, made in *folder* with the locked packages and nothing else: on macOS, an
    application.

    Raises:
        CalledProcessError: a tool failed; its output was shown.
    """
    with TemporaryDirectory() as name:
        scratch = Path(name)
        python = _environment(scratch / "environment")
        site = unpacked(wheel(scratch / "dist"), scratch / "site")
        made = Python([str(python)], os.environ).freeze(site, folder, scratch / "work")
        app = folder / APP
        return app if app.exists() else made


def _environment(folder: Path) -> Path:
    """The Python of a new environment with the locked packages. On Debian, GTK's bindings come from
    the system."""
    shared = ["--system-site-packages"] if DEBIAN else []
    base = getattr(sys, "_base_executable", sys.executable)
    must(sys.executable, "-m", "uv", "--quiet", "venv", "--python", base, *shared, str(folder))
    python = folder / ("Scripts/python.exe" if WINDOWS else "bin/python")
    for packages in (_BUILD_SYSTEMS, BUNDLE):
        installed(packages, "--python", str(python))
    return python
