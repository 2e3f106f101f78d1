"""Every file of the corpus resolves to what the official ``docker compose config`` prints."""

import json
import sys

import pytest

from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.load import load_project
from tests.support.compose_keys import model_keys, used_keys
from tests.support.oracle import HOME, Case, cases, differences, oracle_config

CORPUS = cases("corpus")


@pytest.mark.parametrize("case", CORPUS, ids=str)
def test_resolved_model_equals_the_oracle(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", HOME)
    oracle = oracle_config(case)
    variables = read_env_file(case.variables_file) if case.variables_file else {}
    ours = load_project(case.path, variables).to_compose()
    differing = list(differences(json.loads(json.dumps(ours, allow_nan=False)), oracle))
    assert not differing, "\n" + "\n".join(differing)


def test_differences_name_every_path() -> None:
    ours: object = {"a": [1, {"b": True}], "c": None, "d": 2.0, "same": [{}]}
    oracle: object = {"a": [1, {"b": 1}, "x"], "d": 2, "e": "", "same": [{}]}
    assert list(differences(ours, oracle)) == [
        "a.1.b: ours true, oracle 1",
        'a.2: ours (absent), oracle "x"',
        "c: ours null, oracle (absent)",
        'e: ours (absent), oracle ""',
    ]


def test_corpus_uses_every_key_of_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    known = model_keys()
    folders = {case.folder for case in CORPUS}
    files = {
        file for folder in folders for file in folder.rglob("*") if file.suffix in (".yaml", ".yml")
    }
    used = used_keys(files, known)
    with capsys.disabled():
        sys.stdout.write(f"\noracle corpus: {len(CORPUS)} files, {len(used)} keys\n")
    unused = sorted(known - used)
    assert not unused, "no file of the corpus uses:\n" + "\n".join(unused)
    assert len(CORPUS) >= 85
    assert len(used) >= 460
