"""Why a probe failed: the port, the path, and what the program's own log says."""

import pytest

from seaway.rollout import causes, crash_output, message_parsers, probe_failures
from tests.support import live_objects

HTTP = {"httpGet": {"path": "/healthz", "port": "http"}}
CONTAINER = {
    "name": "web",
    "ports": [{"name": "http", "containerPort": 8000}],
    "readinessProbe": HTTP | {"periodSeconds": 5},
    "startupProbe": HTTP,
    "livenessProbe": HTTP,
}
TCP = {"name": "web", "startupProbe": {"tcpSocket": {"port": 8000}}}
REFUSED = "dial tcp 10.42.0.7:8000: connect: connection refused"
SLOW = 'Get "http://10.42.0.7:8000/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
STARTUP = f'Startup probe failed: Get "http://10.42.0.7:8000/healthz": {REFUSED}'


def explain(text: str = STARTUP, log: str = "", **container: object) -> message_parsers.ParsedMessage:
    parsed = probe_failures.parse_probe_failure(text, CONTAINER | container, log)
    assert parsed is not None
    return parsed


LISTENS = [
    (" * Running on http://127.0.0.1:5000", "127.0.0.1:5000"),  # Flask
    ("[1] [INFO] Listening at: http://127.0.0.1:8000 (1)", "127.0.0.1:8000"),  # gunicorn
    ("Starting development server at http://127.0.0.1:8000/", "127.0.0.1:8000"),  # Django
    ("App listening at http://localhost:8000", "localhost:8000"),
    ("  - Local:        http://localhost:3000", "localhost:3000"),  # Vite; Next, which listens on all addresses
    ("INFO: Uvicorn running on http://0.0.0.0:8080 (Press CTRL+C)", "8080"),
    (" * Running on all addresses\n * Running on http://127.0.0.1:5000\n * Running on http://10.42.0.7:5000", "5000"),
    ("Server listening on port 3000", "3000"),
    ("Listening on :8080", "8080"),
    ("Now listening on: http://[::]:8080", "8080"),
    ("Tomcat started on port 8080 (http)", "8080"),
    ("Tomcat started on port(s): 8080 (http)", "8080"),
    ("level=INFO msg=listening addr=:8080", "8080"),  # Go
    ("INFO:waitress:Serving on http://127.0.0.1:8080", "127.0.0.1:8080"),
    ("listening { address: '127.0.0.1', family: 'IPv4', port: 3000 }", "127.0.0.1:3000"),  # Node
    ('{"message":"listening","address":"127.0.0.1","port":3000}', "127.0.0.1:3000"),
    ("http://127.0.0.1:3000 (bound on host 0.0.0.0 and port 3000)", "3000"),
    ("- Local: http://localhost:3000\n- Network: http://10.42.0.7:3000", "3000"),
    ("metrics server listening on :9090\nlistening on 127.0.0.1:8000", "127.0.0.1:8000"),
]


@pytest.mark.parametrize(("log", "address"), LISTENS)
def test_the_log_says_where_the_program_listens(log: str, address: str) -> None:
    failure = explain(log=f"starting\n{log}\nready\n")
    assert failure.cause == "connection-refused"
    assert failure.hint == (probe_failures.LOOPBACK_HINT if ":" in address else probe_failures.PORT_HINT)
    assert failure.values == {"port": "8000", ("address" if ":" in address else "actual_port"): address}


OTHER_LOGS = [
    "",
    "2026-03-01 10:30:22 server started",
    'connection to server at "10.0.0.5", port 5432 failed: Connection refused',
    "waiting for the server db, port 5432",
    "listening on 0.0.0.0:8000",  # and was probed before
    "ready: database at 10.0.0.5:5432",
    "metrics server listening on :9090\nlistening on 127.0.0.1:3000",  # which of them is unknown
]


@pytest.mark.parametrize("log", OTHER_LOGS)
def test_another_log_proves_nothing(log: str) -> None:
    assert (explain(log=log).hint, explain(log=log).values) == (probe_failures.REFUSED_HINT, {"port": "8000"})


def test_messages(wording: object) -> None:
    failures = [
        explain(),
        explain(log=" * Running on http://127.0.0.1:5000"),
        probe_failures.parse_probe_failure(f"Startup probe failed: {REFUSED}", TCP, ""),
        *(
            explain(f"Readiness probe failed: HTTP probe failed with statuscode: {code}")
            for code in (400, 401, 404, 503)
        ),
        explain(f"Readiness probe failed: {SLOW}", readinessProbe=HTTP | {"timeoutSeconds": 2}),
    ]
    location = causes.Location(target=live_objects.WEB, stack="dev")
    findings = [causes.convert_message(failure, location, fatal=False) for failure in failures if failure]
    assert [f"{finding.cause}: {finding.message}: {finding.hint}" for finding in findings] == wording


def test_the_log_says_why_the_program_answers_with_an_error() -> None:
    log = """database: {'S': 'FATAL', 'C': '28P01', 'M': 'password authentication failed for user "shop"'}"""
    text = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    assert explain(text, log).hint == crash_output.LOGIN_HINT
    assert explain(text, log + "\nready" * probe_failures.MAX_LINES).hint == probe_failures.OTHER_STATUS_HINT
    assert explain(text.replace("503", "404"), log).hint != crash_output.LOGIN_HINT


def test_the_hint_names_the_probe_that_differs() -> None:
    text = "Readiness probe failed: HTTP probe failed with statuscode: 404"
    assert "<health>" in (explain(text).hint or "")
    other = {"httpGet": {"path": "/nope", "port": 8000}}
    assert "<health.readiness>" in (explain(text, readinessProbe=other).hint or "")
    assert "<health.liveness>" in (explain(text.replace("Readiness", "Startup"), readinessProbe=other).hint or "")


EXEC = {name: {"exec": {"command": ["test", "-e", "/tmp/a b"]}} for name in ("startupProbe", "readinessProbe")}


@pytest.mark.parametrize(
    ("text", "container", "message", "hint"),
    [
        ("Readiness probe failed: refused", EXEC, "its readiness probe fails: test -e '/tmp/a b': refused", None),
        ("Startup probe failed: ", EXEC, "its startup probe fails: test -e '/tmp/a b'", probe_failures.STARTUP_HINT),
        ("Startup probe failed: Get :8000/healthz: EOF", {}, "Startup probe failed: Get :8000/healthz: EOF",
         probe_failures.STARTUP_HINT),
    ],
)  # fmt: skip
def test_other_failures(text: str, container: dict[str, object], message: str, hint: str | None) -> None:
    """The startup probe is that of health.liveness, and its timeout is fixed."""
    failure = explain(text, **container)
    assert (failure.cause, failure.hint) == ("not-ready", hint)
    assert failure.message.startswith(f"is not ready: {message}")


def test_a_startup_probe_without_an_answer_may_need_only_time() -> None:
    failure = explain(f"Startup probe failed: {SLOW}")
    assert (failure.cause, failure.hint) == ("not-ready", probe_failures.STARTING_HINT)
    assert failure.message.startswith("is still starting: ")


def test_a_liveness_probe_is_its_text() -> None:
    assert probe_failures.parse_probe_failure(f"Liveness probe failed: {SLOW}", CONTAINER, "") is None
