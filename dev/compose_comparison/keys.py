"""The outcome of each key of the specification, from examples. Writes the table of docs/compose.md.

``python -m dev.compose_comparison.keys``
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from dev import environment
from seaway.compose import report
from seaway.compose.importer import convert
from seaway.compose.loader import loader
from seaway.files import roots

ROOT = environment.ROOT
PAGE = ROOT / "docs" / "compose.md"
BEGIN, END = "<!-- keys: make compose-keys -->\n", "<!-- end of the keys -->\n"

SERVICE = """
annotations: {example.com/team: shop}
attach: false
blkio_config: {weight: 300}
build: {context: ./app}
cap_add: [CHOWN]
cap_drop: [ALL]
cgroup: host
cgroup_parent: m-executor
command: [nginx, -g, daemon off;]
configs: [{source: site, target: /etc/site.conf}]
container_name: shop_web
cpu_count: 2
cpu_percent: 50
cpu_period: 100000
cpu_quota: 50000
cpu_rt_period: 400ms
cpu_rt_runtime: 400ms
cpu_shares: 73
cpus: 0.5
cpuset: "0,1"
credential_spec: {file: ./spec.json}
depends_on: {db: {condition: service_healthy}}
depends_on: {migrate: {condition: service_completed_successfully}}
depends_on: [mail]
deploy: {endpoint_mode: dnsrr}
deploy: {labels: {a: b}}
deploy: {mode: global}
deploy: {placement: {constraints: ["node.labels.disk==ssd"]}}
deploy: {placement: {max_replicas_per_node: 1}}
deploy: {placement: {preferences: [{spread: node.labels.zone}]}}
deploy: {replicas: 3}
deploy: {resources: {limits: {cpus: "0.5", memory: 256M}}}
deploy: {resources: {limits: {pids: 100}}}
deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 1}]}}}
deploy: {resources: {reservations: {memory: 128M}}}
deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}
deploy: {rollback_config: {parallelism: 1}}
deploy: {update_config: {parallelism: 1}}
develop: {watch: [{action: rebuild, path: ./app}]}
device_cgroup_rules: ["c 1:3 mr"]
devices: ["/dev/ttyUSB0:/dev/ttyUSB0"]
dns: 192.0.2.53
dns_opt: ["ndots:2"]
dns_search: example.com
domainname: example.com
entrypoint: [/docker-entrypoint.sh]
env_file: ./web.env
environment: {MODE: fast}
environment: [NAME_ALONE]
expose: ["9000"]
extends: {service: api}
external_links: [other_db]
extra_hosts: ["archive=192.0.2.7"]
extra_hosts: ["host.docker.internal=host-gateway"]
gpus: all
group_add: ["2000", mail]
healthcheck: {test: [CMD, curl, -f, http://localhost], interval: 30s, timeout: 10s, retries: 3, start_period: 1m}
healthcheck: {disable: true}
hostname: web_1
image: nginx:1.29
init: true
ipc: host
isolation: default
label_file: ./labels.env
labels: {com.example.team: shop}
labels: {kompose.service.type: loadbalancer}
labels: {traefik.enable: "true"}
links: ["db:database"]
logging: {driver: syslog}
mac_address: 02:42:ac:11:65:43
mem_limit: 256m
mem_reservation: 128m
mem_swappiness: 10
memswap_limit: 1g
models: [llm]
network_mode: host
network_mode: none
network_mode: service:api
networks: {front: {aliases: [shop.local]}}
networks: {front: {ipv4_address: 10.5.0.2}}
networks: [front]
oom_kill_disable: true
oom_score_adj: 100
pid: host
pids_limit: 100
platform: linux/amd64
ports: ["8080:80"]
ports: ["127.0.0.1:8080:80"]
ports: ["9000:9000/udp"]
post_start: [{command: [./warm.sh]}]
pre_stop: [{command: [./drain.sh]}]
privileged: true
profiles: [debug]
provider: {type: cloud}
pull_policy: always
pull_refresh_after: 24h
read_only: true
restart: unless-stopped
restart: on-failure
runtime: runc
scale: 2
secrets: [token]
secrets: [{source: token, target: api_key, mode: 0400}]
security_opt: ["no-new-privileges:true"]
security_opt: ["seccomp:unconfined"]
shm_size: 64m
stdin_open: true
stop_grace_period: 30s
stop_signal: SIGQUIT
storage_opt: {size: 1G}
sysctls: {net.core.somaxconn: "1024"}
sysctls: {net.ipv4.tcp_syncookies: "0"}
tmpfs: /run
tty: true
ulimits: {nofile: 20000}
use_api_socket: true
user: "1000"
user: root
userns_mode: host
uts: host
volumes: ["./site.conf:/etc/nginx/conf.d/default.conf:ro"]
volumes: ["./html:/usr/share/nginx/html"]
volumes: ["/etc/localtime:/etc/localtime:ro"]
volumes: ["/srv/data:/data"]
volumes: ["/var/run/docker.sock:/var/run/docker.sock"]
volumes: ["files:/srv/files"]
volumes: ["data:/backup:ro"]
volumes: [/cache]
volumes_from: [api]
working_dir: /srv
"""
"""One key of a service per line; some keys have several meanings."""

BUILD = """
additional_contexts: {shared: ./html}
additional_contexts: {base: docker-image://alpine:3.20}
additional_contexts: {api: service:api}
args: {VERSION: "2"}
cache_from: ["type=registry,ref=example.com/cache"]
cache_to: ["type=registry,ref=example.com/cache"]
context: ./app
context: https://github.com/example/app.git
dockerfile: Containerfile
dockerfile_inline: "FROM nginx:1.29"
entitlements: [network.host]
extra_hosts: ["archive=192.0.2.7"]
isolation: default
labels: {a: b}
network: host
no_cache: true
platforms: [linux/amd64]
privileged: true
provenance: true
pull: true
sbom: true
secrets: [token]
shm_size: 64m
ssh: [default]
tags: ["example.com/web:1"]
target: runtime
ulimits: {nofile: 20000}
"""

TOP = """
name: My_Shop
version: "3.8"
include: [./parts.yml]
models: {llm: {model: ai/smollm2}}
networks: {front: {driver: macvlan}}
networks: {front: {driver_opts: {mtu: "1400"}}}
networks: {front: {attachable: true}}
networks: {front: {enable_ipv4: true}}
networks: {front: {enable_ipv6: true}}
networks: {front: {external: true}}
networks: {front: {internal: true}}
networks: {front: {ipam: {config: [{subnet: 10.5.0.0/16}]}}}
networks: {front: {labels: {a: b}}}
networks: {front: {name: shop_front}}
volumes: {files: {driver: nfs}}
volumes: {files: {driver_opts: {type: nfs}}}
volumes: {files: {external: true}}
volumes: {files: {labels: {kompose.volume.size: 5Gi}}}
volumes: {files: {name: shop_files}}
secrets: {token: {file: ./token.txt}}
secrets: {token: {environment: TOKEN}}
secrets: {token: {external: true}}
secrets: {token: {file: ./token.txt, labels: {a: b}}}
secrets: {token: {file: ./token.txt, name: shop_token}}
secrets: {token: {file: ./token.txt, driver: vault}}
secrets: {token: {file: ./token.txt, driver_opts: {a: b}}}
secrets: {token: {file: ./token.txt, template_driver: golang}}
configs: {site: {content: "a=1"}}
configs: {site: {file: ./site.conf}}
configs: {site: {environment: MODE}}
configs: {site: {external: true}}
configs: {site: {content: "a=1", labels: {a: b}}}
configs: {site: {content: "a=1", name: shop_site}}
configs: {site: {content: "a=1", template_driver: golang}}
x-anything: {a: b}
"""

MERGED = {
    "env_file": "read: its lines are keys of `environment`",
    "label_file": "read: its lines are keys of `labels`",
    "extends": "read: its keys are in the service",
    "include": "read: its resources are in the document",
    "version": "obsolete, and not read",
}
"""Keys that the loaded document does not have."""

FILES = {
    "app/Dockerfile": "FROM nginx:1.29\n",
    "app/Containerfile": "FROM nginx:1.29\n",
    "html/index.html": "hi\n",
    "site.conf": "server {}\n",
    "spec.json": "{}\n",
    "labels.env": "a=b\n",
    "web.env": "A=1\n",
    "token.txt": "x\n",
    "parts.yml": "services: {post: {image: 'axllent/mailpit:v1'}}\n",
    ".env": "MODE=fast\nTOKEN=x\n",
}
"""The files in the examples."""

OTHERS = """
  api: {build: ./app, image: "example.com/api:1", expose: ["8000"], volumes: ["shared:/srv/shared"], user: "1000"}
  db: {image: "postgres:17", volumes: ["data:/var/lib/postgresql/data"]}
  mail: {image: "axllent/mailpit:v1"}
  migrate: {image: "example.com/api:1", command: [migrate], user: "1000"}
"""
REST = {
    "networks": "{front: {}}",
    "volumes": "{files: {}, shared: {}, data: {}}",
    "secrets": "{token: {file: ./token.txt}}",
    "configs": '{site: {content: "a=1"}}',
    "models": "{llm: {model: ai/smollm2}}",
}


def format_document(section: str, line: str) -> str:
    """A whole document with one example. ``section``: service, build or top."""
    key, _, setting = line.partition(":")
    web = ["image: nginx:1.29"] if section != "service" or key not in ("image", "build", "provider") else []
    if section == "build":
        context = [] if key == "context" else ["context: ./app"]
        web = [f"build: {{{', '.join([*context, line])}}}", *(["image: example.com/web:1"] if key == "tags" else [])]
    web += [line] if section == "service" else []
    if section == "top" and key in ("networks", "volumes", "secrets", "configs"):
        name = {"networks": "front", "volumes": '"files:/srv/files"', "secrets": "token", "configs": "site"}[key]
        web.append(f"{key}: [{name}]")
    rest = REST | ({key: setting.strip()} if section == "top" else {})
    if section == "top" and key == "volumes":
        rest["volumes"] = f"{rest['volumes'][:-1]}, shared: {{}}, data: {{}}}}"
    top = "\n".join(f"{name}: {fields}" for name, fields in rest.items())
    return "services:\n  web:\n" + "".join(f"    {line}\n" for line in web) + OTHERS.lstrip("\n") + top + "\n"


def write_files(folder: Path) -> None:
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)


def get_outcomes(section: str, line: str, folder: Path) -> Sequence[report.KeyOutcome]:
    """The outcomes of an example's key."""
    file = folder / "compose.yaml"
    file.write_text(format_document(section, line))
    project = loader.load([file], within=roots.Root(folder), profiles=["*"])
    conversion = convert.convert_document(project.root, folder=folder, outcomes=project.outcomes)
    key = line.partition(":")[0]
    path = {"service": f"services.web.{key}", "build": f"services.web.build.{key}", "top": key}[section]
    return [outcome for outcome in conversion.outcomes if f"{outcome.path}.".startswith(f"{path}.")]


def list_examples() -> Iterator[tuple[str, str]]:
    """The section of each example, and the example."""
    for section, lines in (("service", SERVICE), ("build", BUILD), ("top", TOP)):
        yield from ((section, line) for line in lines.strip().splitlines())


def format_table() -> str:
    rows: list[str] = []
    titles = {"service": "### A service", "build": "### `build` of a service", "top": "### The rest of the file"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "shop"
        write_files(folder)
        previous = ""
        for section, line in list_examples():
            if section != previous:
                rows += [*([""] if previous else []), titles[section], "", "| key | outcome | how |", "|---|---|---|"]
                previous = section
            rows.append(_format_row(line, get_outcomes(section, line, folder)))
    return "\n".join(rows) + "\n"


def _format_row(line: str, outcomes: Sequence[report.KeyOutcome]) -> str:
    if not outcomes:
        return f"| `{line}` | kept | {MERGED.get(line.partition(':')[0], 'unchanged')} |"
    worst = max((outcome.kind for outcome in outcomes), key=report.KINDS.index, default="kept")
    messages = dict.fromkeys("; ".join(filter(None, (outcome.message, outcome.hint))) for outcome in outcomes)
    return f"| `{line}` | {worst} | {'. '.join(filter(None, messages)) or 'unchanged'} |".replace("\n", " ")


def format_page(old: str) -> str:
    """The page with a new table."""
    head, _, rest = old.partition(BEGIN)
    return f"{head}{BEGIN}\n{format_table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(format_page(PAGE.read_text()))
    sys.exit(0)
