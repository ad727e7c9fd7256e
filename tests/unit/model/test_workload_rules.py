"""Rules about ports, probes, extra containers, jobs and volumes; resolved sidecars."""

from pathlib import Path

import pytest

from seaway.model import application
from seaway.project import load
from seaway.syntax import diagnosis
from tests.unit.model import tables


def web(body: str) -> str:
    api = "  api: {image: nginx, port: 81, ports: {metrics: 82}}\n"
    return f"name: shop\nservices:\n{api}  web:\n    image: nginx\n{body}"


def store(body: str) -> str:
    return f"name: shop\nstores:\n  db: {{image: postgres, port: 5432, volume: {{path: /data, size: 1Gi}}, {body}}}\n"


def job(body: str) -> str:
    return f"name: shop\njobs:\n  report: {{image: nginx, {body}}}\n"


VALID = [
    web("    port: 1\n    ports: {metrics: 2, dns: {port: 1, protocol: udp}}"),
    web("    ports: {metrics: 9090}"),
    web("    port: 1\n    protocol: grpc\n    health: grpc:shop.v1.Cart"),
    web("    port: 1\n    protocol: grpc\n    health: tcp"),
    web("    port: 1\n    protocol: udp\n    health: [python, -m, live]"),
    web("    workingDir: /srv/app\n    daemonSet: true"),
    web(
        "    calls: [api]\n    init: {wait: {command: [wait]}}\n"
        "    sidecars: {proxy: {image: envoy, port: 9000, health: /ready}, api-too: {uses: api}}"
    ),
    web("    writable: [/run/sock]\n    sidecars: {proxy: {writable: [/run/sock, /var/cache]}}"),
    store("volumes: {wal: {path: /wal, size: 2Gi, storageClass: fast.ssd}}, retain: false, ports: {metrics: 9187}"),
    store("sidecars: {backup: {writable: [/data]}}"),
    job(
        'schedule: "0 3 * * *", timeZone: Europe/Berlin, startingDeadline: 60, concurrencyPolicy: replace,'
        " historyLimit: 0"
    ),
    job("run: on-demand, backoffLimit: 0, historyLimit: 5"),
    job("run: after-rollout"),
]

