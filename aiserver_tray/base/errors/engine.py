"""Errors of the Docker engine."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from aiserver_tray.base.errors.base import AiServerError
from aiserver_tray.base.errors.operations import quoted
from aiserver_tray.base.errors.remedies import Remedy, enter, open_page, set_to, start_engine
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import in_line

ObjectKind = Literal["container", "network", "volume"]

KIND_WORDS: Mapping[ObjectKind, Text] = {
    "container": Text("container"),
    "network": Text("network"),
    "volume": Text("volume"),
}

MIRRORS: Final = "app.mirrors"
"""The address of the setting with the registry mirrors."""

FIND_OUT: Final = open_page(Text("Find out why"), "doctor")
_SET_UP: Final = open_page(Text("Set up Docker"), "welcome")


class EngineDownError(AiServerError):
    """The engine does not answer, or stopped answering."""

    code = "E_ENGINE_DOWN"

    def __init__(
        self,
        host: str,
        reason: object,
        text: Text | None = None,
        remedies: Sequence[Remedy] = (start_engine(), FIND_OUT),
        **data: Any,  # noqa: ANN401 - JSON
    ) -> None:
        text = text or Text(
            "The Docker engine at {host} does not respond ({reason}). Start it, then try again.",
            host=host,
            reason=reason,
        )
        super().__init__(text, host=host, remedies=remedies, **data)

    @classmethod
    def startable(cls, host: str, reason: object, command: str) -> "EngineDownError":
        """The user can start it by typing *command*."""
        text = Text(
            "The Docker engine at {host} does not respond ({reason}). Start it with `{command}`, "
            "then try again.",
            host=host,
            reason=reason,
            command=command,
        )
        return cls(host, reason, text)

    @classmethod
    def unreachable(cls, host: str, reason: object) -> "EngineDownError":
        """A program that leads to it, such as ssh, can't connect."""
        text = Text(
            "The Docker engine at {host} can't be reached ({reason}). To see which step of the "
            "connection fails, run: aiserver-tray engine test",
            host=host,
            reason=reason,
        )
        return cls(host, reason, text, [FIND_OUT], why=reason)

    @classmethod
    def forbidden(cls, host: str) -> "EngineDownError":
        """The engine may be running, but this user has no permission."""
        text = Text(
            "You don't have permission to access the Docker engine at {host}. Add your user "
            "to its group (Linux: sudo usermod -aG docker USER; Windows: docker-users), log "
            "in again, then try again.",
            host=host,
        )
        return cls(host, "permission denied", text, [_SET_UP], forbidden=True)


class EngineNotInstalledError(AiServerError):
    """There is no engine on this machine."""

    code = "E_ENGINE_NOT_INSTALLED"

    def __init__(self, host: str, text: Text | None = None) -> None:
        text = text or Text(
            "There is no Docker engine at {host}. Install Docker Desktop or Docker Engine "
            "(https://docs.docker.com/get-started/get-docker/), or use another engine with "
            "--host.",
            host=host,
        )
        super().__init__(text, host=host, remedies=[_SET_UP])

    @classmethod
    def installable(cls, host: str) -> "EngineNotInstalledError":
        """The user can install one by a command of ours."""
        text = Text(
            "There is no Docker engine at {host}. Install one with `aiserver-tray engine "
            "install`, or use another engine with --host.",
            host=host,
        )
        return cls(host, text)


class EngineRequestError(AiServerError):
    """The engine rejected a request. ``status`` is the HTTP status, ``explanation`` the engine's
    message. If a rejection can be foreseen, the caller raises a more specific error."""

    def __init__(self, status: int, explanation: str) -> None:
        text = Text(
            "The Docker engine rejected the request ({status}): {why}\nFix the cause, then "
            "try again. To check the engine, run: aiserver-tray doctor",
            status=status,
            why=explanation,
        )
        super().__init__(text, status=status, explanation=explanation, remedies=[FIND_OUT])
        self.status = status
        self.explanation = explanation


class ObjectNotFoundError(EngineRequestError):
    """The container, image, network or volume does not exist."""


class ObjectConflictError(EngineRequestError):
    """The engine has another object of this name, or the object is in use."""


class UnsupportedError(EngineRequestError):
    """The engine can't do that, as it or the object is set up."""


class NoShellError(AiServerError):
    """A terminal or an action is asked for in a container whose image has no shell."""

    code = "E_NO_SHELL"

    def __init__(self, container: str) -> None:
        text = Text(
            "There can be no terminal and no action in {container}, because its image has no "
            "shell. Its logs show what it does.",
            container=container,
        )
        super().__init__(text, container=container)


