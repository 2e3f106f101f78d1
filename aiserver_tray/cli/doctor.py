"""``aiserver-tray doctor``: what is wrong with this installation, and how to mend it."""

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from aiserver_tray.cli.common import as_json_option, common_options, current_app, print_json
from aiserver_tray.cli.terminal import harmless, has_colour, is_terminal
from aiserver_tray.cli.words import GRADES
from aiserver_tray.errors import AiServerError, each

if TYPE_CHECKING:
    from aiserver_tray.app import App
    from aiserver_tray.doctor import Finding
    from aiserver_tray.target.model import ModuleTarget

_GRADE = 9
"""Columns of the grade and the blank behind it."""
_COLOURS = {"ok": "green", "note": "yellow", "problem": "red"}


@click.command()
@as_json_option
@common_options
def command(as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Check this installation, the engine, and what the chosen modules need of it."""
    app = current_app()
    findings = _findings(app)
    if as_json:
        print_json({"checks": [finding.as_data(app.language) for finding in findings]})
    else:
        _print(findings, app)
    sys.exit(1 if any(finding.grade == "problem" for finding in findings) else 0)


def _findings(app: "App") -> "list[Finding]":
    # Slow, and Ctrl-C has to be answered before.
    from aiserver_tray.doctor import examine_installation  # noqa: PLC0415
    from aiserver_tray.doctor.engine import examine_engine, problems  # noqa: PLC0415

    findings = examine_installation(app.settings, app.catalog)
    targets, errors = _chosen_targets(app)
    findings += problems("modules", errors)
    try:
        core = app.core()
        findings += examine_engine(core.engine, app.settings.installation_id, targets)
    except AiServerError as error:
        findings += problems("engine", [error])
    return findings


def _chosen_targets(app: "App") -> "tuple[list[ModuleTarget], list[AiServerError]]":
    """What the chosen modules, with those that they require, want on the engine; and why some
    can't be had. Makes no secrets."""
    from aiserver_tray.operations.modules import with_requires  # noqa: PLC0415 - as above

    try:
        return with_requires(app.chosen, app.preview), []
    except AiServerError as error:
        return [], list(each(error))


def _print(findings: "list[Finding]", app: "App") -> None:
    for finding in findings:
        grade = f"{GRADES[finding.grade].render(app.language):<8}"
        text = harmless(finding.text.render(app.language))
        if is_terminal(sys.stdout):
            text = _hanging(text)
        if has_colour(sys.stdout):
            grade = click.style(grade, fg=_COLOURS[finding.grade], bold=True)
        click.echo(f"{grade} {text}")


def _hanging(text: str) -> str:
    """*text* broken between words to stand beside the grade; Chinese, which has no blanks, is
    left to the terminal."""
    room = shutil.get_terminal_size().columns - _GRADE
    lines = textwrap.wrap(text, max(20, room), break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * _GRADE}".join(lines)
