"""``aiserver-tray doctor``: what is wrong with this installation, and how to mend it."""

import sys

import click

from aiserver_tray.cli.common import as_json_option, common_options, current_app, print_json
from aiserver_tray.doctor import examine


@click.command()
@as_json_option
@common_options
def command(as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Check this installation."""
    app = current_app()
    findings = examine(app.settings, app.catalog)
    if as_json:
        print_json({"checks": [finding.as_data(app.language) for finding in findings]})
    else:
        for finding in findings:
            click.echo(f"{finding.grade.upper():<8} {finding.text.render(app.language)}")
    sys.exit(1 if any(finding.grade == "problem" for finding in findings) else 0)
