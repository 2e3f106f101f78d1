"""The whole built-in catalog, started on the lab's engine."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from aiserver_tray.base.errors import each
from aiserver_tray.core.core import Core
from aiserver_tray.operations.request import Request
from aiserver_tray.spec.labels import CONFIG_OF, MODULE
from aiserver_tray.state.views import Snapshot
from tests.lab.fixtures import borrowed, have_image
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation, last_words
from tests.support.limits import stretched
from tests.support.ports import free_port
from tests.support.whole.catalog import PORTS, Service, of_stand_ins

LIMIT = stretched(900.0)
"""Seconds after which a test fails. Nothing takes a tenth of it where nothing else runs;
on a busy machine, n8n and its workers start one after the other."""


@dataclass(frozen=True)
class Stack:
    """An installation, its running core, and the engine."""

    here: Installation
    core: Core
    client: docker.DockerClient
    catalog: Path
    """A copy of the built-in one, for stand-ins."""

    def run(self, request: Request) -> None:
        """Run an operation. Raises ``AssertionError`` where it fails."""
        view = self.core.operations.start(request).wait(LIMIT)
        assert view.status == "succeeded", view.error and [*map(str, each(view.error))]

    def up(self, *, detach: bool = False) -> None:
        """Start all modules with the settings of now; *detach*: without the last waits."""
        self.core.publish_modules()
        self.run(Request("up", all=True, detach=detach))

    def runs(self, but: Collection[str] = ()) -> None:
        """Wait until all modules run *but* these. Raises ``AssertionError`` where one does not."""
        self.until(lambda now: all(m.state == "running" or m.name in but for m in now.modules))

    def until(self, holds: Callable[[Snapshot], bool]) -> Snapshot:
        """The first snapshot for which *holds*. Raises ``AssertionError`` where none comes."""
        try:
            return self.core.store.wait_until(holds, LIMIT)
        except TimeoutError:
            found = self.core.store.snapshot.modules
            raise AssertionError([(m.name, m.state, m.reason) for m in found]) from None

    @contextmanager
    def snapshots(self) -> Iterator[list[Snapshot]]:
        """Every snapshot from now on, until the block ends."""
        seen = [self.core.store.snapshot]
        leave = self.core.store.observe(lambda state: seen.append(state.snapshot))
        try:
            yield seen
        finally:
            leave()

    def lasting(self) -> dict[Service, str]:
        """Module and service -> container id, without jobs."""
        running = self.client.api.containers()
        ids = {found["Names"][0].removeprefix("/"): found["Id"] for found in running}
        return {
            (module.name, service.name): ids[service.container]
            for module in self.core.store.snapshot.modules
            for service in module.services
            if not service.is_job
        }

    def volumes(self, command: str) -> dict[str, str]:
        """Volume with data -> output of a shell *command* that runs in its folder, with its name as
        ``$1``.

        One container has all volumes: each start of a container takes long.
        """
        all_ = self.client.volumes.list(filters={"label": MODULE})
        ours = [one for one in all_ if CONFIG_OF not in one.attrs["Labels"]]
        each_volume = 'for v in *; do cd "/volumes/$v"; echo "$v $(run "$v")"; done'
        said = self.client.containers.run(
            IMAGE,
            ["sh", "-ec", f"run() {{ {command}; }}\n{last_words(each_volume, 0)}"],
            working_dir="/volumes",
            # Without nocopy, an empty volume would get the owner of the image's folder.
            volumes={v.name: {"bind": f"/volumes/{v.name}", "mode": "rw,nocopy"} for v in ours},
            remove=True,
        ).decode()
        found = dict(line.split(" ", 1) for line in said.splitlines())
        assert found.keys() == {volume.name for volume in ours}
        return found


@contextmanager
def started(lab: Place, folder: Path) -> Iterator[Stack]:
    """All modules, running, with their home in *folder*; all is removed at the end."""
    (folder / "none").mkdir()
    here = Installation(folder / "home", folder / "none", lab.host)
    with borrowed(lab) as client, of_stand_ins(folder) as catalog:
        have_image(client, IMAGE)
        here.set_all({address: str(free_port()) for address in PORTS})
        with here.core() as core:
            stack = Stack(here, core, client, catalog)
            stack.up()
            stack.runs()
            yield stack
