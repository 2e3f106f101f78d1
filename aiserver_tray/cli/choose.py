"""``aiserver-tray choose``: which modules *Start all* and a bare ``up`` mean."""

import click

from aiserver_tray.base.i18n import Text
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    current_app,
    print_json,
    report,
)
from aiserver_tray.cli.core import ask_owner, this_command


@click.command()
@click.argument("modules", nargs=-1, metavar="[MODULE]...", shell_complete=complete.modules)
@as_json_option
@common_options
def command(modules: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001 - command line flag
    """Choose the modules to start by default.

    "Start all" and `up` without a name start these modules. Without MODULE, show the chosen
    modules. Until you choose, all features are chosen.
    """
    app = current_app()
    for name in modules:
        app.catalog.module(name)
    if modules and not ask_owner(app, "ai/config/choose", modules=modules):
        from aiserver_tray.settings.changes import choose_modules  # noqa: PLC0415 - only without a host

        choose_modules(app.settings, modules, this_command())
    if as_json:
        print_json({"chosen": list(app.chosen)})
    elif not modules:
        for name in app.chosen:
            click.echo(name)
    else:
        said = Text(
            '"Start all" and `up` without a name now start: {modules}',
            modules=", ".join(app.chosen),
        )
        report([said.render(app.language)])
