"""The shop of app.yaml in Python: an editor completes and checks it.

A stack uses it with `pulumi config set seaway:app examples/shop/app.py`. Environments still differ by their own files.
"""

from seaway.model.application import (
    Application,
    Build,
    File,
    Health,
    Job,
    Resources,
    Scale,
    Secret,
    Service,
    Store,
    Volume,
)

SMALL = Resources(cpu="50m", memory="64Mi")

application = Application(
    "shop",
    services=(
        Service(
            "web",
            build=Build(context="./web"),
            port=8000,
            publish=True,
            calls=("api",),
            health=Health.shorthand("/healthz"),
            env={"TITLE": "Shop"},
            resources=SMALL,
        ),
        Service(
            "api",
            build=Build(context="./api"),
            port=8000,
            calls=("db",),
            health=Health(readiness="/readyz", liveness="/healthz"),
            secrets=(Secret("POSTGRES_PASSWORD"),),
            resources=SMALL,
        ),
        Service(
            "worker",
            build=Build(context="./worker"),
            calls=("api",),
            scale=Scale(min=1),
            files=(File("/etc/shop/worker.ini", source="./worker/worker.ini"),),
            resources=Resources(cpu="20m", memory="48Mi"),
        ),
    ),
    stores=(
        Store(
            "db",
            image="postgres:17",
            port=5432,
            volume=Volume(path="/var/lib/postgresql/data", size="1Gi"),
            env={"POSTGRES_USER": "shop", "POSTGRES_DB": "shop"},
            secrets=(Secret("POSTGRES_PASSWORD", generate=32),),
            resources=Resources(memory="256Mi"),
        ),
    ),
    jobs=(Job("migrate", uses="api", command=("python3", "migrate.py")),),
)
