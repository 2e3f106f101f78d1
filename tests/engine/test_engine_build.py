"""Building images, on the lab's engine."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import pytest

from aiserver_tray.base.errors import CancelledError, ImageBuildError
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import Image
from aiserver_tray.spec.model import BuildTarget
from tests.engine.our_engine import BUSYBOX, core
from tests.support.installation import last_words
from tests.support.limits import LIMIT
from tests.support.waiting import eventually

__all__ = ["core"]

TAG = "aiserver/web/built:1"


class Builder:
    """Builds what the test writes into a folder; ``lines`` is the output."""

    def __init__(self, core: Engine, folder: Path) -> None:
        self.core = core
        self.folder = folder
        self.lines: list[str] = []
        self.cancelled = Cancellation()
        self.on_line: Callable[[str], None] = lambda _line: None

    def write(self, name: str, content: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def build(
        self,
        dockerfile: str = "Dockerfile",
        inline: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Image:
        target = BuildTarget(
            "web", TAG, str(self.folder), dockerfile, inline, options or {}, labels={"ours": "1"}
        )
        return self.core.images.build(target, on_line=self._told, cancelled=self.cancelled)

    def _told(self, line: str) -> None:
        self.lines.append(line)
        self.on_line(line)

    def failure(self, dockerfile: str = "Dockerfile", inline: str | None = None) -> ImageBuildError:
        with pytest.raises(ImageBuildError) as caught:
            self.build(dockerfile, inline)
        return caught.value


@pytest.fixture
def builder(core: Engine, engine: docker.DockerClient, tmp_path: Path) -> Iterator[Builder]:
    folder = tmp_path / "context"
    folder.mkdir()
    yield Builder(core, folder)
    for tag in (TAG, "aiserver/also:1"):
        with suppress(docker.errors.ImageNotFound):
            engine.images.remove(tag, force=True)


def said(engine: docker.DockerClient, command: str) -> str:
    """What a container of the built image writes that runs *command* in a shell."""
    return str(engine.containers.run(TAG, ["sh", "-c", last_words(command, 0)]).decode())


def test_a_build_has_its_arguments_labels_and_tags(
    builder: Builder, engine: docker.DockerClient
) -> None:
    builder.write(
        "Dockerfile",
        f"FROM {BUSYBOX}\nARG GREETING\nRUN echo say $GREETING > /said\nLABEL ours=forged\n",
    )
    options = {
        "buildargs": {"GREETING": "hello 'world'"},
        "labels": {"kind": "test", "ours": "forged"},
        "t": ["aiserver/also:1"],
        "extrahosts": ["one:10.0.0.1", "two:10.0.0.2"],
        "ulimits": [{"Name": "nofile", "Soft": 1000, "Hard": 2000}],
        "shmsize": 1 << 20,
        "nocache": True,
    }
    image = builder.build(options=options)
    found = engine.images.get("aiserver/also:1")
    assert found.id == image.id
    assert set(image.names) >= {TAG, "aiserver/also:1"}
    assert found.labels.items() >= {"kind": "test", "ours": "1"}.items()
    assert said(engine, "cat /said") == "say hello 'world'\n"
    assert builder.lines[0] == f"Step 1/6 : FROM {BUSYBOX}"
    assert builder.lines[-1].startswith("Successfully tagged")


def test_extra_hosts_and_limits_hold_while_it_builds(builder: Builder) -> None:
    inline = f"FROM {BUSYBOX}\nRUN cat /etc/hosts && ulimit -n\n"
    options = {
        "extrahosts": ["one:10.0.0.1", "two:10.0.0.2"],
        "ulimits": [{"Name": "nofile", "Soft": 1000, "Hard": 2000}],
    }
    builder.build(inline=inline, options=options)
    assert {"10.0.0.1\tone", "10.0.0.2\ttwo", "1000"} <= set(builder.lines)


def test_ignored_files_are_not_sent_to_the_engine(
    builder: Builder, engine: docker.DockerClient
) -> None:
    builder.write(".dockerignore", "# comment\n*.secret\nskipped/\n!kept.secret\n")
    for name in ("a.secret", "kept.secret", "skipped/x", "dir/y"):
        builder.write(name, name)
    builder.write("Dockerfile", f"FROM {BUSYBOX}\nCOPY . /all\n")
    builder.build()
    listing = said(engine, "find /all -type f").split()
    assert set(listing) - {"/all/Dockerfile", "/all/.dockerignore"} == {
        "/all/kept.secret",
        "/all/dir/y",
    }


def test_a_dockerfile_may_be_given_inline_or_stand_outside_of_the_context(
    builder: Builder, engine: docker.DockerClient
) -> None:
    builder.build(inline=f"FROM {BUSYBOX}\nLABEL from=inline\n")
    assert engine.images.get(TAG).labels["from"] == "inline"
    outside = builder.folder.parent / "Outside"
    outside.write_text(f"FROM {BUSYBOX}\nLABEL from=outside\n")
    builder.build(dockerfile="../Outside")
    assert engine.images.get(TAG).labels["from"] == "outside"


def test_a_failing_command_is_reported_with_what_it_said(builder: Builder) -> None:
    error = builder.failure(inline=f"FROM {BUSYBOX}\nRUN echo it is broken; exit 7\n")
    assert "returned a non-zero code: 7" in str(error)
    assert "it is broken" in error.data["lines"]
    assert "it is broken" in str(error)
    assert "Fix its Dockerfile" in str(error)


@pytest.mark.parametrize(
    ("dockerfile", "inline", "why"),
    [
        ("Dockerfile", "NONSENSE\n", "unknown instruction: NONSENSE"),
        ("Dockerfile", "FROM 127.0.0.1:1/none:1\n", "127.0.0.1:1"),
        ("Dockerfile", f"FROM {BUSYBOX}\nCOPY none /\n", "none"),
        ("Missing", None, "Missing"),
        ("../Missing", None, "No such file"),
    ],
)
def test_wrong_dockerfile_is_reported(
    builder: Builder, dockerfile: str, inline: str | None, why: str
) -> None:
    assert why in str(builder.failure(dockerfile, inline))


def test_missing_context_is_reported(builder: Builder) -> None:
    builder.folder = builder.folder / "none"
    error = builder.failure()
    assert str(builder.folder) in str(error)
    assert "No such file" in str(error)


def test_a_build_can_be_cancelled_while_it_says_nothing(builder: Builder) -> None:
    running = threading.Event()
    builder.on_line = lambda line: running.set() if line == "begun" else None

    def cancel() -> None:
        if running.wait(LIMIT):
            builder.cancelled.set()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(CancelledError):
        builder.build(inline=f"FROM {BUSYBOX}\nRUN echo begun; sleep 600\n")
    canceller.join()
    # The engine removes the container of the build.
    eventually(lambda: builder.core.containers.summaries() == [], "an engine without containers")
    assert builder.core.images.find(TAG) is None
