"""The locked packages."""

import sys
from collections.abc import Sequence

from bundler.processes import must

_UV = (sys.executable, "-m", "uv", "--quiet")
_WITHOUT_WHEEL = "proxy-tools"
"""pywebview needs it; it is plain Python, and the locked setuptools builds it."""

LEFT_OUT = "jsonschema"
"""Only the client of the package ``mcp`` uses it, and only its server is used."""

PROGRAM = ("--no-dev", "--extra", "desktop", "--extra", "mcp", "--prune", LEFT_OUT)
"""All that users get in a package, as options for uv: also what assistants need."""


def exported(packages: Sequence[str]) -> str:
    """The locked packages that these options select, as a file of requirements with hashes."""
    return must(*_UV, "export", "--frozen", "--no-emit-project", "--no-header", *packages)


def builders() -> str:
    """What builds a package that has no wheel, in its locked versions."""
    return exported(("--only-group", "build")) + must(*_UV, "--version")


def installed(packages: Sequence[str], *place: str) -> None:
    """Install the wheels of the locked *packages* in *place*, which are options for uv. As copies:
    what a package leaves out of a file must not go from uv's cache, and so from other programs."""
    words = ["--only-binary", ":all:", "--no-binary", _WITHOUT_WHEEL, "--no-build-isolation"]
    words += ["--link-mode", "copy"]
    words += ["--no-deps", "--require-hashes", *place, "--requirement", "-"]
    must(*_UV, "pip", "install", *words, given=exported(packages))
