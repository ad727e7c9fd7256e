# ruff: noqa: E501 - a message stands in one line, as it is printed
"""Each rule: what passes, what fails, and the exact words."""

from collections.abc import Callable
from pathlib import Path

import pytest

Said = Callable[..., list[str]]

A = "app/app.yaml"
DNS = "use a-z, 0-9 and -; begin with a letter and end with a letter or digit"
PATH = "write it from the root, as /etc/app.toml, without .., : or a / at the end"
FROM = "write a path relative to the application's file"
REPEAT = "remove one of the two"

BASE = """\
name: shop
services:
  web: {image: nginx, port: 80}
  work: {image: nginx}
"""


def web(body: str) -> str:
    return f"name: shop\nservices:\n  api: {{image: nginx, port: 81}}\n  work: {{image: nginx}}\n  web:\n{body}"


def store(body: str) -> str:
    return f"name: shop\nstores:\n  db: {{image: postgres, port: 5432, volume: {{path: /data, size: 1Gi}}, {body}}}\n"


IMAGE = "    image: nginx\n"
PASSES = [
    web(f"{IMAGE}    port: 1\n    publish: true\n    health: /healthz"),
    web(f"{IMAGE}    port: 65535\n    calls: [api, web]"),
    web(f"{IMAGE}    health: [python, -m, live]"),
    web("    build: ./web"),
    web("    image: registry.example.com:5000/team/web_x/y.z:1.4@sha256:" + "0" * 64),
    web(f"{IMAGE}    calls: [api]\n    env: {{API_URL: http://other, discovery.type: single}}"),
    web(f"{IMAGE}    resources: {{cpu: 0.5, memory: 1.5Gi}}"),
    web(f"{IMAGE}    resources: {{cpu: 2, memory: 500M}}"),
    web(f"{IMAGE}    user: 1\n    scale: 1\n    writable: [/var/cache]"),
    web(f"{IMAGE}    files: {{/a: app.toml, /b: {{content: ''}}}}"),
    store("health: {liveness: [pg_isready], startPeriod: 1}, user: 999"),
    # Links in a circle, and against the order: `calls` neither orders nor forbids.
    BASE.replace("80}", "80, calls: [back], dependsOn: [back]}") + "  back: {image: x, port: 81, calls: [web, back]}\n",
    BASE.replace("80}", "80, dependsOn: [a, b]}")
    + "  a: {image: x, dependsOn: [b]}\n  b: {image: x, dependsOn: [work]}\n",
    BASE + "jobs:\n  m: {uses: web, timeout: 1}\n",
    BASE + "jobs:\n  migrate: {uses: web}\n  other: {image: x, calls: [web]}\n",
]


@pytest.mark.parametrize("text", PASSES)
def test_passes(said: Said, text: str) -> None:
    assert said(text) == []


