"""The same application as app.yaml, in Python: an editor and pyright check it."""

from seaway.model.application import (
    Application,
    Build,
    ExtraContainer,
    File,
    Health,
    Job,
    Port,
    Resources,
    Scale,
    Secret,
    Service,
    Store,
    Volume,
)

PYTHON = "python:3.12-slim"
THEME = ("python3", "/app/theme.py")

board = Service(
    "board",
    build=Build(context="./board", dockerfile="Containerfile", target="runtime", args={"EDITION": "evening"}),
    command=("python3", "/app/board.py"),
    args=("--title", "Notices"),
    working_dir="/var/cache/board",
    port=8000,
    protocol="http",
    ports=(Port("metrics", port=9090), Port("beacon", port=9999, protocol="udp")),
    publish=True,
    calls=("counter", "journal"),
    egress=("10.9.0.0/16", "192.0.2.7/32:5432"),
    depends_on=("counter",),
    health=Health(readiness="/readyz", liveness="/healthz", start_period=30),
    pre_stop_delay=2,
    stop_grace_period=20,
    scale=Scale(min=2, max=4, cpu="80%", memory="80%"),
    resources=Resources(cpu="50m", memory="64Mi", cpu_limit="1", disk="256Mi"),
    env_file=("./board.env",),
    env={"LOG_LEVEL": "debug"},
    secrets=(Secret("SESSION_KEY", generate=32), Secret("LICENCE", generate=12, env=True)),
    files=(File("/etc/board/board.ini", source="./board.ini"), File("/etc/board/motd", content="Be kind.\n")),
    user=10002,
    security="restricted",
    writable=("/var/cache/board", "/var/run/ticks"),
    node_selector={"kubernetes.io/os": "linux"},
    tolerations=("dedicated=board:NoSchedule",),
    spread="prefer",
    init=(
        ExtraContainer(
            "theme",
            command=THEME,
            args=("/var/cache/board",),
            env={"COLOUR": "teal"},
            writable=("/var/cache/board",),
        ),
    ),
    sidecars=(
        ExtraContainer(
            "ticker",
            image=PYTHON,
            command=("python3", "ticker.py"),
            working_dir="/srv",
            files=(File("/srv/ticker.py", source="./ticker/ticker.py"),),
            env_file=("./ticker.env",),
            writable=("/var/run/ticks",),
            user=10002,
            port=8081,
            health=Health(readiness="/healthz", liveness="/healthz"),
            resources=Resources(cpu="20m", memory="32Mi"),
        ),
    ),
    raw={
        "Deployment": {
            "metadata": {"annotations": {"example.com/team": "notices"}},
            "spec": {
                "template": {"spec": {"hostAliases": [{"ip": "192.0.2.7", "hostnames": ["archive.example.com"]}]}}
            },
        },
        "Service": {"spec": {"sessionAffinity": "ClientIP"}},
    },
)

counter = Service(
    "counter",
    image=PYTHON,
    command=("python3", "/srv/counter.py"),
    files=(File("/srv/counter.py", source="./counter/counter.py"),),
    port=7000,
    protocol="tcp",
    health=Health(readiness="tcp", liveness="tcp"),
    scale=Scale(min=1),
)

agent = Service(
    "agent",
    build=Build(context="./agent"),
    daemon_set=True,
    health=Health.shorthand(("python3", "agent.py", "--check")),
    kubernetes_api={"pods": ("list",)},
    egress=(),
    writable=("/var/cache/agent",),
    init=(ExtraContainer("theme", uses="board", command=(*THEME, "/var/cache/agent"), writable=("/var/cache/agent",)),),
)

journal = Store(
    "journal",
    image=PYTHON,
    command=("python3", "/srv/journal.py"),
    files=(File("/srv/journal.py", source="./journal/journal.py"),),
    port=7100,
    ports=(Port("stats", port=7101),),
    volume=Volume(path="/data", size="64Mi"),
    volumes={"archive": Volume(path="/archive", size="64Mi")},
    retain=False,
    health=Health(readiness="tcp", liveness="tcp"),
    stop_grace_period=30,
)


def build_command(word: str) -> tuple[str, ...]:
    """The command of a job. A function saves repetition, which YAML cannot."""
    return ("python3", "/app/tell.py", word)


application = Application(
    "everything",
    services=(board, counter, agent),
    stores=(journal,),
    jobs=(
        Job(
            "prepare",
            uses="board",
            command=build_command("prepared"),
            run="before-rollout",
            backoff_limit=2,
            timeout=120,
        ),
        Job("announce", uses="board", command=build_command("announced"), run="after-rollout"),
        Job(
            "sweep",
            uses="board",
            command=build_command("swept"),
            schedule="30 3 * * 1-5",
            time_zone="Europe/Berlin",
            starting_deadline=600,
            concurrency_policy="replace",
            history_limit=1,
        ),
        Job("audit", uses="board", command=build_command("audited"), run="on-demand"),
    ),
)
