"""Rules about names, images, links, variables, resources, users, paths and shared volumes."""

from pathlib import Path

from tests.unit.conftest import ExpectErrors
from tests.unit.model import tables

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
VALID = [
    web(f"{IMAGE}    port: 1\n    publish: true\n    health: /healthz"),
    web(f"{IMAGE}    port: 65535\n    calls: [api, web]"),
    web(f"{IMAGE}    health: [python, -m, live]"),
    web("    build: ./web"),
    web("    image: registry.example.com:5000/team/web_x/y.z:1.4@sha256:" + "0" * 64),
    web(f"{IMAGE}    calls: [api]\n    env: {{API_URL: http://other, discovery.type: single}}"),
    web(f"{IMAGE}    resources: {{cpu: 0.5, memory: 1.5Gi}}"),
    web(f"{IMAGE}    resources: {{cpu: 2, memory: 500M}}"),
    web(f"{IMAGE}    user: 1\n    scale: 1\n    writable: [/var/cache]"),
    web(f"{IMAGE}    port: 1\n    scale: 0\n    aliases: [old-web]"),
    web(f"{IMAGE}    files: {{/a: app.toml, /b: {{content: ''}}}}"),
    store("health: {liveness: [pg_isready], startPeriod: 1}, user: 999"),
    # Links in a circle, and against the order: `calls` neither orders nor forbids.
    BASE.replace("80}", "80, calls: [back], dependsOn: [back]}") + "  back: {image: x, port: 81, calls: [web, back]}\n",
    BASE.replace("80}", "80, dependsOn: [a, b]}")
    + "  a: {image: x, dependsOn: [b]}\n  b: {image: x, dependsOn: [work]}\n",
    BASE + "jobs:\n  m: {uses: web, timeout: 1}\n",
    BASE + "jobs:\n  migrate: {uses: web}\n  other: {image: x, calls: [web]}\n",
]

