"""The downloads of an operation: how much there is of them, how fast they go, and when each image
is there (pure)."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.image_sizes import ImageSize
from aiserver_tray.engine.values import LayerProgress, PullProgress
from aiserver_tray.state.views import DownloadView

AT_ONCE = 4
"""Images that are pulled at the same time. The engine bounds the layers that it loads at once
itself (3 by default)."""

_WINDOW_SECONDS = 12.0
"""Seconds over which the rate of downloads is measured."""
_LEAST_SECONDS = 2.0
"""Seconds after which a rate says something."""
_STALL_SECONDS = 8.0
"""Seconds without a byte after which a download stands still."""
_FIRST_UNPACKED = (3.0, 30e6)
"""Seconds and compressed bytes of unpacking that count before any is measured (a small machine with
an SSD)."""
_CAUTION = 0.6
"""Layers count as so much slower than the mean of those before: what takes long has small files."""
_OTHERS_SECONDS = 5.0
"""For so many seconds of its unpacking, a layer counts as fast as the others: its first files say
little."""


class Rate:
    """Bytes per second over the last seconds in which there was something to do."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque()
        self._seconds = self._bytes = 0.0
        self.idle = 0.0
        """Seconds since the last byte."""

    def add(self, seconds: float, count: float) -> None:
        """In the last *seconds*, *count* bytes came."""
        self.idle = 0.0 if count else self.idle + seconds
        self._samples.append((seconds, count))
        self._seconds += seconds
        self._bytes += count
        while self._seconds - self._samples[0][0] >= _WINDOW_SECONDS:
            seconds, count = self._samples.popleft()
            self._seconds -= seconds
            self._bytes -= count

    @property
    def now(self) -> float:
        """0.0: none yet."""
        return max(0.0, self._bytes / self._seconds) if self._seconds else 0.0

    @property
    def is_known(self) -> bool:
        """Whether it was measured for long enough."""
        return self._seconds >= _LEAST_SECONDS and self._bytes > 0


class Unpacking:
    """How fast layers are unpacked. That differs, because small files take longer."""

    def __init__(self) -> None:
        self._all = _FIRST_UNPACKED
        self._layers: dict[str, tuple[float, float]] = {}

    def add(self, layer: str, seconds: float, count: float) -> None:
        """In the last *seconds*, *count* compressed bytes of *layer* were unpacked."""
        before = self._layers.get(layer, (0.0, 0.0))
        self._layers[layer] = before[0] + seconds, before[1] + count
        self._all = self._all[0] + seconds, self._all[1] + count

    def seconds(self, name: str, layer: LayerProgress) -> float:
        """Seconds for what is left of *layer*."""
        usual = _CAUTION * self._all[1] / self._all[0]
        took, done = self._layers.get(name, (0.0, 0.0))
        rate = (usual * _OTHERS_SECONDS + done) / (_OTHERS_SECONDS + took)
        return (layer.total - layer.unpacked) / max(rate, 1.0)

    def seconds_of(self, count: float) -> float:
        """Seconds for *count* bytes of any layers."""
        return count * self._all[0] / max(_CAUTION * self._all[1], 1.0)


@dataclass
class _Pull:
    module: str
    size: ImageSize | None
    layers: list[str] = field(default_factory=list)
    """By their short names; those that the size names, until the engine reports them."""
    is_reported: bool = False
    is_running: bool = False
    is_over: bool = False
    rate: Rate = field(default_factory=Rate)


@dataclass(frozen=True)
class Part:
    """Bytes of one image: compressed, without what the engine had before. Of a layer that several
    images share, the image that comes first has the bytes."""

    current: int = 0
    total: int = 0
    rate: float = 0.0
    is_sized: bool = True
    """Whether the total is all of it."""
    awaits_shared: bool = False
    """Whether it has all but what another image loads for it."""


