"""Invalid projects: Seaway rejects everything that Docker Compose rejects, and reports the location."""

from collections.abc import Mapping
from pathlib import Path

CASES: Mapping[str, str] = {
    "a list of services": "services: [web]\n",
    "an unknown key of the file": "service:\n  web: {image: nginx}\n",
    "an unknown key of a service": "services:\n  web: {image: nginx, port: 80}\n",
    "neither image nor build": "services:\n  web: {restart: always}\n",
    "an empty service": "services:\n  web:\n",
    "a key twice": "services:\n  web: {image: nginx}\n  web: {image: httpd}\n",
    "a tab": "services:\n\tweb: {image: nginx}\n",
    "an alias without an anchor": "services:\n  web: *base\n",
    "an unknown service in depends_on": "services:\n  web: {image: nginx, depends_on: [db]}\n",
    "a cycle of depends_on": "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n",
    "a service that extends itself": "services:\n  a: {extends: b, image: x}\n  b: {extends: a, image: x}\n",
    "extends of an unknown service": "services:\n  a: {extends: {service: b}, image: x}\n",
    "a missing file": "services:\n  a: {extends: {service: b, file: other.yml}}\n",
    "an unknown condition": "services:\n  a: {image: x, depends_on: {b: {condition: ready}}}\n  b: {image: x}\n",
    "an undefined network": "services:\n  web: {image: nginx, networks: [front]}\n",
    "an undefined volume": "services:\n  web: {image: nginx, volumes: ['data:/data']}\n",
    "an undefined secret": "services:\n  web: {image: nginx, secrets: [key]}\n",
    "an undefined config": "services:\n  web: {image: nginx, configs: [page]}\n",
    "network_mode and networks": (
        "services:\n  web: {image: nginx, network_mode: host, networks: [front]}\nnetworks: {front: }\n"
    ),
    "network_mode of an unknown service": "services:\n  web: {image: nginx, network_mode: 'service:db'}\n",
    "a port that is not a number": "services:\n  web: {image: nginx, ports: ['web']}\n",
    "a port above 65535": "services:\n  web: {image: nginx, ports: ['70000:70000']}\n",
    "port ranges of different lengths": "services:\n  web: {image: nginx, ports: ['8000-8002:80-81']}\n",
    "an unknown protocol": "services:\n  web: {image: nginx, ports: ['80:80/http']}\n",
    "an invalid address": "services:\n  web: {image: nginx, ports: ['localhost:80:80']}\n",
    "a required variable": "services:\n  web: {image: 'nginx:${TAG:?say which}'}\n",
    "an unterminated variable": "services:\n  web: {image: 'nginx:${TAG'}\n",
    "an invalid variable name": "services:\n  web: {image: 'nginx:${1TAG}'}\n",
    "a missing env_file": "services:\n  web: {image: nginx, env_file: web.env}\n",
    "text instead of a number": "services:\n  web: {image: nginx, deploy: {replicas: many}}\n",
    "a duration without a unit": (
        "services:\n  web: {image: nginx, healthcheck: {test: ['CMD', 'true'], interval: '10'}}\n"
    ),
    "an invalid size": "services:\n  web: {image: nginx, mem_limit: much}\n",
    "a health check without CMD": "services:\n  web: {image: nginx, healthcheck: {test: ['curl', 'x']}}\n",
    "scale with different replicas": "services:\n  web: {image: nginx, scale: 2, deploy: {replicas: 3}}\n",
    "two containers with one name": "services:\n  web: {image: nginx, scale: 2, container_name: web}\n",
    "one name for two services": (
        "services:\n  a: {image: nginx, container_name: web}\n  b: {image: nginx, container_name: web}\n"
    ),
    "cpus with limits that lack cpus": (
        "services:\n  web: {image: nginx, cpus: 0.5, deploy: {resources: {limits: {memory: 1g}}}}\n"
    ),
    "two mounts at one path": "services:\n  web: {image: nginx, volumes: ['/data'], tmpfs: [/data]}\n",
    "a mount without a target": "services:\n  web: {image: nginx, volumes: ['./a:']}\n",
    "a mount with too many parts": "services:\n  web: {image: nginx, volumes: ['./a:/b:ro:x']}\n",
    "a secret without content": "services:\n  web: {image: nginx, secrets: [key]}\nsecrets: {key: {}}\n",
    "a config with two contents": (
        "services:\n  web: {image: nginx, configs: [page]}\nconfigs: {page: {file: ./a, content: b}}\n"
    ),
    "an external volume with a driver": (
        "services:\n  web: {image: nginx, volumes: ['data:/data']}\nvolumes: {data: {external: true, driver: local}}\n"
    ),
    "a file that includes itself": "include: [docker-compose.yml]\nservices:\n  web: {image: nginx}\n",
    "a missing included file": "include: [other.yml]\nservices:\n  web: {image: nginx}\n",
    "an invalid project name": "name: _\nservices:\n  web: {image: nginx}\n",
    "a service name with a space": "services:\n  'my web': {image: nginx}\n",
    "an unknown restart policy of deploy": (
        "services:\n  web: {image: nginx, deploy: {restart_policy: {max_attempts: often}}}\n"
    ),
    "a device with count and ids": (
        "services:\n  web: {image: nginx, gpus: [{driver: nvidia, count: 1, device_ids: ['0']}]}\n"
    ),
    "a watch without a target": (
        "services:\n  web: {image: nginx, build: ., develop: {watch: [{path: ., action: sync}]}}\n"
    ),
    "a Dockerfile twice": ("services:\n  web: {build: {context: ., dockerfile: a, dockerfile_inline: FROM scratch}}\n"),
    "an unterminated quote": 'services:\n  web: {image: nginx, command: "sh -c \'echo"}\n',
    "a number instead of an environment": "services:\n  web: {image: nginx, environment: 5}\n",
    "a list in a variable": "services:\n  web: {image: nginx, environment: {A: [1]}}\n",
    "a number as user": "services:\n  web: {image: nginx, user: 101}\n",
}

