"""With an owner of the core, commands do and print what they do without."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from aiserver_tray.carriers.local.client import Client
from aiserver_tray.features.logs.kept import file_of_logs
from aiserver_tray.features.logs.line import Line
from aiserver_tray.features.logs.store.store import LogStore
from aiserver_tray.protocol.message import Json
from tests.support.command_line import CommandLine
from tests.support.host_process import hosted
from tests.support.stack import service, write
from tests.support.systems import on_linux
from tests.support.waiting import eventually
from tests.unit.runtime_folder import runtime_folder

__all__ = ["runtime_folder"]


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """A new installation with the module web, and no engine."""
    catalog = tmp_path / "catalog"
    write(catalog, "web", {"web": service()}, kind="feature")
    return CommandLine(tmp_path / "home", catalog, f"unix://{tmp_path}/none.sock")


def operations(client: Client) -> list[tuple[str, str]]:
    found = client.request("ai/operation/list")["operations"]
    return [(operation["kind"], operation["status"]) for operation in found]


def engine(client: Client) -> Json:
    return dict(client.request("ai/snapshot/get")["engine"])


READING = (
    *("status", "status --json", "stats --json", "stats wbe", "up wbe", "up web --dry-run"),
    *("choose nothing", "logs wbe", "logs --grep (", "logs web -f", "exec web", "doctor --json"),
    *("config list --json", "config get --show N8N_HOST_PORT", "config unset app.nothing"),
)
"""Commands that leave everything as it is, so that one host answers all of them."""

CHANGING = (
    *("choose web --json", "up web", "autostart off", "config set N8N_ONEAPI_TOKEN sk-made-up"),
    *("connect n8n oneapi", "disconnect n8n", "down --volumes --logs --yes"),
)
"""Commands that say the same the second time, each after those before it."""


@pytest.mark.parametrize(
    "commands",
    [READING, CHANGING, ["stop --no-wait"], ["config set app.language zh"]],
    ids=["reading", "changing", "stop", "language"],
)
def test_commands_print_and_end_as_without_a_host(
    cli: CommandLine, commands: Sequence[str]
) -> None:
    alone = {words: cli.run(*words.split()) for words in commands}
    with hosted(cli) as (client, _):
        eventually(lambda: engine(client)["error"], "that the host knows its engine")
        assert {words: cli.run(*words.split()) for words in commands} == alone


def test_an_owner_reads_damaged_logs_again_and_says_so(cli: CommandLine) -> None:
    path = file_of_logs(cli.home)
    with closing(LogStore(path)) as store:
        for number in range(100):
            line = Line(
                time.time_ns(), "web", "web", "stdout", "info", continues=False, text=str(number)
            )
            store.add([line])
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    with hosted(cli) as (client, _):

        def recovered() -> bool:
            kept = client.request("ai/logs/kept")
            lines = [module["lines"] for module in kept["modules"] if module["module"] == "web"]
            return (lines, kept["recovered"]) == ([100], None)

        eventually(recovered, "all lines")
        told = cli.run("doctor").output
    assert "The kept logs were damaged. All lines could be read again." in " ".join(told.split())


@on_linux
def test_slow_engine_delays_no_command(cli: CommandLine, tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as silent:
        silent.bind(f"{tmp_path}/none.sock")
        silent.listen()
        with hosted(cli) as (_, host):
            told = cli.run("status").succeeded().output
            host.kill()
    assert told.startswith("The Docker engine has not responded yet.")


def test_operations_are_the_hosts_where_engine_and_catalog_agree(
    cli: CommandLine, tmp_path: Path
) -> None:
    with hosted(cli) as (client, _):
        assert cli.run("up", "web").failures == ["E_ENGINE_DOWN"]
        assert operations(client) == [("up", "failed")]
        for other in (
            CommandLine(cli.home, cli.catalog, "unix:///other.sock"),
            CommandLine(cli.home, tmp_path, cli.host),
        ):
            other.run("stop")
            assert operations(client) == [("up", "failed")]


SLOW = ("pydantic", "sqlite3", "docker", "requests", "yaml", "filelock", "rich", "nacl")
"""Packages that take long to import."""

HEAVY = ("catalog.catalog", "catalog.compose", "contract.channels", "settings", "spec")
"""Our own parts that need these, or work that the host does."""

MODULES_AT_THE_END = """
import sys
from aiserver_tray.cli import main
try:
    main()
finally:
    print(*sys.modules)
"""


def chosen_context(folder: Path, host: str) -> dict[str, str]:
    """The environment of a user of Docker who has logged in somewhere, and chose the engine."""
    key = hashlib.sha256(b"lab").hexdigest()
    meta = {"Name": "lab", "Endpoints": {"docker": {"Host": host}}}
    (folder / "contexts/meta" / key).mkdir(parents=True)
    (folder / "contexts/meta" / key / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    config = {"auths": {"registry.example": {"auth": "YTpi"}}, "currentContext": "lab"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return {"DOCKER_CONFIG": str(folder)}


def test_commands_with_a_host_import_only_what_a_client_needs(
    cli: CommandLine, tmp_path: Path
) -> None:
    cli.run("config", "set", "app.language", "zh").succeeded()
    env = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
    env |= chosen_context(tmp_path / "docker", cli.host)
    options = ["--home", str(cli.home), "--catalog", str(cli.catalog)]
    unwanted = (*SLOW, *(f"aiserver_tray.{part}" for part in HEAVY))
    begun: list[str] = []
    with hosted(cli) as (client, _):
        for words in ("status", "status --json", "stats", "logs -f", "up web", "stop"):
            done = subprocess.run(
                [sys.executable, "-c", MODULES_AT_THE_END, *options, *words.split()],
                env=env,
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            modules = done.stdout.splitlines()[-1].split()
            assert "aiserver_tray.cli.remote" in modules, words
            begun += [word for word in words.split() if word in ("up", "stop")]
            assert sorted(kind for kind, _ in operations(client)) == sorted(begun), words
            assert "Docker 引擎" in done.stdout + done.stderr, words  # the host knows the language
            found = [m for m in modules if f"{m}.".startswith(tuple(f"{n}." for n in unwanted))]
            assert found == [], words


def test_host_uses_a_changed_setting_and_a_new_module_at_once(cli: CommandLine) -> None:
    with hosted(cli) as (client, _):
        for words, language in (("set app.language zh", "zh"), ("unset app.language", "system")):
            cli.run("config", *words.split()).succeeded()
            (entry,) = client.request("ai/config/get", {"name": "app.language"})["entries"]
            assert entry["value"] == language
        write(cli.catalog, "late", {"late": service()}, kind="feature")
        cli.run("choose", "late").succeeded()
        assert client.request("ai/config/choose")["chosen"] == ["late"]
        cli.run("up", "late").failed("E_ENGINE_DOWN")
        assert operations(client) == [("up", "failed")]
