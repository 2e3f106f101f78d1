"""Build the packages for users. See build/README.md.

python3 build/dev.py bundle               the bundle for this system; on Windows, the installer, too
python3 build/dev.py bundle --windows     on Linux: bundle and installer for Windows, with Wine
python3 build/dev.py bundle --deb         on Debian and Ubuntu: the package for them
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bundler.inputs import version
from bundler.native import native_bundle
from bundler.windows import Package, installer, sign, windows_package
from bundler.winget import write_manifest
from deb.package import deb_package
from developer.cache import PACKAGES, WINE, cache_folder
from developer.machine import ROOT, WINDOWS

FOLDER = ROOT / "dist"


def with_wine() -> Package:
    """Bundle and installer for Windows, from the cache if they are there."""
    made = windows_package(cache_folder(PACKAGES), cache_folder(WINE))
    bundle = FOLDER / made.bundle.name
    shutil.copytree(made.bundle, bundle)
    return Package(bundle, Path(shutil.copy(made.installer, FOLDER)))


def on_windows() -> Package:
    """Bundle and installer, on Windows itself."""
    bundle = native_bundle(FOLDER)
    sign(bundle)
    return Package(bundle, installer(bundle, version(), FOLDER))


def main(arguments: Sequence[str]) -> None:
    """Build what *arguments* ask for, and print where it is."""
    parser = argparse.ArgumentParser()
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--windows", action="store_true")
    what.add_argument("--deb", action="store_true")
    parser.add_argument("--url")
    given = parser.parse_args(arguments)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    if given.deb:
        sys.stdout.write(f"{shutil.copy(deb_package(cache_folder(PACKAGES)), FOLDER)}\n")
        return
    if not WINDOWS and not given.windows:
        sys.stdout.write(f"{native_bundle(FOLDER)}\n")
        return
    made = on_windows() if WINDOWS else with_wine()
    sys.stdout.write(f"{made.bundle}\n{made.installer}\n")
    if given.url:
        url = f"{given.url}/{made.installer.name}"
        write_manifest(made.installer, version(), url, FOLDER / "winget")


if __name__ == "__main__":
    main(sys.argv[1:])
