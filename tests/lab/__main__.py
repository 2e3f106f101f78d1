"""``python -m tests.lab up|prepare|down|env|demo``: the lab from a shell."""

import json
import os
import shlex
import shutil
import sys
import time
from pathlib import Path

import click

from tests.lab import lifecycle
from tests.lab.demo import demo
from tests.lab.place import VARIABLE, LabError, Place, default_place

PACKAGES = Path(__file__).with_name("requirements.json")
"""Commands that the lab runs, and the Debian package of each."""


@click.group(help="A private Docker Engine, and a registry with the catalog's images.")
@click.pass_context
def main(context: click.Context) -> None:
    """The lab of this machine, or of the state folder that AISERVER_LAB names."""
    context.obj = default_place()


@main.command()
@click.pass_obj
def up(place: Place) -> None:
    """Start engine and registry; build what the registry lacks."""
    begun = time.monotonic()
    _require_means(place)
    lifecycle.up(place, click.echo)
    click.echo(f"The lab is up after {time.monotonic() - begun:.1f} s: {place.host}")


@main.command()
@click.pass_obj
def prepare(place: Place) -> None:
    """Build what the registry lacks, and stop again."""
    _require_means(place)
    lifecycle.prepare(place, click.echo)


@main.command()
@click.option("--purge", is_flag=True, help="Remove the registry's images too.")
@click.pass_obj
def down(place: Place, purge: bool) -> None:  # noqa: FBT001 - click's way
    """End them and remove all but the registry's images."""
    _require_means(place)
    (lifecycle.purge if purge else lifecycle.down)(place)


@main.command()
@click.pass_obj
def env(place: Place) -> None:
    """Print what a shell needs: eval "$(… env)"."""
    click.echo(f"export DOCKER_HOST={shlex.quote(place.host)}")


@main.command("demo")
@click.pass_obj
def demo_(place: Place) -> None:
    """Show a stack in the browser until Ctrl-C."""
    _require_means(place)
    demo(place.for_demo(), click.echo)


def _require_means(place: Place) -> None:
    """Raises ``LabError`` with the command that helps, where rights or tools are missing."""
    if os.geteuid() != 0:
        command = ["sudo", "env", f"{VARIABLE}={place.state}", sys.executable, "-m", "tests.lab"]
        raise LabError(f"The lab needs root. Run: {shlex.join([*command, *sys.argv[1:]])}")
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    packages: dict[str, str] = json.loads(PACKAGES.read_text())
    if lacking := {package for tool, package in packages.items() if not shutil.which(tool)}:
        names = " ".join(sorted(lacking))
        raise LabError(f"Debian packages are missing. Run: apt-get install -y {names}")


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        click.echo(error, err=True)
        sys.exit(1)
