"""Which lines are health checks, in the forms in which servers write requests."""

import pytest

from aiserver_tray.features.logs.line import Level, Line
from aiserver_tray.features.logs.requests import HealthChecks
from aiserver_tray.model import ModuleModel, ServiceModel
from aiserver_tray.spec.config import checked_paths

CLOCK = "25/Nov/2026:04:02:44 +0000"
MODULES = (
    ModuleModel(
        "dify",
        "feature",
        services=(
            ServiceModel("nginx", "c", "nginx", checked=("/console/api/setup",)),
            ServiceModel("agent_backend", "d", "agent", checked=("/",)),
        ),
    ),
)


def is_check(text: str, service: str = "app", level: Level = "info") -> bool:
    line = Line(0, "dify", service, "stdout", level, continues=False, text=text)
    return HealthChecks(lambda: MODULES).has(line)


# The formats are documented by nginx (log_format combined), uvicorn (AccessFormatter), GIN
# (LogFormatter), actix-web (middleware::Logger), tracing (fmt) and werkzeug.
@pytest.mark.parametrize(
    "text",
    [
        f'127.0.0.1 - - [{CLOCK}] "GET /healthz HTTP/1.1" 200 2 "-" "curl/8.5.0"',
        f'172.18.0.1 - - [{CLOCK}] "GET / HTTP/1.1" 200 2 "-" "kube-probe/1.31"',
        f'10.0.0.4 - - [{CLOCK}] "GET / HTTP/1.1" 301 0 "-" "ELB-HealthChecker/2.0"',
        f'127.0.0.1 - - [{CLOCK}] "HEAD / HTTP/1.1" 200 0 "-" "Wget"',
        'INFO:     127.0.0.1:53412 - "GET /api/v1/system/healthz HTTP/1.1" 200 OK',
        '[GIN] 2026/11/25 - 04:02:44 | 200 |  68.5µs |  127.0.0.1 | GET      "/health/check"',
        "[GIN] 2026/11/25 - 04:02:44 |\x1b[97;42m 200 \x1b[0m| 1µs | ::1 |\x1b[97;44m GET \x1b[0m "
        '"/health"',
        '2026-11-25T04:02:44Z  INFO actix_web::middleware::logger: 127.0.0.1 "GET /readyz HTTP/1.0"'
        ' 200 22 "-" "-" 0.000312',
        "2026-11-25T04:02:44Z  INFO HTTP request{method=GET host=\"127.0.0.1:7700\" route=/health "
        "query_parameters= user_agent=curl/8.5.0 status_code=200}: meilisearch: close",
        '2026-11-25 04:02:44,290 INFO 31 ::1 - - [25/Nov/2026 04:02:44] "GET /v1/ping HTTP/1.1"'
        " 200 -",
        '{"level":30,"req":{"method":"GET","url":"/livez?full=1"},"res":{"statusCode":200}}',
        '{"level":"info","request":{"remote_ip":"::1","method":"GET","uri":"/ping"},"status":200}',
        'level=info msg=answered method=GET path=/ping status=200',
        "[GIN] 2026/11/25 - 04:02:44 | 4f1a | 200 | 68.5µs | 127.0.0.1 | GET /health",
        "GET /v1/.well-known/ready 200",
    ],
)  # fmt: skip
def test_a_request_of_a_usual_check_or_by_its_program_is_one(text: str) -> None:
    assert is_check(text)


def test_the_path_of_the_own_check_is_one_only_when_it_comes_from_within_and_well() -> None:
    within = f'127.0.0.1 - - [{CLOCK}] "GET /console/api/setup HTTP/1.1" 200 2 "-" "curl/8"'
    assert is_check(within, "nginx")
    assert not is_check(within, "app")
    assert not is_check(within.replace("127.0.0.1", "127.0.0.10").replace("curl", "x"), "nginx")
    assert is_check('INFO:     127.0.0.1:5 - "GET / HTTP/1.1" 404 Not Found', "agent_backend")
    text = "GET /healthz 200"
    assert is_check(text)
    assert not is_check(text, level="warn")
    line = Line(0, "dify", "app", "stdout", "info", continues=True, text=text)
    assert not HealthChecks(lambda: MODULES).has(line)


@pytest.mark.parametrize(
    "text",
    [
        f'127.0.0.1 - - [{CLOCK}] "GET /healthz HTTP/1.1" 503 2 "-" "curl/8.5.0"',
        f'127.0.0.1 - - [{CLOCK}] "POST /health HTTP/1.1" 200 2 "-" "curl/8.5.0"',
        f'127.0.0.1 - - [{CLOCK}] "GET /files/1 HTTP/1.1" 200 2 "-" "curl/8.5.0"',
        f'172.18.0.1 - - [{CLOCK}] "GET / HTTP/1.1" 200 2 "-" "curl/8.5.0"',
        f'172.18.0.1 - - [{CLOCK}] "GET /health/records/7 HTTP/1.1" 200 2 "-" "Mozilla/5.0"',
        '{"level":30,"req":{"method":"POST","url":"/healthz"},"res":{"statusCode":200}}',
        f'203.0.113.9 - - [{CLOCK}] "GET /admin/export HTTP/1.1" 200 9 "-" "kube-probe/1.0"',
        f'203.0.113.9 - - [{CLOCK}] "POST /login HTTP/1.1" 200 9 "GET /ping" "x"',
        f'203.0.113.9 - - [{CLOCK}] "GET / HTTP/1.1" 200 9 "http://localhost/" "curl/8"',
        f'203.0.113.9 - - [{CLOCK}] "GET /ping HTTP/1.1" 404 9 "HTTP/1.1 200" "x"',
        '2026-11-25T04:02:44Z  INFO HTTP request{method=GET host="x\\" route=/ping " '
        "route=/keys query_parameters= user_agent=x route=/ping status_code=200}: close",
        '{"req":{"method":"GET","url":"/keys","agent":"\\"url\\":\\"/ping\\""},"status":200}',
        '{"message":"lost GET /healthz","path":"/healthz"}',
        "Failed to proxy GET /health to upstream: connection refused",
        "Health check failed: GET /healthz timed out after 5 s",
        'client: 203.0.113.9, request: "GET /health HTTP/1.1", upstream: "http://a/", 200',
        "the health check GET was refused",
        "WIDGET /healthz",
    ],
)
def test_other_requests_and_failed_checks_are_none(text: str) -> None:
    assert not is_check(text)


@pytest.mark.parametrize(
    ("test", "paths"),
    [
        (["CMD", "curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:5001/health"], ("/health",)),
        (["CMD-SHELL", "wget -qO- 'http://localhost:8080/ready?full' || exit 1"], ("/ready",)),
        (["CMD", "bash", "-c", r"printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3"], ("/readyz",)),
        (
            ["CMD", "node", "-e", "require('http').get('http://127.0.0.1:5678/healthz', r => 0)"],
            ("/healthz",),
        ),
        (["CMD", "python3", "-c", 'server.request("GET", "/")'], ("/",)),
        (["CMD", "curl", "http://[::1]:80", "http://minio:9000/live"], ("/",)),
        (["CMD", "pg_isready", "-h", "127.0.0.1"], ()),
    ],
)
def test_a_check_has_paths_of_its_container(test: list[str], paths: tuple[str, ...]) -> None:
    assert checked_paths(test) == paths
