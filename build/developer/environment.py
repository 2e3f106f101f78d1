"""Setting up packages and the virtual environment for a command."""

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

from developer.cache import writable
from developer.machine import DEBIAN, ROOT, SCRIPTS, VENV
from developer.packages import Needs
from developer.processes import fail, must, must_as_root

BUILD = ROOT / "build/requirements/build.txt"
RUN = ROOT / "build/requirements/run.txt"
DEV = ROOT / "build/requirements/dev.txt"  # those of RUN, and what tests and checks need
STAMP = VENV / "set-up-for.txt"
NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 11))"
LISTS_LOCK = "/var/lib/apt/lists/lock"
APT = "apt-get update && apt-get install --no-install-recommends "  # for people to type
# A machine that was just started updates its lists itself. apt waits for dpkg's lock, but not for
# that of its lists. dpkg would ask about changed configuration files.
APT_SCRIPT = (
    "export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8; "
    f"lock=$(stat -c %i {LISTS_LOCK} 2>/dev/null); tries=0; "
    'while grep -q ":${lock:-none} " /proc/locks && [ $((tries += 1)) -lt 300 ]; do sleep 1; done; '
    "apt-get -qq update && apt-get -qq -o DPkg::Lock::Timeout=300"
    " -o Dpkg::Options::=--force-confold install --yes --no-install-recommends "
)
NO_INDEX = (
    "pip takes what the project needs from https://pypi.org, or where it is set to. If that can't "
    "be reached, look at the network, or name the proxy in HTTPS_PROXY; then run the same again"
)


def install_packages(needs: Needs) -> None:
    """Install the Debian packages of *needs*, all at once; elsewhere say that they are needed."""
    names = " ".join(sorted(set().union(*needs.values())))
    if not names:
        return
    if not DEBIAN:
        fail(
            "this is neither Debian nor Ubuntu, whose packages are installed by themselves. "
            f"Install what Debian calls {names}, then try again"
        )
    why = ", ".join(what for what, packages in needs.items() if packages)
    print(f"dev.py: installing {names} (for {why})", file=sys.stderr)
    start = time.monotonic()
    printed = must_as_root(APT_SCRIPT + names, APT + names)
    count, took = printed.count("\nSetting up "), time.monotonic() - start
    print(f"dev.py: installed {count} packages in {took:.0f} s", file=sys.stderr)


def base_python() -> str:
    """The Python for the environment. Debian's own if it exists, because its GTK bindings work with
    no other. Otherwise the running one, or, in an activated environment, its base Python."""
    return "/usr/bin/python3" if DEBIAN else str(getattr(sys, "_base_executable", sys.executable))


def python_needs() -> Needs:
    """The command that creates the environment."""
    if not DEBIAN or answers(base_python(), "import ensurepip, venv"):
        return {}
    return {".venv": {"python3-venv"}}


def answers(python: str, code: str) -> bool:
    """Whether *python* is there, and *code* runs in it without complaint."""
    if not Path(python).exists():
        return False
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def wanted_stamp(python: str, requirements: Path) -> list[str]:
    """The inputs of the environment: its place, its Python and the locked packages; which of these
    it has; and the project's own description."""
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True)
    packages, project = digest(BUILD, RUN, DEV), digest(ROOT / "pyproject.toml")
    return [f"{ROOT} {python} {version.stdout.strip()} {packages}", requirements.name, project]


def digest(*files: Path) -> str:
    """A hash of the content of *files*."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def stamp() -> list[str]:
    """The inputs that the environment was set up with. Nothing if it is incomplete."""
    if STAMP.exists() and shutil.which("python", path=str(SCRIPTS)):
        return STAMP.read_text(encoding="utf-8").splitlines()
    return []


def set_up(needs: Needs, requirements: Path = DEV) -> None:
    """Install the missing parts of *needs*. Create the virtual environment and fill it with the
    packages of *requirements*, unless it is up to date. One that has those of `DEV` keeps them."""
    python = base_python()
    refuse_old(python)
    install_packages({**needs, **python_needs()})
    refuse_old(python)  # it may have been installed just now
    found = stamp()
    if DEV.name in found:
        requirements = DEV
    wanted = wanted_stamp(python, requirements)
    if found == wanted:
        return
    print("dev.py: setting up .venv", file=sys.stderr)
    writable(ROOT)
    if found[:1] != wanted[:1]:
        make(python)
        fill(BUILD)
    if found[:2] != wanted[:2]:
        fill(requirements)
    install_project()
    STAMP.write_text("\n".join(wanted) + "\n", encoding="utf-8")


def refuse_old(python: str) -> None:
    """Exit if *python* exists and is too old."""
    if Path(python).exists() and not answers(python, NEW_ENOUGH):
        fail(f"{python} is older than Python 3.11; Debian 12 or Ubuntu 24.04 have a newer one")


def make(python: str) -> None:
    """Create the environment again, empty."""
    STAMP.unlink(missing_ok=True)  # an interrupted environment may lack pip, so it is created again
    options = ["--system-site-packages"] if DEBIAN else []
    must([python, "-m", "venv", "--clear", *options, VENV], "remove .venv, and try again")


def fill(requirements: Path) -> None:
    """Install the locked packages of *requirements*. The build systems come first, for packages
    that have no wheel."""
    pip_install("--require-hashes", "--use-pep517", "--requirement", requirements)


def install_project() -> None:
    """Install the project itself, as the files that are here."""
    pip_install("--no-deps", "--editable", ".")


def pip_install(*words: object) -> None:
    """Install by pip, which must not download a build system whose version is not locked."""
    pip = [SCRIPTS / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    must([*pip, "--no-build-isolation", *words], NO_INDEX)
