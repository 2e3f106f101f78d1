"""The source of a service's image, and how it is built."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from aiserver_tray.spec.host_config import extra_hosts, ulimits
from aiserver_tray.spec.labels import image_labels
from aiserver_tray.spec.model import BuildTarget, ImageTarget
from aiserver_tray.spec.names import former_local_tag, local_tag
from aiserver_tray.spec.scope import Scope

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.build import Build

PullPolicy = Literal["", "always", "never", "missing", "build"]


def image_target(scope: Scope, name: str) -> ImageTarget:
    """The image of the service *name*. One that is not built shares the build of another service of
    the module whose image has the same name, as with Compose."""
    service = scope.service(name)
    own = _own_image(scope, name)
    if service.build:
        return own
    for other, builder in scope.project.services.items():
        if builder.build and (builder.image, builder.platform) == (service.image, service.platform):
            built = _own_image(scope, other)
            return replace(built, pull_policy=own.pull_policy or built.pull_policy)
    return own


def _own_image(scope: Scope, name: str) -> ImageTarget:
    service = scope.service(name)
    return ImageTarget(
        name=service.image or None,
        pull_policy=cast("PullPolicy", service.pull_policy),
        platform=service.platform or None,
        build=_build_target(scope, name, service.build) if service.build else None,
    )


def _build_target(scope: Scope, name: str, build: "Build") -> BuildTarget:
    service, module = scope.service(name), scope.module.name
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
        "platform": next(iter(build.platforms), service.platform),
    }
    return BuildTarget(
        module=module,
        tag=local_tag(module, name, service.image),
        context=build.context,
        dockerfile=build.dockerfile or "Dockerfile",
        inline=build.dockerfile_inline or None,
        options={key: value for key, value in options.items() if value},
        labels=image_labels(module, name, scope.owner),
        former_tag=former_local_tag(module, name, service.image),
    )
