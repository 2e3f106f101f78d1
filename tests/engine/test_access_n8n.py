"""The real n8n is opened to the home network, and used from another device: its webhook, the
addresses that it gives to others, and its editor in a browser that trusts our authority."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import docker
import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from aiserver_tray.owner.owner import Owner
from tests.engine.built_in import choose_free_ports
from tests.engine.n8n import OWNER, logged_in, publish_workflow, set_up_owner
from tests.engine.through_owner import asked
from tests.engine.whole_access import spellings
from tests.support.installation import Installation
from tests.support.observed import created, heard
from tests.support.owning import owned
from tests.support.second_host import SecondHost, second_host
from tests.support.waiting import eventually

_NOTES_PUSHES = """
window.pushes = [];
const Real = WebSocket;
window.WebSocket = class extends Real {
  constructor(url, protocols) {
    super(url, protocols);
    this.addEventListener("open", () => pushes.push("open " + url));
    this.addEventListener("message", ({ data }) => pushes.push(String(data)));
    this.addEventListener("close", () => pushes.push("closed"));
  }
};
"""
_ASK = """
const [path, body] = arguments;
const own = (localStorage.getItem("n8n-browserId") ?? "").replaceAll('"', "");
const headers = {"browser-id": own, "content-type": "application/json"};
return fetch(path, {method: body ? "POST" : "GET", headers, body})
  .then((answer) => answer.text())
  .then((text) => { try { return JSON.parse(text); } catch { throw Error(path + " " + text); } });
"""
OAUTH = {
    "grantType": "authorizationCode",
    "authUrl": "https://sso.example.com/authorize",
    "accessTokenUrl": "https://sso.example.com/token",
    "clientId": "n8n",
    "clientSecret": "any",
}


@pytest.fixture
def device() -> Iterator[SecondHost]:
    with second_host() as host:
        yield host


def entry(owner: Owner) -> Any:  # noqa: ANN401 - JSON
    """What is known of n8n's address."""
    listed = asked(owner, "ai/access/list")["modules"]
    return next(one for one in listed if one["name"] == "n8n")


class Device:
    """A phone in the network, at n8n's address."""

    def __init__(self, host: SecondHost, owner: Owner, folder: Path) -> None:
        self.host, self.url = host, entry(owner)["url"]
        self.name, port = self.url.removeprefix("https://").split(":")
        self.authority = folder / "ca.crt"
        file = asked(owner, "ai/access/list")["certificate"]["file"]
        assert host.curl(file, "-o", str(self.authority)) == "200"
        resolve = ("--resolve", f"{self.name}:{port}:{host.ours}")
        self._trusting = ("--cacert", str(self.authority), *resolve)

    def ask(self, path: str, *more: str) -> tuple[str, str]:
        """The body and the status of an answer of n8n."""
        found = self.host.curl(*self._trusting, f"{self.url}{path}", *more)
        body, _, status = found.rpartition(" ")
        return body, status

    def sum(self, path: str) -> tuple[str, str]:
        """The answer of the workflow's webhook."""
        kind = "Content-Type: application/json"
        return self.ask(path, "-H", kind, "-d", '{"a": 3, "b": 4}')


def test_real_n8n_is_used_from_another_device(
    here: Installation, engine: docker.DockerClient, device: SecondHost, tmp_path: Path
) -> None:
    choose_free_ports(here, "gateway", "n8n", "postgres", "redis")
    with owned(here) as (owner, modules):
        asked(owner, "ai/operation/start", kind="up", modules=["n8n", "redis"], untilEnd=True)
        modules.wait_for(n8n="running", redis="running")
        page = asked(owner, "ai/module/open", name="n8n")["url"].rstrip("/")
        set_up_owner(page)
        publish_workflow(logged_in(page), page)
        with heard(engine, "create") as told:
            begun = asked(owner, "ai/access/open", module="n8n", address=device.ours)
            asked(owner, "ai/operation/wait", id=begun["operationId"])
        assert entry(owner)["state"] == "open", entry(owner)
        assert "ai-n8n" in created(told, "n8n")
        assert created(told, "postgres") == created(told, "redis") == []
        phone = Device(device, owner, tmp_path)
        its_webhook_answers(phone)
        nobody_becomes_its_owner(phone)
        only_n8n_answers(owner, device)
        here_it_opens_at_its_new_address(owner)
        with phone.host.browser(tmp_path, phone.authority, phone.name) as chromium:
            logs_in(phone, chromium)
            sends_others_to_its_new_address(phone, chromium)
            its_editor_works(phone, chromium)
            is_closed(phone, owner, chromium)


