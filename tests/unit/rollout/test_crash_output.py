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
GUNICORN_SYNTAX = f"""\
[2026-03-01 03:00:00 +0000] [7] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "/opt/venv/lib/python3.12/site-packages/gunicorn/util.py", line 371, in import_app
    mod = importlib.import_module(module)
  File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed
{SYNTAX}\
[2026-03-01 03:00:00 +0000] [1] [ERROR] Reason: Worker failed to boot.
"""
PIP_TARGET = """\
Traceback (most recent call last):
  File "/app/migrate.py", line 4, in <module>
    store.connect()
  File "/app/store.py", line 9, in connect
    return pg8000.native.Connection("shop")
  File "/packages/pg8000/core.py", line 388, in __init__
    raise DatabaseError("no")
pg8000.exceptions.DatabaseError: no
"""
NODE_SYNTAX = """\
/app/server.js:3
const port = ;
             ^

SyntaxError: Unexpected token ';'
    at internalCompileFunction (node:internal/vm:73:18)

Node.js v20.11.1
"""
NODE_LOGIN = """\
node:internal/process/promises:288
            triggerUncaughtException(err, true /* fromPromise */);
            ^

error: password authentication failed for user "shop"
    at Parser.parseErrorMessage (/app/node_modules/pg-protocol/dist/parser.js:287:98)
    at async start (/app/server.js:12:3) {
  severity: 'FATAL',
  code: '28P01'
}
"""
NODE_MEMORY = """\
[1:0x7f] 2041 ms: Mark-sweep 63.4 (66.1) -> 63.3 (66.3) MB, 51.4 / 0.0 ms

<--- JS stacktrace --->

FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
 1: 0xb7a3e0 node::Abort() [node]
 2: 0xa8c8aa  [node]
"""
JAVA_MEMORY = """\
Exception in thread "main" java.lang.OutOfMemoryError: Java heap space
\tat java.base/java.util.Arrays.copyOf(Arrays.java:3537)
\tat Main.main(Main.java:9)
"""
GO_HANDLER = """\
panic: assignment to entry in nil map

goroutine 1 [running]:
main.load(...)
\t/go/pkg/mod/example.com/config@v1.2.0/load.go:8
main.main()
\t/src/main.go:11 +0x2c
exit status 2
"""
HANDLED = PYTHON + "retrying without it\n" * 20 + "cannot read /etc/web.toml\n"


@pytest.mark.parametrize(
    ("output", "headline", "values"),
    [
        (PYTHON, "ModuleNotFoundError: No module named 'requests' (/app/app.py:1)", {"module": "requests"}),
        (GUNICORN, "ModuleNotFoundError: No module named 'requests' (/app/app.py:1)", {"module": "requests"}),
        (UVICORN, "KeyError: 'DATABASE_URL'", {"variable": "DATABASE_URL"}),
        (CHAINED, "django.core.exceptions.ImproperlyConfigured: Error loading psycopg2 module (/app/manage.py:9)", {}),
        (SYNTAX, "SyntaxError: invalid syntax (/app/app.py:3)", {}),
        (OWN_EXCEPTION, "shop.NotToday: closed (/app/app.py:3)", {}),
        (NODE, "Error: Cannot find module 'express'", {"module": "express"}),
        (NODE.replace("express", "/app/a.js"), "Error: Cannot find module '/app/a.js'", {"file": "/app/a.js"}),
        ("python3: can't open file '/app/a.py': [Errno 2] No such file or directory\n",
         "python3: can't open file '/app/a.py': [Errno 2] No such file or directory", {"file": "/app/a.py"}),
        (JAVA, "Caused by: java.lang.IllegalStateException: the file is empty", {}),
        (GO, "panic: runtime error: invalid memory address or nil pointer dereference (/app/main.go:8)", {}),
        (
            RUBY,
            "/usr/lib/ruby/3.2/kernel.rb:85:in `require': cannot load such file -- sinatra (LoadError) (/app/app.rb:1)",
            {"module": "sinatra"},
        ),
        (PHP, 'PHP Fatal error: Uncaught Error: Class "Foo" not found in /app/x.php:3', {}),
        (DOTNET, "Unhandled exception. System.InvalidOperationException: No connection string (/src/Program.cs:3)", {}),
        (RUST, "DATABASE_URL must be set", {"variable": "DATABASE_URL"}),
        (CLICK, "The module tasks was not found.", {}),
        (HANDLED, "cannot read /etc/web.toml", {}),
        ("KeyError: 'STATUS'\n", "KeyError: 'STATUS'", {}),  # of another mapping than the environment
        ("the environment variable API_KEY is not set\n", "the environment variable API_KEY is not set",
         {"variable": "API_KEY"}),
        ("Error: DATABASE_URL environment variable not set\n", "Error: DATABASE_URL environment variable not set",
         {"variable": "DATABASE_URL"}),
        ("missing required env var API_KEY\n", "missing required env var API_KEY", {"variable": "API_KEY"}),
        (GUNICORN_SYNTAX, "SyntaxError: invalid syntax (/app/app.py:3)", {}),
        (PIP_TARGET, "pg8000.exceptions.DatabaseError: no (/app/store.py:9)", {}),
        (NODE_SYNTAX, "SyntaxError: Unexpected token ';' (/app/server.js:3)", {}),
        (GO_HANDLER, "panic: assignment to entry in nil map (/src/main.go:11)", {}),
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


@pytest.mark.parametrize(
    ("output", "cause", "headline", "hint"),
    [
        (JAVA_MEMORY, "out-of-memory", 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space',
         crash_output.MEMORY_HINT),
        ("Terminating due to java.lang.OutOfMemoryError: Java heap space\n", "out-of-memory",
         "Terminating due to java.lang.OutOfMemoryError: Java heap space", crash_output.MEMORY_HINT),
        (NODE_MEMORY, "out-of-memory",
         "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", crash_output.MEMORY_HINT),
        (JAVA_MEMORY.replace("Java heap space", "unable to create native thread"), "crash-loop",
         'Exception in thread "main" java.lang.OutOfMemoryError: unable to create native thread', None),
        (NODE_LOGIN, "crash-loop", 'error: password authentication failed for user "shop" (/app/server.js:12)',
         crash_output.LOGIN_HINT),
    ],
)  # fmt: skip
def test_a_crash_with_a_hint_of_its_own(output: str, cause: str, headline: str, hint: str | None) -> None:
    parsed = crash_output.parse_crash(output, "crash-loop")
    assert (parsed.cause, parsed.message, parsed.hint) == (cause, headline, hint)
