"""``python -m tests.lab up|down|env``: the lab from a shell."""

import argparse
import os
import shlex
import shutil
import sys
import time

from tests.lab import lifecycle
from tests.lab.place import VARIABLE, LabError, Place, default_place

TOOLS = {
    "debootstrap": "debootstrap",
    "docker-init": "docker.io",
    "docker-registry": "docker-registry",
    "dockerd": "docker.io",
    "ip": "iproute2",
    "iptables": "iptables",
    "unshare": "util-linux",
}
"""Commands the lab runs, and the Debian package of each."""


def main(arguments: list[str]) -> int:
    """Runs one command. Returns the exit status: 0 done, 1 failed; argparse exits with 2."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start engine and registry, build what the registry lacks")
    down = commands.add_parser("down", help="end them and remove all but the registry's images")
    down.add_argument("--purge", action="store_true", help="remove the registry's images too")
    commands.add_parser("env", help="print what a shell needs: eval \"$(… env)\"")
    chosen = parser.parse_args(arguments)
    place = default_place()
    try:
        if chosen.command == "env":
            print(f"export DOCKER_HOST={shlex.quote(place.host)}")
        else:
            _require_means(place, arguments)
            _change(place, chosen)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _change(place: Place, chosen: argparse.Namespace) -> None:
    begun = time.monotonic()
    if chosen.command == "up":
        lifecycle.up(place, lambda line: print(line, flush=True))
        print(f"The lab is up ({time.monotonic() - begun:.1f} s): {place.host}")
    elif chosen.purge:
        lifecycle.purge(place)
    else:
        lifecycle.down(place)


def _require_means(place: Place, arguments: list[str]) -> None:
    """Raises ``LabError`` with the command that helps, where rights or tools are missing."""
    if os.geteuid() != 0:
        command = ["sudo", "env", f"{VARIABLE}={place.state}", sys.executable, "-m", "tests.lab"]
        raise LabError(f"The lab needs root. Run: {shlex.join([*command, *arguments])}")
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    lacking = {package for tool, package in TOOLS.items() if not shutil.which(tool, path=path)}
    if lacking:
        packages = " ".join(sorted(lacking))
        raise LabError(f"Debian packages are missing. Run: apt-get install -y {packages}")
    os.environ["PATH"] = path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
