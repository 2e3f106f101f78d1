"""TypeScript's compiler, which checks the page's scripts. It is a native program."""

import platform
import sys
from pathlib import Path

from developer.machine import WINDOWS
from developer.npm import Package
from developer.processes import fail

VERSION = "7.0.2"
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


def set_up() -> Path:
    """The compiler, which is downloaded once. Exits if that fails."""
    name = platform_name()
    package = Package(f"@typescript/typescript-{name}", VERSION, "TypeScript", SHA512[name])
    return package.set_up() / "lib" / ("tsc.exe" if WINDOWS else "tsc")


def platform_name() -> str:
    """Node.js's name for this machine's system and processor. Exits if there is no compiler."""
    machine = platform.machine().lower()
    name = f"{sys.platform}-{PROCESSORS.get(machine, machine)}"
    return name if name in SHA512 else fail(f"there is no TypeScript compiler for {name}")
