"""``aiserver-tray engine``: get a Docker engine, test the connection to one, and choose one of
several."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import click

from aiserver_tray.base.errors import EngineNotInstalledError, SettingError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.strings import harmless
from aiserver_tray.cli.common import common_options, current_app, print_table, report
from aiserver_tray.cli.core import connected, set_setting
from aiserver_tray.cli.doctor import print_checks
from aiserver_tray.cli.terminal import is_interactive
from aiserver_tray.engine.address import find_address
from aiserver_tray.settings.names import ENGINE, ENGINES, join_engines
from aiserver_tray.system import engine_install, engine_place
from aiserver_tray.system.engine_install import EngineInstallation, Progress
from aiserver_tray.system.engine_place import USUAL_ENGINE, canonical

_NOTHING = Text("Nothing is installed. Downloaded packages stay in apt's cache.")


@click.group()
@common_options
def command() -> None:
    """Set up the Docker engine, test the connection to it, and choose one of several."""


@command.command("list")
@common_options
def list_() -> None:
    """List the engines by name, with an asterisk at the one in use."""
    app = current_app()
    named = app.quick_settings.engines
    all_ = {USUAL_ENGINE: find_address(None).host, **named}
    used = ""
    with suppress(SettingError):  # of --engine: the list shows what it takes
        used = app.used_engine.host
    if used and canonical(used) not in map(canonical, all_.values()):
        all_["-"] = used
    rows = [(f"{name} *" if _is_same(host, used) else name, host) for name, host in all_.items()]
    print_table((Text("NAME"), Text("ADDRESS")), rows, app.language)


@command.command()
@click.argument("name")
@click.argument("address")
@common_options
def add(name: str, address: str) -> None:
    """Give the engine at ADDRESS a NAME, which --engine and `engine use` take."""
    app = current_app()
    set_setting(app, ENGINES, join_engines({**app.quick_settings.engines, name: address}))


@command.command()
@click.argument("name")
@common_options
def remove(name: str) -> None:
    """Forget the NAME of an engine. Nothing changes on the engine."""
    app = current_app()
    app.address_of_engine(name)
    others = {n: host for n, host in app.quick_settings.engines.items() if n != name}
    set_setting(app, ENGINES, join_engines(others))


@command.command()
@click.argument("name")
@common_options
def use(name: str) -> None:
    """Use the engine NAME, a name or an address, from now on; `default`: the one of this computer.

    A tray that is running switches to it, as soon as no operation is running. Modules on the engine
    before keep running there.
    """
    app = current_app()
    set_setting(app, ENGINE, app.address_of_engine(name) or None)


@command.command()
@click.option("--yes", is_flag=True, help="Install without asking.")
@common_options
def install(yes: bool) -> None:  # noqa: FBT001 - a command line flag
    """Install Docker from the packages of Debian or Ubuntu, unless an engine is installed."""
    app = current_app()
    if engine_place.is_installed():
        report([Text("A Docker engine is installed.").render(app.language)])
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
@click.argument("address", required=False)
@common_options
def test(address: str | None) -> None:
    """Test the connection to the engine with this name or ADDRESS, step by step. Default: the
    engine in use.

    In a terminal, asks whether you trust an unknown host key of an ssh server. Exits with 1 if a
    step fails.
    """
    app, asked = current_app(), {"address": address}
    with connected(app) as client:
        found = client.request("ai/doctor/connection", asked)
        print_checks(found["checks"])
        question = Text("Trust the host key {key}?", key=found["hostKey"]).render(app.language)
        if found["hostKey"] and is_interactive() and click.confirm(question, err=True):
            client.request("ai/doctor/trustHostKey", {"hostKey": found["hostKey"]})
            found = client.request("ai/doctor/connection", asked)
            print_checks(found["checks"])
    sys.exit(1 if found["checks"][-1]["grade"] == "problem" else 0)


def _is_same(host: str, used: str) -> bool:
    return bool(used) and canonical(host) == canonical(used)


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
