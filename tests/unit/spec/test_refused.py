"""Files that load, and make a module one that can't be started; and similar ones that can."""

from itertools import product
from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError

from .made import TargetOf

URL = "https://github.com/example/app.git"
NO_URL = r"web\.build\.context: .*Clone the repository"
C = "configs: {c: {content: x}}"
DATA = "volumes: {data: }"
UNWRITABLE = r"compose.yaml:1: services\.a: expected a target in"


def one(keys: str, *more: str, name: str = "a") -> str:
    """A file with one service and *more*."""
    return "\n".join([f"services: {{{name}: {{image: i, {keys}}}}}", *more])


def on_network(attachment: str, network: str) -> str:
    return one(f"networks: {{n: {attachment}}}", f"networks: {{n: {network}}}", name="web")


def with_config(mounts: str, target: str) -> str:
    keys = f"volumes: {mounts}, configs: [{{source: c, target: {target}}}]"
    return one(keys, DATA, C, name="w")


def shared(own: str) -> str:
    """A file for a service that has volumes from another; it has its *own*, too."""
    return f"""
services:
  a: {{image: i, volumes: ['./data:/app']}}
  b: {{image: i, volumes_from: [a]}}
  c: {{image: i, {own}volumes_from: ['b:ro'], configs: [{{source: c, target: /app/c.json}}]}}
{DATA}
{C}
"""


OURS = ("aiserver/n8n/n8n:1", "docker.io/aiserver/n8n", "localhost/aiserver/x")
NAMED = {
    "image: '%s'": "a.image",
    "image: '%s', build: .": "a.image",
    "build: {context: ., tags: [mine:1, '%s']}": "a.build.tags.1",
}
SHARING = (
    "network_mode: 'service:b'", "pid: 'service:b'", "volumes_from: [b]", "links: ['b:other']",
)  # fmt: skip
OPTIONAL = "depends_on: {b: {condition: service_started, required: false}}"
CIRCLE = "a: {image: i, network_mode: 'container:ai-m-b'}, b: {image: i, depends_on: [a]}"

REFUSED: list[tuple[str, str]] = [
    (f"services: {{web: {{build: '{URL}#main:sub'}}}}", NO_URL),
    ("services: {web: {build: {context: 'git@example.com:app.git'}}}", NO_URL),
    (f"services: {{web: {{build: '{URL}', image: i, pull_policy: build}}}}", NO_URL),
    (on_network("{gw_priority: 1}", "{}"), r"web\.networks\.n\.gw_priority: this is not supported"),
    (on_network("{gw_priority: -1}", "{}"), r"web\.networks\.n\.gw_priority: this is not supp"),
    (on_network("{}", "{enable_ipv4: false}"), r"networks\.n\.enable_ipv4: this is not supported"),
    ("services:\n  a:\n    scale: 2\n    image: i\n", r"compose.yaml:3: services\.a\.scale"),
    (f"services: {{{CIRCLE}}}", "a → b → a|b → a → b"),
    *(
        (f"services: {{a: {{{keys % name}}}}}", rf"services\.{at}: image names that begin with")
        for (keys, at), name in product(NAMED.items(), OURS)
    ),
    # The name of a container that is none may be the one of another module's container.
    *(
        (f"services:\n  a: {{image: i, {key}, {OPTIONAL}}}\n  b: {{image: i, {without}}}\n",
         rf"compose.yaml:2: services\.a\.{key.partition(':')[0]}.*found 'b'")
        for key, without in product(SHARING, ("scale: 0", "profiles: [p]"))
    ),
    (one("read_only: true, configs: [c]", C), UNWRITABLE),
    (one("configs: [{source: c, target: /d/c}], volumes: ['data:/d:ro']", C, DATA), UNWRITABLE),
    (one("configs: [c]", "configs: {c: {file: ./missing}}"), "the file does not exist"),
    (one("configs: [c]", "configs: {c: {environment: NO}}"), "a value for the variable NO"),
    (one("configs: [c]", "configs: {c: {content: x, template_driver: g}}"), "is not supported"),
    (one("secrets: [s]", "secrets: {s: {environment: TOKEN}}"),
     r"aiserver-tray config set m\.TOKEN -"),
    (one("configs: [{source: c, uid: root}]", C), "the numeric ID of a user"),
    (one("security_opt: [nonsense]"), "expected an option"),
    (one("security_opt: ['seccomp=./web.conf']"), "a seccomp profile in JSON"),
    (one("security_opt: ['seccomp=./deep.json']"), "a seccomp profile in JSON"),
    *(
        (with_config(mounts, target), r"services\.w: .*of this machine")
        for mounts, target in (
            ("['./data:/app']", "/app/config.json"),
            ("['./data:/app']", "/app/deep/config.json"),
            ("['./data/config.json:/app/config.json']", "/app/config.json"),
            ("['data:/app', './data:/app/deep']", "/app/deep/config.json"),
            ("['/srv:/app:ro']", "/app/config.json"),
        )
    ),
    (shared(""), "of this machine"),
    (one("read_only: true, configs: [{source: c, target: /etc/a/c}], volumes: ['a-config:/x']",
         C, "volumes: {a-config: }"), "two different objects on the engine"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_a_module_that_can_not_be_started_is_refused_with_place_and_reason(
    target_of: TargetOf, tmp_path: Path, text: str, why: str
) -> None:
    (tmp_path / "catalog/m/deep.json").write_text("[" * 100_000)
    with pytest.raises(CatalogError, match=why):
        target_of(text)


def test_the_modules_own_network_is_named_as_no_other(target_of: TargetOf) -> None:
    with pytest.raises(CatalogError, match="two different objects on the engine"):
        target_of(one("init: true"), name="net")


@pytest.mark.parametrize(
    "text",
    [
        f"services: {{web: {{build: '{URL}', image: 'i:1'}}}}",
        on_network("{gw_priority: 0}", "{enable_ipv4: true}"),
        *(
            one(f"build: {{context: ., tags: ['{name}']}}").replace("image: i", f"image: '{name}'")
            for name in ("ghcr.io/aiserver/x:1", "aiserver:1", "team/aiserver/x")
        ),
        with_config("['./data:/app']", "/application/config.json"),
        with_config("['./data:/app', 'data:/app/deep']", "/app/deep/config.json"),
        shared("volumes: ['data:/app'], "),
        shared("read_only: true, "),
    ],
)
def test_a_similar_module_is_accepted(target_of: TargetOf, text: str) -> None:
    found = target_of(text).services[-1]
    assert f"image: {found.image.name}" in text.replace("'", "")
    assert all(f"target: {file.path}}}" in text for file in found.files)
    assert len(found.files) == text.count("{source: c,")
