"""A Python for Windows, put together from packages that every index has."""

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parents[2]

_VERSION = f"{sys.version_info.major}{sys.version_info.minor}"
_DONOR = "panda3d==1.10.16"
"""Brings CPython's own libraries for Windows along, as they are in its installer."""

_DONATED = "deploy_libs/"
_SYSTEMS = "api-ms-"
"""Libraries that belong to Windows."""

_BESIDE_THE_PROGRAM = ("python3", "vcruntime")

_LEFT_OUT = ("pywebview",)
"""Has no browser engine under Wine; and whoever imports it where it must not be fails."""

_WINDOWS_ONLY = ("colorama", "pywin32", "pywin32-ctypes")
"""Dependencies that pip does not see, since it asks the system that it runs on."""

_NOT_PORTABLE = (
    "__pycache__",
    "site-packages",
    "dist-packages",
    "lib-dynload",
    "config-3*",
    "test",
)


def windows_python(cache: Path) -> Path:
    """The folder of a Python with all that the applet needs, made in *cache* where there is none.

    Raises:
        CalledProcessError: a package can't be had, or the compiler fails; they say why.
    """
    folder = cache / f"python-{_fingerprint()}"
    if not folder.exists():
        with TemporaryDirectory(dir=cache) as scratch:
            made = Path(scratch) / "python"
            _libraries(made, Path(scratch))
            _standard_library(made / "Lib")
            _programs(made)
            _packages(made / "Lib/site-packages")
            made.rename(folder)
    return folder


def _fingerprint() -> str:
    """Of everything that the result depends on."""
    parts = [sys.version, *_packages_wanted(), _source().read_text(encoding="utf-8")]
    parts.append(Path(__file__).read_text(encoding="utf-8"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _packages_wanted() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [
        *(one for one in project["dependencies"] if not one.startswith(_LEFT_OUT)),
        *_WINDOWS_ONLY,
    ]


def _source() -> Path:
    return Path(__file__).with_name("launcher.c")


def _libraries(folder: Path, scratch: Path) -> None:
    (folder / "DLLs").mkdir(parents=True)
    _pip("download", "--no-deps", "--dest", str(scratch), _DONOR)
    (wheel,) = scratch.glob("*.whl")
    with ZipFile(wheel) as archive:
        for inner in archive.namelist():
            name = PurePosixPath(inner).name
            if not inner.startswith(_DONATED) or name.startswith(_SYSTEMS):
                continue
            is_beside = name.lower().startswith(_BESIDE_THE_PROGRAM)
            (folder / ("" if is_beside else "DLLs") / name).write_bytes(archive.read(inner))


def _standard_library(folder: Path) -> None:
    """The one of the Python that runs here: its modules in Python are the same everywhere."""
    here = Path(os.__file__).parent
    shutil.copytree(here, folder, ignore=shutil.ignore_patterns(*_NOT_PORTABLE))


def _programs(folder: Path) -> None:
    compiler = ["x86_64-w64-mingw32-gcc", "-O2", "-s", "-municode", str(_source())]
    compiler.append(f'-DPYTHON=L"python{_VERSION}.dll"')
    _must(*compiler, "-o", str(folder / "python.exe"))
    _must(*compiler, "-mwindows", "-DWINDOWED", "-o", str(folder / "pythonw.exe"))
    _stable_interface(folder)


def _stable_interface(folder: Path) -> None:
    """python3.dll, which leads extensions for any Python to the library of this one."""
    library = folder / f"python{_VERSION}.dll"
    dump = _must("x86_64-w64-mingw32-objdump", "-p", str(library)).splitlines()
    table = dump[next(n for n, line in enumerate(dump) if "[Ordinal/Name Pointer]" in line) :]
    last = [line.split()[-1] for line in table if line.strip()]
    names = [name for name in last if name.startswith(("Py", "_Py"))]
    exports = [f"{name} = python{_VERSION}.{name}" for name in names]
    definition = folder / "python3.def"
    definition.write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *exports, ""]))
    target = ["-o", str(folder / "python3.dll")]
    _must(
        "x86_64-w64-mingw32-gcc", "-shared", "-nostdlib", "-Wl,--entry=0", str(definition), *target
    )
    definition.unlink()


def _packages(folder: Path) -> None:
    _pip(
        "install",
        "--no-compile",
        "--no-warn-conflicts",
        "--target",
        str(folder),
        *_packages_wanted(),
    )


def _pip(command: str, *words: str) -> None:
    windows = ["--platform", "win_amd64", "--python-version", _VERSION, "--only-binary", ":all:"]
    _must(sys.executable, "-m", "pip", "--quiet", command, *windows, *words)


def _must(*command: str) -> str:
    """What *command* prints; its complaints are to be seen."""
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
