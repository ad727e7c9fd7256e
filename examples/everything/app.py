"""The same application as app.yaml, in Python: an editor and pyright check it."""

import seaway as sw

PYTHON = "python:3.12-slim"
THEME = ["python3", "/app/theme.py"]

board = sw.Service(
    "board",
    build={"context": "./board", "dockerfile": "Containerfile", "target": "runtime", "args": {"EDITION": "evening"}},
    command=["python3", "/app/board.py"],
    args=["--title", "Notices"],
    working_dir="/var/cache/board",
    port=8000,
    protocol="http",
    ports={"metrics": 9090, "beacon": {"port": 9999, "protocol": "udp"}},
    publish=True,
    calls=["counter", "journal"],
    egress=["10.9.0.0/16", "192.0.2.7/32:5432"],
    depends_on=["counter"],
    health=sw.Health(readiness="/readyz", liveness="/healthz", start_period=30),
    pre_stop_delay=2,
    stop_grace_period=20,
    scale=sw.Scale(min=2, max=4, cpu="80%", memory="80%"),
    slo=sw.Slo(p99="300ms", errors="0.1%"),
    resources=sw.Resources(cpu="50m", memory="64Mi", cpu_limit="1", disk="256Mi"),
    env_file=["./board.env"],
    env={"LOG_LEVEL": "debug"},
    secrets=[sw.Secret("SESSION_KEY", generate=32), sw.Secret("LICENCE", generate=12, env=True)],
    files={"/etc/board/board.ini": "./board.ini", "/etc/board/motd": {"content": "Be kind.\n"}},
    user=10002,
    security="restricted",
    writable=["/var/cache/board", "/var/run/ticks"],
    node_selector={"kubernetes.io/os": "linux"},
    tolerations=["dedicated=board:NoSchedule"],
    spread="prefer",
    init=[
        sw.ExtraContainer(
            "theme",
            command=THEME,
            args=["/var/cache/board"],
            env={"COLOUR": "teal"},
            writable=["/var/cache/board"],
        ),
    ],
    sidecars=[
        sw.ExtraContainer(
            "ticker",
            image=PYTHON,
            command=["python3", "ticker.py"],
            working_dir="/srv",
            files={"/srv/ticker.py": "./ticker/ticker.py"},
            env_file=["./ticker.env"],
            writable=["/var/run/ticks"],
            user=10002,
            port=8081,
            health="/healthz",
            resources={"cpu": "20m", "memory": "32Mi"},
        ),
    ],
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

counter = sw.Service(
    "counter",
    image=PYTHON,
    command=["python3", "/srv/counter.py"],
    files={"/srv/counter.py": "./counter/counter.py"},
    port=7000,
    protocol="tcp",
    health="tcp",
    scale=1,
)

agent = sw.Service(
    "agent",
    build="./agent",
    daemon_set=True,
    health=["python3", "agent.py", "--check"],
    kubernetes_api={"pods": ["list"]},
    egress=[],
    writable=["/var/cache/agent"],
    init={"theme": {"uses": "board", "command": [*THEME, "/var/cache/agent"], "writable": ["/var/cache/agent"]}},
)

journal = sw.Store(
    "journal",
    image=PYTHON,
    command=["python3", "/srv/journal.py"],
    files={"/srv/journal.py": "./journal/journal.py"},
    port=7100,
    ports={"stats": 7101},
    volume={"path": "/data", "size": "64Mi"},
    volumes={"archive": {"path": "/archive", "size": "64Mi"}},
    retain=False,
    health=sw.Health(readiness="tcp", liveness="tcp"),
    stop_grace_period=30,
)


def build_command(word: str) -> list[str]:
    """The command of a job. A function saves repetition, which YAML cannot."""
    return ["python3", "/app/tell.py", word]


application = sw.Application(
    "everything",
    services=[board, counter, agent],
    stores=[journal],
    jobs=[
        sw.Job(
            "prepare",
            uses="board",
            command=build_command("prepared"),
            run="before-rollout",
            backoff_limit=2,
            timeout=120,
        ),
        sw.Job("announce", uses="board", command=build_command("announced"), run="after-rollout"),
        sw.Job(
            "sweep",
            uses="board",
            command=build_command("swept"),
            schedule="30 3 * * 1-5",
            time_zone="Europe/Berlin",
            starting_deadline=600,
            concurrency_policy="replace",
            history_limit=1,
        ),
        sw.Job("audit", uses="board", command=build_command("audited"), run="on-demand"),
    ],
)
