"""The files of models in the volume of the module: what is there, what is loaded, and adding one.

All of it is done in the module's own container, so that it works with each engine, also elsewhere.
A file is below ``parts`` until it is whole and its hash was compared. Only models of the presets
are offered by the server, and only whole files get there.
"""

import hashlib
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.errors import DownloadError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import binary_size
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.models.servers import OWN, ModelKind
from aiserver_tray.features.models.used import container_of

if TYPE_CHECKING:
    from aiserver_tray.engine.containers import Containers
    from aiserver_tray.engine.execution import Program
    from aiserver_tray.state.views import Snapshot

_SECONDS: Final = 60.0
_HASH_SECONDS: Final = 1800.0
_SPARE: Final = 256 << 20
"""Bytes of the disk that a download leaves."""
_FLAGS: Final[Mapping[ModelKind, str]] = {
    "embedding": "embeddings = true",
    "rerank": "reranking = true",
}
_LOOK: Final = """\
cd /models && df -Pk . | tail -n 1
echo --
for file in files/* parts/*; do [ -f "$file" ] && stat -c '%s %n' "$file"; done
echo --
for process in /proc/[0-9]*; do
    words=$(tr '\\0' '\\n' < "$process/cmdline" 2>/dev/null)
    file=$(echo "$words" | grep -o '/models/files/[^" ]*' | head -n 1)
    [ -n "$file" ] && echo "$(grep VmRSS "$process/status" | tr -dc 0-9) $file"
done
true
"""


@dataclass(frozen=True)
class Look:
    """What is in the volume now."""

    free_disk: int
    files: Mapping[str, int] = field(default_factory=dict)
    """size of each whole file, by model"""
    parts: Mapping[str, int] = field(default_factory=dict)
    """size of each begun download, by its `part_of`"""
    memory: Mapping[str, int] = field(default_factory=dict)
    """bytes that a loaded model uses, with what it reads of its file"""

    def begun(self, name: str) -> int:
        """Bytes of what was begun of the model *name*."""
        return sum(size for part, size in self.parts.items() if model_of_part(part) == name)

    @property
    def names(self) -> set[str]:
        """The models of which something is there."""
        return {*self.files, *map(model_of_part, self.parts)}


def part_of(name: str, version: str) -> str:
    """The begun download of the model *name*. Of another *version* (a SHA-256, or `file`) of it, it
    is another one. No name contains the separator, but many contain a dot."""
    return f"{name}@{version[:16]}"


def model_of_part(part: str) -> str:
    """The model of the begun download *part*."""
    return part.rpartition("@")[0] or part