def its_webhook_answers(phone: Device) -> None:
    """See that a workflow runs for a request from the network."""
    eventually(lambda: phone.sum("/webhook/sum") == ('{"sum":7}', "200"), "the webhook")


def nobody_becomes_its_owner(phone: Device) -> None:
    """See that however its path is written, the set-up never answers."""
    account = json.dumps(OWNER | {"email": "evil@example.com"})
    for path in spellings("/rest/owner/setup*"):
        kind = "Content-Type: application/json"
        body, status = phone.ask(path, "--path-as-is", "-H", kind, "-d", account)
        assert status in ("400", "401", "403", "404"), (path, body, status)
        assert "already setup" not in body, path


def only_n8n_answers(owner: Owner, device: SecondHost) -> None:
    """See that no published port but those of the gateway, and not its administration, answers."""
    published = {
        (module.name, port.host)
        for module in owner.core.store.snapshot.modules
        for port in module.ports
    }
    assert {name for name, _ in published} == {"gateway", "n8n", "postgres", "redis"}
    others = [port for name, port in published if name != "gateway"]
    for port in (*others, 2019, 2020):
        refused = device.run("curl", "-sS", "--noproxy", "*", f"telnet://{device.ours}:{port}")
        assert "refused" in refused.stderr or "Could not connect" in refused.stderr, port


def here_it_opens_at_its_new_address(owner: Owner) -> None:
    """See that this computer opens it there, too: by the name if that is found here."""
    one = entry(owner)
    assert asked(owner, "ai/module/open", name="n8n")["url"] in (one["url"], one["ipUrl"])


def logs_in(phone: Device, chromium: Chrome) -> None:
    """See that a person logs in without a warning of the browser."""
    script = {"source": _NOTES_PUSHES}
    chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    chromium.set_window_size(1200, 800)
    chromium.get(f"{phone.url}/signin")
    account = "[name='emailOrLdapLoginId']"
    eventually(lambda: chromium.find_elements(By.CSS_SELECTOR, account), "the form")
    chromium.find_element(By.CSS_SELECTOR, account).send_keys(OWNER["email"])
    password = chromium.find_element(By.CSS_SELECTOR, "[name='password']")
    password.send_keys(OWNER["password"], Keys.ENTER)
    eventually(lambda: "/signin" not in chromium.current_url, "the log-in")


def sends_others_to_its_new_address(phone: Device, chromium: Chrome) -> None:
    """See which address other services get: that of webhooks, and where a sign-in returns to."""
    settings = _answer(chromium, "/rest/settings")["data"]
    assert settings["urlBaseWebhook"] == settings["urlBaseEditor"] + "/" == f"{phone.url}/"
    new = {"name": "sso", "type": "oAuth2Api", "data": OAUTH}
    id = _answer(chromium, "/rest/credentials", new)["data"]["id"]
    sign_in = urlsplit(_answer(chromium, f"/rest/oauth2-credential/auth?id={id}")["data"])
    callback = f"{phone.url}/rest/oauth2-credential/callback"
    assert parse_qs(sign_in.query)["redirect_uri"] == [callback]


def its_editor_works(phone: Device, chromium: Chrome) -> None:
    """See that a workflow is run by hand, and that n8n's messages show how it runs."""
    workflow = _answer(chromium, "/rest/workflows")["data"][0]["id"]
    chromium.get(f"{phone.url}/workflow/{workflow}")
    run = "[data-test-id='execute-workflow-button']"
    eventually(lambda: chromium.find_elements(By.CSS_SELECTOR, run), "the editor")
    push = f"open {phone.url.replace('https', 'wss')}/rest/push"
    eventually(lambda: _has(chromium, push), "the connection for messages")
    chromium.find_element(By.CSS_SELECTOR, run).click()
    eventually(lambda: phone.sum("/webhook-test/sum")[1] == "200", "the test's webhook")
    eventually(lambda: _has(chromium, "executionFinished"), "n8n's messages")


def _answer(chromium: Chrome, path: str, sent: object = None) -> Any:  # noqa: ANN401 - JSON
    """What n8n answers to its editor."""
    return chromium.execute_script(_ASK, path, sent and json.dumps(sent))


def _has(chromium: Chrome, text: str) -> bool:
    """Whether the editor got *text*."""
    return text in "\n".join(chromium.execute_script("return pushes"))


def is_closed(phone: Device, owner: Owner, chromium: Chrome) -> None:
    """See that nothing of it is left when closing has answered: neither a request nor messages."""
    chromium.execute_script("pushes.length = 0")
    asked(owner, "ai/access/close", module="n8n")
    assert phone.ask("/rest/settings") == ("", "000")
    eventually(lambda: _has(chromium, "closed"), "the end of n8n's messages")
