"""What is told to who mistypes a word, before anything is asked of an engine."""

from pathlib import Path

import pytest

from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import find_home
from tests.support.command_line import CommandLine
from tests.support.stack import service, write


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """A new installation with the module web, and no engine."""
    catalog = tmp_path / "catalog"
    write(catalog, "web", {"web": service()}, kind="feature")
    return CommandLine(tmp_path / "home", catalog, f"unix://{tmp_path}/none.sock")


def test_a_command_is_given_the_nearest_ones(cli: CommandLine) -> None:
    for word, meant in (("stauts", "status"), ("chose", "choose")):
        done = cli.run(word)
        assert (done.code, done.output) == (2, "")
        assert f"No such command '{word}'." in done.errors
        assert f"'{meant}'" in done.errors


@pytest.mark.parametrize(
    "words",
    [
        *("up wbe", "up wbe --dry-run", "pull web wbe", "stop web wbe", "down wbe", "restart wbe"),
        *("down wbe --volumes --yes", "logs wbe", "exec wbe", "exec wbe/web"),
    ],
)
def test_a_module_is_given_the_nearest_ones_without_an_engine_too(
    cli: CommandLine, words: str
) -> None:
    cli.run(*words.split()).failed("E_UNKNOWN", "There is no 'wbe'. Did you mean web?")


def test_a_service_is_given_the_nearest_ones_unless_its_file_cannot_be_read(
    cli: CommandLine,
) -> None:
    told = "There is no 'web/wbe'. Did you mean web/web?"
    cli.run("exec", "web/wbe").failed("E_UNKNOWN", told)
    (cli.catalog / "web/compose.yaml").write_text("services: [", encoding="utf-8")
    cli.run("exec", "web/web").failed("E_ENGINE_DOWN")


@pytest.mark.parametrize("command", ["stop", "down", "restart", "logs", "exec"])
def test_a_module_that_there_is_needs_the_engine(cli: CommandLine, command: str) -> None:
    cli.run(command, "web").failed("E_ENGINE_DOWN")


@pytest.mark.parametrize("command", ["stop", "down"])
def test_stop_and_down_accept_a_module_that_is_only_on_the_engine(
    cli: CommandLine, command: str
) -> None:
    cli.run(command, "old").failed("E_ENGINE_DOWN")
    cli.run("restart", "old").failed("E_UNKNOWN", "There is no 'old'.")
    with Settings(find_home(cli.home)).engines.update("one that does not answer now") as engine:
        engine.desired = ["webs"]
    cli.run(command, "webs").failed("E_ENGINE_DOWN")