INVALID = {
    "port name": (
        web("    ports: {Metrics: 1, main: 2, a--b: 3, '12': 4, one-too-many-letters: 5}"),
        "6:13: .ports.Metrics: invalid-name",
        "6:25: .ports.main: invalid-name",
        "6:34: .ports.a--b: invalid-name",
        "6:43: .ports.12: invalid-name",
        "6:52: .ports.one-too-many-letters: invalid-name",
    ),
    "duplicate port": (
        web("    port: 1\n    ports: {metrics: 1, other: 0}"),
        "7:13: .ports.metrics: duplicate-port",
        "7:25: .ports.other: invalid-port",
    ),
    "protocol without port": (web("    protocol: grpc"), "6:5: .protocol: missing-port"),
    "probes without port": (
        web("    health: {readiness: grpc, liveness: tcp}"),
        "6:14: .health.readiness: missing-port",
        "6:31: .health.liveness: missing-port",
    ),
    "probe of a UDP port": (web("    port: 53\n    protocol: udp\n    health: tcp"), "8:5: .health: invalid-probe"),
    "HTTP probe of a gRPC port": (
        web("    port: 1\n    protocol: grpc\n    health: /healthz"),
        "8:5: .health: invalid-probe",
    ),
    "empty gRPC service": (web("    port: 1\n    health: 'grpc:'"), "7:5: .health: invalid-probe"),
    "variable of two links": (
        web("    calls: [api, api-metrics]\n  api-metrics: {image: nginx, port: 83}"),
        "6:18: .calls.1: duplicate-variable",
    ),
    "working directory": (web("    workingDir: srv"), "6:5: .workingDir: invalid-path"),
    "scale of a daemon set": (
        web("    daemonSet: true\n    scale: 2\n    spread: require"),
        "7:5: .scale: conflicting-keys",
        "8:5: .spread: conflicting-keys",
    ),
    "extra container name": (
        web("    sidecars: {web: {}, a: {}}\n    init: {a: {}, B: {}}"),
        "6:16: .sidecars.web: duplicate-name",
        "7:12: .init.a: duplicate-name",
        "7:19: .init.B: invalid-name",
    ),
    "extra container image": (
        web("    sidecars: {a: {image: nginx, uses: api}, b: {uses: apy}, c: {image: NGINX}}"),
        "6:34: .sidecars.a.uses: conflicting-keys",
        "6:50: .sidecars.b.uses: unknown-service",
        "6:66: .sidecars.c.image: invalid-image",
    ),
    "extra container port": (
        web(
            "    port: 80\n    sidecars: {a: {port: 80}, b: {port: 0, health: /x}, c: {health: tcp}}\n"
            "    init: {d: {port: 1, health: tcp}}"
        ),
        "7:20: .sidecars.a.port: duplicate-port",
        "7:35: .sidecars.b.port: invalid-port",
        "7:61: .sidecars.c.health: missing-port",
        "8:16: .init.d.port: no-effect",
        "8:25: .init.d.health: no-effect",
    ),
    "fields of a sidecar": (
        web("    sidecars: {a: {user: 0, env: {1X: a}, writable: [cache], resources: {memory: '1'}}}"),
        "6:20: .sidecars.a.user: root-user",
        "6:35: .sidecars.a.env.1X: invalid-name",
        "6:54: .sidecars.a.writable.0: invalid-path",
        "6:74: .sidecars.a.resources.memory: invalid-quantity",
    ),
    "schedule": (
        job('schedule: "0 3 * *", timeZone: Berlin, startingDeadline: 5, run: on-demand'),
        "3:26: jobs.report.schedule: invalid-schedule",
        "3:47: jobs.report.timeZone: unknown-time-zone",
        "3:65: jobs.report.startingDeadline: invalid-value",
        "3:86: jobs.report.run: conflicting-keys",
    ),
    "no schedule": (
        job("timeZone: UTC, concurrencyPolicy: allow, startingDeadline: 300, backoffLimit: -1, historyLimit: -1"),
        "3:26: jobs.report.timeZone: no-effect",
        "3:41: jobs.report.concurrencyPolicy: no-effect",
        "3:67: jobs.report.startingDeadline: no-effect",
        "3:90: jobs.report.backoffLimit: invalid-value",
        "3:108: jobs.report.historyLimit: invalid-value",
    ),
    "claim of two volumes": (
        "name: shop\nstores:\n"
        "  x-db: {image: p, port: 1, volume: {path: /a, size: 1Gi}, volumes: {a: {path: /b, size: 1Gi}}}\n"
        "  db: {image: p, port: 1, volume: {path: /a, size: 1Gi}, volumes: {a-x: {path: /b, size: 1Gi}}}\n",
        "4:68: stores.db.volumes.a-x: duplicate-name",
    ),
    "history of a release job": (job("historyLimit: 3"), "3:26: jobs.report.historyLimit: no-effect"),
    "volumes": (
        store("volumes: {data: {path: /a, size: 1Gi}, wal: {path: /data, size: '1', storageClass: Fast}}"),
        "3:81: stores.db.volumes.data: reserved-name",
        "3:116: stores.db.volumes.wal.path: duplicate-path",
        "3:129: stores.db.volumes.wal.size: invalid-quantity",
        "3:140: stores.db.volumes.wal.storageClass: invalid-name",
    ),
}


test_valid_input_has_no_errors, test_invalid_input_is_reported = tables.build_tests(VALID, INVALID)


def services(folder: Path, text: str) -> dict[str, application.Service]:
    (folder / "app" / "app.yaml").write_text(text)
    return {service.name: service for service in load.load_application(folder / "app" / "app.yaml").services}


def test_a_sidecar_has_the_user_of_its_image(folder: Path) -> None:
    text = """\
name: shop
services:
  api: {image: example.com/api:1, user: 12}
  web:
    image: example.com/web:1
    user: 11
    sidecars: {own: {}, other: {uses: api}, public: {image: example.com/envoy:1}, declared: {user: 7}}
"""
    web = services(folder, text)["web"]
    assert {sidecar.name: sidecar.user for sidecar in web.sidecars} == {
        "own": 11,
        "other": 12,
        "public": 10001,
        "declared": 7,
    }


def test_sidecars_have_files_and_secrets(folder: Path) -> None:
    text = """\
name: shop
services:
  web:
    image: example.com/web:1
    secrets: {KEY: {generate: 9}}
    sidecars: {a: {files: {/a: app.toml}, secrets: [KEY]}}
"""
    (sidecar,) = services(folder, text)["web"].sidecars
    assert (sidecar.files[0].content, sidecar.secrets[0].generate) == ("title = 1\n", 9)
    with pytest.raises(diagnosis.InvalidInput, match=r"sidecars\.a\.files"):
        services(folder, text.replace("app.toml", "nowhere.toml"))


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (application.Job("migrate"), True),
        (application.Job("warm", run="after-rollout"), True),
        (application.Job("repair", run="on-demand"), False),
        (application.Job("report", schedule="@daily"), False),
    ],
)
def test_jobs_that_a_rollback_does_not_run_again(job: application.Job, expected: bool) -> None:
    assert job.is_release_job() is expected
