# ruff: noqa: E501 - a message stands in one line, as it is printed
"""Companions, ports, questions, jobs by the clock, disks: what passes, what fails, and the exact words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from seaway.model import application
from seaway.project import load
from seaway.syntax import diagnosis

Said = Callable[..., list[str]]

A = "app/app.yaml"
FIVE = "write minute, hour, day, month and weekday, as 30 3 * * mon-fri, or @daily"
COMMAND = "ask with a command: [program, argument]"


def web(body: str) -> str:
    return f"name: shop\nservices:\n  api: {{image: nginx, port: 81, ports: {{metrics: 82}}}}\n  web:\n    image: nginx\n{body}"


def store(body: str) -> str:
    return f"name: shop\nstores:\n  db: {{image: postgres, port: 5432, volume: {{path: /data, size: 1Gi}}, {body}}}\n"


def job(body: str) -> str:
    return f"name: shop\njobs:\n  report: {{image: nginx, {body}}}\n"


PASSES = [
    web("    port: 1\n    ports: {metrics: 2, dns: {port: 1, protocol: udp}}"),
    web("    ports: {metrics: 9090}"),
    web("    port: 1\n    protocol: grpc\n    health: grpc:shop.v1.Cart"),
    web("    port: 1\n    protocol: grpc\n    health: tcp"),
    web("    port: 1\n    protocol: udp\n    health: [python, -m, live]"),
    web("    workingDir: /srv/app\n    daemonSet: true"),
    web(
        "    calls: [api]\n    init: {wait: {command: [wait]}}\n    sidecars: {proxy: {image: envoy, port: 9000, health: /ready}, api-too: {uses: api}}"
    ),
    web("    writable: [/run/sock]\n    sidecars: {proxy: {writable: [/run/sock, /var/cache]}}"),
    store("volumes: {wal: {path: /wal, size: 2Gi, storageClass: fast.ssd}}, retain: false, ports: {metrics: 9187}"),
    store("sidecars: {backup: {writable: [/data]}}"),
    job(
        'schedule: "0 3 * * *", timeZone: Europe/Berlin, startingDeadline: 60, concurrencyPolicy: replace, historyLimit: 0'
    ),
    job("run: on-demand, backoffLimit: 0, historyLimit: 5"),
    job("run: after-rollout"),
]


@pytest.mark.parametrize("text", PASSES)
def test_passes(said: Said, text: str) -> None:
    assert said(text) == []


FAILS = {
    "port's name": (
        web("    ports: {Metrics: 1, main: 2, a--b: 3, '12': 4, one-too-many-letters: 5}"),
        [
            f'{A}:6:13: services.web.ports.Metrics: "Metrics" is no name of another port; use at most 15 of a-z, 0-9 and -, a letter among them; main is the name of `port`',
            f'{A}:6:25: services.web.ports.main: "main" is no name of another port; use at most 15 of a-z, 0-9 and -, a letter among them; main is the name of `port`',
            f'{A}:6:34: services.web.ports.a--b: "a--b" is no name of another port; use at most 15 of a-z, 0-9 and -, a letter among them; main is the name of `port`',
            f'{A}:6:43: services.web.ports.12: "12" is no name of another port; use at most 15 of a-z, 0-9 and -, a letter among them; main is the name of `port`',
            f'{A}:6:52: services.web.ports.one-too-many-letters: "one-too-many-letters" is no name of another port; use at most 15 of a-z, 0-9 and -, a letter among them; main is the name of `port`',
        ],
    ),
    "port twice": (
        web("    port: 1\n    ports: {metrics: 1, other: 0}"),
        [
            f"{A}:7:13: services.web.ports.metrics: 1 is also services.web.port; remove one of the two",
            f"{A}:7:25: services.web.ports.other: 0 is no TCP port (1 to 65535); write the port that the program listens on",
        ],
    ),
    "protocol of nothing": (
        web("    protocol: grpc"),
        [f"{A}:6:5: services.web.protocol: is grpc, but there is no port; add `port:`, or remove protocol"],
    ),
    "question of nobody": (
        web("    health: {readiness: grpc, liveness: tcp}"),
        [
            f'{A}:6:14: services.web.health.readiness: "grpc" is asked over gRPC, but there is no port; add `port:`, or {COMMAND}',
            f'{A}:6:27: services.web.health.liveness: "tcp" is asked over TCP, but there is no port; add `port:`, or {COMMAND}',
        ],
    ),
    "question to a datagram": (
        web("    port: 53\n    protocol: udp\n    health: tcp"),
        [f'{A}:8:5: services.web.health: "tcp" is asked over TCP, but the port speaks udp; {COMMAND}'],
    ),
    "path of gRPC": (
        web("    port: 1\n    protocol: grpc\n    health: /healthz"),
        [
            f'{A}:8:5: services.web.health: "/healthz" is asked over HTTP, but the port speaks grpc; write grpc or tcp, or {COMMAND}'
        ],
    ),
    "no question": (
        web("    port: 1\n    health: 'grpc:'"),
        [
            f'{A}:7:5: services.web.health: "grpc:" is no HTTP path, and not grpc, grpc:<service> or tcp; begin a path with /, or write a command as a list: [program, argument]'
        ],
    ),
    "one variable, two links": (
        web("    calls: [api, api-metrics]\n  api-metrics: {image: nginx, port: 83}"),
        [
            f"{A}:6:18: services.web.calls.1: API_METRICS_PORT is what the link to api gives too; rename the port that gives it, or set it in env"
        ],
    ),
    "folder": (
        web("    workingDir: srv"),
        [
            f'{A}:6:5: services.web.workingDir: "srv" is no absolute path of a file or folder; write it from the root, as /etc/app.toml, without .., : or a / at the end'
        ],
    ),
    "pods of every node": (
        web("    daemonSet: true\n    scale: 2\n    spread: require"),
        [
            f"{A}:7:5: services.web.scale: is said beside daemonSet, which is one pod on every node; remove one of the two",
            f"{A}:8:5: services.web.spread: is said beside daemonSet, which is one pod on every node; remove one of the two",
        ],
    ),
    "companion's name": (
        web("    sidecars: {web: {}, a: {}}\n    init: {a: {}, B: {}}"),
        [
            f"{A}:6:16: services.web.sidecars.web: the name web is also that of services.web, in the same pod; rename one of the two",
            f"{A}:7:12: services.web.init.a: the name a is also that of services.web.sidecars.a, in the same pod; rename one of the two",
            f'{A}:7:19: services.web.init.B: "B" is no DNS name; use a-z, 0-9 and -; begin with a letter and end with a letter or digit',
        ],
    ),
    "companion's image": (
        web("    sidecars: {a: {image: nginx, uses: api}, b: {uses: apy}, c: {image: NGINX}}"),
        [
            f"{A}:6:34: services.web.sidecars.a.uses: image and uses both name an image; keep one of them",
            f'{A}:6:50: services.web.sidecars.b.uses: there is no service "apy"; did you mean api?',
            f'{A}:6:66: services.web.sidecars.c.image: "NGINX" is no image reference; write [registry/]name[:tag], the name in lower case',
        ],
    ),
    "companion's port": (
        web(
            "    port: 80\n    sidecars: {a: {port: 80}, b: {port: 0, health: /x}, c: {health: tcp}}\n    init: {d: {port: 1, health: tcp}}"
        ),
        [
            f"{A}:7:20: services.web.sidecars.a.port: 80 is also services.web.port, and the containers of a pod share one address; let one of the two listen on another port",
            f"{A}:7:35: services.web.sidecars.b.port: 0 is no TCP port (1 to 65535); write the port that the program listens on",
            f'{A}:7:61: services.web.sidecars.c.health: "tcp" is asked over TCP, but there is no port; add `port:`, or {COMMAND}',
            f"{A}:8:16: services.web.init.d.port: is of no use: an init container runs to its end, and nobody asks how it is; remove it, or let it be one of the sidecars",
            f"{A}:8:25: services.web.init.d.health: is of no use: an init container runs to its end, and nobody asks how it is; remove it, or let it be one of the sidecars",
        ],
    ),
    "companion's container": (
        web("    sidecars: {a: {user: 0, env: {1X: a}, writable: [cache], resources: {memory: '1'}}}"),
        [
            f"{A}:6:20: services.web.sidecars.a.user: 0 is root; write the numeric id of the image's own user, or leave it out for 10001",
            f'{A}:6:35: services.web.sidecars.a.env.1X: "1X" is no name of an environment variable; use letters, digits, _, - and ., and no digit first',
            f'{A}:6:54: services.web.sidecars.a.writable.0: "cache" is no absolute path of a file or folder; write it from the root, as /etc/app.toml, without .., : or a / at the end',
            f'{A}:6:74: services.web.sidecars.a.resources.memory: "1" is no amount of bytes with a unit; write it as 128Mi (Ki, Mi, Gi or Ti)',
        ],
    ),
    "schedule": (
        job('schedule: "0 3 * *", timeZone: Berlin, startingDeadline: 5, run: on-demand'),
        [
            f'{A}:3:26: jobs.report.schedule: "0 3 * *" has 4 fields, and cron has five; {FIVE}',
            f'{A}:3:47: jobs.report.timeZone: there is no time zone "Berlin"; write one of the tz database, as Europe/Berlin',
            f"{A}:3:65: jobs.report.startingDeadline: 5 s may pass between two looks at the clock, and it would never run; write 10 or more",
            f"{A}:3:81: jobs.report.run: is on-demand beside a schedule; remove one of the two",
        ],
    ),
    "no schedule": (
        job("timeZone: UTC, concurrencyPolicy: allow, startingDeadline: 300, backoffLimit: 0, historyLimit: -1"),
        [
            f"{A}:3:26: jobs.report.timeZone: says nothing without a schedule; add `schedule:`, or remove it",
            f"{A}:3:41: jobs.report.concurrencyPolicy: says nothing without a schedule; add `schedule:`, or remove it",
            f"{A}:3:57: jobs.report.startingDeadline: says nothing without a schedule; add `schedule:`, or remove it",
            f"{A}:3:75: jobs.report.backoffLimit: 0 tries are none; write 1 or more",
            f"{A}:3:85: jobs.report.historyLimit: -1 is no number of runs; write 0 or more",
        ],
    ),
    "one claim, two disks": (
        "name: shop\nstores:\n  x-db: {image: p, port: 1, volume: {path: /a, size: 1Gi}, volumes: {a: {path: /b, size: 1Gi}}}\n  db: {image: p, port: 1, volume: {path: /a, size: 1Gi}, volumes: {a-x: {path: /b, size: 1Gi}}}\n",
        [
            f"{A}:4:68: stores.db.volumes.a-x: its claim would be a-x-db-0, as that of stores.x-db.volumes.a; rename one of the two"
        ],
    ),
    "history of one run": (
        job("historyLimit: 3"),
        [
            f"{A}:3:26: jobs.report.historyLimit: says nothing of a job that runs once a release: its log stays until the next one; add `schedule:` or `run: on-demand`, or remove it"
        ],
    ),
    "disks": (
        store("volumes: {data: {path: /a, size: 1Gi}, wal: {path: /data, size: '1', storageClass: Fast}}"),
        [
            f"{A}:3:81: stores.db.volumes.data: data is what another volume of the pod may be called; choose another name, as wal",
            f"{A}:3:116: stores.db.volumes.wal.path: /data is mounted twice: see stores.db.volume.path; remove one",
            f'{A}:3:129: stores.db.volumes.wal.size: "1" is no amount of bytes with a unit; write it as 1Gi (Ki, Mi, Gi or Ti)',
            f'{A}:3:140: stores.db.volumes.wal.storageClass: "Fast" is no name of a storage class; write one that `kubectl get storageclasses` shows',
        ],
    ),
}


@pytest.mark.parametrize("case", FAILS)
def test_fails(said: Said, case: str) -> None:
    text, wrong = FAILS[case]
    assert said(text) == wrong


def services(folder: Path, text: str) -> dict[str, application.Service]:
    (folder / "app" / "app.yaml").write_text(text)
    return {one.name: one for one in load.load_application(folder / "app" / "app.yaml").services}


def test_a_companion_has_the_user_that_its_image_is_made_for(folder: Path) -> None:
    text = """\
