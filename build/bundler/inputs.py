"""The inputs of a package: the project's wheel, the locked packages, and the files here."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

from bundler.packages import builders, exported
from bundler.processes import must
from developer.machine import ROOT

HERE = Path(__file__).parent
_KEPT = 2
"""Results of each kind that stay in the cache, however old they are."""

_USED_SECONDS = 12 * 3600.0
"""A result that was asked for since then stays, too: another run may still read it."""


def version() -> str:
    """The project's version."""
    found = re.search(
        r'__version__ = "(.+)"', (ROOT / "aiserver_tray/__init__.py").read_text(encoding="utf-8")
    )
    assert found
    return found[1]


def homepage() -> str:
    """The address of the project's pages, which only who publishes packages knows; may be empty."""
    return os.environ.get("AISERVER_HOMEPAGE", "")


def changed_at() -> datetime:
    """When the files were last changed, so that the same files always make the same package."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        # Root may build from the files of another user, as in the containers of GitHub's machines.
        command = ["git", "-c", f"safe.directory={ROOT}", "log", "-1", "--format=%ct"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        epoch = done.stdout.decode().strip()
    return datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)


def wheel(folder: Path) -> Path:
    """The project's wheel, built in *folder*: what it contains is what users get."""
    must(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    (found,) = folder.glob("*.whl")
    return found


def unpacked(archive: Path, folder: Path) -> Path:
    """The *folder* with the content of a wheel."""
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)
    return folder


def fingerprint(
    archive: Path,
    packages: Sequence[str],
    tools: Iterable[str],
    sources: Iterable[Path] = (),
) -> str:
    """A hash of a wheel's content, the locked *packages*, *tools*, and the files here and in
    *sources*, which are folders or files."""
    with zipfile.ZipFile(archive) as files:
        parts = [f"{name} {files.getinfo(name).CRC:x}" for name in sorted(files.namelist())]
    # A time that the caller names. That of the last commit does not count: each would be a build.
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    parts += [exported(packages), builders(), sys.version, told, *tools]
    for file in files_in(HERE, *sources):
        parts += [str(file.relative_to(ROOT)), hashlib.sha256(file.read_bytes()).hexdigest()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def files_in(*sources: Path) -> list[Path]:
    """The files among *sources*, and those below its folders, but Python's bytecode."""
    found = {path for source in sources for path in (source, *source.rglob("*"))}
    return sorted(path for path in found if path.is_file() and path.suffix != ".pyc")


@contextmanager
def cached(cache: Path, kind: str, key: str) -> Iterator[tuple[Path, Path | None]]:
    """The folder of *kind* and *key* in *cache*, and, if it does not exist yet, an empty folder to
    fill, which then gets its place. Older results of *kind* are removed, and what a process left
    that was killed while it filled one."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"{kind}-{key}"
    begun = f"making-{kind}-"
    with FileLock(cache / f"{kind}.lock"):
        for left in cache.glob(f"{begun}*"):
            shutil.rmtree(left, ignore_errors=True)
        if folder.exists():
            folder.touch()
            yield folder, None
            return
        with TemporaryDirectory(prefix=begun, dir=cache, ignore_cleanup_errors=True) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            yield folder, made
            made.rename(folder)
        folder.touch()
        used = {each: each.stat().st_mtime for each in cache.glob(f"{kind}-*/")}
        for old in sorted(used, key=lambda each: -used[each])[_KEPT:]:
            if used[old] < time.time() - _USED_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
