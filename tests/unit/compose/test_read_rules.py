"""What a whole Compose document must keep to: names that are there, keys that exclude one another."""

from pathlib import Path

import pytest

from seaway.compose.loader import loader
from seaway.files import roots
from seaway.syntax import diagnosis

HEAD = "services:\n  web:\n    image: page\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services:\n  web: {}\n", "2:8: services.web: has neither an image nor a build; add `image:` or `build:`"),
        (
            f"{HEAD}    build: {{dockerfile: a, dockerfile_inline: b}}\n",
            "4:28: services.web.build.dockerfile_inline: has `dockerfile` beside it; keep one of the two",
        ),
        (
            f"{HEAD}    build: {{additional_contexts: {{a: 'service:db'}}}}\n",
            '4:35: services.web.build.additional_contexts.a: no service "db" is built here; there are: web',
        ),
        (
            f"{HEAD}    platform: a\n    build: {{platforms: [b]}}\n",
            "4:5: services.web.platform: a is none of the platforms that are built: b; add it to `build.platforms`",
        ),
        (
            f"{HEAD}    networks: [n]\n",
            '4:16: services.web.networks.n: there is no "n" below `networks:`;'
            " add `networks: {n: ...}` at the top level",
        ),
        (
            f"{HEAD}    volumes: [datta:/a]\nvolumes: {{data: }}\n",
            '4:15: services.web.volumes.0: there is no "datta" below `volumes:`; did you mean data?',
        ),
        (
            f"{HEAD}    volumes: ['./a:b']\n",
            '4:15: services.web.volumes.0.target: "b" is no path from the root of the container; write it as /data',
        ),
        (
            f"{HEAD}    volumes: ['d:/data']\nvolumes: {{d: }}\n",
            '4:15: services.web.volumes.0.target: "d:/data" is no path from the root of the container;'
            " write it as /data",
        ),
        (
            f"{HEAD}    secrets: [s]\n",
            '4:15: services.web.secrets.0: there is no "s" below `secrets:`; add `secrets: {s: ...}` at the top level',
        ),
        (
            f"{HEAD}    depends_on: [wep]\n",
            '4:18: services.web.depends_on.wep: there is no service "wep"; did you mean web?',
        ),
        (
            f"{HEAD}    network_mode: host\n    networks: [n]\nnetworks: {{n: }}\n",
            "4:5: services.web.network_mode: has `networks` beside it; keep one of the two",
        ),
        (
            f"{HEAD}    scale: 2\n    deploy: {{replicas: 3}}\n",
            "4:5: services.web.scale: 2 is another value than 3 of `deploy.replicas`; keep one of the two",
        ),
        (
            f"{HEAD}    mem_limit: 1g\n    deploy: {{resources: {{limits: {{memory: 1025M}}}}}}\n",
            "4:5: services.web.mem_limit: 1g is another value than 1025M of `deploy.resources.limits.memory`;"
            " keep one of the two",
        ),
        (
            f"{HEAD}    cpus: 2\n    deploy: {{resources: {{limits: {{memory: 1g}}}}}}\n",
            "4:5: services.web.cpus: has `deploy.resources.limits` beside it;"
            " write `deploy.resources.limits.cpus: 2` there",
        ),
        (
            f"{HEAD}    container_name: one\n  api: {{image: page, container_name: one}}\n",
            '5:22: services.api.container_name: the container of web is called "one" too; remove one of the two',
        ),
        (
            f"{HEAD}    devices: [{{source: /dev/fuse}}]\n",
            "4:15: services.web.devices.0: has no target; add `target:`, a path in the container",
        ),
        (
            "services:\n  web: {image: ''}\n",
            "2:8: services.web: has neither an image nor a build; add `image:` or `build:`",
        ),
        (f"{HEAD}    scale: -1\n", "4:5: services.web.scale: -1 is too few; write 0 or more"),
        (
            f"{HEAD}    scale: 2\n    container_name: page\n",
            "5:5: services.web.container_name: 2 containers cannot have one name; remove it",
        ),
        (
            f"{HEAD}    tmpfs: /a\n    volumes: [/a]\n",
            "5:15: services.web.volumes.0: /a is mounted twice: see services.web.tmpfs.0; remove one",
        ),
        (
            f"{HEAD}    volumes: [{{type: tmpfs}}]\n",
            "4:15: services.web.volumes.0: has no target; add `target:`, a path in the container",
        ),
        (
            f"{HEAD}    volumes: [{{type: bind, target: /a}}]\n",
            "4:15: services.web.volumes.0: has no source; add `source:`, a path on the machine",
        ),
        (
            f"{HEAD}    healthcheck: {{test: [curl]}}\n",
            '4:26: services.web.healthcheck.test: "curl" is not CMD, CMD-SHELL or NONE;'
            ' begin with it: ["CMD", "curl", ...]',
        ),
        (
            f"{HEAD}    ports: [{{host_ip: here, target: 1}}]\n",
            '4:13: services.web.ports.0.host_ip: "here" is no address; write it as 127.0.0.1',
        ),
        (
            f"{HEAD}    ports: [{{published: '1'}}]\n",
            "4:13: services.web.ports.0: has no target; add `target:`, the port in the container",
        ),
        (
            f"{HEAD}    ports: [{{target: 70000}}]\n",
            "4:13: services.web.ports.0.target: 70000 is no TCP port; write one from 1 to 65535",
        ),
        (
            f"{HEAD}    develop: {{watch: [{{path: a, action: sync}}]}}\n",
            "4:23: services.web.develop.watch.0: has no target; add `target:`, where to copy to",
        ),
        (
            f"{HEAD}    gpus: [{{count: 1, device_ids: [a]}}]\n",
            "4:12: services.web.gpus.0: has `count` and `device_ids`; keep one of the two",
        ),
        (
            f"{HEAD}    depends_on: [db]\n  db: {{image: a, depends_on: [web]}}\n",
            "5:31: services.db.depends_on.web: waits for itself: web -> db -> web; take one of these out",
        ),
        (
            f"{HEAD}secrets:\n  a: {{}}\n",
            "5:3: secrets.a: has no content; add file, environment or `external: true`",
        ),
        (
            f"{HEAD}configs:\n  a: {{file: main.yml, content: b}}\n",
            "5:3: configs.a: has file and content; keep one of them",
        ),
        (
            f"{HEAD}volumes:\n  a: {{external: true, driver: b}}\n",
            "5:23: volumes.a.driver: the volume is external, and is not made here; remove it",
        ),
        (
            f"{HEAD}volumes:\n  a: {{external: {{name: b}}, name: c}}\n",
            '5:18: volumes.a.external.name: has the name "c" too; keep `name:`, and `external: true`',
        ),
        (
            "services:\n  we b: {image: a}\n",
            '2:3: services.we b: "we b" is no name that Compose allows; use letters, digits, ., _ and -',
        ),
    ],
)
def test_rules(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "main.yml").write_text(text)
    with pytest.raises(diagnosis.InvalidInput) as caught:
        loader.load([tmp_path / "main.yml"], within=roots.Root(tmp_path))
    assert str(caught.value) == f"main.yml:{message}"


def test_a_long_chain_of_waits_is_no_circle(tmp_path: Path) -> None:
    services = "".join(f"  s{n}: {{image: a, depends_on: [s{n + 1}]}}\n" for n in range(400))
    (tmp_path / "main.yml").write_text(f"services:\n{services}  s400: {{image: a}}\n")
    assert loader.load([tmp_path / "main.yml"], within=roots.Root(tmp_path)).inactive_services == {}
