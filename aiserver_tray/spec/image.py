"""The source of a service's image, and how it is built."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from aiserver_tray.spec.host_config import extra_hosts, ulimits
from aiserver_tray.spec.model import BuildTarget, ImageTarget
from aiserver_tray.spec.names import local_tag

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.build import Build
    from aiserver_tray.catalog.compose.service import Service

PullPolicy = Literal["", "always", "never", "missing", "build"]


def image_target(module: str, name: str, services: Mapping[str, "Service"]) -> ImageTarget:
    """The image of *module*'s service *name*. One that is not built shares the build of another
    of *services* whose image has the same name, as with Compose."""
    service = services[name]
    own = _own_image(module, name, service)
    if service.build:
        return own
    for other, builder in services.items():
        if builder.build and (builder.image, builder.platform) == (service.image, service.platform):
            built = _own_image(module, other, builder)
            return replace(built, pull_policy=own.pull_policy or built.pull_policy)
    return own


def _own_image(module: str, name: str, service: "Service") -> ImageTarget:
    return ImageTarget(
        name=service.image or None,
        local=local_tag(module, name, service.image),
        pull_policy=cast("PullPolicy", service.pull_policy),
        platform=service.platform or None,
        build=_build_target(module, service.build, service.platform) if service.build else None,
    )


def _build_target(module: str, build: "Build", platform: str) -> BuildTarget:
    options: dict[str, Any] = {
        "t": build.tags,
        "buildargs": {name: value for name, value in build.args.items() if value is not None},
        "labels": build.labels,
        "target": build.target,
        "nocache": build.no_cache,
        "pull": build.pull,
        "cachefrom": build.cache_from,
        "networkmode": build.network,
        "extrahosts": extra_hosts(build.extra_hosts),
        "shmsize": build.shm_size,
        "ulimits": ulimits(build.ulimits),
        "isolation": build.isolation,
        "platform": next(iter(build.platforms), platform),
    }
    return BuildTarget(
        module=module,
        context=build.context,
        dockerfile=build.dockerfile or "Dockerfile",
        inline=build.dockerfile_inline or None,
        options={key: value for key, value in options.items() if value},
    )
