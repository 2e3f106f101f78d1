"""Images, networks and volumes of a plan, and how large the images are."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from queue import Empty, SimpleQueue
from threading import Event, Thread

from aiserver_tray.base.errors import (
    AiServerError,
    EngineRequestError,
    ImageBuildError,
    ImagePullError,
    NameConflictError,
    ObjectConflictError,
    ObjectNotFoundError,
    VolumeInUseError,
)
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.catalog.image_sizes import ImageSize, RecordedSizes
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import Image, PullProgress, Volume
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.plan.plan import Plan, Step
from aiserver_tray.operations.preflight.volumes import other_use
from aiserver_tray.spec.labels import HOME, INSTALLATION
from aiserver_tray.spec.model import (
    ImageTarget,
    ModuleTarget,
    NetworkTarget,
    ServiceTarget,
    VolumeTarget,
)


class OperationImages:
    """Gets images; *there* are the names of those that the engine has. ``new`` gathers the ids of
    those that it did not have under their name before. Every method raises what
    `engine.images.Images` does."""

    def __init__(
        self,
        engine: Engine,
        there: Iterable[str],
        mirrors: tuple[str, ...],
        cancelled: Cancellation,
    ) -> None:
        self.new: list[str] = []
        self._images = engine.images
        self._there = set(there)
        self._found: dict[str, Image] = {}
        self._mirrors = mirrors
        self._cancelled = cancelled

    def pull(self, image: ImageTarget, on_progress: Callable[[PullProgress], None]) -> None:
        """Pull *image*, or build it if it can't be pulled."""
        name = image.display_name
        before = self._images.find(name)
        try:
            found = self._images.pull(
                name,
                mirrors=self._mirrors,
                platform=image.platform,
                on_progress=on_progress,
                cancelled=self._cancelled,
            )
        except ImagePullError as error:
            if not (image.build and error.not_found):
                raise
            if image.build.is_remote:
                raise ImageBuildError.from_url(image.build.module, name, error.text) from error
            self.build(image)
        else:
            self._note(name, found, before)

    def build(self, image: ImageTarget) -> None:
        """Build *image* under its local name."""
        if (build := image.build) is None:
            raise TypeError(image.display_name)
        if build.is_remote:
            raise ImageBuildError.from_url(build.module, image.display_name)
        before = self._images.find(build.tag)
        found = self._images.build(build, cancelled=self._cancelled)
        self._note(build.tag, found, before)

    def get(self, image: ImageTarget) -> Image:
        """*image* as the engine has it.

        Raises:
            ObjectNotFoundError: it was removed meanwhile.
        """
        if not (names := self._names_of(image)):
            # It can't be pulled, and the step for its name built it for another service.
            self.pull(image, lambda _progress: None)
            names = self._names_of(image)
        name = names[0]
        if name not in self._found:
            found = self._images.find(name, image.candidates[name])
            if found is None:
                raise ObjectNotFoundError(404, f"No such image: {name}")
            self._found[name] = found
        return self._found[name]

    def _names_of(self, image: ImageTarget) -> list[str]:
        """The names of *image* on the engine, the preferred one first."""
        return [name for name in image.candidates if name in self._there]

    def _note(self, name: str, found: Image, before: Image | None) -> None:
        if before is None or before.id != found.id:
            self.new.append(found.id)
        self._there.add(name)
        self._found[name] = found


def make_network(engine: Engine, network: NetworkTarget) -> None:
    """Create *network*. Another module's operation may have created the shared one in the meantime.

    Raises:
        NameConflictError: there is one of this name that is not ours.
    """
    try:
        engine.networks.create(network.name, network.body)
    except ObjectConflictError:
        found = engine.networks.find(network.name)
        labels = found.labels if found else {}
        owner, home = labels.get(INSTALLATION), labels.get(HOME)
        if owner != network.body["Labels"][INSTALLATION]:
            raise NameConflictError("network", network.name, owner, home) from None


def on_networks(engine: Engine, networks: Iterable[NetworkTarget], act: Callable[[], None]) -> None:
    """Do *act*, which needs *networks*. The network that all modules share has no lock, so another
    operation's `down` may have removed it in the meantime."""
    try:
        act()
    except ObjectNotFoundError:
        if not _make_missing(engine, networks):
            raise
        act()


def _make_missing(engine: Engine, networks: Iterable[NetworkTarget]) -> bool:
    """Create those of our *networks* that are missing. Returns whether there were any."""
    missing = [
        network
        for network in networks
        if INSTALLATION in network.body["Labels"] and engine.networks.find(network.name) is None
    ]
    for network in missing:
        make_network(engine, network)
    return bool(missing)


