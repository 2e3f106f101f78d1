"""A journal whose engine is a scripted one."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiserver_tray.base.errors import ExitedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.values import ContainerSummary, Volume
from aiserver_tray.features.backup.journal import wind_up
from aiserver_tray.settings.unended import BackupJournal, Unended
from aiserver_tray.spec import labels
from aiserver_tray.spec.labels import Owner


@dataclass
class Scene:
    """A journal, and what is on the engine."""

    journal: BackupJournal
    volumes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    containers: dict[str, Mapping[str, str]] = field(default_factory=dict)
    done: list[object] = field(default_factory=list)
    failing: str = ""
    """A module that does not start."""
    dead: dict[str, str] = field(default_factory=lambda: {"n8n": "killed"})
    """The dead holders of locks."""

    @property
    def tools(self) -> Any:  # noqa: ANN401 - what `Tools` has
        volumes = SimpleNamespace(
            find=lambda name: Volume(name, self.volumes[name], None), all=list, remove=self.removed
        )
        containers = SimpleNamespace(
            names_with_volume=lambda _: [*self.containers],
            start=lambda name: self.done.append(("start", name)),
            summaries=lambda _=None: [
                ContainerSummary(n, n, of, "running", "none", "", "", ())
                for n, of in self.containers.items()
            ],
        )
        networks = SimpleNamespace(all=list)
        images = SimpleNamespace(
            tag=lambda image, name: self.done.append(("tag", image, name)),
            untag=lambda name: self.done.append(("untag", name)),
        )
        info = SimpleNamespace(id="here")
        return SimpleNamespace(
            owner=Owner("us", "1.0"),
            engine=SimpleNamespace(
                volumes=volumes,
                containers=containers,
                networks=networks,
                images=images,
                info=lambda: info,
            ),
            app=SimpleNamespace(
                models=[
                    SimpleNamespace(name=name, services=[SimpleNamespace(container=f"ai-{name}")])
                    for name in ("n8n", "dify")
                ],
                settings=SimpleNamespace(put_back=lambda *_: None, folder=Path("/nowhere")),
                applied=SimpleNamespace(put_back=lambda *_: None, drop=lambda _: None),
                refresh_catalog=lambda: None,
                target=lambda name: SimpleNamespace(name=name, requires=()),
            ),
            server=lambda *_: SimpleNamespace(
                exists=lambda _: True,
                swap_back=lambda *names: self.done.append(("swap back", *names)),
                drop=lambda name: self.done.append(("drop", name)),
            ),
            volumes=lambda *_: volumes,
            planner=SimpleNamespace(server=lambda name: name == "postgres" or None),
        )

    @property
    def stage(self) -> Any:  # noqa: ANN401 - what `Stage` has
        def start(_: object) -> None:
            self.done.append("start")

        def up(modules: list[str]) -> None:
            if self.failing in modules:
                raise ExitedError(self.failing, 3, "", [])

        def notice(text: Text) -> None:
            self.done.append(str(text))

        state = SimpleNamespace(containers={})
        parts = SimpleNamespace(store=SimpleNamespace(state=state))
        remove = lambda modules: self.done.append(("remove", *modules))  # noqa: E731
        return SimpleNamespace(
            parts=parts,
            up=up,
            remove=remove,
            start=start,
            quiet=lambda module: self.done.append(("quiet", module)),
            notice=notice,
            stop=lambda modules, _: self.done.append(("stop", *modules)),
            expect_start=lambda _: None,
            users=lambda _: ["dify"],
            running=lambda modules: [
                SimpleNamespace(name=name, module=of[labels.MODULE], is_ready=True)
                for name, of in self.containers.items()
                if of[labels.MODULE] in modules
            ],
            locked=lambda *_: nullcontext(self.dead),
            earlier_part=nullcontext,
        )

    def removed(self, name: str) -> None:
        self.done.append(("remove volume", name))

    def has(self, id: str, *modules: str, **given: Any) -> None:  # noqa: ANN401 - fields
        """There is an interrupted restore."""
        entry = Unended(modules=[*modules], **{"kind": "restore", "state": "swapped", **given})
        with self.journal.operation(id, entry):
            pass

    def wind_up(self, id: str) -> None:
        wind_up(self.stage, self.tools, self.journal, id)
