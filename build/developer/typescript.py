"""TypeScript's compiler, which checks the page's scripts. It is a native program: no Node.js."""

import base64
import hashlib
import io
import os
import platform
import shutil
import sys
import tarfile
import urllib.request
from http.client import HTTPException
from pathlib import Path

from developer.machine import VENV, WINDOWS
from developer.processes import fail

VERSION = "7.0.2"
REGISTRY = "https://registry.npmjs.org"
# Node.js's name of each platform -> the hash of its package, as `npm view NAME dist.integrity` has
# it.
SHA512 = {
    "darwin-arm64": (
        "gowzar9MwS/aRWp6f3a4KUqzRjAZjOsmGNCM6LcTgXum+dBfgsBVMN+AgvOCCbguXyick6LJhpBszxMebJ8syA=="
    ),
    "darwin-x64": (
        "SZ9xZInqApNlNGc9s0W1VSsktYSOe9cFqNOIqmN1Gs8SmkjKZYFt017G4VwPxASInODuAdbTW7sXiFUf893RgA=="
    ),
    "linux-arm64": (
        "Qh4eU4/y3yDjnfjjyPYihMj5/ODIlmt+Bzu17OI+fiSRDW57QmU5SiN63exPRNJPKUzcc1INa1NXdrJ+MqHjUQ=="
    ),
    "linux-x64": (
        "EYdf2cNg7rgCWJnxCdJ+F3V39O8ihb37eHAu1LK8oAFizgTQbPOK7zHHXbPt8rX24COqODXeI3sIf0fCXG7H/A=="
    ),
    "win32-arm64": (
        "Gyl1Vy6OsWesLzmq+EP0Fb7b4Nid5232AvcA2SFcdYreldpNtYFFofPjnt62y9hQy7VTaZp65ICJjuAQRaVcIQ=="
    ),
    "win32-x64": (
        "0BQ3HkAHHlKLSp1qRvf3SUhGpGsDuhB/jgFw75guyqbxJqEaS0Cw/VFO8i2nHglJUzQCRtMMR/IBAKE3ETMC4g=="
    ),
}
PROCESSORS = {"amd64": "x64", "x86_64": "x64", "arm64": "arm64", "aarch64": "arm64"}
TIMEOUT_SECONDS = 60
ADVICE = (
    "check the network, or set the proxy in HTTPS_PROXY or a mirror of the npm registry in "
    "NPM_CONFIG_REGISTRY; then run the same again"
)


def set_up() -> Path:
    """The compiler, which is downloaded once. Exit if that fails."""
    folder = VENV / f"typescript-{VERSION}"
    stamp = folder / "unpacked"
    if not stamp.exists():
        print(f"dev.py: downloading TypeScript {VERSION}", file=sys.stderr)
        unpack(download(platform_name()), folder)
        stamp.touch()
    return folder / "package/lib" / ("tsc.exe" if WINDOWS else "tsc")


def platform_name() -> str:
    """Node.js's name for this machine's system and processor. Exits if there is no compiler."""
    machine = platform.machine().lower()
    name = f"{sys.platform}-{PROCESSORS.get(machine, machine)}"
    return name if name in SHA512 else fail(f"there is no TypeScript compiler for {name}")


def download(name: str) -> bytes:
    """The archive of the compiler for the platform *name*, as its makers published it."""
    package = f"typescript-{name}"
    registry = os.environ.get("NPM_CONFIG_REGISTRY", REGISTRY).rstrip("/")
    url = f"{registry}/@typescript/{package}/-/{package}-{VERSION}.tgz"
    try:
        with urllib.request.build_opener().open(url, timeout=TIMEOUT_SECONDS) as response:
            archive: bytes = response.read()
    except (OSError, HTTPException) as error:
        fail(f"{url} could not be downloaded: {error}\ndev.py: {ADVICE}")
    if hashlib.sha512(archive).digest() != base64.b64decode(SHA512[name]):
        fail(f"{url} is not the archive that build/developer/typescript.py expects: wrong hash")
    return archive


def unpack(archive: bytes, folder: Path) -> None:
    """Write the files of *archive* to *folder*."""
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            if (content := members.extractfile(member)) is not None:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
                path.chmod(member.mode)