class NameConflictError(AiServerError):
    """A foreign object has a name that we need. *home*: the home folder of the other
    *installation*, if it is known."""

    code = "E_NAME_CONFLICT"

    def __init__(
        self, kind: ObjectKind, name: str, installation: str | None, home: str | None = None
    ) -> None:
        named = {"kind": KIND_WORDS[kind], "name": name}
        if installation and home:
            text = Text(
                "The {kind} {name} belongs to another installation of AI-Server Tray with the "
                "home folder {home}. Use that installation (--home), or remove its {kind} first.",
                **named,
                home=in_line(home),
            )
        elif installation:
            text = Text(
                "The {kind} {name} belongs to another installation of AI-Server Tray "
                "({installation}). Use its home folder (--home), or remove its {kind} first.",
                **named,
                installation=in_line(installation),
            )
        else:
            text = Text(
                "The {kind} {name} already exists, and AI-Server Tray did not create it. Rename "
                "or remove it, then try again.",
                **named,
            )
        super().__init__(text, kind=kind, name=name, installation=installation, home=home)


class PortConflictError(AiServerError):
    """A host port of a service of *module* is in use. ``owner`` names the user of the port,
    ``free`` is a free port, ``setting`` is the address of the setting for it, if there is one."""

    code = "E_PORT_CONFLICT"

    def __init__(  # noqa: PLR0913, PLR0917 - each is a part of the message
        self, module: str, address: str, port: int, owner: Text, free: int, setting: str | None
    ) -> None:
        remedy = Text(
            "Stop that program or container, or publish another port, such as {free}.", free=free
        )
        remedies = []
        if setting:
            remedy = Text(
                "Stop that program or container, or use a free port: aiserver-tray config set "
                "{setting} {free}",
                setting=setting,
                free=free,
            )
            remedies = [set_to(Text("Use port {free}", free=free), setting, str(free))]
        named: dict[str, Any] = {"port": port, "address": address, "owner": owner}
        text = Text(
            "Port {port} on {address} is already in use by {owner}. {remedy}",
            **named,
            remedy=remedy,
        )
        data = {"module": module, **named, "free": free, "setting": setting}
        brief = Text("Port {port} is in use by {owner}", port=port, owner=owner)
        super().__init__(text, **data, brief=brief, remedies=remedies)


class ResourcesError(AiServerError):
    """The machine lacks memory, disk space, a graphics card or a kernel setting."""

    code = "E_RESOURCES"


class ImagePullError(AiServerError):
    """An image can't be pulled. ``tried`` are the sources and their errors. ``not_found``: the
    image does not exist there, so it may be built instead."""

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
        text = text or Text(
            "Can't pull the image {image}. Tried:{tried}\nCheck the network and the name of "
            "the image, or set registry mirrors: aiserver-tray config set app.mirrors HOST",
            image=image,
            tried=lines,
        )
        super().__init__(
            text,
            image=image,
            tried=[{"source": source, "why": why} for source, why in tried],
            notFound=not_found,
            remedies=[enter(Text("Add a mirror"), MIRRORS)] if tried else [],
        )
        self.not_found = not_found

    @classmethod
    def never(cls, image: str) -> "ImagePullError":
        """The image does not exist locally, and the module's file forbids pulling it."""
        text = Text(
            "The image {image} does not exist on the engine, and the module's file forbids "
            "pulling it (pull_policy: never). Load it (docker load), pull it yourself "
            "(docker pull {image}), or change pull_policy.",
            image=image,
        )
        return cls(image, (), text=text)


class RegistryError(AiServerError):
    """A registry does not say which versions of an image there are. *why*: the last one's answer,
    without secrets."""

    code = "E_REGISTRY"

    def __init__(self, image: str, why: Text | str) -> None:
        text = Text(
            "Can't find out which versions of {image} there are: {why}. Check the network, or try "
            "again later.",
            image=image,
            why=why,
        )
        super().__init__(text, image=image, why=why)


class DownloadError(AiServerError):
    """The file of a model can't be had, written or believed. *why* is a whole sentence."""

    code = "E_DOWNLOAD"


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
        text = text or Text(
            "Can't build the image {image}: {why}{lines}\nFix its Dockerfile, then run: "
            "aiserver-tray build {module}",
            module=module,
            image=image,
            why=why,
            lines=quoted(lines),
        )
        said = why if isinstance(why, Text) else str(why)
        super().__init__(text, module=module, image=image, why=said, lines=list(lines))

    @classmethod
    def from_url(cls, module: str, image: str, before: Text | None = None) -> "ImageBuildError":
        """The build context is a URL. It is not repeated, because it may contain a password.
        *before*: the reason for the build."""
        text = Text(
            "Can't build the image {image}, because its build context is a URL. Clone the "
            "repository and set the context in the module's file to its folder, or use an image "
            "that can be pulled. Then run: aiserver-tray up {module}",
            module=module,
            image=image,
        )
        if before:
            text = Text("{before}\n{text}", before=before, text=text)
        return cls(module, image, "", text=text)