def remove_network(engine: Engine, name: str) -> None:
    """Remove the network, unless a container has joined it after the plan. Then the network
    stays."""
    try:
        engine.networks.remove(name)
    except ObjectNotFoundError:
        return
    except EngineRequestError as error:
        if error.status != 403:
            raise


def make_volume(engine: Engine, module: ModuleTarget, volume: VolumeTarget) -> None:
    """Create the *volume* of *module*, unless it exists.

    Raises:
        AiServerError: the existing one has another use.
    """
    if not _find_volume(engine, module, volume):
        engine.volumes.create(volume.name, volume.body)


def recreate_config_volumes(engine: Engine, module: ModuleTarget, service: ServiceTarget) -> None:
    """Recreate the volumes of the configuration files of *service*.

    Raises:
        AiServerError: an existing one has another use.
    """
    volumes = {volume.name: volume for volume in module.volumes}
    for name in service.config_volumes:
        if _find_volume(engine, module, volumes[name]):
            engine.volumes.remove(name)
        engine.volumes.create(name, volumes[name].body)


def _find_volume(engine: Engine, module: ModuleTarget, volume: VolumeTarget) -> Volume | None:
    """The existing volume with the name of *volume*."""
    found = engine.volumes.find(volume.name)
    if found and (error := other_use(module.module, volume, found.labels)):
        raise error
    return found


def remove_volume(engine: Engine, name: str, module: str) -> None:
    """Remove the volume of *module*.

    Raises:
        VolumeInUseError: a container that stays has it.
        ObjectNotFoundError: there is none.
    """
    try:
        engine.volumes.remove(name)
    except ObjectConflictError:
        users = engine.containers.names_with_volume(name)
        if not users:
            raise
        raise VolumeInUseError(name, module, users) from None


# -- sizes of images -------------------------------------------------------------------------------

_AT_ONCE = 4
"""Registries are asked about so many images at the same time."""
_RATE = 5e6
"""Bytes per second that a download is expected to have before it begins."""

Resize = Callable[[str, ImageSize | None], None]
"""Takes the id of a step, and the size of its image."""


def with_sizes(plan: Plan, targets: Mapping[str, ModuleTarget], parts: Parts) -> Plan:
    """*plan* for the modules *targets*, whose pulls know how large their images are, and take so
    much longer. The sizes of some are still to be asked for."""
    if all(step.kind != "pull" for step in plan):
        return plan
    recorded, platform = parts.modules.image_sizes, parts.engine.info().platform

    def sized(step: Step) -> Step:
        image, module = step.target, targets.get(step.module)
        if step.kind != "pull" or not isinstance(image, ImageTarget) or module is None:
            return step
        step = replace(step, module_download=_needs(module))
        if size := recorded.of(image.display_name, image.platform or platform):
            return replace(step, size=size, seconds=max(1.0, size.download / _RATE))
        return replace(step, is_asked=_is_asked(image, module, recorded))

    return Plan(tuple(map(sized, plan)))


def _is_asked(image: ImageTarget, module: ModuleTarget, recorded: RecordedSizes) -> bool:
    """Whether a registry is asked for the size of *image*. Not for a built-in module whose images
    are not recorded: its approximate size counts. Docker Hub limits the number of requests."""
    is_built_in = module.consent is None
    return not is_built_in or not _needs(module) or recorded.has_other(image.display_name)


def _needs(module: ModuleTarget) -> int:
    """About how many bytes the images of *module* take; 0: it does not say."""
    size = module.module.needs.download
    return parse_size(size) if size else 0


@contextmanager
def asking(plan: Plan, parts: Parts, resize: Resize) -> Iterator[None]:
    """Ask registries in the background for the sizes that *plan* lacks, and pass the answers to
    *resize*. At the end of the block, no further one is asked."""
    images = {step.id: step.target for step in plan if step.is_asked}
    engine, app = parts.engine, parts.settings.app
    asked = app.mirrors, app.ca_certificates.pem
    todo: SimpleQueue[tuple[str, ImageTarget]] = SimpleQueue()
    over = Event()
    for step_id, target in images.items():
        if isinstance(target, ImageTarget):
            todo.put((step_id, target))

    def ask() -> None:
        while not over.is_set():
            try:
                step, image = todo.get_nowait()
            except Empty:
                return
            size = None
            try:
                platform = image.platform or engine.info().platform
                size = engine.image_size(image.display_name, platform, *asked)
            except AiServerError:
                pass  # the engine is lost, which the operation reports
            finally:
                resize(step, size)  # nothing is estimated until each is answered

    for number in range(min(_AT_ONCE, len(images))):
        Thread(target=ask, name=f"image-size-{number}", daemon=True).start()
    try:
        yield
    finally:
        over.set()
