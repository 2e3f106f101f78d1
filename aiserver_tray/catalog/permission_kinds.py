"""What a module may ask beyond containers of its own, in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import in_line

Kind = Literal[
    "host",
    "privileged",
    "capability",
    "namespace",
    "security_option",
    "device",
    "kernel",
    "engine",
    "bind",
    "bind_read_only",
    "own_file",
    "volume",
    "container",
    "shared_network",
    "network",
    "addresses",
    "port",
    "log",
    "option",
    "image",
    "file",
    "secret",
    "action",
    "account_check",
]

_TEXTS: Mapping[Kind, Text] = {
    "host": Text("read and change any file of this computer, through {subject}"),
    "privileged": Text("run {subject} as a privileged container, which can change this machine"),
    "capability": Text("use the capability {subject}"),
    "namespace": Text("share the {subject} namespace of this machine"),
    "security_option": Text("use the security option {subject}"),
    "device": Text("use the device {subject}"),
    "kernel": Text("raise the kernel setting {subject} of the engine's machine"),
    "engine": Text("control the Docker engine, and with it this machine, through {subject}"),
    "bind": Text("read and change {subject}"),
    "bind_read_only": Text("read {subject}"),
    "own_file": Text("change what it asks for, because it can write {subject}"),
    "volume": Text("use the volume {subject}, which is not its own"),
    "container": Text("use namespaces, volumes or variables of the container {subject}"),
    "shared_network": Text(
        "reach all modules on the shared network {subject}, and be reached by them"
    ),
    "network": Text("join the network {subject}, which is not its own"),
    "addresses": Text("use the network addresses {subject} in place of others that have them"),
    "port": Text("publish ports on {subject}, where other machines may reach them"),
    "log": Text("send its log with the driver {subject}"),
    "option": Text("use the option {subject}"),
    "image": Text("give an image that it builds the name {subject}"),
    "file": Text("read {subject} and use its content"),
    "secret": Text("read the secret {subject}"),
    "action": Text("run a command of its own when you choose its action {subject}"),
    "account_check": Text("run a command to find out whether it has an account: {subject}"),
}

_NOTES: Mapping[Kind, Text] = {
    "host": Text(
        "A link there can lead anywhere: one of its containers can put it, or it can't be seen "
        "from here."
    ),
    "bind": Text("All of it, also what is put there later."),
    "bind_read_only": Text(
        "All of it, also what is put there later. It can also reach programs that listen there."
    ),
    "kernel": Text("Only if you allow kernel settings in the settings of the applet."),
    "own_file": Text("You are asked again when it asks for more."),
}


@dataclass(frozen=True, order=True)
class Permission:
    """One thing that a module asks for."""

    kind: Kind
    subject: str
    """a path, an address, or the name of a service, a capability, …"""
    services: tuple[str, ...] = field(default=(), compare=False)
    """Those that ask for it; none if the module as a whole does."""
    note: Text | None = field(default=None, compare=False)
    """What that means, if it is not the same for each of its kind."""

    @property
    def text(self) -> Text:
        """What the module wants to do."""
        return _TEXTS[self.kind].with_values({"subject": in_line(self.subject)})

    @property
    def key(self) -> tuple[str, str]:
        """What a user agrees to."""
        return self.kind, self.subject

    def as_data(self) -> dict[str, Any]:
        """The permission for programs, with its texts not rendered yet."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "text": self.text,
            "note": self.note or _NOTES.get(self.kind, ""),
            "services": list(self.services),
        }
