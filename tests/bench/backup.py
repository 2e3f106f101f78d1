"""A backup and a restore beside ``tar`` in a container, as Docker's documentation has it, and how
long n8n is down for a backup, beside its restart."""

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from aiserver_tray.carriers.local.client import Client
from aiserver_tray.spec.labels import MODULE
from tests.bench.result import Action, Comparison, Figure, Results, alternating, seconds
from tests.bench.sides import Tray
from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.support.host_process import hosted
from tests.support.installation import IMAGE, Installation, idle
from tests.support.observed import heard, said
from tests.support.ports import free_port
from tests.support.waiting import eventually

OURS, THEIRS = "ai-bench", "theirs"
FILL = """
set -e; cd /data; mkdir small
for n in $(seq 2000); do head -c 10000 /dev/urandom > small/$n; done
for n in $(seq 20); do
    head -c 10000000 /dev/urandom > random-$n
    yes "2026-05-01 12:00:00 INFO line $n of a log" | head -c 10000000 > text-$n
done
"""
MEGABYTES = 420
"""Of which 20 are in 2,000 files, and 200 can be compressed."""
DOWN_LIMIT = 1.5
CHECK_SECONDS = 600.0


@dataclass(frozen=True)
class _Stage:
    """The data twice, each with a container that uses it: in a module, and in one of Docker's."""

    tray: Tray
    owner: Client
    client: docker.DockerClient
    folder: Path

    def save(self) -> None:
        self.tray.run("backup", "create", "bench")

    def restore(self) -> None:
        newest = self.owner.request("ai/backup/list")["backups"][0]["id"]
        self.tray.run("backup", "restore", newest, "bench", "--yes")

    def lose(self) -> None:
        self.tray.run("down", "bench", "--volumes", "--yes")

    def save_theirs(self) -> None:
        container = self.client.containers.get(THEIRS)
        container.stop()
        self._tar("-cf")
        container.start()

    def restore_theirs(self) -> None:
        self._tar("-xf")
        self.start_theirs()

    def lose_theirs(self) -> None:
        self.client.containers.get(THEIRS).remove(force=True)
        self.client.volumes.get(THEIRS).remove()

    def start_theirs(self) -> None:
        self._run(["sleep", "86400"], f"{THEIRS}:/data", name=THEIRS, init=True, detach=True)

    def _tar(self, option: str) -> None:
        words = ["tar", option, "/backup/data.tar", "-C", "/", "data"]
        self._run(words, f"{THEIRS}:/data", f"{self.folder}:/backup", remove=True)

    def _run(self, words: list[str], *volumes: str, **options: object) -> None:
        self.client.containers.run(IMAGE, words, volumes=[*volumes], **options)

    def quiet(self) -> None:
        """Wait for the check that follows a backup."""
        eventually(
            lambda: self.owner.request("ai/backup/list")["checking"] is None, "it", CHECK_SECONDS
        )

    def compared(self, *sides: tuple[Action, Action], pairs: int) -> Comparison:
        """The seconds of each side's second action, ours first. The first round, which fills
        caches, is left out."""
        took: dict[Action, list[float]] = {act: [] for _, act in sides}
        for number in range(pairs + 1):
            for prepare, act in alternating(sides, number):
                prepare()
                self.quiet()
                took[act].append(seconds(act))
        ours, theirs = (tuple(found[1:]) for found in took.values())
        return Comparison(ours, theirs)

    def downtime(self, pairs: int) -> Comparison:
        """From the first signal that ends a service of n8n until all are healthy again, by the
        engine's events."""
        found: dict[str, list[float]] = {"backup create": [], "restart": []}
        for number in range(pairs):
            for command in alternating(list(found), number):
                self.quiet()
                with heard(self.client, "kill", "health_status: healthy") as told:
                    self.tray.run(*command.split(), "n8n")
                labels = ((event["Actor"]["Attributes"], event["timeNano"]) for event in told)
                times = [at / 1e9 for one, at in labels if one.get(MODULE) == "n8n"]
                found[command].append(times[-1] - times[0])
        saved, restarted = map(tuple, found.values())
        return Comparison(saved, restarted, DOWN_LIMIT)


@contextmanager
def _staged(lab: Place) -> Iterator[tuple[_Stage, int]]:
    """With the process id of the owner."""
    with tempfile.TemporaryDirectory() as name, borrowed(lab) as client:
        here = Installation(Path(name, "home"), Path(name, "catalog"), lab.host)
        here.write("bench", {"bench": idle(volumes=["data:/data"])}, top={"volumes": {"data": {}}})
        for module in ("n8n.N8N", "postgres.POSTGRES"):
            here.set(f"{module}_HOST_PORT", str(free_port()))
        with hosted(here.cli) as (owner, process):
            tray = Tray(here.home, here.catalog, here.host)
            tray.run("up", "bench", "n8n")
            stage = _Stage(tray, owner, client, Path(name))
            stage.start_theirs()
            for container in (OURS, THEIRS):
                said(client, container, "sh", "-c", FILL)
            yield stage, process.pid


def backup(lab: Place, pairs: int) -> Results:
    """Times, rates, n8n's down-time, and the most memory of the owner, which packs, beside what it
    has without a backup."""
    with _staged(lab) as (stage, owner):
        Path(f"/proc/{owner}/clear_refs").write_text("5", encoding="ascii")  # forgets its peak
        before = _peak(owner)
        nothing = stage.quiet
        saved = stage.compared((nothing, stage.save), (nothing, stage.save_theirs), pairs=pairs)
        stage.quiet()
        peak = _peak(owner)
        ours, theirs = (stage.lose, stage.restore), (stage.lose_theirs, stage.restore_theirs)
        restored = stage.compared(ours, theirs, pairs=pairs)
        return {
            "backup": saved,
            "backup-rate": Figure(MEGABYTES / statistics.median(saved.ours), "MB/s"),
            "backup-restore": restored,
            "backup-restore-rate": Figure(MEGABYTES / statistics.median(restored.ours), "MB/s"),
            "backup-memory": Figure(peak - before, f"MiB beyond the owner's {before:.0f} MiB"),
            "backup-n8n-down": stage.downtime(pairs),
        }


def _peak(pid: int) -> float:
    """The most memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