FAILS = {
    "app name": ("name: Shop\n", f'1:1: name: "Shop" is no DNS name; {DNS}'),
    "name": ("name: a\nservices:\n  a_b: {image: x}", f'3:3: services.a_b: "a_b" is no DNS name; {DNS}'),
    "long": (
        f"name: a\nservices:\n  {'b' * 64}: {{image: x}}",
        f"3:3: services.{'b' * 64}: the name {'b' * 64} has 64 characters; shorten it to 63 at most",
    ),
    "long store": (
        store("").replace("db", "d" * 53),
        f"3:3: stores.{'d' * 53}: the name {'d' * 53} has 53 characters; shorten it to 52 at most",
    ),
    "unique": (
        BASE + "jobs:\n  web: {image: x}",
        "6:3: jobs.web: the name web is also that of services.web; rename one of the two",
    ),
    "no image": (web("    port: 80"), "5:3: services.web: has no image; add `build: <folder>` or `image: <reference>`"),
    "no image of a job": (
        BASE + "jobs:\n  m: {}",
        "6:3: jobs.m: has no image; add `build: <folder>` or `image: <reference>` or `uses: <service>`",
    ),
    "two images": (
        web(f"{IMAGE}    build: ./web"),
        "6:5: services.web.image: build and image both name an image; keep one of them",
    ),
    "bad image": (
        web("    image: Nginx"),
        '6:5: services.web.image: "Nginx" is no image reference; write [registry/]name[:tag], the name in lower case',
    ),
    "port": (
        web(f"{IMAGE}    port: 70000"),
        "7:5: services.web.port: 70000 is no TCP port (1 to 65535); write the port that the program listens on",
    ),
    "expose": (
        web(f"{IMAGE}    publish: true"),
        "7:5: services.web.publish: is true, but there is no port; add `port:`, or remove expose",
    ),
    "health without port": (
        web(f"{IMAGE}    health: /healthz"),
        '7:5: services.web.health: "/healthz" is asked over HTTP, but there is no port; add `port:`, or ask with a'
        " command: [program, argument]",
    ),
    "health": (
        store("health: {readiness: pg_isready}"),
        '3:80: stores.db.health.readiness: "pg_isready" is no HTTP path, and not grpc, grpc:<service> or tcp; begin a path with /, or write a command as a list:'
        " [program, argument]",
    ),
    "health command": (
        store("health: {liveness: []}"),
        "3:80: stores.db.health.liveness: the command is empty; write [program, argument]",
    ),
    "startup": (
        store("health: {startPeriod: 0}"),
        "3:80: stores.db.health.startPeriod: 0 is no time to start; write the seconds that a start may take, 1 at least",
    ),
    "questions": (
        store("health: {interval: 0}"),
        "3:80: stores.db.health.interval: 0 is no time between two questions; write seconds, 1 at least",
    ),
    "an answer": (
        store("health: {timeout: 0}"),
        "3:80: stores.db.health.timeout: 0 is no time for an answer; write seconds, 1 at least",
    ),
    "answers": (
        store("health: {retries: -1}"),
        "3:80: stores.db.health.retries: -1 is no number of answers; write how many wrong ones count, 1 at least",
    ),
    "a store of datagrams": (
        store("protocol: udp"),
        "3:71: stores.db.protocol: is udp, and a store listens on TCP; write tcp, http or grpc",
    ),
    "a second name": (
        store("publish: true") + "services: {db-outside: {image: x, port: 1}}\n",
        "3:71: stores.db.publish: db-outside is what the store is called outside, and another name in the application;"
        " rename that one",
    ),
    "all ports and one": (
        web(f"{IMAGE}    port: 80\n    allPorts: true"),
        "8:5: services.web.allPorts: is true, and a port is written; remove one of the two",
    ),
    "shared with each other": (
        "name: shop\nstores:\n  a: {image: x, volume: {path: /a, size: 1Gi}, sharedVolumes: {/b: b}}\n"
        "  b: {image: x, volume: {path: /b, size: 1Gi}, sharedVolumes: {/a: a}}\n",
        "3:48: stores.a.sharedVolumes: a -> b -> a each run where the disk of the next is, and none would start; let one of"
        " them own both disks",
    ),
    "shared by nobody": (
        web(f"{IMAGE}    sharedVolumes: {{/b: db}}"),
        '7:14: services.web.sharedVolumes./b: there is no store "db"; there are none',
    ),
    "shared disk that is not there": (
        store("") + "services: {web: {image: x, sharedVolumes: {/b: {store: db, volume: wal}}}}\n",
        '4:37: services.web.sharedVolumes./b: db has no disk "wal"; there are none',
    ),
    "shared by every node": (
        store("") + "services: {web: {image: x, daemonSet: true, sharedVolumes: {/b: db}}}\n",
        "4:53: services.web.sharedVolumes./b: is a disk of one node, and daemonSet asks for all of them; leave out one of the"
        " two",
    ),
    "call to nobody": (
        web(f"{IMAGE}    calls: [apo]"),
        '7:13: services.web.calls.0: there is no service or store "apo"; did you mean api?',
    ),
    "call without port": (
        web(f"{IMAGE}    calls: [work]"),
        "7:13: services.web.calls.0: work has no port to call; add `port:` to services.work, or remove the link",
    ),
    "call twice": (
        web(f"{IMAGE}    calls: [api, api]"),
        f"7:18: services.web.calls.1: api is in the list twice; {REPEAT}",
    ),
    "job without time": (
        BASE + "jobs:\n  m: {uses: web, timeout: 0}",
        "6:18: jobs.m.timeout: 0 is no time to run; write the seconds that the job may take, 1 at least",
    ),
    "uses": (
        BASE + "jobs:\n  m: {uses: x}",
        '6:7: jobs.m.uses: there is no service "x"; there are: web, work',
    ),
    "variable": (
        web(f"{IMAGE}    env: {{1A: x}}"),
        '7:11: services.web.env.1A: "1A" is no name of an environment variable; use letters, digits, _, - and .,'
        " and no digit first",
    ),
    "env and secret": (
        web(f"{IMAGE}    env: {{A: x}}\n    secrets: {{A: {{generate: 8}}}}"),
        "8:15: services.web.secrets.A: A is in env too; keep the one in secrets or the one in env",
    ),
    "link and secret": (
        web(f"{IMAGE}    calls: [api]\n    secrets: [API_URL]"),
        "8:15: services.web.secrets.API_URL: API_URL is what the link to api gives; rename the secret",
    ),
    "nul": (
        web(f'{IMAGE}    env: {{A: "\\0"}}'),
        "7:11: services.web.env.A: the value has a NUL character; remove it, or use a file",
    ),
    "cpu": (
        web(f"{IMAGE}    resources: {{cpu: 0}}"),
        '7:17: services.web.resources.cpu: "0" is no amount of CPU; write cores, as 0.5, or thousandths of one, as 500m',
    ),
    "memory": (
        web(f"{IMAGE}    resources: {{memory: 128m}}"),
        '7:17: services.web.resources.memory: "128m" is no amount of bytes with a unit; write it as 128Mi (Ki, Mi, Gi or'
        " Ti)",
    ),
    "size": (
        store("").replace("1Gi", "10"),
        '3:59: stores.db.volume.size: "10" is no amount of bytes with a unit; write it as 1Gi (Ki, Mi, Gi or Ti)',
    ),
    "root": (
        web(f"{IMAGE}    user: 0"),
        "7:5: services.web.user: 0 is root; write the numeric id of the image's own user, or leave it out for 10001",
    ),
    "user of the image": (
        web(f"{IMAGE}    user: null"),
        "7:5: services.web.user: is null: the image's own user may be root, and security is restricted; write the"
        " numeric id of that user, or `security: baseline`",
    ),
    "user of the image, beside another": (
        web(f"{IMAGE}    sidecars: {{a: {{image: x, user: null}}}}"),
        "7:30: services.web.sidecars.a.user: is null, and the pod has a user; write its numeric id, or let the pod's be"
        " null too",
    ),
    "user": (
        web(f"{IMAGE}    user: -1"),
        "7:5: services.web.user: -1 is no user id (1 to 2147483647); write the numeric id of the image's own user",
    ),
    "scale": (web(f"{IMAGE}    scale: 0"), "7:5: services.web.scale: 0 pods serve nobody; write 1 or more"),
    "relative": (
        web(f"{IMAGE}    writable: [var/../x]"),
        f'7:16: services.web.writable.0: "var/../x" is no absolute path of a file or folder; {PATH}',
    ),
    "tmp": (
        web(f"{IMAGE}    writable: [/tmp]"),
        "7:16: services.web.writable.0: /tmp is mounted twice: see /tmp, which is always writable; remove one",
    ),
    "mounted twice": (
        store("writable: [/data]"),
        "3:46: stores.db.volume.path: /data is mounted twice: see stores.db.writable.0; remove one",
    ),
    "no content": (
        web(f"{IMAGE}    files: [/a]"),
        "7:13: services.web.files./a: has no content; write either `source: <file>` or `content: <text>`",
    ),
    "two contents": (
        web(f"{IMAGE}    files: {{/a: {{source: app.toml, content: x}}}}"),
        "7:13: services.web.files./a: has both source and content; write either `source: <file>` or `content: <text>`",
    ),
    "no file": (
        web(f"{IMAGE}    files: {{/a: b.toml}}"),
        f'7:13: services.web.files./a: "b.toml" cannot be read (No such file or directory); {FROM}',
    ),
    "no path": (
        web(f'{IMAGE}    files: {{/a: "b\\0"}}'),
        '7:13: services.web.files./a: "b\\u0000" is not a path; correct it',
    ),
    "no folder": (web("    build: ./wep"), f'6:5: services.web.build: there is no folder "./wep"; {FROM}'),
    "no dockerfile": (
        web("    build: {context: web, dockerfile: Dockerfile.x}"),
        '6:27: services.web.build.dockerfile: there is no "Dockerfile.x" in "web"; add it, or name it with'
        " `dockerfile:`, relative to the context",
    ),
}


@pytest.mark.parametrize("case", FAILS)
def test_fails(said: Said, case: str) -> None:
    text, line = FAILS[case]
    assert said(text) == [f"{A}:{line}"]


def test_files_are_text_and_fit_into_a_config_map(said: Said, folder: Path) -> None:
    (folder / "app" / "binary").write_bytes(b"\xff")
    (folder / "app" / "big").write_text("x" * 1_000_001)
    assert said(web(f"{IMAGE}    files: {{/a: binary}}\n  z: {{image: x, files: {{/b: big}}}}")) == [
        f"{A}:7:13: services.web.files./a: binary is no UTF-8 text; save it as UTF-8, or build it into the image",
        f"{A}:8:17: services.z.files: the files have 1000001 bytes; keep them under 1000000; build big ones into the image",
    ]
