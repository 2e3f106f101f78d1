"""``aiserver-tray exec``: a command in a running service."""

import sys
from contextlib import closing

import click

from aiserver_tray.base.errors import ServiceNotRunningError, UnknownNameError, refuse_unknown
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import UsageError, common_options, current_app
from aiserver_tray.cli.core import shared_core
from aiserver_tray.state.views import ModuleView, ServiceView


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("target", metavar="MODULE[/SERVICE]", shell_complete=complete.services)
@click.argument("words", nargs=-1, metavar="[CMD]...")
@common_options
def command(target: str, words: tuple[str, ...]) -> None:
    """Run CMD in a running service, by default a shell.

    Exits with the exit code of CMD. Without SERVICE, use the service with the module's name, or
    else its only service.
    """
    app = current_app()
    name, _, service = target.partition("/")
    with shared_core(app, app.core_for_reading) as core:
        snapshot = core.store.latest
    modules = {module.name: module for module in snapshot.modules}
    refuse_unknown([name], modules)
    module = modules[name]
    if not module.services:  # its file can't be read, so only the engine knows them
        snapshot.engine.check_response()
    found = find_service(module, service)
    snapshot.engine.check_response()
    if found.state != "running":
        raise ServiceNotRunningError(f"{name}/{found.name}", found.state)
    # Not through a channel: input and output pass unchanged, byte for byte.
    with closing(app.engine()) as engine:
        status = engine.containers.exec(found.container, words or ("sh",))
    sys.exit(status)


def find_service(module: ModuleView, name: str) -> ServiceView:
    """The service *name* of *module*; empty: the module's main service.

    Raises:
        UnknownNameError: there is no such service.
        UsageError: *name* is empty, and the module has several services, none with its name.
    """
    services = {service.name: service for service in module.services}
    addresses = [f"{module.name}/{service}" for service in services]
    if name in services:
        return services[name]
    if name:
        raise UnknownNameError(f"{module.name}/{name}", addresses)
    if module.name in services:
        return services[module.name]
    if len(services) == 1:
        return module.services[0]
    text = Text(
        "{module} has several services. Add one of them: {services}",
        module=module.name,
        services=", ".join(addresses),
    )
    raise UsageError(text)
