"""Real last lines of programs without a permission, each with its cause."""

import pytest

from seaway.rollout import message_parsers, permission_errors

NODE = """\
node:fs:601
  handleErrorFromBinding(ctx);
Error: EROFS: read-only file system, open '/app/cache/index.json'
    at Object.openSync (node:fs:601:3)
    at Object.<anonymous> (/app/server.js:3:4) {
  errno: -30,
  syscall: 'open',
  code: 'EROFS',
  path: '/app/cache/index.json'
}

Node.js v20.11.1
"""
PYTHON = """\
Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    os.makedirs("/srv/cache")
OSError: [Errno 30] Read-only file system: '/srv/cache'
"""

WRITES = [
    (NODE, "/app/cache"),
    (PYTHON, "/srv/cache"),
    ("PermissionError: [Errno 13] Permission denied: '/data/state.db'", "/data"),
    ('nginx: [emerg] open() "/run/nginx.pid" failed (30: Read-only file system)', "/run"),
    (
        'nginx: [emerg] mkdir() "/var/cache/nginx/client_temp" failed (13: Permission denied)',
        "/var/cache/nginx/client_temp",
    ),
    ("panic: open /var/lib/app/app.log: read-only file system", "/var/lib/app"),
    ("/entrypoint.sh: line 12: /etc/app/app.conf: Read-only file system", "/etc/app"),
    ("touch: cannot touch '/usr/share/app/ok': Permission denied", "/usr/share/app"),
    ("mkdir: can't create directory '/data': Read-only file system", "/data"),
    ("Caused by: java.io.FileNotFoundException: /opt/app/logs/app.log (Permission denied)", "/opt/app/logs"),
    ('FATAL:  could not create lock file "/var/run/postgresql/.s.PGSQL.5432.lock": Read-only file system',
     "/var/run/postgresql"),
    ("sed: couldn't open temporary file /etc/app/sedXyz: Permission denied", "/etc/app"),
    ("sh: can't create /pid: Read-only file system", "/"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "folder"), WRITES)
def test_a_folder_that_is_not_writable(message: str, folder: str) -> None:
    parsed = permission_errors.find_permission_error(message)
    assert parsed is not None
    assert (parsed.cause, parsed.values.get("folder", "")) == ("not-writable", folder)


SQLITE = """\
Traceback (most recent call last):
  File "/srv/shop/app.py", line 9, in <module>
    db.execute("CREATE TABLE a (b)")
sqlite3.OperationalError: attempt to write a readonly database
"""
RELATIVE = """\
Traceback (most recent call last):
  File "/srv/shop/app.py", line 3, in <module>
    open("data/state", "w")
OSError: [Errno 30] Read-only file system: 'data/state'
"""
CREATED = RELATIVE.replace('open("data/state", "w")', 'os.makedirs("data")').replace("data/state", "data")
BESIDE_THE_CODE = RELATIVE.replace("data/state", "state.db")
SHELL = "touch: cannot touch 'data/state': Read-only file system"
HOME = "OSError: [Errno 30] Read-only file system: '/.cache'"
NPM = "npm error code EROFS: read-only file system, mkdir '/root/.npm/_logs'"


@pytest.mark.parametrize(
    ("message", "working_dir", "folder", "hint"),
    [
        (RELATIVE, "", "/srv/shop/data", None),
        (RELATIVE, "/work", "/work/data", None),
        (CREATED, "", "/srv/shop/data", None),
        (BESIDE_THE_CODE, "", "/srv/shop", permission_errors.CODE_HINT),
        (RELATIVE.replace("data/state", "/etc/shop/a.conf"), "", "/etc/shop", permission_errors.CODE_HINT),
        (RELATIVE.replace("data/state", "/srv/a"), "", "/srv", permission_errors.CODE_HINT),
        (RELATIVE.replace("data/state", "/srv/lib/a"), "", "/srv/lib", None),
        (SHELL, "", "data", permission_errors.RELATIVE_HINT),
        (SHELL, "/app", "/app/data", None),
        (SHELL.replace("data/", ""), "", "", permission_errors.UNKNOWN_HINT),
        (SQLITE, "", "", permission_errors.UNKNOWN_HINT),
        (HOME, "", "/", permission_errors.HOME_HINT),
        (NPM, "", "/root/.npm/_logs", permission_errors.HOME_HINT),
    ],
)
def test_the_hint_depends_on_the_folder(message: str, working_dir: str, folder: str, hint: str | None) -> None:
    """A folder with the program's own files must stay: an empty one would hide them."""
    parsed = permission_errors.find_permission_error(message, working_dir=working_dir)
    assert parsed is not None
    assert (parsed.cause, parsed.values.get("folder", ""), parsed.hint) == ("not-writable", folder, hint)


