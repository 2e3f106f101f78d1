"""Build the packages for users. See build/README.md.

python3 build/dev.py bundle               the bundle for this system; on Windows, the installer, too
python3 build/dev.py bundle --windows     on Linux: bundle and installer for Windows, with Wine
python3 build/dev.py bundle --deb         on Debian and Ubuntu: a package for each of their releases
"""

import argparse
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory

from bundler.inputs import version
from bundler.native import native_bundle
from bundler.processes import MissingProgramError
from bundler.windows import Package, installer, require_tools, sign, windows_package
from bundler.winget import write_manifest
from deb.package import deb_package
from deb.releases import RELEASES
from developer.cache import PACKAGES, WINE, cache_folder
from developer.machine import ROOT, WINDOWS

FOLDER = ROOT / "dist"


def with_wine(folder: Path) -> Package:
    """Bundle and installer for Windows in *folder*, from the cache if they are there."""
    made = windows_package(cache_folder(PACKAGES), cache_folder(WINE))
    bundle = shutil.copytree(made.bundle, folder / made.bundle.name)
    return Package(bundle, Path(shutil.copy(made.installer, folder)))


def on_windows(folder: Path) -> Package:
    """Bundle and installer in *folder*, on Windows itself."""
    require_tools()
    bundle = native_bundle(folder)
    sign(bundle)
    return Package(bundle, installer(bundle, version(), folder))


def build(given: argparse.Namespace, folder: Path) -> list[Path]:
    """The packages that *given* asks for, built in *folder*."""
    if given.deb:
        debs = [deb_package(cache_folder(PACKAGES), release) for release in RELEASES]
        return [Path(shutil.copy(deb, folder)) for deb in debs]
    if not WINDOWS and not given.windows:
        return [native_bundle(folder)]
    made = on_windows(folder) if WINDOWS else with_wine(folder)
    if given.url:
        url = f"{given.url}/{made.installer.name}"
        write_manifest(made.installer, version(), url, folder / "winget")
    return [made.bundle, made.installer]


def main(arguments: Sequence[str]) -> None:
    """Build what *arguments* ask for, and print where it is. If that fails, the packages that were
    built before stay."""
    parser = argparse.ArgumentParser()
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--windows", action="store_true")
    what.add_argument("--deb", action="store_true")
    parser.add_argument("--url")
    given = parser.parse_args(arguments)
    with TemporaryDirectory(dir=ROOT) as scratch:
        folder = Path(scratch) / FOLDER.name
        folder.mkdir()
        made = build(given, folder)
        shutil.rmtree(FOLDER, ignore_errors=True)
        folder.rename(FOLDER)
    sys.stdout.writelines(f"{FOLDER / path.relative_to(folder)}\n" for path in made)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CalledProcessError as error:  # its output was shown
        sys.exit(f"bundle.py: failed: {shlex.join(error.cmd)}")
    except MissingProgramError as error:
        sys.exit(f"bundle.py: {error}")
