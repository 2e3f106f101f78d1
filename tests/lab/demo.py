"""A stack to look at, for a machine without an engine or without Docker Hub: the lab's engine and
registry, n8n with its PostgreSQL and Redis, and the dashboard in a web browser."""

import os
import subprocess
import tempfile
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.lab import lifecycle
from tests.lab.lifecycle import Report
from tests.lab.place import LabError, Place
from tests.support.ending import end_in_order

MODULES = ("n8n", "redis")
WHAT_IS_REAL = """\
Real: the Docker Engine, the dashboard, n8n (an older release), PostgreSQL and Redis (from Debian).
Other modules start as well; some of their images are stand-ins: tests/lab/README.md lists them.
Ctrl-C ends and removes everything."""


def demo(place: Place, report: Report) -> None:
    """Show the stack until Ctrl-C, and remove it.

    Raises:
        LabError: why it can't start.
    """
    end_in_order()
    with ExitStack() as stack:
        stack.callback(lifecycle.down, place)
        lifecycle.up(place, report)
        home = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        environment = os.environ | {"DOCKER_HOST": place.host, "AISERVER_HOME": str(Path(home))}
        stack.enter_context(suppress(KeyboardInterrupt))
        subprocess.run(["aiserver-tray", "choose", *MODULES], env=environment, check=True)
        serve, address = stack.enter_context(dashboard(environment))
        report(f"Open this address in a browser of this machine:\n{address}")
        if "DISPLAY" in environment or "WAYLAND_DISPLAY" in environment:
            webbrowser.open(address)
        subprocess.run(["aiserver-tray", "up", *MODULES], env=environment, check=False)
        report(WHAT_IS_REAL)
        serve.wait()


@contextmanager
def dashboard(environment: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process that serves the dashboard until the context ends, and the dashboard's address."""
    with subprocess.Popen(
        ["aiserver-tray", "serve"], env=environment, stdout=subprocess.PIPE, text=True
    ) as serve:
        assert serve.stdout
        try:
            if not (address := serve.stdout.readline().strip()):
                raise LabError("The dashboard did not start.")
            yield serve, address
        finally:
            serve.terminate()
            serve.wait()  # after Ctrl-C, Popen itself would wait for a moment only
