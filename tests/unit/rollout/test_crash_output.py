"""The headline of a crash: the exception, whatever its wrapper prints after it."""

import pytest

from seaway.rollout import crash_output

PYTHON = """\
Traceback (most recent call last):
  File "/app/app.py", line 1, in <module>
    import requests
ModuleNotFoundError: No module named 'requests'
"""
GUNICORN = f"""\
[2026-03-01 03:00:00 +0000] [7] [ERROR] Exception in worker process
{PYTHON}\
[2026-03-01 03:00:00 +0000] [7] [INFO] Worker exiting (pid: 7)
[2026-03-01 03:00:00 +0000] [1] [ERROR] Worker (pid:7) exited with code 3
[2026-03-01 03:00:00 +0000] [1] [ERROR] Shutting down: Master
[2026-03-01 03:00:00 +0000] [1] [ERROR] Reason: Worker failed to boot.
"""
UVICORN = """\
INFO:     Waiting for application startup.
ERROR:    Traceback (most recent call last):
  File "/usr/lib/python3/starlette/routing.py", line 677, in lifespan
    async with self.lifespan_context(app) as maybe_state:
  File "<frozen os>", line 714, in __getitem__
KeyError: 'DATABASE_URL'

ERROR:    Application startup failed. Exiting.
"""
CHAINED = """\
Traceback (most recent call last):
  File "/app/db.py", line 3, in <module>
    import psycopg2
ModuleNotFoundError: No module named 'psycopg2'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/manage.py", line 9, in <module>
    main()
django.core.exceptions.ImproperlyConfigured: Error loading psycopg2 module
"""
SYNTAX = """\
  File "/app/app.py", line 3
    def x(:
          ^
SyntaxError: invalid syntax
"""
OWN_EXCEPTION = """\
Traceback (most recent call last):
  File "/app/app.py", line 3, in <module>
    raise shop.NotToday("closed")
shop.NotToday: closed
"""
NODE = """\
node:internal/modules/cjs/loader:1080
  throw err;
  ^

Error: Cannot find module 'express'
Require stack:
- /app/server.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1077:15)
    at node:internal/main/run_main_module:28:49 {
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '/app/server.js' ]
}

Node.js v20.11.1
"""
JAVA = """\
Exception in thread "main" java.lang.ExceptionInInitializerError
\tat Main.main(Main.java:3)
Caused by: java.lang.IllegalStateException: the file is empty
\tat Db.<clinit>(Db.java:5)
\t... 1 more
"""
GO = """\
2026/03/01 starting
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1]

goroutine 1 [running]:
main.main()
\t/app/main.go:8 +0x18
exit status 2
"""
RUBY = """\
/usr/lib/ruby/3.2/kernel.rb:85:in `require': cannot load such file -- sinatra (LoadError)
\tfrom /app/app.rb:1:in `<main>'
"""
PHP = """\
PHP Fatal error:  Uncaught Error: Class "Foo" not found in /app/x.php:3
Stack trace:
#0 {main}
  thrown in /app/x.php on line 3
"""
DOTNET = """\
Unhandled exception. System.InvalidOperationException: No connection string
   at Program.<Main>$(String[] args) in /src/Program.cs:line 3
"""
RUST = """\
thread 'main' panicked at src/main.rs:2:5:
DATABASE_URL must be set
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
"""
CLICK = """\
Usage: celery [OPTIONS] COMMAND [ARGS]...

Error: Invalid value for '-A' / '--app':
Unable to load celery application.
The module tasks was not found.
"""
HANDLED = PYTHON + "retrying without it\n" * 20 + "cannot read /etc/web.toml\n"


@pytest.mark.parametrize(
    ("output", "headline", "values"),
    [
        (PYTHON, "ModuleNotFoundError: No module named 'requests'", {"module": "requests"}),
        (GUNICORN, "ModuleNotFoundError: No module named 'requests'", {"module": "requests"}),
        (UVICORN, "KeyError: 'DATABASE_URL'", {"variable": "DATABASE_URL"}),
        (CHAINED, "django.core.exceptions.ImproperlyConfigured: Error loading psycopg2 module", {}),
        (SYNTAX, "SyntaxError: invalid syntax", {}),
        (OWN_EXCEPTION, "shop.NotToday: closed", {}),
        (NODE, "Error: Cannot find module 'express'", {"module": "express"}),
        (NODE.replace("express", "/app/a.js"), "Error: Cannot find module '/app/a.js'", {"file": "/app/a.js"}),
        ("python3: can't open file '/app/a.py': [Errno 2] No such file or directory\n",
         "python3: can't open file '/app/a.py': [Errno 2] No such file or directory", {"file": "/app/a.py"}),
        (JAVA, "Caused by: java.lang.IllegalStateException: the file is empty", {}),
        (GO, "panic: runtime error: invalid memory address or nil pointer dereference", {}),
        (
            RUBY,
            "/usr/lib/ruby/3.2/kernel.rb:85:in `require': cannot load such file -- sinatra (LoadError)",
            {"module": "sinatra"},
        ),
        (PHP, 'PHP Fatal error: Uncaught Error: Class "Foo" not found in /app/x.php:3', {}),
        (DOTNET, "Unhandled exception. System.InvalidOperationException: No connection string", {}),
        (RUST, "DATABASE_URL must be set", {"variable": "DATABASE_URL"}),
        (CLICK, "The module tasks was not found.", {}),
        (HANDLED, "cannot read /etc/web.toml", {}),
        ("KeyError: 'STATUS'\n", "KeyError: 'STATUS'", {}),  # of another mapping than the environment
        ("the environment variable API_KEY is not set\n", "the environment variable API_KEY is not set",
         {"variable": "API_KEY"}),
        ("", "", {}),
    ],
)  # fmt: skip
def test_headline(output: str, headline: str, values: dict[str, str]) -> None:
    parsed = crash_output.parse_crash(output, "crash-loop")
    assert (parsed.cause, parsed.message, parsed.values) == ("crash-loop", headline, values)
    assert (parsed.hint is None) == (not values)


@pytest.mark.parametrize(
    ("headline", "is_timeout"),
    [
        ("urllib.error.URLError: <urlopen error timed out>", True),
        ("TimeoutError: [Errno 110] Connection timed out", True),
        ("requests.exceptions.ConnectTimeout: HTTPConnectionPool(host='web', port=8000): Max retries exceeded", True),
        ("redis.exceptions.TimeoutError: Timeout connecting to server", True),
        ('psycopg.OperationalError: connection to server at "10.0.0.1", port 5432 failed: Connection timed out', True),
        ("Error: connect ETIMEDOUT 10.0.0.1:6379", True),
        ("panic: dial tcp 10.0.0.1:5432: i/o timeout", True),
        # The connection was open, or was refused: no policy drops its packets.
        ("redis.exceptions.TimeoutError: Timeout reading from socket", False),
        ("requests.exceptions.ReadTimeout: HTTPConnectionPool(host='web', port=8000): Read timed out.", False),
        ("ConnectionRefusedError: [Errno 111] Connection refused", False),
    ],
)
def test_a_connection_that_nothing_answers_may_be_an_undeclared_link(headline: str, *, is_timeout: bool) -> None:
    parsed = crash_output.parse_crash(headline, "crash-loop")
    assert (parsed.hint == crash_output.CONNECT_TIMEOUT_HINT) == is_timeout
