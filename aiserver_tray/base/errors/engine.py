"""What the engine can't do, or has in our way."""

from collections.abc import Mapping, Sequence
from typing import Literal

from aiserver_tray.base.errors.base import AiServerError
from aiserver_tray.base.i18n import Text

ObjectKind = Literal["container", "network", "volume"]

KIND_WORDS: Mapping[ObjectKind, Text] = {
    "container": Text("container"),
    "network": Text("network"),
    "volume": Text("volume"),
}


class EngineDownError(AiServerError):
    """The engine does not answer, or stopped answering."""

    code = "E_ENGINE_DOWN"

    def __init__(self, host: str, reason: object, text: Text | None = None) -> None:
        super().__init__(
            text
            or Text(
                "The Docker engine at {host} does not answer ({reason}). Start it, then try again.",
                host=host,
                reason=reason,
            ),
            host=host,
        )

    @classmethod
    def forbidden(cls, host: str) -> "EngineDownError":
        """It may well run, but does not let this user in."""
        return cls(
            host,
            "permission denied",
            Text(
                "The Docker engine at {host} does not let you in. Become a member of its group "
                "(on Linux: sudo usermod -aG docker USER; on Windows: docker-users), log in again, "
                "then try again.",
                host=host,
            ),
        )


class EngineNotInstalledError(AiServerError):
    """There is no engine on this machine."""

    code = "E_ENGINE_NOT_INSTALLED"

    def __init__(self, host: str) -> None:
        super().__init__(
            Text(
                "There is no Docker engine at {host}. Install Docker Desktop or Docker Engine "
                "(https://docs.docker.com/get-started/get-docker/), or name another with --host.",
                host=host,
            ),
            host=host,
        )


class EngineRequestError(AiServerError):
    """The engine refused a request. ``status`` is that of HTTP, ``explanation`` its own words.
    Where it can be foreseen, the caller makes a more telling error of it."""

    def __init__(self, status: int, explanation: str) -> None:
        super().__init__(
            Text(
                "The engine refused ({status}): {why}\nMend that, then try again; what is wrong "
                "with the engine itself tells: aiserver-tray doctor",
                status=status,
                why=explanation,
            ),
            status=status,
            explanation=explanation,
        )
        self.status = status
        self.explanation = explanation


class ObjectNotFoundError(EngineRequestError):
    """The engine has no such container, image, network or volume."""


class ObjectConflictError(EngineRequestError):
    """The engine has another object of this name, or the object is in use."""


class UnsupportedError(EngineRequestError):
    """The engine can't do that, as it or the object is set up."""


class NameConflictError(AiServerError):
    """An object of the engine has a name that we need, and is not ours. *home*: that of the other
    *installation* when it made it, where that is known."""

    code = "E_NAME_CONFLICT"

    def __init__(
        self, kind: ObjectKind, name: str, installation: str | None, home: str | None = None
    ) -> None:
        if installation and home:
            text = Text(
                "The {kind} {name} belongs to another installation of AI-Server Tray, whose home "
                "is {home}. Use that one (--home), or remove its {kind} first.",
                kind=KIND_WORDS[kind],
                name=name,
                home=home,
            )
        elif installation:
            text = Text(
                "The {kind} {name} belongs to another installation of AI-Server Tray "
                "({installation}). Use that one's home (--home), or remove its {kind} first.",
                kind=KIND_WORDS[kind],
                name=name,
                installation=installation,
            )
        else:
            text = Text(
                "There is a {kind} {name} that was not made by AI-Server Tray and is not touched. "
                "Rename or remove it, then try again.",
                kind=KIND_WORDS[kind],
                name=name,
            )
        super().__init__(text, kind=kind, name=name, installation=installation, home=home)


class PortConflictError(AiServerError):
    """A host port that a service wants is taken. ``owner`` says by whom, ``free`` is one that
    can be had, ``setting`` the address of the setting that moves it, where there is one."""

    code = "E_PORT_CONFLICT"

    def __init__(
        self, address: str, port: int, owner: Text, free: int, setting: str | None
    ) -> None:
        remedy = (
            Text(
                "Free it, or move to a free port: aiserver-tray config set {setting} {free}",
                setting=setting,
                free=free,
            )
            if setting
            else Text("Free it, or publish another port, such as {free}.", free=free)
        )
        super().__init__(
            Text(
                "Port {port} on {address} is used by {owner}. {remedy}",
                port=port,
                address=address,
                owner=owner,
                remedy=remedy,
            ),
            address=address,
            port=port,
            owner=owner,
            free=free,
            setting=setting,
        )


class ResourcesError(AiServerError):
    """The machine lacks memory, disk space, a graphics card or a kernel setting."""

    code = "E_RESOURCES"


class ImagePullError(AiServerError):
    """An image could not be had. ``tried`` are the sources and why each failed; ``not_found``:
    they have no such image, so that it may be built instead."""

    code = "E_IMAGE_PULL"

    def __init__(
        self,
        image: str,
        tried: Sequence[tuple[str, str | Text]],
        *,
        not_found: bool = False,
        text: Text | None = None,
    ) -> None:
        lines: Text | str = ""
        for source, why in tried:
            lines = Text("{lines}\n  {source}: {why}", lines=lines, source=source, why=why)
        super().__init__(
            text
            or Text(
                "The image {image} could not be pulled. Tried:{tried}\nCheck the network and the "
                "image's name, or set registry mirrors: aiserver-tray config set app.mirrors HOST",
                image=image,
                tried=lines,
            ),
            image=image,
            tried=[{"source": source, "why": why} for source, why in tried],
            notFound=not_found,
        )
        self.not_found = not_found

    @classmethod
    def never(cls, image: str) -> "ImagePullError":
        """It is not there, and the module's file says that it is not to be pulled."""
        return cls(
            image,
            (),
            text=Text(
                "The engine does not have the image {image}, and pull_policy: never in the "
                "module's file says not to pull it. Load it (docker load), pull it yourself "
                "(docker pull {image}), or change pull_policy.",
                image=image,
            ),
        )


class ImageBuildError(AiServerError):
    """An image of *module* could not be built. ``lines`` are the last of the build's output."""

    code = "E_IMAGE_BUILD"

    def __init__(
        self,
        module: str,
        image: str,
        why: object,
        lines: Sequence[str] = (),
        *,
        text: Text | None = None,
    ) -> None:
        super().__init__(
            text
            or Text(
                "The image {image} could not be built: {why}{lines}\nMend its Dockerfile, then: "
                "aiserver-tray build {module}",
                module=module,
                image=image,
                why=why,
                lines="".join(f"\n  {line}" for line in lines),
            ),
            image=image,
            lines=list(lines),
        )

    @classmethod
    def from_url(cls, module: str, image: str, before: Text | None = None) -> "ImageBuildError":
        """The context of its build is a URL, which is not repeated: a password may stand in it.
        *before*: why it was to be built."""
        text = Text(
            "The image {image} can't be built here: the context of its build is a URL. Clone that, "
            "and give its folder in the module's file, or name an image there that can be pulled, "
            "then: aiserver-tray up {module}",
            module=module,
            image=image,
        )
        if before:
            text = Text("{before}\n{text}", before=before, text=text)
        return cls(module, image, "", text=text)
