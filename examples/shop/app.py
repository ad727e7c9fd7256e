"""The shop of app.yaml in Python: an editor completes and checks it.

A stack uses it with `pulumi config set seaway:app examples/shop/app.py`. Environments still differ by their own files.
"""

from typing import Unpack

import seaway as sw

PASSWORD = "POSTGRES_PASSWORD"  # noqa: S105 - its name


def build_service(name: str, **keys: Unpack[sw.ServiceKeys]) -> sw.Service:
    """A service that is built from the folder of its name. Keys of the call override those here."""
    defaults: sw.ServiceKeys = {"build": f"./{name}", "resources": {"cpu": "50m", "memory": "64Mi"}}
    return sw.Service(name, **(defaults | keys))


application = sw.Application(
    "shop",
    services=[
        build_service("web", port=8000, publish=True, calls=["api"], health="/healthz", env={"TITLE": "Shop"}),
        build_service(
            "api",
            port=8000,
            calls=["db"],
            # Without its database it is not ready, but a restart would not help.
            health={"readiness": "/readyz", "liveness": "/healthz"},
            secrets=[PASSWORD],
        ),
        build_service(
            "worker",
            calls=["api"],
            scale=1,
            files={"/etc/shop/worker.ini": "./worker/worker.ini"},
            resources={"cpu": "20m", "memory": "48Mi"},
        ),
    ],
    stores=[
        sw.Store(
            "db",
            image="postgres:17",
            port=5432,
            volume={"path": "/var/lib/postgresql/data", "size": "1Gi"},
            env={"POSTGRES_USER": "shop", "POSTGRES_DB": "shop"},
            secrets={PASSWORD: {"generate": 32}},
            resources={"memory": "256Mi"},
        ),
    ],
    jobs=[sw.Job("migrate", uses="api", command=["python3", "migrate.py"])],
)
