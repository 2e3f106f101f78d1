"""The option ``--trust`` of the commands that start modules."""

from collections.abc import Iterable

import click

from aiserver_tray.cli import complete
from aiserver_tray.cli.common import current_app
from aiserver_tray.cli.core import trust_module

trust_option = click.option(
    "--trust",
    multiple=True,
    metavar="MODULE",
    shell_complete=complete.modules,
    help="Allow MODULE all permissions that it asks for now. Can be repeated.",
)


def trust_all(modules: Iterable[str]) -> None:
    """Allow *modules* all permissions that they ask for now.

    Raises:
        UnknownNameError, CatalogError, SettingError, RemoteError: as for `trust_module`.
    """
    for name in modules:
        trust_module(current_app(), name)
