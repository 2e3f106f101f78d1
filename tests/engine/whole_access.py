"""The modules of the whole catalog that have a page, behind the gateway: opened only with their
first account, without the paths that create one, and used by another device's browser."""

from functools import partial
from pathlib import Path
from typing import Any

from aiserver_tray.owner.owner import Owner
from tests.engine.through_owner import asked
from tests.support.observed import environment, said
from tests.support.owning import owned
from tests.support.second_host import SecondHost
from tests.support.waiting import eventually
from tests.support.whole.catalog import CATALOG
from tests.support.whole.stack import Stack
from verifier.log_ins import EMAIL, PASSWORD, why_refused
from verifier.log_ins import Stack as LogIns

MODULES = ("dify", "oneapi", "open-webui", "ragflow")
"""Those whose page is a stand-in. n8n is real, and has its own test."""
DIFY_URLS = (
    *("CONSOLE_API_URL", "CONSOLE_WEB_URL", "SERVICE_API_URL", "APP_WEB_URL", "TRIGGER_URL"),
    *("FILES_URL", "CONSOLE_CORS_ALLOW_ORIGINS", "WEB_API_CORS_ALLOW_ORIGINS"),
)
COUNTS = {
    "dify": ("postgres", 'psql -U postgres -qAt dify -c "{}"', "standin_accounts"),
    "ragflow": (
        "mysql",
        'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql -uroot -N rag_flow -e "{}"',
        "user",
    ),
}
"""Module -> the container, the command and the table of its accounts."""


def sql(stack: Stack, module: str, statement: str) -> str:
    """What the database of *module* answers; the table of accounts is ``{}``."""
    container, command, table = COUNTS[module]
    text = command.format(statement.format(table))
    return said(stack.client, f"ai-{container}", "sh", "-c", text)


def spellings(path: str) -> tuple[str, ...]:
    """Ways to write *path* that a server may take for the same."""
    path = path.rstrip("*")
    first, code = path.strip("/").partition("/")[0], f"%{ord(path[1]):x}"
    encoded = f"/{code}{path[2:]}"
    last = "%2F".join(path.rsplit("/", 1)) if path.strip("/") != first else f"%2F{first}"
    return (
        *(path, f"{path}/", f"{path}?a=b", f"/{path}", f"/.{path}", f"/x/..{path}", encoded),
        *(path.upper(), f"/%2e{path}", f"/x/%2e%2e{path}", f"/x/%2E%2E%2F{path[1:]}", last),
        f"{path};a=b",
    )


class Opened:
    """A module at its address in the network, as another device sees it."""

    def __init__(self, owner: Owner, device: SecondHost, name: str, authority: Path) -> None:
        self._device, self.url = device, entry(owner, name)["url"]
        self.host, port = self.url.removeprefix("https://").split(":")
        trust = ("--cacert", str(authority), "--resolve", f"{self.host}:{port}:{device.ours}")
        self._arguments = (*trust, "--path-as-is", "-H", "Content-Type: application/json")

    def ask(self, path: str, *more: str) -> tuple[str, str]:
        """The body and the status of an answer."""
        found = self._device.curl(*self._arguments, *more, f"{self.url}{path}")
        body, _, status = found.rpartition(" ")
        return body, status


def entry(owner: Owner, name: str) -> Any:  # noqa: ANN401 - JSON
    """What is known of the address of the module *name*."""
    listed = asked(owner, "ai/access/list")["modules"]
    return next(one for one in listed if one["name"] == name)


def is_open(owner: Owner, name: str) -> bool:
    """Whether the module *name* is open to the network, and proven.

    Raises:
        LookupError: it is not (yet); says what went wrong meanwhile.
    """
    if (one := entry(owner, name))["state"] != "open":
        raise LookupError(one, [str(view.error) for view in owner.core.store.state.operations])
    return True


def _has_account(log_ins: LogIns, module: str) -> bool:
    if refused := why_refused(log_ins, module):
        raise LookupError(refused)
    return True


def is_opened_to(stack: Stack, device: SecondHost, folder: Path) -> None:
    """See that of all modules with a page."""
    for name in COUNTS:
        sql(stack, name, "DELETE FROM {}")
    with owned(stack.here) as (owner, _):
        for name in MODULES:
            asked(owner, "ai/access/open", module=name, address=device.ours)
        states = {name: entry(owner, name)["state"] for name in COUNTS}
        assert states == dict.fromkeys(COUNTS, "waiting"), "nobody owns them"
        app = stack.here.app
        log_ins = LogIns(owner.core, lambda address: app.settings.reveal(app.declared, address))
        for name in COUNTS:  # they start again with their address
            eventually(partial(_has_account, log_ins, name), name)
        for name in MODULES:
            eventually(partial(is_open, owner, name), name)
        authority = folder / "ca.crt"
        file = asked(owner, "ai/access/list")["certificate"]["file"]
        assert device.curl(file, "-o", str(authority)) == "200"
        opened = {name: Opened(owner, device, name, authority) for name in MODULES}
        for name, one in opened.items():
            answers_without_its_setup(name, one)
        assert [sql(stack, name, "SELECT count(*) FROM {}") for name in COUNTS] == ["1", "1"]
        ragflow = environment(stack.client, "ai-ragflow")
        assert ragflow["REGISTER_ENABLED"] == "0"
        chats = opened["open-webui"]
        assert environment(stack.client, "ai-open-webui")["WEBUI_URL"] == chats.url
        assert '"enable_signup": false' in chats.ask("/api/config")[0]
        dify_is_only_there(stack, device, opened["dify"], folder)


def answers_without_its_setup(name: str, one: Opened) -> None:
    """See that the module answers, and that nobody creates an account."""
    assert one.ask("/")[1] == "200", name
    account = f'{{"email": "evil@example.com", "password": "{PASSWORD}", "username": "evil"}}'
    access = CATALOG.module(name).access
    assert access
    for path in {spelling for closed in access.closed for spelling in spellings(closed)}:
        for more in ((), ("-d", account)):
            body, status = one.ask(path, *more)
            is_refused = status in ("403", "404", "400", "405") or '"path"' in body
            assert is_refused, (name, path, body, status)


def dify_is_only_there(stack: Stack, device: SecondHost, dify: Opened, folder: Path) -> None:
    """See that all its addresses are the new one, and that its page finds the cookies that the API
    sets then."""
    api, web = (environment(stack.client, f"ai-dify-{name}") for name in ("api", "web"))
    assert {api[name] for name in DIFY_URLS} == {dify.url}
    assert api["ENDPOINT_URL_TEMPLATE"] == f"{dify.url}/e/{{hook_id}}"
    assert (web["CONSOLE_API_URL"], web["APP_API_URL"]) == (dify.url, dify.url)
    assert web["NEXT_PUBLIC_SOCKET_URL"] == dify.url.replace("https", "wss")
    assert '"X-Forwarded-Proto": "https"' in dify.ask("/console/api/apps")[0]
    with device.browser(folder, folder / "ca.crt", dify.host) as chromium:
        chromium.get(f"{dify.url}/signin")
        said = chromium.execute_script("return logIn(...arguments)", EMAIL, PASSWORD)
        assert said == f"200 {EMAIL}"
        assert {one["name"] for one in chromium.get_cookies()} == {
            "__Host-access_token",
            "__Host-csrf_token",
        }
