"""``aiserver-tray engine``: get a Docker engine, test the connection to one, and choose one of
several."""

import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

import click

from aiserver_tray.base.errors import (
    EngineNotInstalledError,
    NotRunningError,
    RefusedError,
    SettingError,
)
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.strings import harmless
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    confirm,
    current_app,
    print_json,
    print_table,
    report,
)
from aiserver_tray.cli.core import connected, request, set_setting
from aiserver_tray.cli.doctor import print_checks
from aiserver_tray.cli.terminal import is_interactive
from aiserver_tray.cli.words import size
from aiserver_tray.engine.address import find_address
from aiserver_tray.protocol.message import Json
from aiserver_tray.settings.names import ENGINE, ENGINES, join_engines
from aiserver_tray.system import engine_install, engine_place, wsl
from aiserver_tray.system.engine_install import EngineInstallation, Progress
from aiserver_tray.system.engine_place import USUAL_ENGINE, canonical

if TYPE_CHECKING:
    from aiserver_tray.core.app import App
    from aiserver_tray.protocol.message import AnyClient

_NOTHING = Text("Nothing is installed. Downloaded packages stay in apt's cache.")


@click.group()
@common_options
def command() -> None:
    """Set up the Docker engine, test the connection to it, and choose one of several."""


class EngineEntry(TypedDict):
    """An engine of the list."""

    name: str | None
    """`null`: it is in use, and has no name"""
    address: str
    inUse: bool


def _engines(app: "App") -> list[EngineEntry]:
    """The engines that have a name, and the one in use."""
    named = app.quick_settings.engines
    all_: list[tuple[str | None, str]] = [(USUAL_ENGINE, find_address(None).host), *named.items()]
    used = ""
    with suppress(SettingError):  # of --engine: the list shows what it takes
        used = app.used_engine.host
    if used and not any(_is_same(host, used) for _, host in all_):
        all_.append((None, used))
    return [{"name": name, "address": host, "inUse": _is_same(host, used)} for name, host in all_]


