"""Folders of modules for tests."""

from pathlib import Path

CONNECTABLE = """\
x-aiserver:
  kind: feature
  settings:
    MODELS: {type: choice, default: none, choices: {none: {}, shared: {requires: [oneapi]}}}
    TOKEN: {type: secret, token_of: oneapi}
"""
"""The beginning of the Compose file of a module that can use OneAPI."""


def write(root: Path, name: str, text: str) -> Path:
    """The new folder of the module *name*, whose Compose file is *text*."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text(text, encoding="utf-8")
    return folder


def declared(settings: str = "{}", requires: str = "[]", body: str = "image: busybox:1") -> str:
    """The Compose file of a module that declares itself."""
    return f"""\
x-aiserver:
  kind: feature
  requires: {requires}
  settings: {settings}
services:
  main:
    {body}
"""