@dataclass(frozen=True)
class KnownSizes:
    """What is known about the images of a plan before they are pulled."""

    sizes: Mapping[str, ImageSize] = field(default_factory=dict)
    """By the id of the step that pulls it."""
    asked: frozenset[str] = frozenset()
    """The ids of the steps of whose images a registry is asked for the size."""
    needs: Mapping[str, int] = field(default_factory=dict)
    """About how many bytes all images of a module take, by module."""


class Downloads:
    """The pulls of a plan: the module of each by step id, in the order in which they will probably
    begin. *known*: the sizes of their images."""

    def __init__(self, modules: Mapping[str, str], known: KnownSizes) -> None:
        self._needs = known.needs
        self._pulls = {step: _Pull(module, None) for step, module in modules.items()}
        self._layers: dict[str, LayerProgress] = {}
        self._reported: set[str] = set()
        self._rate, self._unpacking = Rate(), Unpacking()
        self._measured: tuple[float, dict[str, int], dict[str, int]] | None = None
        self._asked = {*known.asked}
        for step, size in known.sizes.items():
            self.resize(step, size)

    # -- facts ---------------------------------------------------------------------------------

    def resize(self, step: str, size: ImageSize | None) -> None:
        """*step* downloads an image of this *size*, as far as the engine lacks its layers. None:
        its registry did not say."""
        self._asked.discard(step)
        pull = self._pulls.get(step)
        if pull is None or pull.is_over or size is None:
            return
        pull.size = size
        for digest, count in size.layers.items():
            name = _short(digest)
            known = self._layers.get(name, LayerProgress())
            if known.state != "present":
                self._layers[name] = _with_total(known, count)
            if not pull.is_reported:
                pull.layers.append(name)

    def begin(self, step: str) -> None:
        """*step* begins. Layers that it shares with later ones are its own."""
        pull = self._pulls.pop(step)
        pull.is_running = True
        begun = {name: one for name, one in self._pulls.items() if one.is_running or one.is_over}
        rest = {name: one for name, one in self._pulls.items() if name not in begun}
        self._pulls = {**begun, step: pull, **rest}

    def progress(self, step: str, progress: PullProgress) -> None:
        """The engine reports the layers of *step*."""
        pull = self._pulls[step]
        known = pull.size.layers if pull.size else {}
        if not progress.layers.keys() <= {*map(_short, known)}:
            # More are reported with each message; those that the size names are known before.
            pull.layers, pull.is_reported = list(progress.layers), True
        self._reported |= progress.layers.keys()
        for name, new in progress.layers.items():
            self._layers[name] = _merged(self._layers.get(name, LayerProgress()), new)

    def end(self, step: str, *, is_done: bool) -> None:
        """*step* is over. If it failed, others have to download what it shares with them. Of an
        image that is up to date, the engine reports no layers: it had them before."""
        pull = self._pulls[step]
        pull.is_running, pull.is_over = False, True
        if not is_done:
            del self._pulls[step]
            return
        for name in pull.layers:
            layer = self._layers[name]
            if name not in self._reported:
                self._layers[name] = LayerProgress(state="present")
            elif layer.state != "present":
                total = layer.total
                self._layers[name] = LayerProgress(total, total, total, "unpacked")

    def measure(self, now: float) -> None:
        """Measure the rates between the last call and *now*, in seconds."""
        loaded = {step: part.current for step, part in self._parts()}
        unpacked = {name: layer.unpacked for name, layer in self._layers.items()}
        before, self._measured = self._measured, (now, loaded, unpacked)
        if before is None or now <= before[0]:
            return
        seconds = now - before[0]
        gains = {step: max(0, count - before[1].get(step, 0)) for step, count in loaded.items()}
        running = {step: pull for step, pull in self._pulls.items() if pull.is_running}
        loading = [step for step, pull in running.items() if not self._is_loaded(pull)]
        for step in loading:
            running[step].rate.add(seconds, gains[step])
        if loading or any(gains.values()):
            self._rate.add(seconds, sum(gains.values()))
        gained = {name: count - before[2].get(name, 0) for name, count in unpacked.items()}
        under_way = {self._unpacks(pull) for pull in running.values()}
        for name, count in gained.items():
            if count > 0 or name in under_way:
                self._unpacking.add(name, seconds, count)

    # -- what follows from them ----------------------------------------------------------------

    @property
    def parts(self) -> Mapping[str, Part]:
        """How far each step is that has not failed."""
        return dict(self._parts())

    @property
    def total(self) -> DownloadView:
        """All of them together."""
        parts = self.parts
        rough = dict(self._rough(parts))
        unsized = [
            s for s, p in parts.items() if not p.is_sized and self._pulls[s].module not in rough
        ]
        return DownloadView(
            current=sum(part.current for part in parts.values()),
            total=sum(part.total for part in parts.values()) + sum(rough.values()),
            rate=self._rate.now if any(pull.is_running for pull in self._pulls.values()) else 0.0,
            is_rough=any(rough.values()),
            images=len(parts),
            unsized=len(unsized),
        )

    @property
    def why_unknown(self) -> Text | None:
        """Why nothing can be said about the time, if not just because it is too early."""
        if self._asked:
            return Text("asking how large the downloads are")
        if self._rate.idle >= _STALL_SECONDS:
            return Text("the download is stalled")
        return None

    def finishes(self) -> Mapping[str, float] | None:
        """The seconds until each image is there that is not there yet; None: not known."""
        parts = {step: part for step, part in self._parts() if not self._pulls[step].is_over}
        loads = {step: part.total - part.current for step, part in parts.items()}
        for step, count in self._guesses(parts).items():
            loads[step] = max(loads[step], count - parts[step].current)
        if any(loads.values()) and (self.why_unknown or not self._rate.is_known):
            return None
        jobs = {s: Job(loads[s], *self._unpack_of(self._pulls[s], loads[s])) for s in parts}
        return finish_seconds(jobs, self._rate.now)

    # -- private -------------------------------------------------------------------------------

    def _parts(self) -> Iterator[tuple[str, Part]]:
        seen: set[str] = set()
        for step, pull in self._pulls.items():
            own = [self._layers[name] for name in pull.layers if name not in seen]
            seen.update(pull.layers)
            total = sum(layer.total for layer in own) + self._rest(pull)
            rate = pull.rate.now if pull.is_running else 0.0
            current = sum(layer.current for layer in own)
            is_sized = pull.size is not None or self._is_complete(pull)
            awaits = pull.is_running and current >= total and not self._is_loaded(pull)
            yield step, Part(current, total, rate, is_sized, bool(pull.layers) and awaits)

    def _rest(self, pull: _Pull) -> int:
        """Bytes of *pull* in layers whose size is not known yet."""
        if pull.size is None or pull.size.layers or self._is_complete(pull):
            return 0
        known = sum(self._layers[name].total for name in pull.layers)
        return max(0, pull.size.download - known)

    def _is_complete(self, pull: _Pull) -> bool:
        """Whether the size of every layer that is to be loaded is known."""
        layers = [self._layers[name] for name in pull.layers]
        return pull.is_over or (
            bool(layers)
            and all(one.total or one.state not in ("waiting", "loading") for one in layers)
        )

    def _is_loaded(self, pull: _Pull) -> bool:
        states = [self._layers[name].state for name in pull.layers]
        return bool(states) and not {"waiting", "loading"} & {*states}

    def _unpacks(self, pull: _Pull) -> str | None:
        """The layer of *pull* that the engine unpacks: it takes the lowest one first."""
        over = ("unpacked", "present")
        first = next((n for n in pull.layers if self._layers[n].state not in over), None)
        return first if first and self._layers[first].state == "loaded" else None

    def _unpack_of(self, pull: _Pull, load: int) -> tuple[float, float]:
        """Seconds to unpack *pull*, and those of them once all is loaded."""
        left = {n: self._layers[n] for n in pull.layers if self._layers[n].state != "present"}
        times = {name: self._unpacking.seconds(name, layer) for name, layer in left.items()}
        rest = self._unpacking.seconds_of(self._rest(pull))
        missing = [times[n] for n, one in left.items() if one.state in ("waiting", "loading")]
        whole = sum(times.values()) + rest
        if not load:
            return whole, whole
        return whole, max(missing, default=0.0) or self._unpacking.seconds_of(load / 2)

    def _rough(self, parts: Mapping[str, Part]) -> Iterator[tuple[str, int]]:
        """The modules whose approximate size is used, and what it adds to the known sizes."""
        for module, count in self._needs.items():
            own = [part for step, part in parts.items() if self._pulls[step].module == module]
            if any(not part.is_sized for part in own):
                yield module, max(0, count - sum(part.total for part in own))

    def _guesses(self, parts: Mapping[str, Part]) -> dict[str, int]:
        """The bytes that images without a size have for the estimate: an equal share of what the
        module has left, otherwise as many as the others have in the mean."""
        unsized = [step for step, part in parts.items() if not part.is_sized]
        sized = [part.total for part in self.parts.values() if part.is_sized]
        mean = sum(sized) // len(sized) if sized else 0
        rough = dict(self._rough(self.parts))
        shares: dict[str, int] = {}
        for step in unsized:
            module = self._pulls[step].module
            count = sum(self._pulls[other].module == module for other in unsized)
            shares[step] = parts[step].total + rough[module] // count if module in rough else mean
        return shares


