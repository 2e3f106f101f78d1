"""What a clean-up can remove, and how much space that frees. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from aiserver_tray.engine.values import Image, ImageDetails

Group = Literal["images", "containers", "exports", "needed", "foreign"]


@dataclass(frozen=True)
class Removable:
    """One thing that a clean-up can remove."""

    id: str
    """for `ai/cleanup/run`"""
    group: Group
    """`images`: pulled or built here for modules, and no longer what they use; `containers`: ended,
    of modules that are gone; `exports`: files with log lines that are older than a day; `needed`:
    images that the next start of a module downloads or builds again; `foreign`: images of which it
    is not certain that they are ours"""
    names: tuple[str, ...]
    """an image may have several, or none"""
    bytes: int
    """that become free if only this is removed; at least so many"""
    time: float | None = None
    """seconds since 1970: when an image got its name here, or a file was written; `null`: not
    known"""
    module: str | None = None
    """that needs the image, or that the container is of"""


@dataclass(frozen=True)
class SharedBytes:
    """Space that images share, and no other image uses."""

    ids: tuple[str, ...]
    """of the images; it becomes free when all of them are removed"""
    bytes: int


@dataclass(frozen=True)
class CleanupPlan:
    """Everything that a clean-up can remove."""

    things: tuple[Removable, ...]
    """those of a group are together, the largest first"""
    shared: tuple[SharedBytes, ...]

    def freed(self, ids: Collection[str]) -> int:
        """The bytes that become free if the things with *ids* are removed."""
        own = sum(thing.bytes for thing in self.things if thing.id in ids)
        return own + sum(one.bytes for one in self.shared if {*one.ids} <= {*ids})


@dataclass(frozen=True)
class FoundImage:
    """An image on the engine."""

    image: Image
    details: ImageDetails


@dataclass(frozen=True)
class Found:
    """What there is."""

    images: Sequence[FoundImage]
    """all on the engine"""
    used: Collection[str]
    """the IDs of images that containers have, in any state"""
    ours: Collection[str]
    """the IDs of images that operations of this installation have pulled or built"""
    needed: Mapping[str, str | None]
    """IDs of images that the modules of the catalog use now, or may use -> one of these modules;
    None: another part of the applet, or an unknown module"""
    others: Sequence[Removable] = ()
    """containers and files"""


def plan_of(found: Found) -> CleanupPlan:
    """What of *found* can be removed."""
    unused = [one for one in found.images if one.image.id not in found.used]
    own, shared = _spaces(found.images, {one.image.id for one in unused})
    images = [_removable(one, own.get(one.image.id, 0), found) for one in unused]
    things = sorted((*found.others, *images), key=lambda t: (_ORDER.index(t.group), -t.bytes))
    return CleanupPlan(tuple(things), tuple(shared))


_ORDER: Sequence[Group] = ("images", "containers", "exports", "needed", "foreign")


def image_id(id: str) -> str:
    """The image with the engine's *id*, as a thing to remove."""
    return f"image {id}"


def _removable(one: FoundImage, size: int, found: Found) -> Removable:
    image, at = one.image, one.details.tagged_at
    return Removable(
        image_id(image.id),
        _group(image, found),
        image.tags or tuple(name for name in image.names if not name.startswith("<none>")),
        size,
        at.timestamp() if at else None,
        found.needed.get(image.id),
    )


def _group(image: Image, found: Found) -> Group:
    if image.id in found.needed:
        return "needed"
    # Somebody who gives one of our images a further name wants to keep it.
    return "images" if image.id in found.ours and len(image.tags) <= 1 else "foreign"


def _spaces(
    images: Iterable[FoundImage], unused: AbstractSet[str]
) -> tuple[dict[str, int], list[SharedBytes]]:
    """The bytes of each of the *unused* images alone, and those that several share. Layers of
    images in use stay. A layer whose size is not known counts as none."""
    holders, sizes = defaultdict[str, list[str]](list), dict[str, int]()
    for one in images:
        for layer in one.details.layers:
            holders[layer.id].append(one.image.id)
            sizes |= {} if layer.size is None else {layer.id: layer.size}
    spaces = defaultdict[tuple[str, ...], int](int)
    for id, ids in holders.items():
        if unused >= {*ids}:
            spaces[tuple(sorted(ids))] += sizes.get(id, 0)
    own = {ids[0]: size for ids, size in spaces.items() if len(ids) == 1}
    return own, list(_shared(spaces))


def _shared(spaces: Mapping[tuple[str, ...], int]) -> Iterator[SharedBytes]:
    for ids, size in spaces.items():
        if len(ids) > 1 and size:
            yield SharedBytes(tuple(map(image_id, ids)), size)
