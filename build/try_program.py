"""See that an installed program works: it has its catalog and serves the dashboard. Print its
version. Only the standard library, and nothing of the project: it runs where only the package is.

python3 build/try_program.py PROGRAM [mcp]    with mcp: it also answers an assistant
"""

import json
import os
import subprocess
import sys
import tempfile
from http.cookiejar import CookieJar
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

SECONDS = 120.0


def printed(*command: str) -> str:
    """The output of *command*. Raises ``CalledProcessError`` if it fails."""
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, encoding="utf-8", timeout=SECONDS
    ).stdout


def see_the_dashboard(program: str) -> None:
    """Raises ``AssertionError`` or ``OSError`` if there is no dashboard."""
    with subprocess.Popen([program, "serve"], stdout=subprocess.PIPE, encoding="utf-8") as serving:
        try:
            assert serving.stdout
            address = next(line.strip() for line in serving.stdout if "http://" in line)
            opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
            with opener.open(address, timeout=SECONDS) as page:
                assert b"<title>" in page.read(), "no page"
        finally:
            serving.kill()


def see_the_assistant(program: str) -> None:
    """Raises ``AssertionError`` if an assistant gets no answer."""
    about = {"protocolVersion": "2025-06-18", "capabilities": {}}
    about["clientInfo"] = {"name": "try", "version": "1"}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}
    pipe = subprocess.PIPE
    with subprocess.Popen([program, "mcp"], stdin=pipe, stdout=pipe, encoding="utf-8") as serving:
        assert serving.stdin
        assert serving.stdout
        serving.stdin.write(json.dumps(asked) + "\n")
        serving.stdin.flush()
        answer = serving.stdout.readline()
        serving.stdin.close()
        assert "AI-Server Tray" in answer, answer


def main(program: str, *more: str) -> None:
    """Raises ``AssertionError``, ``CalledProcessError`` or ``OSError`` if *program* fails."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["AISERVER_HOME"] = home
        assert "n8n" in printed(program, "catalog", "list"), "no catalog"
        see_the_dashboard(program)
        if more == ("mcp",):
            see_the_assistant(program)
        sys.stdout.write(printed(program, "--version"))


if __name__ == "__main__":
    main(*sys.argv[1:])
