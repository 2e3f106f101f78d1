"""``connect`` with the modules of the catalog that keep what they are told where only they see it:
RAGFlow, whose job makes OneAPI a provider there, and Dify, in which a person does."""

import docker
from docker.models.containers import Container

from tests.engine.built_in import choose_free_ports
from tests.engine.dify import SSRF, Dify
from tests.engine.oneapi import OneApiStack
from tests.engine.ragflow import REQUIRED, query
from tests.support.observed import facts, names, said

JOB = "ai-ragflow-ragflow-models"
KEY = "ragflow-key-of-the-account"
ADDRESS = "http://oneapi:3000/v1"
WRONG = "sk-" + "0" * 48


def ended(engine: docker.DockerClient) -> tuple[int, str]:
    """How RAGFlow's job ended, and its last words."""
    job: Container = engine.containers.get(JOB)
    return job.attrs["State"]["ExitCode"], job.logs().decode().strip()


def provider(engine: docker.DockerClient) -> list[str]:
    """Address and key of the provider in RAGFlow that is an account's, and what it offers."""
    fields = "tenant_id, provider, name, base_url, models, api_key"
    return query(engine, f"SELECT {fields} FROM rag_flow.standin_instances").split("\t")


def status(engine: docker.DockerClient, container: str, address: str, token: str) -> int:
    """What OneAPI answers who asks for its models from within *container*."""
    curl = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "60")
    header = ("-H", f"Authorization: Bearer {token}")
    return int(said(engine, container, *curl, *header, f"{address}/models"))


def test_ragflow_gets_oneapi_as_a_provider_of_an_account(
    engine: docker.DockerClient, oneapi: OneApiStack
) -> None:
    choose_free_ports(oneapi, "ragflow", *REQUIRED)

    connected = oneapi.cli.run("connect", "ragflow").succeeded()

    assert "config set ragflow.RAGFLOW_API_KEY -" in connected.errors
    code, told = ended(engine)
    assert (code, told.startswith("Nothing to do without RAGFLOW_API_KEY")) == (0, True)

    query(engine, f"INSERT INTO rag_flow.api_token VALUES ('of-somebody', '{KEY}')")
    oneapi.set("ragflow.RAGFLOW_API_KEY", KEY)
    oneapi.cli.run("up", "ragflow").succeeded()

    assert ended(engine) == (0, "OneAPI offers 1 models to RAGFlow.")
    *place, address, models, token = provider(engine)
    assert place == ["of-somebody", "OpenAI-API-Compatible", "oneapi"]
    assert '"model_name": "stand-in"' in models
    assert address == ADDRESS
    assert status(engine, "ai-ragflow", address, token) == 200
    assert status(engine, "ai-ragflow", address, WRONG) == 401

    oneapi.set("ragflow.RAGFLOW_ONEAPI_TOKEN", WRONG)
    oneapi.cli.run("up", "ragflow").failed("E_JOB_FAILED", f"{ADDRESS}/models: HTTP Error 401")
    oneapi.cli.run("connect", "ragflow").succeeded()
    assert provider(engine)[-1] == token

    done = oneapi.cli.run("disconnect", "ragflow").succeeded()
    assert "set up OneAPI inside ragflow, remove it there" in done.errors

    assert JOB not in names(engine)
    assert oneapi.tokens() == {}
    assert status(engine, "ai-ragflow", address, token) == 401
    assert oneapi.module("ragflow").state == "running"


def statuses(dify: Dify, token: str) -> list[int]:
    """What OneAPI answers plugins, which ask it directly, and workflows, which do by the proxy."""
    header = ("-H", f"Authorization: Bearer {token}")
    return [
        dify.fetch("plugin_daemon", f"{ADDRESS}/models", *header),
        dify.fetch("sandbox", f"{ADDRESS}/models", *SSRF, *header),
    ]


def test_dify_reaches_oneapi_with_the_token_that_is_to_be_copied(
    engine: docker.DockerClient, oneapi: OneApiStack
) -> None:
    choose_free_ports(oneapi, "dify")
    dify = Dify(oneapi, engine, oneapi.port)

    connected = oneapi.cli.run("connect", "dify").succeeded()

    assert f"{ADDRESS} and this token" in connected.errors
    shown = oneapi.cli.run("config", "get", "--show", "dify.DIFY_ONEAPI_TOKEN").succeeded()
    token = shown.output.strip()

    assert statuses(dify, token) == [200, 200]
    assert statuses(dify, WRONG) == [401, 401]
    before = facts(engine, *dify.ids().values())

    oneapi.cli.run("disconnect", "dify").succeeded()

    assert statuses(dify, token) == [401, 401]
    assert oneapi.tokens() == {}
    assert facts(engine, *before) == before
