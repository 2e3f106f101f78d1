"""What the tests of clusters have in common."""

from typing import Any

from aiserver_tray.features.cluster.spec import ModuleSpec, module_spec
from tests.unit.spec.made import SECRET, TargetOf

Json = dict[str, Any]

WEB = """
x-aiserver:
  kind: feature
  open: http://localhost:${PORT}
  settings:
    PORT: {type: port, default: 18100}
    KEY: {type: secret, generate: hex32}
services:
  prepare:
    image: tool:1
    network_mode: none
    volumes: [data:/data]
    restart: "no"
    x-aiserver: {job: true}
  web:
    image: web:1
    build: .
    depends_on: {prepare: {condition: service_completed_successfully}}
    environment: {KEY: "${KEY}", TEMPLATE: "a {{.Node}}"}
    ports: ["${PORT}:80", "18200:81"]
    volumes: [data:/data]
    configs: [{source: plain, target: /etc/plain}, {source: keyed, target: /etc/keyed}]
    secrets: [{source: own}]
    tmpfs: ["/cache:size=1m,mode=0700,uid=1000"]
    shm_size: 64m
    mem_limit: 1g
    security_opt: ["no-new-privileges:true"]
    extra_hosts: ["host.docker.internal:host-gateway"]
    restart: unless-stopped
configs:
  plain: {content: plain}
  keyed: {content: "key=${KEY}"}
secrets: {own: {file: ./web.conf}}
volumes: {data: {}}
"""


def spec_of(target_of: TargetOf, text: str = WEB, *, publish: bool = True) -> ModuleSpec:
    return module_spec(target_of(text), [SECRET], publish=publish)


def node(id: str, state: str = "ready", pinned: str = "", availability: str = "active") -> Json:
    labels = {f"io.aiserver.volumes.{pinned}": "true"} if pinned else {}
    return {
        "ID": id,
        "UpdatedAt": "2026-11-30T12:00:00Z",
        "Spec": {"Role": "worker", "Availability": availability, "Labels": labels},
        "Description": {"Hostname": f"server-{id}", "Resources": {"NanoCPUs": 2_000_000_000}},
        "Status": {"State": state, "Addr": "10.0.0.1"},
    }


def task(
    state: str,
    desired: str = "running",
    *,
    at: int = 0,
    node: str = "a",
    **more: Any,  # noqa: ANN401
) -> Json:
    status = {"State": state, "Timestamp": f"2026-11-30T12:00:{at:02}Z"}
    status |= {"Err": more["err"]} if "err" in more else {}
    return {
        "ID": f"t{at}",
        "ServiceID": "s",
        "Slot": more.get("slot", 1),
        "NodeID": node,
        "CreatedAt": f"2026-11-30T12:00:{at:02}Z",
        "DesiredState": desired,
        "Status": status,
    }
