"""``aiserver-tray access``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import click
from click.shell_completion import CompletionItem

from aiserver_tray.base.errors import UnknownNameError
from aiserver_tray.base.i18n import Text
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
from aiserver_tray.cli.core import request, shared_core
from aiserver_tray.protocol.message import Json

_WAYS: Final = ("network", "off", "forget")
_CHECK: Final = "check"
_AUTHORITY: Final = "ca"
_STATES: Final[Mapping[str, Text]] = {
    "closed": Text("this computer"),
    "waiting": Text("waits for its first account"),
    "opening": Text("being opened"),
    "open": Text("network"),
    "broken": Text("network, with a problem"),
    "paused": Text("closed in this network"),
}


def _words(context: click.Context, parameter: click.Parameter, start: str) -> list[CompletionItem]:
    more = [CompletionItem(word) for word in (_CHECK, _AUTHORITY) if word.startswith(start)]
    return [*complete.modules(context, parameter, start), *more]


_REFUSAL: Final = Text("Confirm this with --yes")


@click.command("access")
@click.argument("module", required=False, metavar="[MODULE]", shell_complete=_words)
@click.argument("way", required=False, metavar="[network|off|forget]", type=click.Choice(_WAYS))
@click.option(
    "--address",
    default="",
    metavar="ADDRESS",
    help="This address of the computer, not the usual one.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@as_json_option
@common_options
def command(module: str | None, way: str | None, address: str, *, yes: bool, as_json: bool) -> None:
    """Show from where MODULE can be used, or change that.

    `network` opens it to the home or office network: with HTTPS, under a name and the IP address.
    `off` closes it at once. `access check` tries the addresses as another device uses them.
    `access ca` shows the certificate authority that devices trust, and `access ca forget` replaces
    it.
    """
    if (module == _AUTHORITY) != (way == "forget") and (module, way) != (_AUTHORITY, None):
        raise UsageError(Text("Only `ca` can be forgotten, and not opened"))
    if module == _AUTHORITY:
        _forget(yes=yes) if way else _show_authority(as_json=as_json)
    elif way is None and address:
        raise UsageError(Text("--address is for `network`"))
    elif module is None or module == _CHECK:
        channel = "ai/access/check" if module else "ai/access/list"
        _show(request(current_app(), channel), as_json=as_json)
    elif way == "network":
        _open(module, address, yes=yes, as_json=as_json)
    elif way == "off":
        _operate("ai/access/close", {"module": module})
        _show_one(module, as_json=as_json)
    else:
        _show_one(module, as_json=as_json)


def _forget(*, yes: bool) -> None:
    """Ask, and replace the certificate authority."""
    text = Text("All devices have to trust a new certificate before they open modules again.")
    if not yes:
        confirm([text.render(current_app().language)], _REFUSAL)
    request(current_app(), "ai/access/forget")


def _show_authority(*, as_json: bool) -> None:
    found = request(current_app(), "ai/access/list")["certificate"]
    if as_json:
        print_json({"certificate": found})
    elif found is None:
        text = Text(
            "There is no certificate authority yet. The first module that is opened gets one."
        )
        report([text.render(current_app().language)])
    else:
        language, until = current_app().language, datetime.fromisoformat(found["until"])
        facts = [(Text("name"), found["name"]), (_SHA, found["fingerprint"])]
        facts += [(Text("valid until"), f"{until:%Y-%m-%d}"), (_INSTALL, found["guide"])]
        rows = [(name.render(language), value) for name, value in facts]
        print_table((Text("FACT"), Text("VALUE")), rows, language)


def _show(found: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    language = current_app().language
    rows = [
        (
            one["name"],
            _STATES[one["state"]].render(language),
            one["url"] if one["state"] in ("open", "broken") else "-",
            "; ".join(link["text"] for link in one["links"] if link["ok"] is False) or "-",
        )
        for one in found["modules"]
    ]
    heads = (Text("MODULE"), Text("OPEN TO"), Text("ADDRESS"), Text("PROBLEM"))
    print_table(heads, rows, language)
    report(filter(None, [found["problem"]]))
    if found["others"] and any(one["state"] in ("open", "broken") for one in found["modules"]):
        text = Text(
            "This computer also has {addresses}. Devices in those networks reach open modules, "
            "too, if they know the address. Only on Linux, requests from the internet are refused.",
            addresses=", ".join(found["others"]),
        )
        report([text.render(language)])


def _show_one(module: str, *, as_json: bool) -> None:
    found = request(current_app(), "ai/access/list")
    one = _module(found, module)
    if as_json:
        print_json(one)
        return
    language = current_app().language
    print_table((Text("FACT"), Text("VALUE")), _facts(one, found["certificate"]), language)


def _facts(one: Json, certificate: Json | None) -> list[tuple[str, str]]:
    """What is known about the address of a module."""
    language = current_app().language
    facts = [(Text("open to"), _STATES[one["state"]].render(language))]
    if one["state"] in ("open", "broken"):
        facts += [(Text("address"), one["url"]), (Text("with the IP address"), one["ipUrl"])]
        facts += [(_LINKS[link["kind"]], f"{_sign(link)} {link['text']}") for link in one["links"]]
        if one["checkedAt"]:
            at = datetime.fromisoformat(one["checkedAt"]).astimezone()
            facts.append((Text("checked"), f"{at:%Y-%m-%d %H:%M}"))
        if certificate:
            facts += [(_INSTALL, certificate["guide"]), (_SHA, certificate["fingerprint"])]
    return [(name.render(language), value) for name, value in facts]


_INSTALL: Final = Text("install the certificate")
_SHA: Final = Text("its SHA-256")
_LINKS: Final[Mapping[str, Text]] = {
    "name": Text("name"),
    "certificate": Text("certificate"),
    "module": Text("answer"),
    "ports": Text("other ports"),
}


def _sign(link: Json) -> str:
    return {True: "✓", False: "✗"}.get(link["ok"], "-")


def _module(found: Json, name: str) -> Json:
    """Raises `UnknownNameError` if no module of that name can be opened."""
    by_name: dict[str, Json] = {one["name"]: one for one in found["modules"]}
    if name not in by_name:
        raise UnknownNameError(name, [*by_name])
    return by_name[name]


def _open(module: str, address: str, *, yes: bool, as_json: bool) -> None:
    """Say what opening *module* does, ask, and open it."""
    asked = {"module": module, "address": address}
    plan = request(current_app(), "ai/access/plan", **asked)
    language = current_app().language
    if plan["account"] == "missing":
        text = Text(
            "{module} has no account yet, and the first one to open it would own it. Create the "
            "account on this computer. Afterwards, the applet opens {module} by itself; without "
            "the applet, run this command again.",
            module=module,
        )
        report([text.render(language)])
    if recreated := [one["service"] for one in plan["recreated"] if not one["job"]]:
        text = Text("Recreated with the new address: {names}", names=", ".join(recreated))
        report([text.render(language)])
    if _module(request(current_app(), "ai/access/list"), module)["bound"]:
        text = Text(
            "While it is open, {module} is used only at that address, on this computer, too.",
            module=module,
        )
        report([text.render(language)])
    text = Text(
        "Every device in the network of {address} can then reach {module}.",
        address=plan["address"],
        module=module,
    )
    if not yes:
        confirm([text.render(language)], _REFUSAL)
    _operate("ai/access/open", asked)
    one = _module(request(current_app(), "ai/access/list"), module)
    if one["state"] == "waiting" and one["account"] == "exists":  # it did not run before
        _operate("ai/access/open", asked)
    _show_one(module, as_json=as_json)


def _operate(channel: str, asked: Json) -> None:
    """Ask for a change, and show the operation that makes it until its end, if there is one."""
    from aiserver_tray.cli.operate import follow_operation  # noqa: PLC0415 - after Ctrl-C works

    app, modules = current_app(), (asked["module"],)
    with shared_core(app) as core:
        begun = core.client.request(channel, asked)["operationId"]
        if begun is None:
            return
        operation = core.operations.follow(begun, "up", modules)
        view = follow_operation(core.store, operation, app.language)
    report(notice.render(app.language) for notice in view.notices)
    if view.error:
        fail(view.error, app.language)