name: shop
services:
  api: {image: example.com/api:1, user: 12}
  web:
    image: example.com/web:1
    user: 11
    sidecars: {own: {}, other: {uses: api}, public: {image: example.com/envoy:1}, said: {user: 7}}
"""
    web = services(folder, text)["web"]
    assert {one.name: one.user for one in web.sidecars} == {"own": 11, "other": 12, "public": 10001, "said": 7}


def test_companions_files_and_secrets_are_read_like_any_other(folder: Path) -> None:
    text = """\
name: shop
services:
  web:
    image: example.com/web:1
    secrets: {KEY: {generate: 9}}
    sidecars: {a: {files: {/a: app.toml}, secrets: [KEY]}}
"""
    (one,) = services(folder, text)["web"].sidecars
    assert (one.files[0].content, one.secrets[0].generate) == ("title = 1\n", 9)
    with pytest.raises(diagnosis.InvalidInput, match=r"sidecars\.a\.files"):
        services(folder, text.replace("app.toml", "nowhere.toml"))


@pytest.mark.parametrize(
    ("job", "released"),
    [
        (application.Job("migrate"), True),
        (application.Job("warm", run="after-rollout"), True),
        (application.Job("repair", run="on-demand"), False),
        (application.Job("report", schedule="@daily"), False),
    ],
)
def test_what_does_not_run_again_where_somebody_goes_back(job: application.Job, released: bool) -> None:
    assert job.is_release_job() is released
