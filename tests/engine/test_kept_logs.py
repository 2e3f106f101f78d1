"""Logs that outlive their containers."""

import re

import docker

from aiserver_tray.core.logs.collect.journal_lines import MODULE
from tests.support.host_process import hosted
from tests.support.installation import Installation, script
from tests.support.kept_logs import kept
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


def test_the_last_words_of_a_container_that_an_operation_removes_are_kept(
    here: Installation,
) -> None:
    talker(here)
    with hosted(here.cli) as (client, _):
        here.cli.run("up", "talk").succeeded()
        talker(here, "again")  # recreates the container
        here.cli.run("up", "talk").succeeded()
        here.cli.run("down", "talk").succeeded()
        assert kept(here.home, "talk", "stdout") == ["hello", *NUMBERS, "again", *NUMBERS]
        errors = kept(here.home, "talk", "stderr")
        assert errors == 2 * ["the password is ********", *NUMBERS]
        journal = kept(here.home, MODULE)
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
    assert any(line.startswith("Remove: talk: done after ") for line in journal)


def test_what_ended_before_the_owner_came_is_kept_once_unless_it_is_not_wanted(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("early", {"early": script("echo early")})
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
