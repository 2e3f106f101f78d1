"""Models: until the first answer after a start, a download beside curl, and an owner's memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from subprocess import PIPE

from aiserver_tray.carriers.local.client import Client
from aiserver_tray.system.paths import Home
from tests.bench.result import Figure, Results, compare, seconds
from tests.bench.sides import Tray, run
from tests.lab.place import Place
from tests.support.installation import Installation
from tests.support.model_hub import COMMIT, REPOSITORY
from tests.support.model_server import FILE, ROOT, fetched, model_server
from tests.support.ports import free_port

ANSWER_LIMIT = 15.0
"""Seconds."""
RATE_LIMIT = 1 / 0.9
"""Of a download's time by curl's: at least nine tenths of its rate."""
MEMORY_LIMIT = 3.0
"""MB that an owner with models takes beyond one without this feature."""
_RATE = 50_000_000
"""Bytes each second that the hub sends."""
_SIZE = 500_000_000
_PORTS = (
    "local-models.LOCAL_MODELS_HOST_PORT",
    "oneapi.ONEAPI_HOST_PORT",
    "postgres.POSTGRES_HOST_PORT",
    "redis.REDIS_HOST_PORT",
)
_SETTLED_SECONDS = 10.0
_OWNERS = 3
"""Of each kind: their memory differs by some hundred KB from start to start."""
_WITHOUT = """
for name in [name for name in FEATURES if ".models." in name]:
    del FEATURES[name]
"""
_OWNER = """
import ctypes, sys
from pathlib import Path
import psutil
from aiserver_tray.carriers.local.place import Instance
from aiserver_tray.core.app import App
from aiserver_tray.owner.features import FEATURES
from aiserver_tray.owner.owner import Owner
from tests.support.surroundings import NoWindows
{without}
home, catalog, engine = sys.argv[1:]
app = App(Path(home), [Path(catalog)], engine)
with Instance(app.settings.home), Owner(app, NoWindows()):
    print("hosting", flush=True)
    sys.stdin.readline()
    # What was freed is given back: reading the catalog leaves up to 30 MB, or none.
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    print(psutil.Process().memory_info().rss, flush=True)
"""


def models(lab: Place, pairs: int) -> Results:
    """Seconds from ``up`` to the first answer of the lab's model; those of ``models pull`` beside
    ``curl`` from a hub that sends 50 MB/s, and of a bare program that does as much; and the memory
    of an owner."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "catalog").mkdir()
        stack = Installation(folder / "home", folder / "catalog", lab.host)
        tray = Tray(folder / "home", folder / "catalog", lab.host)
        for name in _PORTS:
            stack.set(name, str(free_port()))
        tray.run("models", "pull", str(_named(folder)))
        tray.run("stop", "local-models")

        def answer() -> None:
            tray.run("up", "local-models")
            tray.run("models", "run", "small", "What is 2 + 2?")

        first = Figure(seconds(answer), "s", ANSWER_LIMIT)
        found = {"models-first-answer": first, **_pulls(tray, stack, folder, pairs)}
        found["models-owner-memory"] = _memory(tray, stack)
        tray.run("down", "--volumes", "--yes")
    return found


def _named(folder: Path) -> Path:
    link = folder / "small.gguf"
    link.symlink_to(fetched() / FILE)
    return link


def _pulls(tray: Tray, stack: Installation, folder: Path, pairs: int) -> Results:
    file = folder / "large.gguf"
    file.write_bytes(b"GGUF" + os.urandom(_SIZE - 4))
    with _hub(file) as address:
        stack.set("local-models.LOCAL_MODELS_HUB", "mirror")
        stack.set("local-models.LOCAL_MODELS_MIRROR", address)
        url = f"{address}/{REPOSITORY}/resolve/{COMMIT}/{file.name}"
        bare = [sys.executable, "-m", "tests.bench.bare_pull", url, "ai-local-models"]
        ours = partial(tray.run, "models", "pull", f"{REPOSITORY}/{file.name}")
        least = partial(run, [*bare, "/models/bare", tray.host])
        theirs = partial(run, ["curl", "-fsSL", "-o", folder / "curled", url])
        forget = partial(tray.run, "models", "remove", "large")
        return {
            "models-pull": compare(ours, theirs, pairs, RATE_LIMIT, forget),
            "models-pull-bare": compare(least, theirs, pairs),
        }


@contextmanager
def _hub(file: Path) -> Iterator[str]:
    words = [sys.executable, "-m", "tests.support.model_hub", str(file), str(_RATE)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdout
        try:
            yield hub.stdout.readline().strip()
        finally:
            hub.kill()


def _memory(tray: Tray, stack: Installation) -> Figure:
    """What models add to an owner: a server of this computer, which containers reach through the
    owner's relay, a model of our own, and somebody who looks at both."""
    tray.run("up", "oneapi")
    stack.set("app.start_desired", "false")
    port = free_port()

    def look(client: Client) -> None:
        servers = client.request("ai/models/list")["servers"]
        (server,) = [one for one in servers if one["name"] == f"127-0-0-1-{port}"]
        assert server["relay"], server
        assert server["problem"] is None, server
        (own,) = [one for one in client.request("ai/models/own/list")["models"] if one["sha256"]]
        assert own["name"] == "small", own

    with model_server(port):
        before = [_owner(tray, _WITHOUT, lambda _: None) for _ in range(_OWNERS)]
        tray.run("models", "use", f"127.0.0.1:{port}")
        tray.run("models", "use", "local-models")
        after = [_owner(tray, "", look) for _ in range(_OWNERS)]
    without, with_models = median(before) / 1e6, median(after) / 1e6
    return Figure(with_models - without, f"MB beyond {without:.0f} MB", MEMORY_LIMIT)


def _owner(tray: Tray, without: str, use: Callable[[Client], None]) -> int:
    """Bytes of an owner *without* something, after it was in *use*."""
    program = _OWNER.format(without=without)
    words = [sys.executable, "-c", program, tray.home, tray.catalog, tray.host]
    with subprocess.Popen(
        [*map(str, words)], cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "hosting\n"
        time.sleep(_SETTLED_SECONDS)
        with Client.connect(Home(tray.home, "home"), "command") as client:
            client.request("ai/module/consumers", {})  # has it read the catalog in any case
            use(client)
        used, _ = process.communicate("\n", timeout=60)
    return int(used)
