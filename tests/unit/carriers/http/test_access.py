"""Who may use browser mode, at ports that a test can't have."""

import pytest

from aiserver_tray.base.errors import AccessError
from aiserver_tray.carriers.http.access import Access, host_at


@pytest.mark.parametrize(
    ("scheme", "port", "host"),
    [
        ("http", 80, "10.0.0.1"),
        ("https", 443, "10.0.0.1"),
        ("http", 443, "10.0.0.1:443"),
        ("https", 80, "10.0.0.1:80"),
    ],
)
def test_browsers_leave_out_the_port_that_goes_without_saying(
    scheme: str, port: int, host: str
) -> None:
    access = Access(scheme, frozenset({host_at(scheme, "10.0.0.1", port)}), port)
    asked = {"REQUEST_METHOD": "POST", "HTTP_HOST": host, "HTTP_ORIGIN": f"{scheme}://{host}"}
    access.check_address(asked)
    with pytest.raises(AccessError):
        access.check_address({**asked, "HTTP_HOST": "10.0.0.1:8080"})


def test_an_address_of_the_new_kind_is_in_brackets() -> None:
    assert host_at("http", "::1", 8080) == "[::1]:8080"
    assert host_at("http", "::1", 80) == "[::1]"
