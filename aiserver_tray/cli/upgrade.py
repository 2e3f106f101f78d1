"""``aiserver-tray upgrade``."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

import click

from aiserver_tray.base.errors import NotRunningError, RefusedError
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.base.strings import binary_size
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    UsageError,
    as_json_option,
    common_options,
    confirm,
    current_app,
    fail,
    print_json,
    print_table,
    report,
)
from aiserver_tray.cli.core import connected, request
from aiserver_tray.features.upgrade.events import UPGRADES
from aiserver_tray.protocol.message import Json, Message

if TYPE_CHECKING:
    from aiserver_tray.model import OperationKind
    from aiserver_tray.protocol.message import AnyClient

_NEVER = "never"
_OF_MODULES: Final = ("rehearse", "direct", "stopped", "at", "skip", "later", "undo", "forget")
"""What is done only with modules that are named."""


@click.command("upgrade")
@click.argument("modules", nargs=-1, metavar="[MODULE]...", shell_complete=complete.modules)
@click.option("--list", "list_", is_flag=True, help="Only list the versions that there are.")
@click.option("--ask", is_flag=True, help="Ask the registries for new versions, then list them.")
@click.option("--to", metavar="VERSION", help="Upgrade to this version, not to the newest one.")
@click.option("--rehearse", is_flag=True, help="Only try it on a copy of the data.")
@click.option("--direct", is_flag=True, help="Upgrade without trying it on a copy first.")
@click.option(
    "--stopped",
    is_flag=True,
    help="Stop MODULE while it is tried, if the memory does not suffice for both.",
)
@click.option("--at", metavar="HH:MM", help="Upgrade later, at this time. `never`: not any more.")
@click.option("--skip", metavar="VERSION", help="Do not offer this version again.")
@click.option("--later", metavar="VERSION", help="Do not offer this version for a week.")
@click.option("--undo", is_flag=True, help="Go back to what was before the last upgrade.")
@click.option("--forget", is_flag=True, help="Delete the data from before the last upgrade.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@as_json_option
@common_options
def command(
    modules: tuple[str, ...],
    to: str | None,
    *,
    yes: bool,
    as_json: bool,
    **given: str | bool | None,
) -> None:
    """Upgrade MODULEs to newer versions. Without MODULE, upgrade all that have one.

    The new version is first tried on a copy of the data, beside what runs. If it fits, the module
    stops, is upgraded and starts again. If that fails, everything is put back. The data from before
    is kept for a while: --undo goes back to it.
    """
    chosen = [name for name, value in given.items() if value]
    what = chosen[0] if chosen else "upgrade"
    _check_usage(modules, chosen, to)
    if what in ("list_", "ask"):
        _list(modules, ask=what == "ask", as_json=as_json)
    elif what in ("at", "skip", "later"):
        _remember(what, modules, str(given[what]), to)
    elif what == "forget":
        if not yes:
            _confirm_loss(Text("The data from before the last upgrade is deleted."), "--forget")
        for module in modules:
            request(current_app(), "ai/upgrade/forget", module=module)
    else:
        if what == "undo" and not yes:
            text = Text("What was stored since the upgrade is backed up first, and then lost here.")
            _confirm_loss(text, "--undo")
        for asked in _requests(what, modules, to):
            _operate(*asked, as_json=as_json)


def _check_usage(modules: Sequence[str], chosen: Sequence[str], to: str | None) -> None:
    """Raises `UsageError`: the options don't go together, or MODULE is missing."""
    if len(chosen) > 1:
        options = Listed(f"--{name.rstrip('_')}" for name in chosen)
        raise UsageError(Text("{options} don't go together. Use one of them", options=options))
    if not modules and (to or any(name in _OF_MODULES for name in chosen)):
        raise UsageError(Text("say which MODULE"))
    if to and len(modules) > 1:
        raise UsageError(Text("--to is for one MODULE"))


def _requests(
    what: str, modules: Sequence[str], to: str | None
) -> "Iterable[tuple[OperationKind, str, Json]]":
    """The operations that are asked for: kind, channel, payload."""
    if not modules:
        yield "upgrade", "ai/upgrade/all", {}
    version = {"version": to} if to else {}
    how = {"how": what} if what in ("direct", "stopped") else {}
    for module in modules:
        if what == "undo":
            yield "restore", "ai/upgrade/undo", {"module": module}
        elif what == "rehearse":
            yield "rehearse", "ai/upgrade/rehearse", {"module": module} | version
        else:
            yield "upgrade", "ai/upgrade/start", {"module": module} | version | how