@command.command("list")
@as_json_option
@common_options
def list_(as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """List the engines by name, with an asterisk at the one in use."""
    app = current_app()
    engines = _engines(app)
    if as_json:
        print_json(engines)
        return
    names = (f"{one['name'] or '-'}{' *' if one['inUse'] else ''}" for one in engines)
    rows = [*zip(names, (one["address"] for one in engines), strict=True)]
    print_table((Text("NAME"), Text("ADDRESS")), rows, app.language)


@command.command()
@as_json_option
@common_options
def find(as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Look for engines: programs of this computer, distributions of WSL, and Docker's contexts. An
    asterisk is at the one in use. `engine use ADDRESS` chooses another one."""
    app = current_app()
    with connected(app) as client:
        found = client.request("ai/engine/found")
    if as_json:
        print_json(found)
        return
    rows = [
        (f"{one['name']} *" if one["used"] else one["name"], one["address"] or "-", one["detail"])
        for one in found["engines"]
    ]
    print_table((Text("NAME"), Text("ADDRESS"), Text("STATE")), rows, app.language)


@command.command()
@click.argument("name")
@click.argument("address")
@as_json_option
@common_options
def add(name: str, address: str, as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Give the engine at ADDRESS a NAME, which --engine and `engine use` take."""
    app = current_app()
    set_setting(app, ENGINES, join_engines({**app.quick_settings.engines, name: address}))
    if as_json:
        print_json(_engines(app))


@command.command()
@click.argument("name")
@as_json_option
@common_options
def remove(name: str, as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Forget the NAME of an engine. Nothing changes on the engine."""
    app = current_app()
    app.address_of_engine(name)
    others = {n: host for n, host in app.quick_settings.engines.items() if n != name}
    set_setting(app, ENGINES, join_engines(others))
    if as_json:
        print_json(_engines(app))


@command.command()
@click.argument("name")
@as_json_option
@common_options
def use(name: str, as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Use the engine NAME, a name or an address, from now on; `default`: the one of this computer.

    A tray that is running switches to it, as soon as no operation is running. Modules on the engine
    before keep running there.
    """
    app = current_app()
    set_setting(app, ENGINE, app.address_of_engine(name) or None)
    if as_json:
        print_json(_engines(app))


@command.command()
@click.option("--yes", is_flag=True, help="Install without asking.")
@as_json_option
@common_options
def install(yes: bool, as_json: bool) -> None:  # noqa: FBT001 - command line flags
    """Install Docker from the packages of Debian or Ubuntu, or set up Windows' own engine in WSL,
    unless an engine is installed."""
    app = current_app()
    _install(app, yes=yes)
    if as_json:
        print_json(request(app, "ai/engine/setup"))


def _install(app: "App", *, yes: bool) -> None:
    if engine_place.is_installed():
        report([Text("A Docker engine is installed.").render(app.language)])
        return
    if engine_install.SYSTEM == "windows":
        _set_up_own(app, yes=yes)
        return
    if not engine_place.has_package():
        raise EngineNotInstalledError(app.engine().host)
    if (prefix := engine_install.prefix_on_terminal()) is None:
        raise engine_install.not_allowed()
    report([_offer().render(app.language)])
    question = Text("Install Docker now?").render(app.language)
    if not (yes or (is_interactive() and click.confirm(question, default=True, err=True))):
        raise EngineNotInstalledError(app.engine().host)
    _run(EngineInstallation(prefix, _Printer()), app.language)


@command.command()
@click.option("--yes", is_flag=True, help="Remove without asking.")
@as_json_option
@common_options
def uninstall(yes: bool, as_json: bool) -> None:  # noqa: FBT001 - command line flags
    """Remove Windows' own engine, with all data of the modules in it. Backups are kept."""
    app = current_app()
    with connected(app) as client:
        own = client.request("ai/engine/setup")["own"]
        if own is None or own["status"] == "none":
            raise RefusedError(Text("There is no engine of AI-Server Tray on this computer."))
        if not yes:
            confirm([text.render(app.language) for text in _lost(client, own)], _REFUSAL)
        client.request("ai/engine/own/remove")
        if as_json:
            print_json(client.request("ai/engine/setup"))


def _lost(client: "AnyClient", own: Json) -> Iterator[Text]:
    """What the removal of Windows' own engine deletes."""
    yield Text(
        "This deletes the distribution {name} of WSL with all data of all modules in it. Back "
        "up first what you want to keep: aiserver-tray backup create",
        name=engine_place.OWN_ENGINE,
    )
    volumes = client.request("ai/engine/own/room")["volumes"] if own["status"] == "ready" else []
    if volumes:
        yield Text("These volumes are deleted: {names}", names=", ".join(volumes))
    elif volumes is None:
        yield Text("The engine does not answer, so its volumes are not known.")


@command.command()
@click.option(
    "--memory", type=click.IntRange(2), metavar="GB", help="For all distributions of WSL together."
)
@click.option(
    "--processors",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="For all distributions of WSL together.",
)
@click.option(
    "--disk",
    type=click.IntRange(8, 65536),
    metavar="GB",
    help="Size up to which its data can grow.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Move its disk file to this folder.",
)
@click.option(
    "--at-login", type=click.Choice(["on", "off"]), help="Start it at login, without the applet."
)
@click.option("--yes", is_flag=True, help="Change without asking.")
@as_json_option
@common_options
def settings(  # noqa: PLR0913, PLR0917 - one for each option
    memory: int | None,
    processors: int | None,
    disk: int | None,
    folder: Path | None,
    at_login: str | None,
    yes: bool,  # noqa: FBT001 - command line flag
    as_json: bool,  # noqa: FBT001 - command line flag
) -> None:
    """Show or change what Windows' own engine takes of this computer.

    Memory and processors restart WSL with all its distributions. Disk and folder restart the
    engine.
    """
    app = current_app()
    values = {"memory": memory, "processors": processors, "disk": disk}
    wanted = {
        **{name: value for name, value in values.items() if value is not None},
        **({"folder": str(folder.absolute())} if folder else {}),
    }
    with connected(app) as client:
        room = client.request("ai/engine/own/room")
        if wanted and not yes:
            confirm([text.render(app.language) for text in _concerns(wanted, room)], _REFUSAL)
        if at_login:
            wanted["keep"] = at_login == "on"
        if wanted:
            room = client.request("ai/engine/own/change", wanted)
    if as_json:
        print_json(room)
    else:
        print_table((Text("NAME"), Text("VALUE")), [*_room_rows(room, app.language)], app.language)


_REFUSAL: Final = Text("Confirm this with --yes")


def _concerns(wanted: Mapping[str, object], room: Json) -> Iterator[Text]:
    """What else a change of *wanted* concerns."""
    if "memory" in wanted or "processors" in wanted:
        yield Text(
            "All distributions of WSL stop now, and your modules start again afterwards. The "
            "limits are in {file}; a copy of the old file stays beside it.",
            file=room["file"],
        )
        if room["others"]:
            names = ", ".join(room["others"])
            yield Text("This concerns {names}, too. Save your work there first.", names=names)
    if "disk" in wanted or "folder" in wanted:
        yield Text(
            "The engine stops for that, which takes minutes for a large disk. Back up first."
        )


def _room_rows(room: Json, language: Language) -> Iterator[tuple[str, str]]:
    amounts = {
        Text("Memory"): f"{_gb(room['memory'])} / {_gb(room['total'])}",
        Text("Processors"): f"{room['processors']} / {room['allProcessors']}",
        Text("Data"): f"{_gb(room['used'])} / {_gb(room['limit'])}",
        Text("Disk file"): _gb(room["disk"]),
        Text("Free on its drive"): _gb(room["free"]),
        Text("Folder"): room["folder"] or "-",
        Text("Start at login"): Text("on") if room["kept"] else Text("off"),
    }
    for name, value in amounts.items():
        yield name.render(language), value if isinstance(value, str) else value.render(language)


def _gb(found: int | None) -> str:
    """As the options count, and WSL."""
    return "-" if found is None else f"{found / 1024**3:.0f} GB"


@command.command(hidden=True)
@common_options
def keep() -> None:
    """Keep Windows' own engine running until Windows shuts down. Ends at once."""
    wsl.keep_running(f"wsl://{engine_place.OWN_ENGINE}")


@command.command()
@click.argument("address", required=False)
@as_json_option
@common_options
def test(address: str | None, as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Test the connection to the engine with this name or ADDRESS, step by step. Default: the
    engine in use.

    In a terminal, asks whether you trust an unknown host key of an ssh server, but not with --json.
    Exits with 1 if a step fails.
    """
    app, asked = current_app(), {"address": address}
    with connected(app) as client:
        found = client.request("ai/doctor/connection", asked)
        if as_json:
            print_json(found)
            sys.exit(_status(found))
        print_checks(found["checks"])
        question = Text("Trust the host key {key}?", key=found["hostKey"]).render(app.language)
        if found["hostKey"] and is_interactive() and click.confirm(question, err=True):
            client.request("ai/doctor/trustHostKey", {"hostKey": found["hostKey"]})
            found = client.request("ai/doctor/connection", asked)
            print_checks(found["checks"])
    sys.exit(_status(found))


def _status(found: Json) -> int:
    """The exit status of a test that *found* this."""
    return 1 if found["checks"][-1]["grade"] == "problem" else 0


def _is_same(host: str, used: str) -> bool:
    return bool(used) and canonical(host) == canonical(used)


_LOOK_SECONDS: Final = 1.0
"""Each look runs ``wsl --status``."""
_OWN_STEPS: Final[Mapping[str, Text]] = {
    "look": Text("Look what Windows has"),
    "wsl": Text("Switch on WSL"),
    "restart": Text("Restart Windows"),
    "distribution": Text("Download Debian"),
    "docker": Text("Install Docker in it"),
    "answer": Text("Start it"),
}


def _set_up_own(app: "App", *, yes: bool) -> None:
    """Set up Windows' own engine, and print each step once it is done."""
    with connected(app) as client:
        own = client.request("ai/engine/setup")["own"]
        report([_own_offer(own, app.language)])
        question = Text("Set it up now?").render(app.language)
        if not (yes or (is_interactive() and click.confirm(question, default=True, err=True))):
            raise EngineNotInstalledError(app.engine().host)
        client.request("ai/engine/own/setUp")
        told = 0
        while True:
            try:
                own = client.request("ai/engine/setup")["own"]
            except NotRunningError:  # the owner takes up the new engine
                break
            done = [step for step in own["steps"] if step["state"] == "done"]
            for step in done[told:]:
                title = _OWN_STEPS[step["name"]].render(app.language)
                click.echo(f"{title}: {step['detail']}" if step["detail"] else title, err=True)
            told = len(done)
            if own["status"] != "running":
                break
            time.sleep(_LOOK_SECONDS)
    if own["status"] == "restart":
        text = Text("Restart Windows, and sign in. Then run: aiserver-tray engine install")
        report([text.render(app.language)])
    elif own["status"] in ("failed", "cancelled"):
        why = own["error"]["message"] if own["error"] else Text("It was cancelled.")
        raise EngineNotInstalledError(app.engine().host, Text("{why}", why=why))


def _own_offer(own: Mapping[str, Any], language: Language) -> str:
    text = Text(
        "There is no Docker engine on this computer. Windows' own can be set up: Debian with "
        "Docker in WSL. It takes about {minutes} minutes, downloads about {download} and needs "
        "{disk}. Windows asks for your permission once, and may have to restart.",
        minutes=own["minutes"],
        download=size(own["download"]),
        disk=size(own["disk"]),
    )
    return text.render(language)


def _run(installation: EngineInstallation, language: Language) -> None:
    """Run *installation*; Ctrl-C cancels it as long as that is possible."""
    with ThreadPoolExecutor(1, "engine-installer") as pool:
        done = pool.submit(installation.run)
        while True:
            try:
                done.result()
                return
            except KeyboardInterrupt:
                text = _NOTHING if installation.cancel() else engine_install.TOO_LATE
                report([text.render(language)])


def _offer() -> Text:
    packages = ", ".join(engine_install.PACKAGES)
    user = engine_install.group_member()
    if not user:
        return Text(
            "There is no Docker engine on this machine. These packages bring one: {packages}",
            packages=packages,
        )
    return Text(
        "There is no Docker engine on this machine. These packages bring one: {packages}. "
        "Installing them needs root. {user} joins the group docker, whose members can do "
        "everything on this machine.",
        packages=packages,
        user=user,
    )


class _Printer:
    """Prints the output of the installation, each line once."""

    def __init__(self) -> None:
        self._last: tuple[str, ...] = ()

    def __call__(self, progress: Progress) -> None:
        if progress.lines != self._last:
            self._last = progress.lines
            click.echo(harmless(progress.lines[-1]), err=True)
