"""What the tests of targets have in common."""

from collections.abc import Callable

from aiserver_tray.spec.model import ModuleTarget, ServiceTarget

SECRET = "made-up-secret-value"
HEAD = """
x-aiserver:
  kind: feature
  settings:
    PORT: {type: port, default: 18100}
    KEY: {type: secret, generate: hex32}
"""
FILE = f"""{HEAD}
services:
  web:
    image: web:1
    environment: {{KEY: "${{KEY}}", B: b, A: a}}
    ports: ["${{PORT}}:80"]
    configs: [{{source: conf, target: /etc/web.conf}}]
    labels: {{com.example: label}}
configs: {{conf: {{file: ./web.conf}}}}
"""

TargetOf = Callable[..., ModuleTarget]


def service(target: ModuleTarget, name: str) -> ServiceTarget:
    return next(s for s in target.services if s.service == name)
