"""``aiserver-tray doctor`` and ``support-bundle``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import harmless
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    current_app,
    print_json,
    report,
    with_own_options,
)
from aiserver_tray.cli.core import request
from aiserver_tray.cli.terminal import columns, has_colour, is_terminal, wrapped
from aiserver_tray.cli.words import GRADES

if TYPE_CHECKING:
    from aiserver_tray.features.doctor.finding import CheckJson

_GRADE_COLUMNS = 9
"""Columns of the grade and the blank behind it."""
_COLOURS = {"ok": "green", "fact": "bright_black", "note": "yellow", "problem": "red"}


@click.command()
@as_json_option
@common_options
def command(as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Check the installation and the Docker engine.

    Also checks what the chosen modules require. Exits with 1 if it finds a problem.
    """
    checks: list[CheckJson] = request(current_app(), "ai/doctor/run")["checks"]
    if as_json:
        print_json({"checks": checks})
    else:
        print_checks(checks)
    sys.exit(1 if any(check["grade"] == "problem" for check in checks) else 0)


def print_checks(checks: "list[CheckJson]") -> None:
    """Print *checks*, each with its grade."""
    language = current_app().language
    for check in checks:
        grade = f"{GRADES[check['grade']].render(language):<8}"
        text = harmless(with_own_options(check["message"]))
        if is_terminal(sys.stdout):
            text = _hanging(text)
        if has_colour(sys.stdout):
            grade = click.style(grade, fg=_COLOURS[check["grade"]], bold=True)
        click.echo(f"{grade} {text}")


def _hanging(text: str) -> str:
    """*text* wrapped to fit beside the grade."""
    room = columns(sys.stdout) - _GRADE_COLUMNS
    return wrapped(text, max(20, room)).replace("\n", f"\n{' ' * _GRADE_COLUMNS}")


@click.command("support-bundle")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The file to write. Default: a new file in the current folder.",
)
@common_options
def support_bundle(output: Path | None) -> None:
    """Write a zip file that helps to find a problem.

    It has versions, settings, states, the last operations, the checks of `doctor` and the last log
    lines. Secrets and the name of your home folder are replaced. Prints the name of the file.
    """
    app = current_app()
    path = (output or Path()).absolute()
    click.echo(request(app, "ai/support/write", path=str(path))["file"])
    text = Text("Secrets were replaced. Look at the files before you send them.")
    report([text.render(app.language)])
