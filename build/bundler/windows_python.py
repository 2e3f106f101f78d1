"""A Python for Windows, put together from the packages in uv.lock."""

import hashlib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from filelock import FileLock

from bundler.packages import PROGRAM, builders, exported, installed
from bundler.processes import must

APPLICATION: Final = ("--no-dev", "--extra", "desktop", "--prune", "pywebview")
"""Without pywebview: it has no browser engine under Wine, and nothing else may import it."""

BUNDLE: Final = (*PROGRAM, "--group", "bundle")
"""The application, and PyInstaller."""

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_VERSION = _PYTHON.replace(".", "")
_DONOR = ("--only-group", "wine")
"""Panda3D, which contains CPython's own libraries for Windows, as they are in its installer."""

_DONATED = "deploy_libs"
_SYSTEMS = "api-ms-"
"""Libraries that belong to Windows."""

_BESIDE_THE_PROGRAM = ("python3", "vcruntime")

_LICENCE = Path("/usr/share/doc", f"python{_PYTHON}", "copyright")
"""Debian's text of the licences of Python and of the parts from others."""

_COMPILER = "x86_64-w64-mingw32-gcc"
_DUMP = "x86_64-w64-mingw32-objdump"

_NOT_PORTABLE = (
    "__pycache__",
    "site-packages",
    "dist-packages",
    "lib-dynload",
    "config-3*",
    "test",
)


def windows_python(cache: Path, packages: Sequence[str] = APPLICATION) -> Path:
    """The folder of a Python with the locked *packages*, created in *cache* if it does not exist.

    Raises:
        CalledProcessError: a package can't be downloaded, or the compiler fails; they say why.
    """
    folder = cache / f"python-{python_key(packages)}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "lock"):
        if not folder.exists():
            with TemporaryDirectory(dir=cache) as scratch:
                made = _made(packages, Path(scratch))
                made.rename(folder)
    return folder


def _made(packages: Sequence[str], scratch: Path) -> Path:
    """The folder of a new Python, made in *scratch*."""
    made = scratch / "python"
    _libraries(made, scratch)
    _standard_library(made)
    _programs(made)
    _install(packages, made / "Lib/site-packages")
    return made


def python_key(packages: Sequence[str]) -> str:
    """Of everything that the Python with the locked *packages* depends on."""
    parts = [sys.version, exported(packages), exported(_DONOR), builders()]
    parts += [must(tool, "--version") for tool in (_COMPILER, _DUMP)]
    sources = (_source(), Path(__file__), Path(__file__).with_name("packages.py"), _LICENCE)
    parts += [file.read_text(encoding="utf-8") for file in sources if file.exists()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _source() -> Path:
    return Path(__file__).with_name("launcher.c")


def _libraries(folder: Path, scratch: Path) -> None:
    (folder / "DLLs").mkdir(parents=True)
    _install(_DONOR, scratch / "donor")
    for library in (scratch / "donor" / _DONATED).iterdir():
        if library.name.startswith(_SYSTEMS):
            continue
        is_beside = library.name.lower().startswith(_BESIDE_THE_PROGRAM)
        shutil.copyfile(library, folder / ("" if is_beside else "DLLs") / library.name)


def _standard_library(folder: Path) -> None:
    """That of the Python that runs here: its modules in Python are the same on every system."""
    here = Path(os.__file__).parent
    shutil.copytree(here, folder / "Lib", ignore=shutil.ignore_patterns(*_NOT_PORTABLE))
    licence = _LICENCE if _LICENCE.exists() else here / "LICENSE.txt"
    if licence.exists():
        shutil.copyfile(licence, folder / "LICENSE.txt")


def _programs(folder: Path) -> None:
    compiler = [_COMPILER, "-O2", "-s", "-municode", str(_source())]
    compiler.append(f'-DPYTHON=L"python{_VERSION}.dll"')
    must(*compiler, "-o", str(folder / "python.exe"))
    must(*compiler, "-mwindows", "-DWINDOWED", "-o", str(folder / "pythonw.exe"))
    _stable_interface(folder)


def _stable_interface(folder: Path) -> None:
    """python3.dll, which leads extensions for any Python to the library of this one."""
    library = folder / f"python{_VERSION}.dll"
    dump = must(_DUMP, "-p", str(library)).splitlines()
    table = dump[next(n for n, line in enumerate(dump) if "[Ordinal/Name Pointer]" in line) :]
    last = [line.split()[-1] for line in table if line.strip()]
    names = [name for name in last if name.startswith(("Py", "_Py"))]
    exports = [f"{name} = python{_VERSION}.{name}" for name in names]
    definition = folder / "python3.def"
    definition.write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *exports, ""]))
    target = ["-o", str(folder / "python3.dll")]
    must(_COMPILER, "-shared", "-nostdlib", "-Wl,--entry=0", str(definition), *target)
    definition.unlink()


def _install(packages: Sequence[str], folder: Path) -> None:
    """Install the Windows wheels of the locked *packages*."""
    words = ["--python-platform", "windows", "--python-version", _PYTHON, "--target", str(folder)]
    installed(packages, *words)
