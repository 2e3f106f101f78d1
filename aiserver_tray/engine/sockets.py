"""The SDK's connections over a Unix socket, closed if the other side has closed."""

import socket

from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool


class UnixPool(UnixHTTPConnectionPool):  # type: ignore[misc]  # the SDK has no types
    """The SDK's pool, with our connections."""

    def _new_conn(self) -> "_Connection":
        return _Connection(self.base_url, self.socket_path, self.timeout)


class _Connection(UnixHTTPConnection):  # type: ignore[misc]
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(self.unix_socket)
        except OSError:
            self.sock.close()
            raise
