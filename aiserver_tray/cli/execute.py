"""``aiserver-tray exec`` and ``action``: commands in a running service."""

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.errors import ServiceNotRunningError, UnknownNameError, refuse_unknown
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    UsageError,
    as_json_option,
    common_options,
    confirm,
    current_app,
    print_json,
    print_table,
    read_line,
    report,
)
from aiserver_tray.cli.core import shared_core
from aiserver_tray.features.actions.events import ACTION_OUTPUT
from aiserver_tray.protocol.message import Json
from aiserver_tray.state.views import ModuleView, ServiceView

if TYPE_CHECKING:
    from aiserver_tray.protocol.message import AnyClient, Message


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


@click.command()
@click.argument("module", shell_complete=complete.modules)
@click.argument("name", required=False, metavar="[ACTION]", shell_complete=complete.actions)
@click.option("--yes", is_flag=True, help="Run it without asking.")
@click.option(
    "--input",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="Enter VALUE for the input NAME. Other inputs, and secrets, are asked for, or read from "
    "lines of standard input. Can be repeated.",
)
@as_json_option
@common_options
def action(module: str, name: str | None, yes: bool, given: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001
    """Run ACTION of MODULE, or list its actions.

    An action is a command in a running service, which the module's file declares, such as one that
    resets a password. Shows its output without secrets. Ctrl-C ends it, with all that it has
    started.
    """
    with shared_core(current_app()) as core:
        found = core.client.request("ai/action/list", {"module": module})["actions"]
        if name is None:
            _list_actions(found, as_json=as_json)
            return
        refuse_unknown([name], [one["name"] for one in found])
        asked = next(one for one in found if one["name"] == name)
        inputs = _inputs(asked, given)
        if asked["confirm"] and not yes:
            refusal = Text("this action changes things. Confirm it with --yes")
            confirm([asked["confirm"]], refusal, Text("Run it?"))
        if not as_json:
            core.client.subscribe((ACTION_OUTPUT.name,), _print_output)
        result = _run_action(core.client, {"module": module, "action": name}, inputs)
    if as_json:
        print_json({"success": True, **result})


def _list_actions(actions: Sequence[Json], *, as_json: bool) -> None:
    language = current_app().language
    if as_json:
        print_json({"actions": actions})
    elif actions:
        heads = (Text("ACTION"), Text("SERVICE"), Text("TITLE"))
        rows = [(one["name"], one["service"], one["title"]) for one in actions]
        print_table(heads, rows, language)
    else:
        report([Text("This module has no actions.").render(language)])


def _inputs(asked: Json, given: Sequence[str]) -> dict[str, str]:
    """The values of the inputs of the action *asked*: as *given* (``NAME=VALUE``), else lines of
    standard input.

    Raises:
        UsageError: a secret is in the arguments, or one of them is not ``NAME=VALUE``.
    """
    if wrong := next((one for one in given if "=" not in one), None):
        raise UsageError(Text("expected NAME=VALUE, found {found!r}", found=wrong))
    values = {name: value for name, _, value in (one.partition("=") for one in given)}
    refuse_unknown(values, [one["name"] for one in asked["inputs"]])
    for one in asked["inputs"]:
        name, hide = one["name"], one["secret"]
        if name not in values:
            values[name] = read_line(f"{one['title']} ({name})", hide=hide)
        elif hide:
            why = Text(
                "other users can see arguments. {name} is read from standard input", name=name
            )
            raise UsageError(why)
    return values


def _print_output(message: "Message") -> None:
    click.echo(json.loads(message.payload)["text"], nl=False)


def _run_action(client: "AnyClient", named: Json, inputs: Json) -> Json:
    """Run the action that is *named* to its end; Ctrl-C cancels it. Returns an `ActionResult`.

    Raises:
        AiServerError: it failed, or was cancelled.
    """
    with ThreadPoolExecutor(1, "action-request") as pool:
        done = pool.submit(client.request, "ai/action/run", {**named, "inputs": inputs})
        while True:
            try:
                return done.result()
            except KeyboardInterrupt:
                client.request("ai/action/cancel", named)
