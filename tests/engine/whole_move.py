"""The whole stack, moved from one engine to another: one file, and the first start of an empty home
there."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import docker
import requests

from aiserver_tray.features.backup.restore import Restoration
from aiserver_tray.features.wiring.oneapi import PASSWORD as ROOT_PASSWORD
from aiserver_tray.features.wiring.oneapi import OneApi
from aiserver_tray.owner.owner import Owner
from tests.engine.backups import PASSPHRASE, before, leftovers
from tests.engine.n8n import add_credential, credential, publish_workflow
from tests.engine.through_owner import asked, found, has_ended, sql
from tests.lab.fixtures import borrowed, have_image, leased
from tests.support.installation import IMAGE, Installation
from tests.support.limits import LIMIT, SECONDS
from tests.support.owning import owned
from tests.support.waiting import eventually
from tests.support.whole.catalog import CATALOG, DECLARED, PORTS
from tests.support.whole.stack import Stack
from verifier.log_ins import EMAIL, PASSWORD

TAKEN = "postgres.POSTGRES_HOST_PORT"
"""The setting of the port that is in use on the other computer."""
NOT_MOVED = {
    # Servers, whose databases are moved, and Redis, which has queues and caches only.
    "ai-postgres-data",
    "ai-mysql-data",
    "ai-redis-data",
    # What the modules' files say to leave out: they make it again.
    "ai-dify-qdrant_snapshots",
    "ai-dify-sandbox_dependencies",
    "ai-gateway-certificates",
    "ai-gateway-sites",
    "ai-local-models-models",
    "ai-open-webui-cache",
    "ai-ragflow-logs",
    "ai-searxng-cache",
    "ai-searxng-config",
}
"""Volumes whose files stay."""


def secrets_of(here: Installation) -> Callable[[str], str]:
    """Address of a secret -> its value."""
    return partial(here.app.settings.reveal, DECLARED)


def page_of(here: Installation, port: str = "n8n.N8N_HOST_PORT") -> str:
    """The address of the page at the setting *port*."""
    return f"http://127.0.0.1:{here.app.settings.known(DECLARED)[port]}"


def n8n_user(here: Installation) -> requests.Session:
    """The account of n8n that `log_ins` has made."""
    user = requests.Session()
    login = {"emailOrLdapLoginId": EMAIL, "password": PASSWORD}
    user.post(f"{page_of(here)}/rest/login", json=login, timeout=LIMIT).raise_for_status()
    return user


def oneapi(here: Installation) -> OneApi:
    """The administrator of OneAPI."""
    port = page_of(here, "oneapi.ONEAPI_HOST_PORT").rpartition(":")[2]
    return OneApi("127.0.0.1", int(port), secrets_of(here)(ROOT_PASSWORD))


def add_work(stack: Stack) -> None:
    """What a person has in the stack after some days, beside the accounts of `log_ins`."""
    user, page = n8n_user(stack.here), page_of(stack.here)
    publish_workflow(user, page)
    add_credential(user, page)
    oneapi(stack.here).make("of mine")
    sql(stack.client, "dify_plugin", "create table plugin as select 'of mine' as name")


def work_of(stack: Stack) -> dict[str, object]:
    """The same, as it is found."""
    here, page = stack.here, page_of(stack.here)
    token = oneapi(here).key("of mine") or ""
    return {
        "credential": credential(n8n_user(here), page),
        "sum": requests.post(f"{page}/webhook/sum", json={"a": 1, "b": 2}, timeout=LIMIT).json(),
        "token": (token, oneapi(here).takes(token)),
        "plugin": sql(stack.client, "dify_plugin", "select name from plugin"),
    }


def settings_of(stack: Stack) -> dict[str, str]:
    """All values, with passwords and keys in plain text."""
    return stack.here.app.settings.known(DECLARED)


def whole(owner: Owner, channel: str, **payload: object) -> None:
    """Do to all modules what takes longer than one of them."""
    id = asked(owner, channel, **payload)["operationId"]
    view = found(owner, partial(has_ended, id), 3 * SECONDS)
    assert view.status == "succeeded", view.error


def file_of(stack: Stack, folder: Path) -> dict[str, str]:
    """One file of everything, which stands still from then on, and how to open it."""
    file = folder / "everything.zip"
    with owned(stack.here) as (owner, _):
        eventually(lambda: asked(owner, "ai/backup/list")["key"]["public"], "the first start's key")
        recovery = asked(owner, "ai/backup/key/save", passphrase=PASSPHRASE)["text"]
        whole(owner, "ai/backup/move", file=str(file), stop=True)
    assert leftovers(stack.client) == []
    assert not stack.client.containers.list()
    return {"file": str(file), "recovery": recovery, "passphrase": PASSPHRASE}


@contextmanager
def moved(stack: Stack, folder: Path) -> Iterator[tuple[Stack, dict[str, str]]]:
    """The stack, running on another engine, and the ports that it got there because its own were
    taken. It stands still here then: two of it take much memory."""
    source, here = file_of(stack, folder), folder / "other"
    with leased() as place, borrowed(place) as client, socket.socket() as other:
        have_image(client, IMAGE)
        there = Installation(here, stack.here.catalog, place.host)
        other.bind(("127.0.0.1", int(settings_of(stack)[TAKEN])))
        other.listen()
        with owned(there) as (owner, modules):
            offer = asked(owner, "ai/backup/inspect", **source)
            names = [one["name"] for one in offer["modules"] if not one["problem"]]
            assert {*names} == CATALOG.modules.keys(), offer["modules"]
            offer = asked(owner, "ai/backup/inspect", **source, modules=names)
            answers = {one["id"]: one["value"] for one in offer["decisions"]}
            assert answers.pop("n8n.triggers") == "on"
            assert {TAKEN} <= answers.keys() <= {*PORTS}  # Others may take a port, too.
            first = dict[str, str]()
            with before(Restoration, "_unpack", lambda: first.update(servers_of(client))):
                whole(owner, "ai/backup/restore", **source, modules=names, decisions=answers)
            modules.wait_for(**dict.fromkeys(names, "running"))
            assert leftovers(client) == []
            assert servers_of(client) == first, "they began with other settings"
            yield replace(stack, here=there, core=owner.core, client=client), answers


def servers_of(client: docker.DockerClient) -> dict[str, str]:
    """The IDs of the containers of the database servers."""
    return {name: client.containers.get(f"ai-{name}").id for name in ("postgres", "mysql")}
