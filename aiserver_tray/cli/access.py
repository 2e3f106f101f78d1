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

_LOCK: Final[Mapping[str, str]] = {"lock": "on", "unlock": "off", "new-key": "new"}
_OPEN: Final = ("network", "internet", "tunnel")
_WAYS: Final = (*_OPEN, "off", *_LOCK, "link", "forget")
_CHECK: Final = "check"
_AUTHORITY: Final = "ca"
_STATES: Final[Mapping[str, Text]] = {
    "closed": Text("this computer"),
    "waiting": Text("waits for its first account"),
    "opening": Text("being opened"),
    "open": Text("network"),
    "open internet": Text("internet"),
    "broken": Text("network, with a problem"),
    "broken internet": Text("internet, with a problem"),
    "paused": Text("closed in this network"),
}


def _words(context: click.Context, parameter: click.Parameter, start: str) -> list[CompletionItem]:
    more = [CompletionItem(word) for word in (_CHECK, _AUTHORITY) if word.startswith(start)]
    return [*complete.modules(context, parameter, start), *more]


_REFUSAL: Final = Text("Confirm this with --yes")


@click.command("access")
@click.argument("module", required=False, metavar="[MODULE]", shell_complete=_words)
@click.argument("way", required=False, metavar="[WAY]", type=click.Choice(_WAYS))
@click.argument("domain", required=False, metavar="[DOMAIN]")
@click.option(
    "--address",
    default="",
    metavar="ADDRESS",
    help="This address of the computer, not the usual one.",
)
@click.option("--lock", is_flag=True, help="Only devices that open a link with a key get in.")
@click.option(
    "--unchecked",
    is_flag=True,
    help="Agree that nobody has checked whether strangers can create accounts.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@as_json_option
@common_options
def command(
    module: str | None, way: str | None, *, yes: bool, as_json: bool, **given: str | bool | None
) -> None:
    """Show from where MODULE can be used, or change that.

    WAY is one of these:

    \b
    network          open it to the home or office network
    internet DOMAIN  open it to the internet, with a certificate for your domain
    tunnel DOMAIN    the same, where a tunnel brings the certificate
    off              close it at once
    lock, unlock     let only devices in that open a link with a key, or all
    new-key          renew that key
    link             show that link

    `access check` tries the addresses as another device uses them. `access ca` shows the
    certificate authority that devices trust, and `access ca forget` replaces it.
    """
    if (module == _AUTHORITY) != (way == "forget") and (module, way) != (_AUTHORITY, None):
        raise UsageError(Text("Only `ca` can be forgotten, and not opened"))
    if module == _AUTHORITY:
        _forget(yes=yes) if way else _show_authority(as_json=as_json)
    elif way is None and given["address"]:
        raise UsageError(Text("--address is for `network`"))
    elif (way in _OPEN[1:]) != (given["domain"] is not None):
        raise UsageError(Text("`internet` and `tunnel` need a domain, and nothing else takes one"))
    elif module is None or module == _CHECK:
        channel = "ai/access/check" if module else "ai/access/list"
        _show(request(current_app(), channel), as_json=as_json)
    elif way in _OPEN:
        chosen = {name: given[name] for name in ("address", "domain", "lock", "unchecked")}
        chosen["way"] = None if way == "network" else way
        asked = {name: value for name, value in chosen.items() if value}
        _open({"module": module, **asked}, yes=yes, as_json=as_json)
    else:
        _change(module, way)
        if way in (None, "off"):
            _show_one(module, as_json=as_json)


def _change(module: str, way: str | None) -> None:
    """Close *module*, or show or change its extra lock."""
    if way == "off":
        _operate("ai/access/close", {"module": module})
    if way is not None and way in _LOCK:
        request(current_app(), "ai/access/lock", module=module, state=_LOCK[way])
    if way in ("link", "lock", "new-key"):
        click.echo(request(current_app(), "ai/access/link", module=module)["url"])


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
            _said(one).render(language),
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
            "This computer also has {addresses}. Requests from those networks and from the "
            "internet are refused where the engine shows who asks, as on Linux.",
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
    if found["firewall"] and one["state"] in ("open", "broken"):
        text = Text(
            "If other devices get no answer, a firewall of this computer refuses them. As "
            "administrator, allow the ports:"
        )
        report([text.render(language), *found["firewall"]])


def _facts(one: Json, certificate: Json | None) -> list[tuple[str, str]]:
    """What is known about the address of a module."""
    language = current_app().language
    facts = [(Text("open to"), _said(one).render(language))]
    if one["state"] in ("open", "broken"):
        facts.append((Text("address"), one["url"]))
        if one["ipUrl"] != one["url"]:
            facts.append((Text("with the IP address"), one["ipUrl"]))
        if one["locked"]:
            facts.append((Text("extra lock"), Text("on").render(language)))
        facts += [(_LINKS[link["kind"]], f"{_sign(link)} {link['text']}") for link in one["links"]]
        if one["checkedAt"]:
            at = datetime.fromisoformat(one["checkedAt"]).astimezone()
            facts.append((Text("checked"), f"{at:%Y-%m-%d %H:%M}"))
        if certificate and one["way"] == "network":
            facts += [(_INSTALL, certificate["guide"]), (_SHA, certificate["fingerprint"])]
    return [(name.render(language), value) for name, value in facts]


_INSTALL: Final = Text("install the certificate")
_SHA: Final = Text("its SHA-256")
_LINKS: Final[Mapping[str, Text]] = {
    "name": Text("name"),
    "router": Text("router"),
    "forward": Text("ports to forward"),
    "certificate": Text("certificate"),
    "module": Text("answer"),
    "ports": Text("other ports"),
}


def _said(one: Json) -> Text:
    """To what a module is open."""
    state, way = one["state"], "" if one["way"] == "network" else " internet"
    return _STATES.get(f"{state}{way}", _STATES[state])


def _sign(link: Json) -> str:
    return {True: "✓", False: "✗"}.get(link["ok"], "-")


def _module(found: Json, name: str) -> Json:
    """Raises `UnknownNameError` if no module of that name can be opened."""
    by_name: dict[str, Json] = {one["name"]: one for one in found["modules"]}
    if name not in by_name:
        raise UnknownNameError(name, [*by_name])
    return by_name[name]


def _open(asked: Json, *, yes: bool, as_json: bool) -> None:
    """Say what opening a module as *asked* does, ask, and open it."""
    module = asked["module"]
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
    found = _module(request(current_app(), "ai/access/list"), module)
    if found["bound"]:
        text = Text(
            "While it is open, {module} is used only at that address, on this computer, too.",
            module=asked["module"],
        )
        report([text.render(language)])
    report(f"{_sign(link)} {link['text']}" for link in plan["checks"])
    text = Text(
        "Every device in the network of {address} can then reach {module}.",
        address=plan["address"],
        module=module,
    )
    if "way" in asked:
        text = Text("Everybody on the internet can then reach {module}.", module=module)
    if asked.get("lock") or found["locked"]:
        text = Text(
            "Only devices that open the link with the key can then reach {module}. Its webhooks "
            "and APIs stay open.",
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
