"""``aiserver-tray cluster``: modules on a Docker Swarm; ``export``: as a Compose project."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli import complete, words
from aiserver_tray.cli.common import (
    INTERRUPTED,
    UsageError,
    as_json_option,
    common_options,
    confirm,
    current_app,
    print_json,
    print_table,
    report,
)
from aiserver_tray.cli.config import trust_all, trust_option
from aiserver_tray.cli.core import connected, request
from aiserver_tray.protocol.message import Json

if TYPE_CHECKING:
    from aiserver_tray.protocol.message import AnyClient

_Command = Callable[..., None]

_CLUSTERS: Final[Mapping[str, Text]] = {
    "ok": Text("answers"),
    "no-leader": Text("has no leader"),
    "unreachable": Text("does not answer"),
    "unknown": Text("unknown"),
}
_NODES: Final[Mapping[str, Text]] = {
    "ready": Text("ready"),
    "down": Text("down"),
    "unknown": Text("unknown"),
    "disconnected": Text("disconnected"),
    "drain": Text("drained"),
    "pause": Text("takes nothing new"),
}
_SIGNS: Final = {"running": "→", "done": "✓", "failed": "✗", "skipped": "-"}

_modules = click.argument(
    "modules", nargs=-1, required=True, metavar="MODULE...", shell_complete=complete.modules
)
_module = click.argument("module", shell_complete=complete.modules)
_pin = click.option("--pin", metavar="NODE", default="", help="The node that keeps the volumes.")
_dry_run = click.option("--dry-run", is_flag=True, help="Show the steps without running them.")
_publish = click.option(
    "--publish/--no-publish",
    default=None,
    help="Open the ports of the modules' pages, to every network of their nodes; or close them.",
)


def _options(function: _Command) -> _Command:
    of = click.option("--cluster", default="", metavar="NAME", help="Which one, if there are more.")
    return of(as_json_option(common_options(function)))


@click.group(invoke_without_command=True)
@common_options
def cluster() -> None:
    """Run modules on a Docker Swarm, for those who outgrow one computer.

    Without a subcommand, as `cluster list`.
    """
    if click.get_current_context().invoked_subcommand is None:
        _list(as_json=False)


@cluster.command()
@click.argument("managers", nargs=-1, required=True, metavar="MANAGER...")
@click.option(
    "--name", metavar="NAME", help="Its name here. Without it, that of the first manager."
)
@as_json_option
@common_options
def add(managers: tuple[str, ...], name: str | None, *, as_json: bool) -> None:
    """Add a cluster by the addresses of its managers, such as ssh://user@server-1.

    Name all of them: while one does not answer, the next one is asked.
    """
    host = (urlsplit(managers[0]).hostname or "cluster").lower()
    plain = "".join(c if c.isalnum() else "-" for c in host).strip("-")[:40] or "cluster"
    view = request(current_app(), "ai/cluster/add", cluster=name or plain, managers=managers)
    _show_status(view, as_json=as_json)


@cluster.command("list")
@as_json_option
@common_options
def list_(*, as_json: bool) -> None:
    """List the clusters that were added. Asks none of them."""
    _list(as_json=as_json)


def _list(*, as_json: bool) -> None:
    found = request(current_app(), "ai/cluster/list")
    if as_json:
        print_json(found)
        return
    language = current_app().language
    rows = [
        (one["name"], _CLUSTERS[one["state"]].render(language),
         " ".join(manager["address"] for manager in one["managers"]))
        for one in found["clusters"]
    ]  # fmt: skip
    if rows:
        print_table((Text("CLUSTER"), Text("STATE"), Text("MANAGERS")), rows, language)
    else:
        text = Text("There is no cluster. Add one: aiserver-tray cluster add ssh://USER@MACHINE")
        report([text.render(language)])


@cluster.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
@common_options
def forget(name: str, *, yes: bool) -> None:
    """Forget the cluster NAME. All that runs there stays.

    Modules that are deployed there can then run here, too, until you add the cluster again.
    """
    if not yes:
        text = Text(
            "{name}: everything goes on running there. Until you add it again, the modules there "
            "can run here, too. What an interrupted restore left there is not known any more.",
            name=name,
        )
        refusal = Text("this forgets a cluster. Confirm this with --yes")
        confirm([text.render(current_app().language)], refusal)
    request(current_app(), "ai/cluster/forget", cluster=name)


@cluster.command()
@_options
def status(*, cluster: str, as_json: bool) -> None:
    """Show nodes and modules of a cluster."""
    view = request(current_app(), "ai/cluster/status", cluster=cluster)
    _show_status(view, as_json=as_json)
    if view["state"] != "ok":
        sys.exit(1)


@cluster.command()
@_modules
@_pin
@_publish
@click.option("--from-backup", metavar="ID", default="", help="Give MODULE a backup's data.")
@click.option(
    "--node-address",
    metavar="ADDRESS",
    default="",
    help="Of the engine that gets that data, if its node is no manager: ssh://USER@MACHINE.",
)
@_dry_run
@trust_option
@_options
def deploy(
    modules: tuple[str, ...],
    trust: tuple[str, ...],
    from_backup: str,
    node_address: str,
    **given: Any,  # noqa: ANN401 - options
) -> None:
    """Run MODULEs and those that they require on a cluster.

    Modules with data need a node that keeps their volumes: --pin says which one. A module can't run
    here and there.
    """
    trust_all(trust)
    _deploy("deploy", modules, backup=from_backup, nodeAddress=node_address, **given)


@cluster.command()
@_modules
@_publish
@_dry_run
@_options
def update(modules: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 - options
    """Bring MODULEs on a cluster to the current settings and files.

    A service that does not get ready is put back by the cluster, and the others with it.
    """
    _deploy("update", modules, **given)


def _deploy(
    kind: str, modules: tuple[str, ...], *, dry_run: bool, as_json: bool, **asked: Any  # noqa: ANN401 - options
) -> None:  # fmt: skip
    asked = {"modules": modules, **{k: v for k, v in asked.items() if v is not None}}
    if not dry_run:
        _work(f"ai/cluster/{kind}", asked, as_json=as_json)
        return
    plan = request(current_app(), "ai/cluster/plan", **asked)
    if as_json:
        print_json(plan)
    else:
        _show_plan(plan)
    if plan["problems"]:
        sys.exit(1)


def _show_plan(plan: Json) -> None:
    language = current_app().language
    if rows := [(one["text"], one["module"]) for one in plan["steps"]]:
        print_table((Text("STEP"), Text("MODULE")), rows, language)
    else:
        report([Text("There is nothing to do.").render(language)])
    report(one["text"] for one in plan["ports"] if one["open"])
    report(plan["notices"])
    report(f"✗ {problem}" for problem in plan["problems"])


@cluster.command()
@_module
@_options
def rollback(module: str, *, cluster: str, as_json: bool) -> None:
    """Put MODULE back to what it was before its last update."""
    asked = {"cluster": cluster, "module": module}
    _work("ai/cluster/rollback", asked, as_json=as_json)


@cluster.command()
@_modules
@click.option("--forget-pins", is_flag=True, help="Forget also which node has the volumes.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@_options
def remove(modules: tuple[str, ...], *, yes: bool, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - options
    """Remove MODULEs from a cluster. The data of their volumes stays on their nodes."""
    if not yes:
        text = Text("{names} stop there. Their data stays on its node.", names=", ".join(modules))
        refusal = Text("this stops modules. Confirm this with --yes")
        confirm([text.render(current_app().language)], refusal)
    asked = {"cluster": given["cluster"], "modules": modules, "forgetPins": given["forget_pins"]}
    _work("ai/cluster/remove", asked, as_json=as_json)


@cluster.command()
@_module
@click.argument("node")
@click.option("--empty", is_flag=True, help="Start there with empty volumes.")
@_options
def pin(module: str, node: str, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - options
    """Keep the volumes of MODULE on NODE. Data does not move along."""
    view = request(current_app(), "ai/cluster/pin", module=module, node=node, **given)
    _show_status(view, as_json=as_json)


@cluster.command()
@click.argument("node")
@click.option("--off", is_flag=True, help="Let it work again.")
@_options
def drain(node: str, *, off: bool, cluster: str, as_json: bool) -> None:
    """Let what can run elsewhere leave NODE, and start nothing there. Modules whose volumes are
    there wait."""
    how = "active" if off else "drain"
    view = request(current_app(), "ai/cluster/node", node=node, availability=how, cluster=cluster)
    _show_status(view, as_json=as_json)


@cluster.command()
@click.argument("service", metavar="MODULE/SERVICE", shell_complete=complete.services)
@click.argument("replicas", type=click.IntRange(0, 100))
@_options
def scale(service: str, replicas: int, *, cluster: str, as_json: bool) -> None:
    """Run a service REPLICAS times, if its module says that it may, such as dify/worker."""
    module, _, name = service.partition("/")
    if not name:
        raise UsageError(Text("expected MODULE/SERVICE, such as dify/worker"))
    asked = {"cluster": cluster, "module": module, "service": name, "replicas": replicas}
    _work("ai/cluster/scale", asked, as_json=as_json)


@cluster.command()
@click.argument("service", metavar="MODULE[/SERVICE]", shell_complete=complete.services)
@click.option("--tail", type=click.IntRange(1, 10_000), default=200, help="Lines of each service.")
@_options
def logs(service: str, *, tail: int, cluster: str, as_json: bool) -> None:
    """Show the last lines of services on a cluster, from all nodes."""
    module, _, name = service.partition("/")
    asked = {"cluster": cluster, "module": module, "service": name, "tail": tail}
    found = request(current_app(), "ai/cluster/logs", **asked)
    if as_json:
        print_json(found)
        return
    for line in found["lines"]:
        click.echo(f"{_time(line['time'])} {line['node']} {line['service']}  {line['text']}")
    report(found["notices"])


# -- work ------------------------------------------------------------------------------------------


def _work(channel: str, asked: Json, *, as_json: bool) -> None:
    """Start work on a cluster, show its steps until its end, and exit with 1 if it failed. Ctrl-C
    cancels it."""
    with connected(current_app()) as client:
        id = client.request(channel, asked)["workId"]
        view = _follow(client, id, is_shown=not as_json)
    if as_json:
        print_json(view)
    else:
        report(view["notices"])
        if error := view["error"]:
            report([f"{error['code']}: {error['message']}"])
        else:
            report([_DONE.with_values({"time": words.seconds(_seconds(view))}).render(
                current_app().language)])  # fmt: skip
    if view["status"] != "succeeded":
        sys.exit(INTERRUPTED if view["status"] == "cancelled" else 1)


_DONE: Final = Text("Done in {time}.")


def _follow(client: "AnyClient", id: str, *, is_shown: bool) -> Json:
    """The work *id* at its end."""
    view: Json = {"revision": -1, "status": "running"}
    told: dict[tuple[str, ...], tuple[str, str | None]] = {}
    while view["status"] == "running":
        try:
            view = client.request("ai/cluster/wait", {"id": id, "revision": view["revision"]})
            if is_shown:
                _tell(view["steps"], told)
        except KeyboardInterrupt:
            with suppress(AiServerError):  # it is over
                client.request("ai/cluster/cancel", {"id": id})
    return view


def _tell(steps: Iterable[Json], told: dict[tuple[str, ...], tuple[str, str | None]]) -> None:
    """Show what is new about *steps*, a line for each."""
    for one in steps:
        key = one["kind"], one["subject"], one["module"]
        now = one["status"], one["detail"]
        if one["status"] == "pending" or told.get(key) == now:
            continue
        told[key] = now
        took = f" ({words.seconds(one['seconds'])})" if one["seconds"] is not None else ""
        detail = f": {one['detail']}" if one["detail"] else ""
        report([f"{_SIGNS[one['status']]} {one['text']}{took}{detail}"])


def _seconds(view: Json) -> float:
    began = datetime.fromisoformat(view["beganAt"]).timestamp()
    ended = view["endedAt"]
    return (datetime.fromisoformat(ended).timestamp() if ended else time.time()) - began


# -- status ----------------------------------------------------------------------------------------


def _show_status(view: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    language = current_app().language
    gone = [one for one in view["managers"] if one["state"] != "answers"]
    report(
        [view["problem"]] if view["problem"] else [one["problem"] or one["address"] for one in gone]
    )
    if view["state"] != "ok" and view["seenAt"]:
        text = Text("What follows was seen at {time}.", time=_time(view["seenAt"]))
        report([text.render(language)])
    print_table(
        (Text("NODE"), Text("ROLE"), Text("STATE"), Text("CONTAINERS"), Text("VOLUMES OF")),
        [_node_row(one) for one in view["nodes"]],
        language,
    )
    rows = [row for module in view["modules"] for row in _module_rows(module)]
    if rows:
        click.echo()
        heads = (Text("SERVICE"), Text("STATE"), Text("NODE"), Text("UPDATED"), Text("WHY"))
        print_table(heads, rows, language)
    report(one["unfinished"] for one in view["modules"] if one["unfinished"])


def _node_row(one: Json) -> tuple[str, ...]:
    language = current_app().language
    state = _NODES[one["state"]].render(language)
    if one["state"] != "ready" and one["since"]:
        text = Text("{state} since {time}", state=state, time=_time(one["since"]))
        state = text.render(language)
    elif one["availability"] != "active":
        state = _NODES[one["availability"]].render(language)
    role = Text("manager") if one["role"] == "manager" else Text("worker")
    role = Text("leader") if one["leader"] else role
    return one["name"], role.render(language), state, str(one["tasks"]), " ".join(one["pinned"])


def _module_rows(module: Json) -> Iterable[tuple[str, ...]]:
    language = current_app().language
    for one in module["services"]:
        state = one["label"]
        if one["state"] == "unknown" and one["since"]:
            text = Text("{state} since {time}", state=state, time=_time(one["since"]))
            state = text.render(language)
        if one["replicas"] != 1:
            state = f"{state} {one['running']}/{one['replicas']}"
        nodes = dict.fromkeys(
            t["node"] for t in one["tasks"][: max(1, one["replicas"])] if t["node"]
        )
        yield (
            f"{module['module']}/{one['name']}", state, " ".join(nodes) or "-",
            _time(one["updatedAt"]), one["why"] or "-",
        )  # fmt: skip


def _time(text: str | None) -> str:
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}" if text else "-"


# -- export ----------------------------------------------------------------------------------------


@click.command()
@_modules
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
@trust_option
@as_json_option
@common_options
def export(
    modules: tuple[str, ...],
    *,
    output: Path,
    volumes: str,
    trust: tuple[str, ...],
    as_json: bool,
    **given: bool,
) -> None:
    """Write MODULEs as a plain Compose project.

    `docker compose up -d` in FOLDER then runs them as they run here, with what they require.
    Passwords are in a file of their own, which only you can read. Says what can't go along.
    """
    trust_all(trust)
    app = current_app()
    secrets = "placeholders" if given["placeholders"] else "file"
    asked = {"modules": modules, "folder": str(output.absolute()), "volumes": volumes}
    done = request(app, "ai/export/write", **asked, secrets=secrets, replace=given["replace"])
    if as_json:
        print_json(done)
        return
    click.echo(done["folder"])
    language = app.language
    if done["left"]:
        report([Text("These stay behind:").render(language), *(f"- {one}" for one in done["left"])])
    report([Text("README.md there says how to start it.").render(language)])
