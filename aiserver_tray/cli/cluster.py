"""``aiserver-tray export``: modules as a plain Compose project."""

from pathlib import Path

import click

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    current_app,
    print_json,
    report,
)
from aiserver_tray.cli.core import request
from aiserver_tray.protocol.message import Json


@click.command()
@click.argument("modules", nargs=-1, required=True, metavar="MODULE...")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    required=True,
    help="The folder to write into.",
)
@click.option(
    "--volumes",
    type=click.Choice(["named", "new"]),
    default="named",
    help="Use the volumes that are here, with their data (default), or new, empty ones.",
)
@click.option("--placeholders", is_flag=True, help="Leave the passwords empty, to be filled in.")
@click.option("--replace", is_flag=True, help="Write into a folder that has other files.")
@as_json_option
@common_options
def export(
    modules: tuple[str, ...], *, output: Path, volumes: str, as_json: bool, **given: bool
) -> None:
    """Write MODULEs as a plain Compose project.

    `docker compose up -d` in FOLDER then runs them as they run here, with what they require.
    Passwords are in a file of their own, which only you can read. Says what can't go along.
    """
    app = current_app()
    secrets = "placeholders" if given["placeholders"] else "file"
    asked = {"modules": modules, "folder": str(output.absolute()), "volumes": volumes}
    done = request(app, "ai/export/write", **asked, secrets=secrets, replace=given["replace"])
    if as_json:
        print_json(done)
        return
    click.echo(done["folder"])
    _tell(done, app.language)


def _tell(done: Json, language: Language) -> None:
    """Say what stays behind, and what is next."""
    if done["left"]:
        report([Text("These stay behind:").render(language), *(f"- {one}" for one in done["left"])])
    report([Text("README.md there says how to start it.").render(language)])
