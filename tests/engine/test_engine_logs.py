"""Logs, on the lab's engine."""

import threading
from datetime import UTC, datetime, timedelta

import docker
import pytest

from aiserver_tray.base.strings import moment_of
from aiserver_tray.engine.engine import Engine
from tests.engine.our_engine import core, run
from tests.support.installation import last_words
from tests.support.waiting import eventually

__all__ = ["core"]


def finished(engine: docker.DockerClient, container: str) -> None:
    engine.containers.get(container).wait()


def test_both_outputs_are_separate_and_timed(core: Engine, engine: docker.DockerClient) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    created = run(core, "ai-log", last_words("echo one two; echo three >&2; printf last", 0))
    finished(engine, created)
    with core.containers.logs(created) as log:
        lines = list(log)
    assert {(line.stream, line.text) for line in lines} == {
        ("stdout", "one two"),
        ("stderr", "three"),
        ("stdout", "last"),
    }
    assert all(line.time and before < moment_of(line.time) < datetime.now(UTC) for line in lines)


def test_a_terminals_log_is_one_output(core: Engine, engine: docker.DockerClient) -> None:
    created = run(core, "ai-tty", last_words("echo one; echo two >&2", 0), Tty=True)
    finished(engine, created)

    def lines() -> list[tuple[str, str]]:
        with core.containers.logs(created) as log:
            return [(line.stream, line.text) for line in log]

    # The engine may still write what the terminal of a container that ended had.
    eventually(lambda: len(lines()) == 2, "both lines")
    assert lines() == [("stdout", "one"), ("stdout", "two")]


@pytest.mark.parametrize("tty", [False, True], ids=["no terminal", "terminal"])
@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_a_line_longer_than_the_engine_stores_in_one_piece_is_whole(
    core: Engine, engine: docker.DockerClient, driver: str, *, tty: bool
) -> None:
    command = "head -c 40000 /dev/zero | tr '\\0' x; echo; echo after; echo; echo empty above"
    command = last_words(command, 0)
    created = run(core, "ai-long", command, Tty=tty, HostConfig={"LogConfig": {"Type": driver}})
    finished(engine, created)
    lines = core.containers.tail(created, 10)
    assert lines == ["x" * 40000, "after", "", "empty above"]


def test_only_the_last_lines_or_those_since_a_moment(
    core: Engine, engine: docker.DockerClient
) -> None:
    created = run(core, "ai-tail", last_words("for i in 1 2 3 4 5; do echo $i; done", 0))
    finished(engine, created)
    assert core.containers.tail(created, 2) == ["4", "5"]
    with core.containers.logs(created) as log:
        third = [line.time for line in log][2]
    with core.containers.logs(created, since=third) as log:
        assert [line.text for line in log] == ["3", "4", "5"]


def test_following_gives_lines_as_they_come_and_ends_with_the_container(core: Engine) -> None:
    command = last_words("echo begun; read line < /proc/self/fd/0; echo over", 0)
    created = run(core, "ai-follow", command, Tty=False)
    with core.containers.logs(created, follow="follow") as log:
        assert [line.text for line in log] == ["begun", "over"]


def test_following_ends_when_another_thread_closes_it(core: Engine) -> None:
    created = run(core, "ai-close", "echo begun; exec sleep 600")
    log = core.containers.logs(created, follow="follow")
    lines = iter(log)
    assert next(lines).text == "begun"
    threading.Thread(target=log.close).start()
    assert list(lines) == []


def test_output_that_is_no_text_is_shown_as_far_as_it_is(
    core: Engine, engine: docker.DockerClient
) -> None:
    created = run(core, "ai-binary", last_words(r"printf 'a\377b\n'", 0))
    finished(engine, created)
    assert core.containers.tail(created, 1) == ["a\ufffdb"]