def _operate(kind: "OperationKind", channel: str, payload: Json, *, as_json: bool) -> None:
    """Start an operation, show it until its end, and then its result."""
    from aiserver_tray.cli.operate import show  # noqa: PLC0415 - after Ctrl-C works

    modules = (payload["module"],) if payload else ()
    asked = channel, payload, kind, modules
    view = show(lambda core: core.operations.begin(*asked), as_json=as_json)
    if view.error:
        fail(view.error, current_app().language)


def _remember(what: str, modules: Sequence[str], value: str, to: str | None) -> None:
    """Plan an upgrade, or don't offer a version."""
    app = current_app()
    for module in modules:
        if what == "at":
            planned = {"version": to or _offer(module), "at": _clock(value)}
            request(app, "ai/upgrade/tonight", module=module, **planned)
        else:
            rest = {"skip": "skip", "later": "week"}[what]
            request(app, "ai/upgrade/rest", module=module, version=value, rest=rest)


def _clock(value: str) -> str | None:
    """The time of the day *value*; None: never.

    Raises:
        UsageError: it is none.
    """
    if value == _NEVER:
        return None
    try:
        return f"{datetime.strptime(value, '%H:%M'):%H:%M}"
    except ValueError:
        why = Text("{value} is no time such as 03:00, and not `never`", value=value)
        raise UsageError(why) from None


def _offer(module: str) -> str:
    """The version that *module* can be upgraded to.

    Raises:
        RefusedError: there is none.
    """
    listed = request(current_app(), "ai/upgrade/list")["modules"]
    for one in listed:
        if one["name"] == module and one["offer"]:
            return str(one["offer"]["version"])
    raise RefusedError(Text("No newer version of {module} is offered.", module=module))


def _confirm_loss(text: Text, option: str) -> None:
    refusal = Text("{option} loses data. Confirm this with --yes", option=option)
    confirm([text.render(current_app().language)], refusal)


# -- the list --------------------------------------------------------------------------------------


def _list(modules: Sequence[str], *, ask: bool, as_json: bool) -> None:
    with connected(current_app()) as client:
        found = _asked(client, modules) if ask else client.request("ai/upgrade/list")
    if as_json:
        print_json(found)
        return
    language = current_app().language
    rows = [
        (one["name"], one["version"], offer["version"] if offer else "-", _notes(one))
        for one in found["modules"]
        if not modules or one["name"] in modules
        for offer in [one["offer"]]
    ]
    heads = (Text("MODULE"), Text("VERSION"), Text("OFFERED"), Text("NOTES"))
    print_table(heads, rows, language)
    report(filter(None, [found["problem"], found["unended"]]))


def _asked(client: "AnyClient", modules: Sequence[str]) -> Json:
    """The list, once the registries have answered.

    Raises:
        NotRunningError: the owner is gone.
    """
    events: SimpleQueue[Message | None] = SimpleQueue()
    client.subscribe((UPGRADES.name,), events.put, lambda: events.put(None))
    client.request("ai/upgrade/ask", {"modules": [*modules]} if modules else {})
    while event := events.get():
        if not json.loads(event.payload)["asking"]:
            return client.request("ai/upgrade/list")
    raise NotRunningError


def _notes(module: Json) -> str:
    """What else there is to say about *module*, in a line."""
    language = current_app().language
    offer, rehearsal, undo = module["offer"], module["rehearsal"], module["undo"]
    said: list[Text] = []
    if module["at"]:
        said.append(Text("planned for {time}", time=_time(module["at"])))
    if offer and rehearsal and rehearsal["version"] == offer["version"]:
        said.append(_RESULTS[rehearsal["problem"] is None])
    if offer and offer["bytes"] is not None:
        said.append(Text("downloads {size}", size=binary_size(offer["bytes"])))
    failed = next((one for one in module["versions"] if one["failed"]), None)
    if failed and not offer:
        said.append(Text("{version} does not fit: {why}", version=failed["version"],
                         why=failed["failed"]))  # fmt: skip
    if module["shared"]:
        said.append(Text("its data in {stores} is not put back", stores=Listed(module["shared"])))
    if undo:
        said.append(Text("can go back to {version} until {time}", version=undo["version"],
                         time=_time(undo["until"])))  # fmt: skip
    return ", ".join(text.render(language) for text in said)


_RESULTS: Final[Mapping[bool, Text]] = {
    True: Text("rehearsed, and it fits"),
    False: Text("rehearsed, and it does not fit"),
}


def _time(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"