def test_the_command_shows_the_folder_of_the_code() -> None:
    parsed = permission_errors.find_permission_error(SHELL, command=["sh", "/opt/shop/run.sh"])
    assert parsed is not None
    assert (parsed.values.get("folder", ""), parsed.hint) == ("/opt/shop/data", None)


ROOT_REQUIRED = [
    "chown: changing ownership of '/data': Operation not permitted",
    "su-exec: setgroups: Operation not permitted",
    'error: failed switching to "redis": operation not permitted',
    "nginx: [emerg] setgid(101) failed (1: Operation not permitted)",
    "This script must be run as root",
    "E: this program requires root",
    "mount: only root can do that, you must be root",
    "Could not open lock file, are you root?",
]


PORTS = [
    "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)",
    "listen tcp :443: bind: permission denied",
    "Error: listen EACCES: permission denied 0.0.0.0:80",
    "(13)Permission denied: AH00072: make_sock: could not bind to address [::]:80",
    "[Errno 13] error while attempting to bind on address ('0.0.0.0', 80): permission denied",  # uvicorn
    "[7] [ERROR] connection to ('0.0.0.0', 80) failed: [Errno 13] Permission denied",  # gunicorn
]
PYTHON_BIND = """\
Traceback (most recent call last):
  File "/usr/lib/python3.11/socketserver.py", line 472, in server_bind
    self.socket.bind(self.server_address)
PermissionError: [Errno 13] Permission denied
"""


@pytest.mark.parametrize(
    ("cause", "message"),
    [*(("needs-rights", message) for message in ROOT_REQUIRED), *(("low-port", message) for message in PORTS)],
)
def test_a_missing_right(cause: str, message: str) -> None:
    expected = message_parsers.ParsedMessage(cause=cause, message=message)
    assert permission_errors.find_permission_error(f"starting\n{message}\n") == expected


OTHER_ERRORS = [
    "",
    "KeyError: 'DATABASE_URL'",
    "permission denied",  # of a database, of an API: no path, no port
    'FATAL:  permission denied for table "orders"',
    "listen tcp :8080: bind: address already in use",
    '"root" execution of the PostgreSQL server is not permitted.',
    "10-listen.sh: info: can not modify /etc/nginx/conf.d/default.conf (read-only file system?)\nno such directive",
    "warning: /data/x: Permission denied\nKeyError: 'A'",
    "GET https://example.com/a/b: Permission denied",
    "/data/x: Permission denied\n" + "a line\n" * permission_errors.MAX_LINES,
]


@pytest.mark.parametrize("message", OTHER_ERRORS)
def test_other_errors(message: str) -> None:
    assert permission_errors.find_permission_error(message) is None


def test_python_names_no_port() -> None:
    parsed = permission_errors.find_permission_error(PYTHON_BIND)
    assert parsed is not None
    assert parsed.cause == "low-port"
    assert permission_errors.find_permission_error(PYTHON_BIND.replace("bind", "connect")) is None


def test_the_last_of_several_errors_counts() -> None:
    output = "chown: /data: Operation not permitted\ntouch: /data/x: Read-only file system\n"
    parsed = permission_errors.find_permission_error(output)
    assert parsed is not None
    assert (parsed.cause, parsed.values.get("folder", "")) == ("not-writable", "/data")
