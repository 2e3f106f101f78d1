"""Commands on a real engine while a process hosts the core: they look and end as without one."""

import json
import re
from pathlib import Path

import docker
import pytest

from aiserver_tray.carriers.local.client import Client
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.host_process import hosted
from tests.support.installation import Installation
from tests.support.stack import IMAGE, OPEN, held, service, write
from tests.support.waiting import eventually


@pytest.fixture
def cli(lab: Place, engine: docker.DockerClient, tmp_path: Path) -> CommandLine:
    """A new installation with the modules web (on base) and held."""
    have_image(engine, IMAGE)
    catalog = tmp_path / "catalog"
    write(catalog, "base", {"base": service(volume="data")}, kind="basic")
    write(catalog, "web", {"api": service(), "web": service("api")},
          kind="feature", requires=["base"])  # fmt: skip
    write(catalog, "held", {"held": held()}, kind="feature")
    here = Installation(tmp_path / "home", catalog, lab.host)
    # A host brings back what is desired when it first sees the engine, as soon as it can: on a busy
    # machine, only after the first commands.
    here.set("app.start_desired", "false")
    return here.cli


def journey(cli: CommandLine) -> list[tuple[int, str, list[str]]]:
    """Status, what was printed, and what was told, of commands one after the other."""
    found = []
    for words in (
        ("status",), ("up", "web", "--json"), ("status", "--json"), ("up", "base"),
        ("stop", "base"), ("restart", "web"), ("stop",), ("pull", "web", "--json"),
        ("build", "web"), ("down", "--volumes", "--yes"), ("status", "--json"),
    ):  # fmt: skip
        done = cli.run(*words)
        found.append((done.code, timeless(done.output), sorted(timeless(done.errors).splitlines())))
    return found


def timeless(text: str) -> str:
    """*text* without what is another one each time."""
    text = re.sub(r"\d+\.\d+ s|\d+ ms", "T", text)
    text = re.sub(r'"seconds": [\d.]+', '"seconds": 0', text)
    return re.sub(r'"(startedAt|since)": "[^"]+"', r'"\1": ""', text)


def test_commands_have_the_same_result_with_a_host(cli: CommandLine) -> None:
    alone = journey(cli)
    with hosted(cli) as (client, _):
        through = journey(cli)
        (last,) = client.request("ai/operation/list")["operations"]
    assert (last["kind"], last["status"], last["foreign"]) == ("down", "succeeded", False)
    assert through == alone
    assert [code for code, _, _ in through] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_ctrl_c_cancels_and_a_killed_client_does_not(
    cli: CommandLine, engine: docker.DockerClient
) -> None:
    with hosted(cli) as (client, _):
        with cli.started("up", "held") as running:
            eventually(lambda: text_is(client, "waiting for held"), "the wait for held")
            running.interrupt()
            assert running.wait().cancelled().failures == ["E_CANCELLED"]
        with cli.started("up", "held") as running:
            eventually(lambda: text_is(client, "waiting for held"), "the wait for held")
            running.kill()
        assert text_is(client, "waiting for held")
        engine.containers.get("ai-held").exec_run(OPEN)
        eventually(lambda: operation(client)["status"] == "succeeded", "the end of the operation")


def test_killed_host_is_reported_and_the_next_command_runs_without_it(
    cli: CommandLine, engine: docker.DockerClient
) -> None:
    with hosted(cli) as (client, process), cli.started("up", "held") as running:
        eventually(lambda: text_is(client, "waiting for held"), "the wait for held")
        process.kill()
        running.wait().failed("E_NOT_RUNNING", "exited during this operation")
        engine.containers.get("ai-held").exec_run(OPEN)
        cli.run("up", "held").succeeded()


def test_running_host_starts_a_module_that_was_added_to_the_catalog(cli: CommandLine) -> None:
    with hosted(cli) as (client, _):
        cli.run("up", "base").succeeded()
        write(cli.catalog, "late", {"late": service()}, kind="feature", requires=["base"])

        cli.run("up", "late").succeeded()

        assert operation(client)["modules"] == ["late"]
        assert operation(client)["foreign"] is False
        modules = {m["name"]: m for m in client.request("ai/snapshot/get")["modules"]}
        assert (modules["late"]["state"], modules["late"]["orphan"]) == ("running", False)


def test_status_is_watched_through_the_host(cli: CommandLine) -> None:
    with hosted(cli) as (_, process), cli.started("status", "--watch", "--json") as watching:
        assert watching.process.stdout
        assert json.loads(watching.process.stdout.readline())["state"] == "stopped"
        # Of states that follow each other fast, only the latest is sent.
        for command, state in ((["up", "base"], "running"), (["stop"], "stopped")):
            cli.run(*command).succeeded()
            while json.loads(watching.process.stdout.readline())["state"] != state:
                pass
        process.kill()
        done = watching.wait()
    assert (done.code, done.failures) == (1, ["E_NOT_RUNNING"])


def test_stats_are_the_engines_numbers_with_and_without_a_host(
    cli: CommandLine, engine: docker.DockerClient
) -> None:
    # What it holds is far more than what the kernel keeps for it, which comes and goes.
    script = "head -c 8m /dev/zero > /dev/shm/held; while :; do :; done"
    busy = service(command=["sh", "-c", script], cpus=0.1, mem_limit="32m")
    write(cli.catalog, "busy", {"busy": busy | {"healthcheck": {"disable": True}}}, kind="feature")
    cli.run("up", "busy").succeeded()

    def memory() -> int:
        stats = engine.api.stats("ai-busy", stream=False, one_shot=True)["memory_stats"]
        return int(stats["usage"])

    eventually(lambda: memory() > 8 << 20, "all that it holds")
    alone = json.loads(cli.run("stats", "--json").succeeded().output)
    with hosted(cli) as (_, process), cli.started("stats", "busy", "--watch", "--json") as watching:
        assert watching.process.stdout
        lines = map(json.loads, watching.process.stdout)
        # The first sample may be of the moment before the owner knew the engine.
        through = next(stats for stats in lines if stats["modules"][0]["services"])
        process.kill()
        assert watching.wait().failures == ["E_NOT_RUNNING"]
    for stats in (alone, through):
        (used,) = stats["modules"]
        (part,) = used["services"]
        assert used == {**part, "services": [part]}
        assert used["memory"] == stats["total"]["memory"] == pytest.approx(memory(), rel=0.2)
        assert used["memoryLimit"] == 32 << 20
        assert stats["total"]["memoryLimit"] == engine.info()["MemTotal"]
    # Of the engine's processor time in one second: a tenth of one processor.
    assert 0 < alone["total"]["cpu"] < 20


def operation(client: Client) -> dict[str, object]:
    found: dict[str, object] = client.request("ai/operation/list")["operations"][-1]
    return found


def text_is(client: Client, text: str) -> bool:
    operations = client.request("ai/operation/list")["operations"]
    return text in [operation["text"] for operation in operations]
