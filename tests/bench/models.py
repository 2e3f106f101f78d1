"""Models of our own: until the first answer after a start, and a download beside curl."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.result import Figure, Results, compare, seconds
from tests.lab.place import Place
from tests.support.installation import Installation
from tests.support.model_hub import COMMIT, REPOSITORY
from tests.support.model_server import FILE, ROOT, fetched
from tests.support.ports import free_port

ANSWER_LIMIT = 15.0
"""Seconds."""
RATE_LIMIT = 1 / 0.9
"""Of a download's time by curl's: at least nine tenths of its rate."""
_RATE = 50_000_000
"""Bytes each second that the hub sends."""
_SIZE = 500_000_000


def models(lab: Place, pairs: int) -> Results:
    """Seconds from ``up`` to the first answer of the lab's model, and those of ``models pull``
    beside ``curl`` from a hub that sends 50 MB/s."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "catalog").mkdir()
        stack = Installation(folder / "home", folder / "catalog", lab.host)
        stack.set("local-models.LOCAL_MODELS_HOST_PORT", str(free_port()))
        stack.cli.run("models", "pull", str(_named(folder))).succeeded()
        stack.cli.run("stop", "local-models").succeeded()

        def answer() -> None:
            stack.cli.run("up", "local-models").succeeded()
            stack.cli.run("models", "run", "small", "What is 2 + 2?").succeeded()

        first = seconds(answer)
        file = folder / "large.gguf"
        file.write_bytes(b"GGUF" + os.urandom(_SIZE - 4))
        words = [sys.executable, "-m", "tests.support.model_hub", str(file), str(_RATE)]
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as hub:
            assert hub.stdout
            address = hub.stdout.readline().strip()
            stack.set("local-models.LOCAL_MODELS_HUB", "mirror")
            stack.set("local-models.LOCAL_MODELS_MIRROR", address)

            def ours() -> None:
                stack.cli.run("models", "pull", f"{REPOSITORY}/{file.name}").succeeded()

            def forget() -> None:
                stack.cli.run("models", "remove", "large").succeeded()

            def theirs() -> None:
                url = f"{address}/{REPOSITORY}/resolve/{COMMIT}/{file.name}"
                target = str(folder / "curled")
                subprocess.run(["curl", "-fsSL", "-o", target, url], check=True)

            compared = compare(ours, theirs, pairs, RATE_LIMIT, forget)
            hub.kill()
        stack.cli.run("down", "local-models", "--volumes", "--yes").succeeded()
    return {"models-first-answer": Figure(first, "s", ANSWER_LIMIT), "models-pull": compared}


def _named(folder: Path) -> Path:
    link = folder / "small.gguf"
    link.symlink_to(fetched() / FILE)
    return link
