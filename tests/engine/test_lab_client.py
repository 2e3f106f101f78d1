"""What a client of the lab asks once more: a stand-in, since the lab's engine can't be made to."""

from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import pytest
from docker.errors import APIError

from tests.lab import engine as lab_engine
from tests.lab.place import Place
from tests.support.standin_engine import Asked, standin

LOST = (
    "failed to create task for container: failed to create shim task: OCI runtime create failed:"
    " runc create failed: unable to start container process: waiting for init preliminary setup:"
    " read init-p: connection reset by peer"
)


def _starts(folder: Path, monkeypatch: pytest.MonkeyPatch, *failures: str) -> int:
    """How often a container's start was asked for that fails with each of *failures* before it
    succeeds. Raises ``APIError`` where the client was told of one."""
    left, asked = list(failures), []

    def answer(one: Asked, _: bytes) -> None:
        if one.path.endswith("/version"):
            one.say({"ApiVersion": one.version})
            return
        asked.append(one.path)
        if left:
            one.say({"message": left.pop(0)}, HTTPStatus.INTERNAL_SERVER_ERROR)
        else:
            one.send_response(HTTPStatus.NO_CONTENT)
            one.end_headers()

    with standin(folder, answer) as address:
        monkeypatch.setattr(Place, "host", address)
        with closing(lab_engine.client(Place(folder))) as client:
            client.api.start("web")
    return len(asked)


def test_start_in_which_runc_lost_its_process_is_repeated_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert _starts(tmp_path, monkeypatch, LOST) == 2
    assert "read init-p" in caplog.text


@pytest.mark.parametrize("failures", [["port is already allocated"], [LOST, LOST]])
def test_start_that_fails_again_or_for_another_reason_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: list[str]
) -> None:
    with pytest.raises(APIError, match=failures[-1]):
        _starts(tmp_path, monkeypatch, *failures, "never asked")
