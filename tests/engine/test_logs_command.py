"""``logs`` shows the same lines from the owner, who keeps them, and from the engine."""

import json

import docker
import pytest

from aiserver_tray.base.masking import MASK
from tests.engine.waiting import logged
from tests.support.command_line import CommandLine
from tests.support.host_process import hosted
from tests.support.installation import Installation, script
from tests.support.waiting import eventually

SECRET = "a-secret-that-is-written"
APP = f"""
echo '{{"level":"info","msg":"begin","status":200,"token":"{SECRET}"}}'
echo 'level=error msg="it failed" status=503 trace_id=abc' >&2
echo '  at app.js:1' >&2
# Each output has a thread in the engine: these are the last two lines of both only if it has time.
sleep 0.5
echo 'WARN 红 slow'
printf '\\033[32mdone\\033[0m\\n'
exec sleep 86400
"""
OTHER = 'for n in 1 2 3; do echo "INFO: number $n"; sleep 0.05; done; echo end; exec sleep 86400'
CONDITIONS = [
    [],
    ["--json"],
    ["--tail", "2", "--json"],
    ["--tail", "1", "--level", "warn", "--json"],
    ["--level", "error"],
    ["--grep", "(?i)INFO: number [23]|失败|slow"],
    ["--field", "status>=500", "--field", "trace_id=abc"],
    ["--field", "status<300", "--json"],
    ["--since", "10m", "--until", "2099-01-01"],
    ["--until", "10m"],
    ["--since", "2099-01-01"],
    ["--grep", "("],
    ["--field", "status~1"],
]
QUERIES = [
    *(["talk", *words] for words in CONDITIONS),
    ["talk/other"],
    ["talk/app", "--tail", "1", "talk/other"],
    ["talk/oter"],
    ["talk/"],
]
NOT_ALL_KEPT = "Not all lines are kept yet. The others are read from the engine.\n"


@pytest.fixture
def talk(here: Installation, engine: docker.DockerClient) -> CommandLine:
    """The installation with talk running and everything said."""
    here.write(
        "talk",
        {"app": script(APP), "other": script(OTHER)},
        settings={"TALK_TOKEN": {"type": "secret", "generate": "hex32"}},
    )
    here.cli.run("config", "set", "talk.TALK_TOKEN", SECRET).succeeded()
    here.cli.run("up", "talk").succeeded()
    logged(engine.containers.get("ai-talk-app"), "done")
    logged(engine.containers.get("ai-talk-other"), "end")
    return here.cli


def test_the_same_is_shown_with_and_without_an_owner(
    talk: CommandLine, engine: docker.DockerClient
) -> None:
    alone = [talk.run("logs", *words) for words in QUERIES]
    with hosted(talk) as (client, _):
        at_once = talk.run("logs", "talk", "--json")
        eventually(lambda: not client.request("ai/logs/bounds")["behind"], "the earlier lines")
        through = [talk.run("logs", *words) for words in QUERIES]

        engine.containers.get("ai-talk-other").remove(force=True)
        kept = talk.run("logs", "talk", "--json").succeeded()

    # Right after its start the owner may or may not have caught up, and it says so if not.
    assert (at_once.code, at_once.output) == (0, alone[1].output)
    assert at_once.errors in ("", NOT_ALL_KEPT)
    assert through == alone
    assert [len(done.output.splitlines()) for done in alone if done.code == 0] == [
        9, 9, 4, 1, 2, 3, 1, 1, 9, 0, 0, 4, 2,
    ]  # fmt: skip
    wrong = [done for done in alone if done.code]
    assert [done.failures for done in wrong] == [["E_REQUEST"]] * 2 + [["E_UNKNOWN"]] * 2
    assert "talk/other" in wrong[2].errors
    assert SECRET not in alone[0].output
    assert f"talk/app   | begin status=200 token={MASK}\n" in alone[0].output
    raw = [json.loads(line)["message"] for line in alone[1].output.splitlines()]
    assert any(message.startswith('{"level":"info","msg":"begin"') for message in raw)
    assert kept == alone[1], "the owner keeps the lines of a removed container"


def test_following_the_owner_has_each_line_once_and_ends_with_the_last_container(
    here: Installation, engine: docker.DockerClient
) -> None:
    count = "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; sleep 0.005; done; exec sleep 86400"
    here.write("talk", {"count": script(count, init=True)})
    with hosted(here.cli):
        here.cli.run("up", "talk").succeeded()
        with here.cli.started("logs", "talk", "-f", "--tail", "all", "--json") as following:
            assert following.process.stdout is not None
            first = following.process.stdout.readline()
            logged(engine.containers.get("ai-talk-count"), "\n300\n")
            here.cli.run("down", "talk").succeeded()
            lines = [first, *following.process.stdout]
            done = following.wait()
    assert (done.code, done.errors) == (0, "")
    said = [json.loads(line)["message"] for line in lines]
    assert said == [str(number) for number in range(1, 301)]


def test_following_the_owner_is_not_kept_alive_by_a_log_that_can_not_be_read(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("talk", {"talk": script("echo said; exec sleep 86400")})
    here.write("mute", {"mute": script("exec sleep 86400", logging={"driver": "none"})})
    with hosted(here.cli) as (client, _):
        here.cli.run("up", "talk").succeeded()
        eventually(lambda: not client.request("ai/logs/bounds")["behind"], "the earlier lines")
        with here.cli.started("logs", "-f") as following:
            assert following.process.stdout is not None
            assert following.process.stdout.readline().endswith("said\n")
            here.cli.run("up", "mute").succeeded()
            engine.containers.get("ai-mute").restart(timeout=0)
            engine.containers.get("ai-talk").stop(timeout=0)
            done = following.wait()
    assert (done.code, done.output) == (0, "")
    assert done.errors.count("Can't show the log of mute") == 1
