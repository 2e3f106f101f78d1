"""``aiserver-tray doctor``: problems of this installation, and how to fix them."""

import sys
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.harmless import harmless
from aiserver_tray.cli.common import (
    as_called,
    as_json_option,
    common_options,
    current_app,
    print_json,
)
from aiserver_tray.cli.terminal import columns, has_colour, is_terminal, wrapped
from aiserver_tray.cli.words import GRADES

if TYPE_CHECKING:
    from aiserver_tray.app import App
    from aiserver_tray.core.doctor import Finding

_GRADE_COLUMNS = 9
"""Columns of the grade and the blank behind it."""
_COLOURS = {"ok": "green", "note": "yellow", "problem": "red"}


@click.command()
@as_json_option
@common_options
def command(as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Check the installation and the Docker engine.

    Also checks what the chosen modules require. Exits with 1 if it finds a problem.
    """
    from aiserver_tray.core.doctor import examine  # noqa: PLC0415 - after Ctrl-C works

    app = current_app()
    findings = examine(app)
    if as_json:
        print_json({"checks": [finding.as_json(app.language) for finding in findings]})
    else:
        _print(findings, app)
    sys.exit(1 if any(finding.grade == "problem" for finding in findings) else 0)


def _print(findings: "list[Finding]", app: "App") -> None:
    for finding in findings:
        grade = f"{GRADES[finding.grade].render(app.language):<8}"
        text = harmless(as_called(finding.text.render(app.language)))
        if is_terminal(sys.stdout):
            text = _hanging(text)
        if has_colour(sys.stdout):
            grade = click.style(grade, fg=_COLOURS[finding.grade], bold=True)
        click.echo(f"{grade} {text}")


def _hanging(text: str) -> str:
    """*text* wrapped to fit beside the grade."""
    room = columns(sys.stdout) - _GRADE_COLUMNS
    return wrapped(text, max(20, room)).replace("\n", f"\n{' ' * _GRADE_COLUMNS}")
