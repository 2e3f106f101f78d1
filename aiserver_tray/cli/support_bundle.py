"""``aiserver-tray support-bundle``: a file that helps others to find a problem."""

from pathlib import Path

import click

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import common_options, current_app, report
from aiserver_tray.cli.core import whole_snapshot


@click.command("support-bundle")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The file to write. Default: a new file in the current folder.",
)
@common_options
def command(output: Path | None) -> None:
    """Write a zip file that helps to find a problem.

    It has versions, settings, states, the last operations, the checks of `doctor` and the last log
    lines. Secrets and the name of your home folder are replaced. Prints the name of the file.
    """
    from aiserver_tray.core.support.bundle import (  # noqa: PLC0415 - after Ctrl-C works
        file_name,
        support_bundle,
    )
    from aiserver_tray.system.files import write_private  # noqa: PLC0415

    app = current_app()
    file = (output or Path(file_name())).absolute()
    with app.core() as core:
        content = support_bundle(app, core.engine, whole_snapshot(core))
    try:
        write_private(file, content)
    except OSError as error:
        why = Text("can't write it ({reason}). Check its folder", reason=error.strerror or error)
        raise SettingError(str(file), why) from error
    click.echo(file)
    text = Text("Secrets were replaced. Look at the files before you send them.")
    report([text.render(app.language)])
