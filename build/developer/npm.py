"""Packages of the npm registry that checks and tests use. They are checked by hash; no Node.js."""

import base64
import hashlib
import io
import os
import sys
import tarfile
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

from developer.cache import writable
from developer.machine import VENV
from developer.processes import fail

REGISTRY = "https://registry.npmjs.org"
TIMEOUT_SECONDS = 60
ADVICE = (
    "check the network, or set the proxy in HTTPS_PROXY or a mirror of the npm registry in "
    "NPM_CONFIG_REGISTRY; then run the same again"
)


@dataclass(frozen=True)
class Package:
    """``name``: in the registry; ``title``: for people; ``sha512``: of its archive, as
    ``npm view NAME dist.integrity`` has it."""

    name: str
    version: str
    title: str
    sha512: str

    def set_up(self) -> Path:
        """The folder with its files, which are downloaded once. Exits if that fails."""
        folder = VENV / f"{self.title.lower()}-{self.version}"
        if not folder.exists():
            print(f"dev.py: downloading {self.title} {self.version}", file=sys.stderr)
            with TemporaryDirectory(dir=writable(VENV)) as scratch:
                made = Path(scratch) / "made"
                unpack(self._download(), made)
                try:
                    made.rename(folder)
                except OSError:
                    if not folder.exists():  # otherwise another process was faster
                        raise
        return folder / "package"

    def _download(self) -> bytes:
        """Its archive, as its makers published it."""
        registry = os.environ.get("NPM_CONFIG_REGISTRY", REGISTRY).rstrip("/")
        file = f"{self.name.rpartition('/')[2]}-{self.version}.tgz"
        url = f"{registry}/{self.name}/-/{file}"
        try:
            with urllib.request.build_opener().open(url, timeout=TIMEOUT_SECONDS) as response:
                archive: bytes = response.read()
        except (OSError, HTTPException) as error:
            fail(f"{url} could not be downloaded: {error}\ndev.py: {ADVICE}")
        if hashlib.sha512(archive).digest() != base64.b64decode(self.sha512):
            fail(f"{url} is not the archive that build/developer expects: wrong hash")
        return archive


def unpack(archive: bytes, folder: Path) -> None:
    """Write the files of *archive* to *folder*."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            if (content := members.extractfile(member)) is not None:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
                path.chmod(member.mode)