class Shelf:
    """The volume, in the container of the module that runs by *snapshot*.

    Raises:
        RefusedError: it does not run.
        AiServerError: from each method, too: the engine is lost.
    """

    def __init__(self, containers: "Containers", snapshot: "Snapshot") -> None:
        self._containers = containers
        self._container = container_of(snapshot, OWN)

    def look(self) -> Look:
        """What is there."""
        return self._look("true")

    def _look(self, first: str) -> Look:
        """What is there once the script *first* was run."""
        lines = self._run(f"{first} || exit\n{_LOOK}", seconds=_SECONDS)
        disk, there, processes = "\n".join([*lines, ""]).split("--\n")
        found: dict[str, Counter[str]] = {"files": Counter(), "parts": Counter()}
        for size, path in _counted(there):
            found[path.parent.name][path.name.removesuffix(".gguf")] = size
        memory = Counter[str]()
        for size, path in _counted(processes):
            memory[path.stem] += size * 1024
        return Look(int(disk.split()[3]) * 1024, found["files"], found["parts"], memory)

    def check_room(self, look: Look, needed: int, promised: int = 0) -> None:
        """Raises `DownloadError` if *needed* bytes more do not fit beside those that are *promised*
        to other downloads."""
        needed += promised
        if look.free_disk < needed + _SPARE:
            text = Text(
                "The disk of the Docker engine has {free} free, but {needed} more are needed. Free "
                "some disk (aiserver-tray cleanup), or remove a model.",
                free=binary_size(look.free_disk),
                needed=binary_size(needed + _SPARE),
            )
            raise DownloadError(text)

    def append(self, part: str, pieces: Iterable[bytes], cancelled: Cancellation) -> None:
        """Add *pieces* to the begun download *part*.

        Raises:
            DownloadError: they can't be written, as on a full disk; what was written stays.
            CancelledError: that was asked for.
        """
        path = shlex.quote(f"/models/parts/{part}")
        program = self._feed(f"cat >> {path}", pieces, cancelled)
        if program.exit_code:
            text = Text(
                "The model can't be written: {why}. Free some disk, then pull it again; it goes on "
                "where it stopped.",
                why=program.errors.rpartition(": ")[2] or str(program.exit_code),
            )
            raise DownloadError(text)

    def hash(self, part: str, cancelled: Cancellation) -> str:
        """The SHA-256 of the begun download *part*."""
        path = shlex.quote(f"/models/parts/{part}")
        lines = self._run(f"sha256sum < {path}", seconds=_HASH_SECONDS, cancelled=cancelled)
        return lines[0].split()[0] if lines else ""

    def written(self, part: str) -> tuple[int, str]:
        """How many bytes the begun download *part* has, and the first four."""
        path = shlex.quote(f"/models/parts/{part}")
        size, *begin = self._run(f"stat -c %s {path} && head -c 4 {path}", seconds=_SECONDS)
        return int(size), "".join(begin)

    def drop_parts(self, name: str) -> None:
        """Remove what was begun of the model *name*."""
        self._run(_dropped(name), seconds=_SECONDS)

    def finish(self, name: str, part: str) -> Look:
        """Make the whole download *part* the file of the model *name*. Returns what is there."""
        files, file = "/models/files", shlex.quote(f"{name}.gguf")
        move = f"mkdir -p {files} && mv /models/parts/{shlex.quote(part)} {files}/{file}"
        return self._look(f"{move} && {_dropped(name)}")

    def remove(self, name: str) -> Look:
        """Remove the file of the model *name*, and what was begun of it. Returns what is there."""
        return self._look(f"{_dropped(name)} {shlex.quote(f'/models/files/{name}.gguf')}")

    def write_presets(self, models: Mapping[str, ModelKind]) -> None:
        """Let the server offer *models*, whose files are there."""
        content = "".join(_preset(name, kind) for name, kind in sorted(models.items()))
        text = f"version = 1\n{content}"
        script = "cat > /models/models.ini.new && mv /models/models.ini.new /models/models.ini"
        self._feed(script, [text.encode()], Cancellation())

    def _feed(self, script: str, pieces: Iterable[bytes], cancelled: Cancellation) -> "Program":
        body = {"Cmd": ["sh", "-c", script]}
        program = self._containers.program(self._container, body, cancelled)
        program.feed(pieces)
        return program

    def _run(
        self, script: str, *, seconds: float, cancelled: Cancellation | None = None
    ) -> list[str]:
        body = {"Cmd": ["sh", "-c", script], "AttachStdout": True}
        code, lines = self._containers.run(
            self._container, body, seconds=seconds, cancelled=cancelled or Cancellation()
        )
        if code:
            text = Text("The volume of the models can't be used: exit code {code}.", code=code)
            raise DownloadError(text)
        return lines


def _dropped(name: str) -> str:
    """The script that removes what was begun of the model *name*."""
    path = f"/models/parts/{shlex.quote(name)}"
    return f"rm -f {path} {path}@*"


def _preset(name: str, kind: ModelKind) -> str:
    lines = [f"[{name}]", f"model = /models/files/{name}.gguf"]
    return "\n".join([*lines, *([_FLAGS[kind]] if kind in _FLAGS else []), "", ""])


def _counted(text: str) -> Iterator[tuple[int, PurePosixPath]]:
    for line in text.splitlines():
        count, _, name = line.partition(" ")
        if count.isdecimal():
            yield int(count), PurePosixPath(name)


class Hashing:
    """Passes pieces on, with their hash and number."""

    def __init__(self, count: int) -> None:
        self._digest = hashlib.sha256()
        self.count = count

    def through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._digest.update(piece)
            self.count += len(piece)
            yield piece

    @property
    def sha256(self) -> str:
        """Of all pieces that went through."""
        return self._digest.hexdigest()
