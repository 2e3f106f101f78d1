"""Logs that outlive their containers."""

import json
import re

import docker

from aiserver_tray.features.logs.kept import file_of_logs
from aiserver_tray.features.logs.lines import MODULE
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.store.reader import LogReader
from tests.engine.waiting import logged
from tests.support.host_process import hosted
from tests.support.installation import Installation, last_words, script
from tests.support.kept_logs import kept, kept_lines
from tests.support.observed import said
from tests.support.waiting import eventually

LAST_WORDS = """
trap 'seq 20000; seq 20000 >&2; exit' TERM
echo "the password is $PASSWORD" >&2
touch /ready
while :; do sleep 0.1; done
"""
NUMBERS = [str(number) for number in range(1, 20001)]

SETTINGS = {"PASSWORD": {"type": "secret", "generate": "hex32"}}


def talker(here: Installation, words: str = "hello") -> None:
    service = script(
        f"echo {words}; {LAST_WORDS}",
        environment={"PASSWORD": "${PASSWORD}"},
        healthcheck={"test": "test -e /ready", "start_interval": "100ms", "start_period": "60s"},
    )
    here.write("talk", {"talk": service}, settings=SETTINGS)


def test_last_lines_of_a_removed_container_are_kept(here: Installation) -> None:
    talker(here)
    with hosted(here.cli) as (client, _):
        here.cli.run("up", "talk").succeeded()
        talker(here, "again")  # recreates the container
        here.cli.run("up", "talk").succeeded()
        here.cli.run("down", "talk").succeeded()
        assert kept(here.home, "talk", "stdout") == ["hello", *NUMBERS, "again", *NUMBERS]
        errors = kept(here.home, "talk", "stderr")
        assert errors == 2 * ["the password is ********", *NUMBERS]
        journal = eventually(lambda: journal_of_removal(here), "the end of the removal")
        sizes = {m["module"]: m["lines"] for m in client.request("ai/logs/kept")["modules"]}
        assert sizes["talk"] == 80_004
        client.request("ai/logs/delete", {"module": "other"})
    assert "Start: talk (by command)" in journal
    removed = here.cli.run("down", "talk", "--volumes", "--yes").succeeded()
    assert re.search(
        r"The logs are kept \(.+\)\. To delete them: .* down --logs talk", removed.errors
    )
    here.cli.run("down", "talk", "--logs").succeeded()
    assert not kept(here.home, "talk")
    assert kept(here.home, MODULE)


def journal_of_removal(here: Installation) -> list[str]:
    """The kept journal once the end of the removal is in it, which is stored soon after it."""
    lines = kept(here.home, MODULE)
    assert any(line.startswith("Remove: talk: done after ") for line in lines)
    return lines


def test_log_of_an_ended_container_is_kept_once_unless_turned_off(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("early", {"early": script(last_words("echo early", 0))})
    here.write("quiet", {"quiet": script("echo quiet")})
    for name in ("early", "quiet"):
        here.cli.run("up", name)
    here.set("app.logs_not_kept", "quiet")
    here.set("app.start_desired", "false")
    for _ in range(2):
        with hosted(here.cli):
            eventually(lambda: kept(here.home, "early"), "the line")
            engine.containers.get("ai-quiet").start()
            engine.containers.get("ai-quiet").wait()
    assert kept(here.home, "early") == ["early"]
    assert kept(here.home, "quiet") == []


ROTATED = """
echo first
until [ -e /go ]; do sleep 0.1; done
seq 20000
echo last
exec sleep 86400
"""


def test_lines_that_the_engine_has_dropped_are_a_gap(
    here: Installation, engine: docker.DockerClient
) -> None:
    small = {"driver": "local", "options": {"max-size": "20k", "max-file": "2"}}
    here.write("talk", {"talk": script(ROTATED, logging=small)})
    with hosted(here.cli):
        here.cli.run("up", "talk").succeeded()
        eventually(lambda: kept(here.home, "talk") == ["first"], "the first line")
    said(engine, "ai-talk", "touch", "/go")
    logged(engine.containers.get("ai-talk"), "last")
    alone = here.cli.run("logs", "talk", "--json").succeeded()
    shown = [json.loads(line)["message"] for line in alone.output.splitlines()]
    assert "The others are read from the engine." in alone.errors
    assert (shown[0], shown[-1], len({*shown})) == ("first", "last", len(shown))
    number = len(shown)
    tail = here.cli.run("logs", "talk", "--json", "--tail", str(number - 1)).succeeded()
    assert tail.output.splitlines() == alone.output.splitlines()[1:]
    with here.cli.started("logs", "talk", "--json", "-f", "--tail", "all") as following:
        assert following.process.stdout is not None
        followed = [following.process.stdout.readline() for _ in range(number)]
    assert followed == alone.output.splitlines(keepends=True)
    with hosted(here.cli):
        eventually(lambda: kept(here.home, "talk")[-1] == "last", "the last line")
    found = list(kept_lines(here.home, LogFilter(modules=("talk",))))
    assert len(found) < 20_000
    (gap,) = LogReader(file_of_logs(here.home)).gaps(LogFilter(modules=("talk",)))
    assert (gap.begin, gap.end) == (found[0].time, found[1].time)
