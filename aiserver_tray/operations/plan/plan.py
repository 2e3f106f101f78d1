"""A plan: the steps of an operation and their order, as a value that can be printed."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Literal

from aiserver_tray.catalog.image_sizes import ImageSize
from aiserver_tray.model import Container, StepKind
from aiserver_tray.spec.kernel import KernelSetting
from aiserver_tray.spec.model import ImageTarget, NetworkTarget, ServiceTarget, VolumeTarget
from aiserver_tray.state.views import StepView

SECONDS = {"pull": 20.0, "build": 60.0, "network": 0.1, "volume": 0.01, "create": 0.02,
           "start": 0.2, "stop": 0.2, "remove": 0.2, "kernel_setting": 0.5}  # fmt: skip
"""Default duration of a step in seconds (measured on a small machine)."""

READY_SECONDS = 2.0
"""From start to ready, of a service never seen before, if the catalog names no time."""

Lane = Literal["engine", "images", "stops"]
"""What bounds how many steps run at the same time."""

_LANES: Mapping[StepKind, Lane] = {"pull": "images", "build": "images", "stop": "stops"}
"""Everything else is work for the engine's processors."""


def lane_of(kind: StepKind) -> Lane:
    """The lane that limits steps of this *kind*."""
    return _LANES.get(kind, "engine")


Subject = ServiceTarget | ImageTarget | NetworkTarget | VolumeTarget | KernelSetting

Services = frozenset[tuple[str, str]]
"""Single services of modules, as (module, service)."""


@dataclass(frozen=True)
class Step:
    kind: StepKind
    subject: str
    """The name on the engine."""
    module: str
    service: str | None = None
    needs: frozenset[str] = frozenset()
    """The IDs of the steps that must have succeeded before."""
    seconds: float = 0.0
    """The expected duration."""
    target: Subject | None = field(default=None, repr=False)
    """The object to create."""
    container: Container | None = field(default=None, repr=False)
    """The existing container."""
    after: frozenset[str] = frozenset()
    """The IDs of the steps that must have finished before, with any result."""
    usual: float | None = None
    """The duration of earlier times, or else the one that the catalog names."""

    size: ImageSize | None = field(default=None, repr=False)
    """Of the image to pull, if it is known."""
    is_asked: bool = False
    """Whether a registry is asked for this size during the run."""
    module_download: int = 0
    """About how many bytes all images of the module take; 0: not known."""

    @property
    def id(self) -> str:
        """Names the step within its plan."""
        return step_id(self.kind, self.subject)

    @property
    def view(self) -> StepView:
        """The view before the step starts."""
        return StepView(self.kind, self.subject, self.module, self.service, usual=self.usual)


def step_id(kind: StepKind, subject: str) -> str:
    """The id of the step of this *kind* on *subject*."""
    return f"{kind} {subject}"


@dataclass(frozen=True)
class Plan:
    """Steps, in an order in which they could be done one by one."""

    steps: tuple[Step, ...] = ()

    @classmethod
    def of(cls, steps: Iterable[Step]) -> "Plan":
        """A plan of *steps* in any order. A dependency on a step outside of it counts as met."""
        by_id = {step.id: step for step in steps}
        met = {step.id: _met(step, by_id.keys()) for step in by_id.values()}
        graph = {name: step.needs | step.after for name, step in met.items()}
        return cls(tuple(met[name] for name in TopologicalSorter(graph).static_order()))

    def up_to(self, services: Services) -> "Plan":
        """Only the steps of *services*, and all steps that come before them."""
        kept: set[str] = set()
        for step in reversed(self.steps):
            if step.id in kept or (step.module, step.service) in services:
                kept |= {step.id, *self.graph[step.id]}
        return Plan(tuple(step for step in self.steps if step.id in kept))

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    @cached_property
    def graph(self) -> Mapping[str, frozenset[str]]:
        """Step id -> ids of those that come before it."""
        return {step.id: step.needs | step.after for step in self.steps}

    @cached_property
    def remaining(self) -> Mapping[str, float]:
        """Step ID -> seconds of the longest chain that starts with this step."""
        longest: dict[str, float] = {}
        for step in reversed(self.steps):
            length = longest.get(step.id, 0.0) + step.seconds
            longest[step.id] = length
            for need in self.graph[step.id]:
                longest[need] = max(longest.get(need, 0.0), length)
        return longest

    @cached_property
    def begun_by(self) -> Mapping[str, float]:
        """Step ID -> seconds from the start of the plan to the earliest possible end of the step,
        with unlimited processors."""
        latest: dict[str, float] = {}
        for step in self.steps:
            before = max((latest[name] for name in self.graph[step.id]), default=0.0)
            latest[step.id] = before + step.seconds
        return latest

    def __str__(self) -> str:
        return "\n".join(step.id for step in self.steps)


def _met(step: Step, known: Set[str]) -> Step:
    """*step* without references to steps outside of its plan."""
    if step.needs <= known and step.after <= known:
        return step
    return replace(step, needs=step.needs & known, after=step.after & known)
