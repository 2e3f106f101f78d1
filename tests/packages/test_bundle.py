"""What the bundle for Windows contains."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from aiserver_tray.system import process
from bundler.notices import unknown_files
from bundler.windows import APP_ID, Package, installer
from tests.packages.bill import parts_of
from tests.packages.setup import BUILD_SECONDS

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

BUNDLE_BYTES = 78_000_000
"""13 MB of it are for certificates and names in the home network (cryptography, zeroconf), 3 MB for
assistants (mcp)."""
INSTALLER_BYTES = 28_000_000
I386 = 0x14C
"""In the header of a program."""

WINDOWS = {
    *("advapi32", "bcrypt", "bcryptprimitives", "cfgmgr32", "comctl32", "comdlg32"),
    *("credui", "crypt32", "dbghelp", "dnsapi", "gdi32", "iphlpapi", "kernel32"),
    *("mpr", "mscoree", "msi", "mswsock", "netapi32", "ntdll"),
    *("ntdsapi", "ole32", "oleaut32", "pdh", "powrprof", "propsys"),
    *("psapi", "rpcrt4", "secur32", "sfc", "shell32", "shlwapi"),
    *("ucrtbase", "user32", "userenv", "version", "winhttp", "winmm"),
    *("ws2_32", "wtsapi32"),
}
"""Libraries that each Windows 10 has. The C runtime's vcruntime140 is not among them."""


def imports(programs: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Each of *programs*, with each library that it can't be loaded without."""
    words = ["x86_64-w64-mingw32-objdump", "--private-headers", *map(str, programs)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    program = ""
    for line in done.stdout.splitlines():
        if found := re.fullmatch(r"(.+):     file format pe.*", line):
            program = Path(found[1]).name
        elif found := re.fullmatch(r"\s*DLL Name: (.+)", line):
            yield program, found[1].lower()


def is_windows(library: str) -> bool:
    """Whether each Windows 10 has *library*."""
    return library.startswith("api-ms-win-") or library.partition(".")[0] in WINDOWS


def test_imported_libraries_are_in_the_bundle_or_in_windows(package: Package) -> None:
    programs = [
        path for path in package.bundle.rglob("*") if path.suffix in (".dll", ".exe", ".pyd")
    ]
    there = {path.name.lower() for path in programs}
    assert {"vcruntime140.dll", "vcruntime140_1.dll"} <= there, "Wine has them, Windows may not"
    found = [*imports(programs)]
    silent = {path.name for path in programs} - {program for program, _ in found}
    assert silent == {"python3.dll"}, "it only forwards"
    assert {pair for pair in found if pair[1] not in there and not is_windows(pair[1])} == set()


def test_what_makes_certificates_is_in_the_bundle(package: Package) -> None:
    """Nothing imports it before a module is opened to the network."""
    assert [path.name for path in package.bundle.glob("_internal/cryptography/**/*.pyd")]


def test_bundle_and_installer_are_small(package: Package) -> None:
    size = sum(path.stat().st_size for path in package.bundle.rglob("*") if path.is_file())
    installer = package.installer.stat().st_size
    print(f"bundle: {size / 1e6:.1f} MB, installer: {installer / 1e6:.1f} MB")  # noqa: T201 - figures
    assert size < BUNDLE_BYTES
    assert installer < INSTALLER_BYTES


def test_each_program_says_what_it_is_and_not_when_it_was_built(package: Package) -> None:
    times = set()
    for name in ("aiserver-tray.exe", "aiserver-trayw.exe"):
        content = (package.bundle / name).read_bytes()
        assert b">PerMonitorV2<" in content
        assert "AI-Server Tray project".encode("utf-16-le") in content
        times.add(of_header(content, 8))
    assert len(times) == 1, "when the files were changed, since one is built after the other"


def of_header(program: bytes, offset: int) -> int:
    """Four bytes of the header of *program*."""
    place = program.index(b"PE\0\0") + offset
    return int.from_bytes(program[place : place + 4], "little")


@pytest.mark.smoke
def test_the_shortcut_and_the_processes_have_one_application_id() -> None:
    assert process.APP_ID == APP_ID


def test_nsis_for_windows_makes_a_32_bit_installer_and_the_same_one_of_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nsis = tmp_path / "nsis"
    shutil.copytree("/usr/share/nsis", nsis, ignore=shutil.ignore_patterns("*amd64*"))
    monkeypatch.setenv("NSISDIR", str(nsis))
    made = []
    names = [f"{name}.dll" for name in "abcdefgh"]
    for number, order in enumerate((names, names[::-1])):
        bundle = tmp_path / f"{number}/bundle"
        bundle.mkdir(parents=True)
        for name in ("aiserver-tray.exe", *order):
            (bundle / name).write_text(name)
            os.utime(bundle / name, (1e9 + number, 1e9 + number))
        made.append(installer(bundle, "1.2.3", bundle.parent, "FAST").read_bytes())
    assert of_header(made[0], 4) & 0xFFFF == I386
    assert made[0] == made[1]


def test_every_file_has_a_licence(package: Package) -> None:
    assert unknown_files(package.bundle / "_internal") == []
    notices = (package.bundle / "_internal/THIRD-PARTY-NOTICES.txt").read_text(encoding="utf-8")
    for name in ("pystray", "pywin32", "OpenSSL", "lit-html", "pyinstaller"):
        assert re.search(rf"^{name} .*\(.+\)$", notices, re.MULTILINE), name
    assert (package.bundle / "_internal/pystray/_base.py").exists(), "LGPL: users may replace it"
    parts = parts_of(package.bundle / "_internal/aiserver-tray.cdx.json")
    versions = {part["name"]: part.get("version") for part in parts}
    assert all(versions[name] for name in ("Python", "OpenSSL", "SQLite", "pywin32", "lit-html"))
    assert "Microsoft Edge WebView2 SDK" in versions