ONLY_HERE: Mapping[str, tuple[str, str]] = {
    "a variable of this machine": (
        "services:\n  web: {image: 'nginx:1', hostname: 'of-$PATH'}\n",
        "the project would not determine the deployment, and could contain a secret of the machine",
    ),
    "a build outside of the project": (
        "services:\n  web: {build: ../web}\n",
        "Seaway never reads a file outside the project: the folder of Pulumi.yaml, its git repository with"
        " `seaway:root: git`, or the working directory without Pulumi.yaml",
    ),
    "two documents": (
        "services:\n  web: {image: nginx}\n---\nservices:\n  web: {restart: always}\n",
        "Docker merges them, which is not in the specification; use two files",
    ),
    "a tag of YAML": (
        "services:\n  web: {image: !mine nginx}\n",
        "Docker ignores it silently",
    ),
    "a variable without a name": (
        "services:\n  web: {image: nginx, environment: ['=x']}\n",
        "no program can read it",
    ),
}
"""Projects that only Seaway rejects, each with the reason."""

ONLY_DOCKER: Mapping[str, tuple[str, str]] = {
    "a name that is a number": (
        "services:\n  web: {image: nginx, labels: {1: a}}\n",
        "a name is always text",
    ),
    "a date": (
        "services:\n  web: {image: nginx, environment: {DAY: 2020-01-01}}\n",
        "YAML 1.2 has no dates, so it is text",
    ),
    "a network twice": (
        "services:\n  web: {image: nginx, networks: [front, front]}\nnetworks: {front: }\n",
        "the second occurrence changes nothing",
    ),
    "an empty namespace": (
        "services:\n  web:\n    image: nginx\n    pid:\n",
        "the specification allows it, and Docker Compose panics",
    ),
    "-1 as text": ("services:\n  web: {image: nginx, memswap_limit: '-1'}\n", "its meaning is unambiguous"),
}
"""Projects that only Docker Compose rejects, each with the reason why Seaway accepts it."""


def write_project(text: str, folder: Path) -> Path:
    """Write the compose file of a project."""
    file = folder / "docker-compose.yml"
    file.write_text(text)
    return file
