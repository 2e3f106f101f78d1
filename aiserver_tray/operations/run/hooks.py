"""The commands that a file has run in a container after its start and before its stop."""

import time
from contextlib import suppress

from aiserver_tray.base.errors import EngineRequestError, ExitedError, PostStartTimeoutError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.containers import Containers
from aiserver_tray.spec.model import ServiceTarget

_OUTPUT_LINES = 10


def run_post_start(containers: Containers, service: ServiceTarget, cancelled: Cancellation) -> None:
    """Run what *service* has for after its start, in the time in which it has to be ready.

    Raises:
        ExitedError: a command failed.
        PostStartTimeoutError: it takes too long.
        CancelledError: *cancelled* was set.
    """
    deadline = time.monotonic() + service.ready_within
    for body in service.post_start:
        left = deadline - time.monotonic()
        code, lines = containers.run(service.container, body, seconds=left, cancelled=cancelled)
        if code is None:
            # Not quoted: a secret in it has still to be found and hidden.
            command = " ".join(body["Cmd"])
            raise PostStartTimeoutError(
                service.address, service.ready_within, command, lines[-_OUTPUT_LINES:]
            )
        if code:
            why = Text("the exit code of a post_start command")
            raise ExitedError(service.address, code, why, lines[-_OUTPUT_LINES:])


def run_pre_stop(containers: Containers, service: ServiceTarget, cancelled: Cancellation) -> None:
    """Run the pre-stop commands of *service*, within its own stop timeout. A failing or slow
    command does not block the stop, so that broken services can be stopped too.

    Raises:
        CancelledError: *cancelled* was set.
    """
    deadline = time.monotonic() + service.stop_grace
    for body in service.pre_stop:
        if (left := deadline - time.monotonic()) <= 0:
            return
        with suppress(EngineRequestError):
            containers.run(service.container, body, seconds=left, cancelled=cancelled)
