"""What people are shown of a module besides its state: version, memory limit, and since when it
runs."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from aiserver_tray.base.image_tag import image_tag
from aiserver_tray.model import ServiceModel
from aiserver_tray.state.views import ServiceView


def version(
    module: str, services: Sequence[ServiceModel], views: Iterable[ServiceView]
) -> str | None:
    """The tag of the image of *module*'s main service, as its container has it: the declared one,
    else the one with the module's name, else the first that is no job."""
    if not services:
        return None
    main = min(services, key=lambda s: (not s.is_main, s.name != module, s.is_job))
    shown = (view.image for view in views if view.name == main.name)
    return next(filter(None, map(image_tag, (*shown, main.image))), None)


def memory_limit(services: Iterable[ServiceModel]) -> int | None:
    """The sum of the limits of *services* that keep running; None if one has no limit."""
    limits = [service.memory for service in services if not service.is_job]
    known = [limit for limit in limits if limit is not None]
    return sum(known) if known and len(known) == len(limits) else None


def running_since(views: Iterable[ServiceView]) -> datetime | None:
    """Since when everything of it that runs has been running."""
    return max((v.started_at for v in views if v.state == "running" and v.started_at), default=None)
