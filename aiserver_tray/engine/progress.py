"""The progress of a pull, from the engine's messages about each layer."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiserver_tray.engine.values import PullProgress

_RATE_WINDOW_SECONDS = 5.0
"""Seconds over which the rate is measured."""

_KNOWN = ("Pulling fs layer", "Waiting")
_LOADED = ("Verifying Checksum", "Download complete", "Extracting")
_DONE = ("Pull complete", "Already exists")


@dataclass(slots=True)
class _Layer:
    current: int = 0
    total: int = 0
    loaded: bool = False
    done: bool = False


class PullMeter:
    """Adds up the layers. *clock* gives seconds; ``advanced_at`` is when there was last progress:
    a failed download that waits to begin again is none."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._layers: dict[str, _Layer] = {}
        self._seen: deque[tuple[float, int]] = deque()
        self.advanced_at = clock()

    def feed(self, message: Mapping[str, Any]) -> None:
        """Take in a message of the pull."""
        status = str(message.get("status", ""))
        if status.startswith("Retrying"):
            self._layer(message).loaded = False
            return
        self.advanced_at = self._clock()
        if status == "Downloading":
            layer = self._layer(message)
            layer.loaded = False
            self._load(layer, message.get("progressDetail") or {})
        elif status in _KNOWN:
            self._layer(message)
        elif status in (*_LOADED, *_DONE):
            layer = self._layer(message)
            # The engine merges messages that nobody reads at once, so there may have been none of
            # the download. It tells the size again when it unpacks.
            detail = message.get("progressDetail") or {}
            layer.total = max(detail.get("total", 0), layer.total)
            layer.current, layer.loaded, layer.done = layer.total, True, status in _DONE

    def _layer(self, message: Mapping[str, Any]) -> _Layer:
        return self._layers.setdefault(str(message.get("id")), _Layer())

    @staticmethod
    def _load(layer: _Layer, detail: Mapping[str, Any]) -> None:
        layer.current = detail.get("current", layer.current)
        layer.total = max(detail.get("total", 0), layer.total, layer.current)

    @property
    def is_loaded(self) -> bool:
        """Whether nothing is left to load of the layers known by now."""
        return bool(self._layers) and all(layer.loaded for layer in self._layers.values())

    @property
    def progress(self) -> PullProgress:
        """The sum now."""
        layers = self._layers.values()
        current = sum(layer.current for layer in layers)
        return PullProgress(
            current=current,
            total=sum(layer.total for layer in layers),
            rate=self._rate(current),
            layers_done=sum(layer.done for layer in layers),
            layers_total=len(layers),
        )

    def _rate(self, current: int) -> float:
        now = self._clock()
        self._seen.append((now, current))
        while now - self._seen[0][0] > _RATE_WINDOW_SECONDS and len(self._seen) > 2:
            self._seen.popleft()
        begun, before = self._seen[0]
        return max(0.0, (current - before) / (now - begun)) if now > begun else 0.0
