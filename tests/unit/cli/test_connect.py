"""``connect`` where the engine is another machine's."""

from pathlib import Path

from tests.support.command_line import CommandLine


def test_a_remote_engine_is_refused_before_anything_is_asked_of_it(tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    # An address for documents (RFC 5737): nobody answers there.
    cli = CommandLine(tmp_path / "home", tmp_path / "catalog", "tcp://192.0.2.1:2376")

    by_hand = "config set n8n.N8N_ONEAPI_TOKEN -", "config set n8n.N8N_MODELS oneapi"
    done = cli.run("connect", "n8n")

    done.failed("E_SETTING", "the engine is on another machine", *by_hand)
    assert cli.run("config", "get", "n8n.N8N_MODELS").output == "none\n"
