"""No secret value survives in the error that it causes, wherever it stands."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.base.masking import MASK
from aiserver_tray.catalog.modules import load_module
from aiserver_tray.catalog.resolve import resolve_with

FORM = """\
services:
  s:
    image: x
    {use}
"""


def refusal(folder: Path, use: str, env: Mapping[str, str]) -> CatalogError:
    (folder / "compose.yaml").write_text(FORM.format(use=use))
    module = load_module("m", folder)
    with pytest.raises(CatalogError) as refused:
        resolve_with(module, env, list(env.values()))
    return refused.value


@pytest.mark.parametrize(
    "use",
    [
        'networks: ["${PW}"]',
        'networks: ["${PW}/"]',
        'volumes: ["${PW}:/data"]',
        'depends_on: ["${PW}"]',
        'configs: ["${PW}"]',
        'secrets: ["${PW}"]',
        'env_file: "${PW}"',
        'env_file: [{path: "a/${PW}"}]',
        'label_file: "${PW}"',
        'ports: ["${PW}"]',
        'ports: [{target: "${PW}"}]',
        'extends: {service: "${PW}"}',
        'extends: {file: "${PW}", service: s}',
        'network_mode: "service:${PW}"',
        'mem_limit: "${PW}"',
        'restart: ["${PW}"]',
        'ulimits: {nofile: "${PW}"}',
        'deploy: {restart_policy: {condition: {"a": "${PW}"}}}',
        'pull_policy: "${PW}"',
        'healthcheck: {interval: "${PW}"}',
    ],
)
def test_a_secret_is_masked_in_key_and_text(use: str, tmp_path: Path) -> None:
    error = refusal(tmp_path, use, {"PW": "s3cr3t-token"})

    shown = error.render() + error.render("zh") + repr(error.data) + repr(error.problems)
    assert "s3cr3t-token" not in shown


def test_secret_is_replaced_by_a_mask(tmp_path: Path) -> None:
    error = refusal(tmp_path, 'networks: ["${PW}"]', {"PW": "s3cr3t-token"})

    assert [problem.place.key for problem in error.problems] == [f"services.s.networks.{MASK}"]


def test_a_number_that_is_a_secret_is_masked(tmp_path: Path) -> None:
    error = refusal(tmp_path, 'oom_score_adj: "${PW}"', {"PW": "7430615"})

    assert "7430615" not in error.render()
    assert MASK in error.render()


def test_a_secret_that_begins_another_leaves_nothing_of_it(tmp_path: Path) -> None:
    env = {"SHORT": "s3cr3t", "LONG": "s3cr3t-token", "NONE": ""}
    error = refusal(tmp_path, 'networks: ["${LONG}"]', env)

    assert [problem.place.key for problem in error.problems] == [f"services.s.networks.{MASK}"]
    assert "token" not in error.render()
