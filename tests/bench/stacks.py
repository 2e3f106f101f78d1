"""Starting and stopping whole stacks, beside docker compose on the same engine and file: the time
that it takes, and the engine's processor time."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from aiserver_tray.core.app import App
from tests.bench.engine_cpu import EngineCpu
from tests.bench.result import Action, Comparison, Results, alternating, seconds
from tests.bench.shapes import CHAIN, HUNDRED, IMAGE, TEN, TEN_CHECKED, Shape
from tests.bench.sides import InProcess, Side, Theirs, Tray, WholeProcess, project_label
from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.support.consents import trust_all

Times = Mapping[str, float]
"""Part of a round -> seconds; its name with `CPU` -> seconds of the engine's processor time."""

CPU = "-cpu"
_WITH_CPU = ("up", "down")
"""`up` of what runs takes the engine less than the 10 ms in which the kernel counts."""

IN_PROCESS, WHOLE_PROCESS = "in-process", "whole-process"

LIMITS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    CHAIN.name: {"up": (0.55, 0.60)},
    TEN.name: {"up": (0.82, 0.92), "up-again": (0.10, 0.45), "down": (0.90, 1.0)},
    TEN_CHECKED.name: {"up": (0.82, 0.92), "down": (0.90, 1.0)},
    HUNDRED.name: {"up": (0.95, 0.97), "up-again": (0.10, 0.45), "down": (1.05, 1.10)},
}
"""Shape -> part -> greatest ratio in a process that runs already, and with the start of Python."""


@contextmanager
def engine_of(lab: Place) -> Iterator[docker.APIClient]:
    """The lab's engine with the image there; what is made on it is removed at the end."""
    with borrowed(lab) as client:
        client.images.pull(IMAGE)
        yield client.api


def stack(shape: Shape, lab: Place, pairs: int) -> Results:
    """All figures of one shape."""
    with tempfile.TemporaryDirectory() as name, engine_of(lab) as api:
        folder = Path(name)
        file = shape.write(folder / "catalog")
        # Homes of their own: the process that runs already must not watch the other's containers.
        app = App(home=folder / "home", catalogs=[file.parents[1]], engine=lab.host)
        tray = Tray(folder / "other-home", file.parents[1], lab.host)
        for home in ("home", "other-home"):
            trust_all(folder / home, file.parents[1])
        ours = project_label(f"aiserver-{shape.name}")
        with app.core() as core:
            sides: Mapping[str, Side] = {
                "theirs": Theirs(f"theirs-{shape.name}", file, lab.host),
                IN_PROCESS: InProcess(core, ours, (shape.name,)),
                WHOLE_PROCESS: WholeProcess(tray, ours, (shape.name,)),
            }
            rounds = _Rounds(shape, api, EngineCpu(lab))
            return _figures(shape, rounds.of(sides, pairs))


@dataclass(frozen=True)
class _Rounds:
    shape: Shape
    api: docker.APIClient
    cpu: EngineCpu

    def of(self, sides: Mapping[str, Side], pairs: int) -> Mapping[str, Sequence[Times]]:
        """Side -> the times of each round; the first round, which fills caches, is left out."""
        for side in sides.values():
            self._round(side)
        found: dict[str, list[Times]] = {name: [] for name in sides}
        for number in range(pairs):
            for name in alternating(list(sides), number):
                found[name].append(self._round(sides[name]))
        return found

    def _round(self, side: Side) -> Times:
        """Up, up of what runs, down; each seen to have done what it is for."""
        networks = _networks(self.api)
        times = self._times("up", side.up)
        started = _healthy(self.shape, side, self.api)
        if "up-again" in LIMITS[self.shape.name]:
            times |= self._times("up-again", side.up)
            again = _healthy(self.shape, side, self.api)
            require(again == started, f"{side.label}: `up` of what runs made it anew")
        times |= self._times("down", side.down)
        require(not containers(side, self.api), f"{side.label}: `down` left containers")
        require(_networks(self.api) == networks, f"{side.label}: `down` left networks")
        return times

    def _times(self, part: str, action: Action) -> dict[str, float]:
        begun = self.cpu.seconds
        return {part: seconds(action), part + CPU: self.cpu.seconds - begun}


def _healthy(shape: Shape, side: Side, api: docker.APIClient) -> set[str]:
    found = containers(side, api)
    healthy = {c["Id"] for c in found if c["Status"].endswith("(healthy)")}
    require(
        len(healthy) == len(found) == len(shape.services),
        f"{side.label}: {len(healthy)} of {len(shape.services)} healthy",
    )
    return healthy


def containers(side: Side, api: docker.APIClient) -> list[dict[str, str]]:
    """All of *side*, as the engine lists them."""
    found: list[dict[str, str]] = api.containers(all=True, filters={"label": side.label})
    return found


def _networks(api: docker.APIClient) -> set[str]:
    return {network["Id"] for network in api.networks()}


def require(holds: object, otherwise: str) -> None:
    """A figure of what did not do its work is none."""
    if not holds:
        raise RuntimeError(otherwise)


def _figures(shape: Shape, found: Mapping[str, Sequence[Times]]) -> Results:
    def times(side: str, part: str) -> tuple[float, ...]:
        return tuple(one[part] for one in found[side])

    def comparison(side: str, part: str, limit: float | None = None) -> Comparison:
        return Comparison(times(side, part), times("theirs", part), limit)

    figures: dict[str, Comparison] = {}
    for part, limits in LIMITS[shape.name].items():
        for side, limit in zip((IN_PROCESS, WHOLE_PROCESS), limits, strict=True):
            figures[f"{shape.name}-{part}-{side}"] = comparison(side, part, limit)
            if part in _WITH_CPU:
                figures[f"{shape.name}-{part}-{side}{CPU}"] = comparison(side, part + CPU)
    return figures
