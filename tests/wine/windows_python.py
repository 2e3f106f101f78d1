"""A Python for Windows, put together from the packages in uv.lock."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]

_UV = (sys.executable, "-m", "uv", "--quiet")
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_VERSION = _PYTHON.replace(".", "")
_DONOR = ("--only-group", "wine")
"""Panda3D, which contains CPython's own libraries for Windows, as they are in its installer."""

_DONATED = "deploy_libs"
_SYSTEMS = "api-ms-"
"""Libraries that belong to Windows."""

_BESIDE_THE_PROGRAM = ("python3", "vcruntime")

_APPLICATION = ("--no-dev", "--prune", "pywebview")
"""Without pywebview: it has no browser engine under Wine, and nothing else may import it."""

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
            _install(_APPLICATION, made / "Lib/site-packages")
            made.rename(folder)
    return folder


def _fingerprint() -> str:
    """Of everything that the result depends on."""
    parts = [sys.version, _exported(_APPLICATION), _exported(_DONOR)]
    parts += [file.read_text(encoding="utf-8") for file in (_source(), Path(__file__))]
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


def _exported(options: tuple[str, ...]) -> str:
    """The locked packages that *options* select, as a file of requirements with hashes."""
    return _must(*_UV, "export", "--frozen", "--no-emit-project", "--no-header", *options)


def _install(options: tuple[str, ...], folder: Path) -> None:
    """Install the Windows wheels of the locked packages that *options* select."""
    words = ["--python-platform", "windows", "--python-version", _PYTHON, "--only-binary", ":all:"]
    words += ["--no-deps", "--require-hashes", "--target", str(folder), "--requirement", "-"]
    _must(*_UV, "pip", "install", *words, given=_exported(options))


def _must(*command: str, given: str | None = None) -> str:
    """The output of *command*, which gets *given* as its input; its errors are shown."""
    done = subprocess.run(
        command, cwd=ROOT, check=True, text=True, input=given, stdout=subprocess.PIPE
    )
    return done.stdout
