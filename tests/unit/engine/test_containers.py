"""What is done where the engine's runtime fails. The connection is a fake, since a real runtime
fails so once in many thousand starts."""

from typing import Any, cast

import pytest

from aiserver_tray.base.errors import EngineRequestError
from aiserver_tray.engine.containers import Containers

INIT_DIED = (
    "failed to create task for container: OCI runtime create failed: runc create failed: waiting "
    "for init preliminary setup: read init-p: connection reset by peer: unknown"
)
NO_PROGRAM = "OCI runtime create failed: runc create failed: exec: no-such: not found"


class Failing:
    """A connection whose next requests fail with *answers*, and then succeed."""

    def __init__(self, *answers: str) -> None:
        self.answers = [*answers]
        self.asked: list[str] = []

    def post(self, path: str, name: str) -> None:
        self.asked.append(path.format(name))
        if self.answers:
            raise EngineRequestError(500, self.answers.pop(0))


def start(connection: Failing) -> None:
    Containers(cast("Any", connection)).start("web")


def test_start_is_repeated_once_if_the_runtime_died_first() -> None:
    connection = Failing(INIT_DIED)
    start(connection)
    assert connection.asked == ["/containers/web/start"] * 2


@pytest.mark.parametrize(
    ("answers", "asked"), [((INIT_DIED, INIT_DIED), 2), ((NO_PROGRAM, NO_PROGRAM), 1)]
)
def test_start_that_fails_again_or_for_another_reason_is_reported(
    answers: tuple[str, ...], asked: int
) -> None:
    connection = Failing(*answers)
    with pytest.raises(EngineRequestError) as told:
        start(connection)
    assert told.value.explanation == answers[0]
    assert len(connection.asked) == asked
