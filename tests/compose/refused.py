"""Projects that are wrong: what Docker Compose refuses, we refuse too, and name the place."""

from collections.abc import Mapping
from pathlib import Path

CASES: Mapping[str, str] = {
    "a list of services": "services: [web]\n",
    "an unknown key of the file": "service:\n  web: {image: nginx}\n",
    "an unknown key of a service": "services:\n  web: {image: nginx, port: 80}\n",
    "neither image nor build": "services:\n  web: {restart: always}\n",
    "a service that is nothing": "services:\n  web:\n",
    "a key twice": "services:\n  web: {image: nginx}\n  web: {image: httpd}\n",
    "a tab": "services:\n\tweb: {image: nginx}\n",
    "an alias of nothing": "services:\n  web: *base\n",
    "an unknown service in depends_on": "services:\n  web: {image: nginx, depends_on: [db]}\n",
    "a circle of depends_on": "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n",
    "a service that extends itself": "services:\n  a: {extends: b, image: x}\n  b: {extends: a, image: x}\n",
    "extends of an unknown service": "services:\n  a: {extends: {service: b}, image: x}\n",
    "a file that is not there": "services:\n  a: {extends: {service: b, file: other.yml}}\n",
    "an unknown condition": "services:\n  a: {image: x, depends_on: {b: {condition: ready}}}\n  b: {image: x}\n",
    "an undefined network": "services:\n  web: {image: nginx, networks: [front]}\n",
    "an undefined volume": "services:\n  web: {image: nginx, volumes: ['data:/data']}\n",
    "an undefined secret": "services:\n  web: {image: nginx, secrets: [key]}\n",
    "an undefined config": "services:\n  web: {image: nginx, configs: [page]}\n",
    "network_mode and networks": (
        "services:\n  web: {image: nginx, network_mode: host, networks: [front]}\nnetworks: {front: }\n"
    ),
    "network_mode of an unknown service": "services:\n  web: {image: nginx, network_mode: 'service:db'}\n",
    "a port that is no number": "services:\n  web: {image: nginx, ports: ['web']}\n",
    "a port above 65535": "services:\n  web: {image: nginx, ports: ['70000:70000']}\n",
    "port ranges of two lengths": "services:\n  web: {image: nginx, ports: ['8000-8002:80-81']}\n",
    "an unknown protocol": "services:\n  web: {image: nginx, ports: ['80:80/http']}\n",
    "an address that is none": "services:\n  web: {image: nginx, ports: ['localhost:80:80']}\n",
    "a required variable": "services:\n  web: {image: 'nginx:${TAG:?say which}'}\n",
    "a variable without an end": "services:\n  web: {image: 'nginx:${TAG'}\n",
    "a variable with a wrong name": "services:\n  web: {image: 'nginx:${1TAG}'}\n",
    "an env_file that is not there": "services:\n  web: {image: nginx, env_file: web.env}\n",
    "a text for a number": "services:\n  web: {image: nginx, deploy: {replicas: many}}\n",
    "a duration without a unit": (
        "services:\n  web: {image: nginx, healthcheck: {test: ['CMD', 'true'], interval: '10'}}\n"
    ),
    "a size that is none": "services:\n  web: {image: nginx, mem_limit: much}\n",
    "a health check that begins with no CMD": "services:\n  web: {image: nginx, healthcheck: {test: ['curl', 'x']}}\n",
    "scale beside other replicas": "services:\n  web: {image: nginx, scale: 2, deploy: {replicas: 3}}\n",
    "two containers of one name": "services:\n  web: {image: nginx, scale: 2, container_name: web}\n",
    "one name for two services": (
        "services:\n  a: {image: nginx, container_name: web}\n  b: {image: nginx, container_name: web}\n"
    ),
    "cpus beside limits without it": (
        "services:\n  web: {image: nginx, cpus: 0.5, deploy: {resources: {limits: {memory: 1g}}}}\n"
    ),
    "two mounts at one path": "services:\n  web: {image: nginx, volumes: ['/data'], tmpfs: [/data]}\n",
    "a mount of nothing": "services:\n  web: {image: nginx, volumes: ['./a:']}\n",
    "a mount with too many parts": "services:\n  web: {image: nginx, volumes: ['./a:/b:ro:x']}\n",
    "a secret without content": "services:\n  web: {image: nginx, secrets: [key]}\nsecrets: {key: {}}\n",
    "a config with two contents": (
        "services:\n  web: {image: nginx, configs: [page]}\nconfigs: {page: {file: ./a, content: b}}\n"
    ),
    "an external volume with a driver": (
        "services:\n  web: {image: nginx, volumes: ['data:/data']}\nvolumes: {data: {external: true, driver: local}}\n"
    ),
    "a file that includes itself": "include: [docker-compose.yml]\nservices:\n  web: {image: nginx}\n",
    "an included file that is not there": "include: [other.yml]\nservices:\n  web: {image: nginx}\n",
    "a name of the project that is none": "name: _\nservices:\n  web: {image: nginx}\n",
    "a name of a service with a blank": "services:\n  'my web': {image: nginx}\n",
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
    "a quote without an end": 'services:\n  web: {image: nginx, command: "sh -c \'echo"}\n',
    "an environment that is a number": "services:\n  web: {image: nginx, environment: 5}\n",
    "a list in a variable": "services:\n  web: {image: nginx, environment: {A: [1]}}\n",
    "a user that is a number": "services:\n  web: {image: nginx, user: 101}\n",
}


def write(text: str, folder: Path) -> Path:
    """The file of such a project."""
    file = folder / "docker-compose.yml"
    file.write_text(text)
    return file
