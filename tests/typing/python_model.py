"""What a type checker accepts and rejects in an application in Python. `make check` runs pyright on it.

Each `pyright: ignore` is an error that an editor shows; one without an error fails too.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from typing import Unpack

import seaway as sw

NAMES = ["A", "B"]
SMALL = sw.Resources(cpu="50m", gpu=1)
COMMON: sw.ServiceKeys = {"port": 8000, "secrets": NAMES, "resources": SMALL}


def build_services(name: str, **keys: Unpack[sw.ServiceKeys]) -> list[sw.Service]:
    """Functions take and pass on the keys of a service."""
    defaults: sw.ServiceKeys = {"build": {"context": f"./{name}", "args": {"LEVEL": 3}}}
    web = sw.Service(name, **(defaults | keys))
    return [web, sw.Service(f"{name}-worker", **(COMMON | {"calls": [web.name]}))]


web = sw.Service(
    "web",
    build="./web",
    port=8000,
    ports={"metrics": 9090, "beacon": {"port": 9999, "protocol": "udp"}},
    calls=("api", "db"),
    health=["check", "--now"],
    scale={"min": 2, "max": 10, "cpu": "70%"},
    stop_grace_period="1m30s",
    secrets=["A", sw.Secret("B", generate=32)],
    files=[sw.File("/etc/motd", content="Hello.\n")],
    sidecars={"proxy": {"image": "proxy:1", "env": {"PORT": 80, "RATE": 0.5}}},
    raw={"Deployment": {"spec": {"minReadySeconds": 5, "template": [None]}}},
)
db = sw.Store("db", image="postgres:17", volume={"path": "/data", "size": "1Gi"}, secrets={"A": None})

application = sw.Application(
    "shop", services=[web, *build_services("api")], stores=(db,), jobs={"once": {"uses": "web"}}
)

sw.Service("web", prot=8000)  # pyright: ignore[reportCallIssue]
sw.Service("web", port="8000")  # pyright: ignore[reportArgumentType]
sw.Service("web", calls="api")  # pyright: ignore[reportArgumentType]
sw.Service("web", calls={"api"})  # pyright: ignore[reportArgumentType]
sw.Service("web", secrets="A")  # pyright: ignore[reportArgumentType]
sw.Service("web", secrets={"A": {"generated": 32}})  # pyright: ignore[reportArgumentType]
sw.Service("web", health={"ready": "/readyz"})  # pyright: ignore[reportArgumentType]
sw.Service("web", build={"target": "runtime"})  # pyright: ignore[reportArgumentType]
sw.Service("web", protocol="htp")  # pyright: ignore[reportArgumentType]
sw.Service()  # pyright: ignore[reportCallIssue]
sw.Store("db", volume={"path": "/data"})  # pyright: ignore[reportArgumentType]
sw.Health(ready="/readyz")  # pyright: ignore[reportCallIssue]
sw.Servce("web")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
sw.Application("shop", services=[db])  # pyright: ignore[reportArgumentType]