def _short(digest: str) -> str:
    """The name by which the engine reports the layer with this *digest*."""
    return digest.partition(":")[2][:12]


def _with_total(layer: LayerProgress, total: int) -> LayerProgress:
    if layer.state in ("loaded", "unpacked"):
        return LayerProgress(total, total, min(layer.unpacked, total), layer.state)
    return LayerProgress(layer.current, total, layer.unpacked, layer.state)


_ORDER = ("waiting", "loading", "loaded", "unpacked")


def _merged(known: LayerProgress, new: LayerProgress) -> LayerProgress:
    """A layer after a report. Several pulls may report the same one, each a moment later than the
    other; what one of them has loaded is `present` for the next."""
    if new.state == "present":
        return known if known.current else new
    if known.state == "present" or _ORDER.index(known.state) > _ORDER.index(new.state):
        return known
    total = new.total or known.total
    if new.state in ("loaded", "unpacked"):
        unpacked = total if new.state == "unpacked" else max(known.unpacked, new.unpacked)
        return LayerProgress(total, total, unpacked, new.state)
    return LayerProgress(max(known.current, new.current), total, known.unpacked, new.state)


@dataclass(frozen=True)
class Job:
    """An image to be loaded: bytes to load, seconds to unpack it, and those of them that can only
    pass when all is loaded."""

    load: int
    unpack: float = 0.0
    last: float = 0.0


def finish_seconds(
    jobs: Mapping[str, Job], rate: float, at_once: int = AT_ONCE
) -> dict[str, float]:
    """Seconds until each of *jobs* is done, which begin in this order. Those that load share the
    *rate* equally; each is unpacked meanwhile, as far as it can be."""
    waiting, now = list(jobs), 0.0
    loads: dict[str, float] = {}
    begun: dict[str, float] = {}
    ends: dict[str, float] = {}
    while True:
        busy = len(loads) + sum(end > now for end in ends.values())
        for name in waiting[: max(0, at_once - busy)]:
            waiting.remove(name)
            loads[name], begun[name] = jobs[name].load, now
        share = rate / len(loads) if loads else 0.0
        due = [min(loads.values()) / share] if share else [0.0] if loads else []
        due += [end - now for end in ends.values() if end > now]
        if not due:
            return ends
        step = min(due)
        now += step
        for name in list(loads):
            loads[name] -= step * share
            if loads[name] <= 1e-6 * (jobs[name].load + 1) or not share:
                del loads[name]
                left = jobs[name].unpack - (now - begun[name])
                ends[name] = now + max(left, jobs[name].last)