INVALID = {
    "application name": ("name: Shop\n", "1:1: name: invalid-name"),
    "workload name": ("name: a\nservices:\n  a_b: {image: x}", "3:3: services.a_b: invalid-name"),
    "long name": (
        f"name: a\nservices:\n  {'b' * 64}: {{image: x}}",
        "3:3: services.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb: name-too-long",
    ),
    "long store name": (
        store("").replace("db", "d" * 53),
        "3:3: stores.ddddddddddddddddddddddddddddddddddddddddddddddddddddd: name-too-long",
    ),
    "duplicate name": (BASE + "jobs:\n  web: {image: x}", "6:3: jobs.web: duplicate-name"),
    "no image": (web("    port: 80"), "5:3: services.web: missing-image"),
    "no image in a job": (BASE + "jobs:\n  m: {}", "6:3: jobs.m: missing-image"),
    "two images": (web(f"{IMAGE}    build: ./web"), "6:5: .image: conflicting-keys"),
    "invalid image": (web("    image: Nginx"), "6:5: .image: invalid-image"),
    "invalid port": (web(f"{IMAGE}    port: 70000"), "7:5: .port: invalid-port"),
    "publish without port": (web(f"{IMAGE}    publish: true"), "7:5: .publish: missing-port"),
    "probe without port": (web(f"{IMAGE}    health: /healthz"), "7:5: .health: missing-port"),
    "invalid probe": (store("health: {readiness: pg_isready}"), "3:80: stores.db.health.readiness: invalid-probe"),
    "empty probe command": (store("health: {liveness: []}"), "3:80: stores.db.health.liveness: invalid-probe"),
    "start period": (store("health: {startPeriod: 0}"), "3:80: stores.db.health.startPeriod: invalid-value"),
    "interval": (store("health: {interval: 0}"), "3:80: stores.db.health.interval: invalid-value"),
    "timeout": (store("health: {timeout: 0}"), "3:80: stores.db.health.timeout: invalid-value"),
    "retries": (store("health: {retries: -1}"), "3:80: stores.db.health.retries: invalid-value"),
    "store with UDP": (store("protocol: udp"), "3:71: stores.db.protocol: invalid-protocol"),
    "name of the published store": (
        store("publish: true") + "services: {db-outside: {image: x, port: 1}}\n",
        "3:71: stores.db.publish: duplicate-name",
    ),
    "all ports and a port": (web(f"{IMAGE}    port: 80\n    allPorts: true"), "8:5: .allPorts: conflicting-keys"),
    "volumes shared in a cycle": (
        "name: shop\nstores:\n  a: {image: x, volume: {path: /a, size: 1Gi}, sharedVolumes: {/b: b}}\n"
        "  b: {image: x, volume: {path: /b, size: 1Gi}, sharedVolumes: {/a: a}}\n",
        "3:48: stores.a.sharedVolumes: dependency-cycle",
    ),
    "unknown store": (web(f"{IMAGE}    sharedVolumes: {{/b: db}}"), "7:21: .sharedVolumes./b: unknown-store"),
    "unknown volume": (
        store("") + "services: {web: {image: x, sharedVolumes: {/b: {store: db, volume: wal}}}}\n",
        "4:44: .sharedVolumes./b: unknown-volume",
    ),
    "volume shared with a daemon set": (
        store("") + "services: {web: {image: x, daemonSet: true, sharedVolumes: {/b: db}}}\n",
        "4:61: .sharedVolumes./b: conflicting-keys",
    ),
    "link to an unknown workload": (web(f"{IMAGE}    calls: [apo]"), "7:13: .calls.0: unknown-workload"),
    "link without port": (web(f"{IMAGE}    calls: [work]"), "7:13: .calls.0: missing-port"),
    "duplicate link": (web(f"{IMAGE}    calls: [api, api]"), "7:18: .calls.1: duplicate-value"),
    "job timeout": (BASE + "jobs:\n  m: {uses: web, timeout: 0}", "6:18: jobs.m.timeout: invalid-value"),
    "unknown used service": (BASE + "jobs:\n  m: {uses: x}", "6:7: jobs.m.uses: unknown-service"),
    "variable name": (web(f"{IMAGE}    env: {{1A: x}}"), "7:11: .env.1A: invalid-name"),
    "secret in env": (
        web(f"{IMAGE}    env: {{A: x}}\n    secrets: {{A: {{generate: 8}}}}"),
        "8:15: .secrets.A: duplicate-variable",
    ),
    "secret named as a link variable": (
        web(f"{IMAGE}    calls: [api]\n    secrets: [API_URL]"),
        "8:15: .secrets.API_URL: duplicate-variable",
    ),
    "NUL character": (web(f'{IMAGE}    env: {{A: "\\0"}}'), "7:11: .env.A: invalid-value"),
    "NUL character in a word": (web(f'{IMAGE}    args: [a, "\\0"]'), "7:15: .args.1: invalid-value"),
    "long text": (web(f"{IMAGE}    env: {{A: {'x' * 131070}}}"), "7:11: .env.A: too-long"),
    "long word": (web(f"{IMAGE}    command: [{'x' * 131072}]"), "7:15: .command.0: too-long"),
    "cpu": (web(f"{IMAGE}    resources: {{cpu: 0}}"), "7:17: .resources.cpu: invalid-quantity"),
    "memory": (web(f"{IMAGE}    resources: {{memory: 128m}}"), "7:17: .resources.memory: invalid-quantity"),
    "memory limit": (
        web(f"{IMAGE}    resources: {{memory: 1Gi, memoryLimit: 512Mi}}"),
        "7:30: .resources.memoryLimit: conflicting-keys",
    ),
    "size": (store("").replace("1Gi", "10"), "3:59: stores.db.volume.size: invalid-quantity"),
    "root": (web(f"{IMAGE}    user: 0"), "7:5: .user: root-user"),
    "user of the image": (web(f"{IMAGE}    user: null"), "7:5: .user: root-user"),
    "user of the image in a sidecar": (
        web(f"{IMAGE}    sidecars: {{a: {{image: x, user: null}}}}"),
        "7:30: .sidecars.a.user: conflicting-keys",
    ),
    "invalid user": (web(f"{IMAGE}    user: -1"), "7:5: .user: invalid-user"),
    "fewer than no pods": (web(f"{IMAGE}    scale: -1"), "7:5: .scale: invalid-value"),
    "aliases": (
        web(f"{IMAGE}    port: 1\n    aliases: [api, A_b, ok, ok]"),
        "8:15: .aliases.0: duplicate-name",
        "8:20: .aliases.1: invalid-name",
        "8:29: .aliases.3: duplicate-name",
    ),
    "an alias without a port": (web(f"{IMAGE}    aliases: [x]"), "7:5: .aliases: missing-port"),
    "an alias like a published store": (
        store("publish: true").replace(
            "\n  db", "\n  x: {image: a, aliases: [db-outside], volume: {path: /d, size: 1Gi}}\n  db"
        ),
        "4:71: stores.db.publish: duplicate-name",
    ),
    "no base64": (web(f"{IMAGE}    files: {{/a: {{binary: x}}}}"), "7:18: .files./a.binary: invalid-value"),
    "relative path": (web(f"{IMAGE}    writable: [var/../x]"), "7:16: .writable.0: invalid-path"),
    "tmp": (web(f"{IMAGE}    writable: [/tmp]"), "7:16: .writable.0: duplicate-path"),
    "mounted twice": (store("writable: [/data]"), "3:46: stores.db.volume.path: duplicate-path"),
    "no content": (web(f"{IMAGE}    files: [/a]"), "7:13: .files./a: missing-value"),
    "two contents": (
        web(f"{IMAGE}    files: {{/a: {{source: app.toml, content: x}}}}"),
        "7:13: .files./a: conflicting-keys",
    ),
    "no file": (web(f"{IMAGE}    files: {{/a: b.toml}}"), "7:13: .files./a: file-not-found"),
    "invalid path": (web(f'{IMAGE}    files: {{/a: "b\\0"}}'), "7:13: .files./a: invalid-path"),
    "no folder": (web("    build: ./wep"), "6:5: .build: file-not-found"),
    "no Dockerfile": (
        web("    build: {context: web, dockerfile: Dockerfile.x}"),
        "6:27: .build.dockerfile: file-not-found",
    ),
}


test_valid_input_has_no_errors, test_invalid_input_is_reported = tables.build_tests(VALID, INVALID)


def test_files_fit_into_a_config_map(expect_errors: ExpectErrors, folder: Path) -> None:
    (folder / "app" / "binary").write_bytes(b"\xff")
    (folder / "app" / "big").write_text("x" * 1_000_001)
    text = web(f"{IMAGE}    files: {{/a: binary}}\n  z: {{image: x, files: {{/b: big}}}}")
    expect_errors(text, "8:17: services.z.files: too-large")
