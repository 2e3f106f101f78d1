"""What tests tell n8n, at its page."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from itertools import pairwise
from typing import Any

import requests

from tests.engine.waiting import until

SECRET = "sk-of-the-owner"
OWNER = {
    "email": "owner@example.com",
    "firstName": "O",
    "lastName": "W",
    "password": "Passw0rd-of-the-owner",
}
"""The account that is set up first."""


def set_up_owner(page: str, **more: str) -> None:
    """Create the first account of n8n, as a person does it at its *page*. *more* differs from
    `OWNER`."""
    assert "<title>n8n.io" in requests.get(page, timeout=60).text
    settings = requests.get(f"{page}/rest/settings", timeout=60).json()["data"]
    assert settings["userManagement"]["showSetupOnFirstLoad"] is True
    setup = f"{page}/rest/owner/setup"
    requests.post(setup, json=OWNER | more, timeout=60).raise_for_status()


def log_in(page: str, user: requests.Session, password: str) -> requests.Response:
    """The answer when the owner logs in at n8n's *page* as *user*."""
    login = {"emailOrLdapLoginId": OWNER["email"], "password": password}
    return user.post(f"{page}/rest/login", json=login, timeout=60)


def logged_in(page: str, password: str = OWNER["password"]) -> requests.Session:
    """The owner, logged in at n8n's *page*."""
    user = requests.Session()
    answer = log_in(page, user, password)
    answer.raise_for_status()
    assert answer.json()["data"]["email"] == OWNER["email"]
    return user


def publish_workflow(user: requests.Session, page: str) -> None:
    """Let a webhook run a Code node, which runs in the container of the task runners."""
    code = {"jsCode": "return [{json: {sum: $json.body.a + $json.body.b}}];"}
    publish(user, page, "sum", [node("Code", "n8n-nodes-base.code", code)])


def publish(user: requests.Session, page: str, path: str, nodes: list[dict[str, Any]]) -> None:
    """Let a webhook at *path* run *nodes*, one after the other."""
    chain = [_webhook(path, "lastNode"), *nodes]
    links = {one["name"]: _link("main", after["name"]) for one, after in pairwise(chain)}
    _publish(user, page, path, chain, links)


def publish_question(user: requests.Session, page: str, path: str, model: str) -> None:
    """Let a webhook at *path* ask *model* what 2 + 2 is, by the AI Agent node with an OpenAI
    credential whose fields are empty, and stream its answer."""
    new: Any = {"name": f"for {path}", "type": "openAiApi", "data": {}}
    made = user.post(f"{page}/rest/credentials", json=new, timeout=60)
    made.raise_for_status()
    credential = {"openAiApi": {"id": made.json()["data"]["id"], "name": new["name"]}}
    question = "What is 2 + 2? Answer with one number."
    asked = {"promptType": "define", "text": question, "options": {"enableStreaming": True}}
    agent = node("Agent", "@n8n/n8n-nodes-langchain.agent", asked, 2.2)
    chosen = {
        "model": {"__rl": True, "mode": "id", "value": model},
        "options": {"temperature": 0, "maxTokens": 12, "maxRetries": 0},
    }
    chat = node("Model", "@n8n/n8n-nodes-langchain.lmChatOpenAi", chosen, 1.2)
    nodes = [_webhook(path, "streaming"), agent, chat | {"credentials": credential}]
    links = {"Webhook": _link("main", "Agent"), "Model": _link("ai_languageModel", "Agent")}
    _publish(user, page, path, nodes, links)


def streamed(page: str, path: str) -> list[str] | None:
    """The pieces of the answer of `publish_question`, as they come. None: n8n does not know the
    webhook yet."""
    with requests.post(f"{page}/webhook/{path}", timeout=180, stream=True) as answer:
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        answer.raise_for_status()
        events = [json.loads(line) for line in answer.iter_lines()]
    assert events[-1]["type"] == "end", events
    return [event["content"] for event in events if event["type"] == "item"]


def _webhook(path: str, mode: str) -> dict[str, Any]:
    parameters = {"path": path, "httpMethod": "POST", "responseMode": mode}
    return node("Webhook", "n8n-nodes-base.webhook", parameters) | {"webhookId": path}


def _link(kind: str, name: str) -> dict[str, Any]:
    return {kind: [[{"node": name, "type": kind, "index": 0}]]}


def _publish(
    user: requests.Session, page: str, name: str, nodes: list[dict[str, Any]], links: dict[str, Any]
) -> None:
    workflow: dict[str, Any] = {"name": name, "nodes": nodes, "connections": links, "settings": {}}
    made = user.post(f"{page}/rest/workflows", json=workflow, timeout=60)
    made.raise_for_status()
    new = made.json()["data"]
    version = {"versionId": new["versionId"]}
    address = f"{page}/rest/workflows/{new['id']}/activate"
    user.post(address, json=version, timeout=60).raise_for_status()


def node(name: str, kind: str, parameters: Mapping[str, Any], version: float = 2) -> dict[str, Any]:
    """A node of a workflow."""
    what = {"id": name, "name": name, "type": kind, "typeVersion": version, "position": [0, 0]}
    return {**what, "parameters": dict(parameters)}


def add_credential(user: requests.Session, page: str) -> None:
    """Store `SECRET` in n8n."""
    data = {"apiKey": SECRET, "url": f"https://example.com/{SECRET}"}
    new: Any = {"name": "models", "type": "openAiApi", "data": data}
    user.post(f"{page}/rest/credentials", json=new, timeout=60).raise_for_status()


def credential(user: requests.Session, page: str) -> str:
    """The secret in n8n's first credential, decrypted by n8n."""
    listed = user.get(f"{page}/rest/credentials", timeout=60).json()["data"]
    whole = user.get(f"{page}/rest/credentials/{listed[0]['id']}?includeData=true", timeout=60)
    whole.raise_for_status()
    return str(whole.json()["data"]["data"]["url"])


def has_all(page: str, n8n: Any) -> requests.Session:  # noqa: ANN401 - a container
    """See that the owner of n8n can log in and finds the workflow and the credential."""
    user = until(lambda: _logged_in(page), n8n)
    workflows = user.get(f"{page}/rest/workflows", timeout=60).json()["data"]
    assert [one["name"] for one in workflows] == ["sum"]
    assert credential(user, page) == f"https://example.com/{SECRET}"
    return user


def _logged_in(page: str) -> requests.Session | None:
    try:
        return logged_in(page)
    except requests.RequestException:
        return None
