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


WHOAMI = """\
x-aiserver:
  kind: feature
  title: whoami
  summary: {en: Shows each request as the server gets it, zh: 显示服务器收到的请求}
  icon: user
  open: http://localhost:${WHOAMI_PORT}
  needs: {memory: 64m, disk: 10m, download: 3m}
  settings:
    WHOAMI_PORT: {type: port, default: 18300, title: {en: Port, zh: 端口}}
    WHOAMI_MEMORY: {type: size, default: 64m, title: {en: Memory limit, zh: 内存上限}}
services:
  whoami:
    image: traefik/whoami:v1.11.0
    user: "65534:65534"
    security_opt: ["no-new-privileges:true"]
    cap_drop: [ALL]
    environment: {WHOAMI_PORT_NUMBER: "8080"}
    ports: ["${WHOAMI_PORT}:8080"]
    networks: [default]
    healthcheck: {test: [CMD, /whoami, -health], start_interval: 1s}
    logging: {driver: local, options: {max-size: 10m, max-file: "3"}}
    restart: unless-stopped
    stop_signal: SIGTERM
    stop_grace_period: 10s
    mem_limit: ${WHOAMI_MEMORY}
    x-aiserver: {without: {volumes: stores nothing, secrets: shows only the request itself}}
networks: {default: {}}
"""
"""The Compose file of a module that follows all rules."""

WHOAMI_ENV = "WHOAMI_PORT=18300\nWHOAMI_MEMORY=64m\n"
"""Its ``env.example``."""


def write_whoami(root: Path, *changes: tuple[str, str]) -> Path:
    """The new folder of the module ``whoami``, with *changes* (old and new text) of its file."""
    text = WHOAMI
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    folder = write(root, "whoami", text)
    (folder / "env.example").write_text(WHOAMI_ENV, encoding="utf-8")
    return folder
