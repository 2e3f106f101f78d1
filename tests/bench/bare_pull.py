"""Downloads ADDRESS into FILE of CONTAINER on the engine at HOST, as little as a program in Python
can do for that: ``bare_pull.py ADDRESS CONTAINER FILE HOST``. Prints the SHA-256 of what came."""

import hashlib
import sys

import docker
import requests


def main(address: str, container: str, file: str, host: str) -> None:
    api = docker.APIClient(host)
    body = ["sh", "-c", f"cat > {file}"]
    execution = api.exec_create(container, body, stdin=True)["Id"]
    stream = api.exec_start(execution, socket=True)
    digest = hashlib.sha256()
    with requests.get(address, stream=True, timeout=60) as answer:
        answer.raise_for_status()
        while piece := answer.raw.read(1 << 20):
            digest.update(piece)
            stream._sock.sendall(piece)
    stream._sock.shutdown(1)
    stream.read()  # its end
    if code := api.exec_inspect(execution)["ExitCode"]:
        sys.exit(code)
    print(digest.hexdigest())  # noqa: T201 - its result


if __name__ == "__main__":
    main(*sys.argv[1:])
