"""Settings of a module as the owner answers them, one of each type."""

from typing import Any

from aiserver_tray.protocol.message import Json


def field(name: str, type: str, **more: Any) -> Json:  # noqa: ANN401
    """A setting; *more* are fields that differ."""
    group = {"size": "memory", "secret": "secrets"}.get(type, "general")
    return {
        "address": f"n8n.{name}",
        "type": type,
        "value": "",
        "origin": "default",
        "title": name.capitalize(),
        "help": "",
        "keep": False,
        "choices": {},
        "group": group,
        "section": "",
        "default": None,
        "choiceHelp": {},
        "pattern": None,
        "generated": False,
        "locked": False,
        "upgraded": False,
        "tokenOf": None,
        "services": [],
        "readBy": [],
    } | more


CHOICES = {"none": "Set up in n8n", "oneapi": "OneAPI"}
FORM: Json = {
    "settings": [
        field("port", "port", value="5679", default="5678", origin="set"),
        field("models", "choice", value="none", default="none", choices=CHOICES),
        field("apart", "boolean", value="true", default="true", help="Each has its own files"),
        field("mirror", "text"),
        field("files", "folder"),
        field("memory", "size", value="2g", default="2g", services=["n8n"]),
        field("smtp", "text", group="advanced", section="Email"),
        field("variable.n8n.DEBUG", "text", value="1", origin="set", group="variables"),
        field("key", "secret", value="********", origin="set", generated=True, locked=True),
        field("token", "secret", origin="none"),
    ],
    "services": ["n8n", "n8n-runners"],
    "previous": {"time": "2026-01-01T00:00:00+00:00", "values": {"n8n.port": None}},
}
