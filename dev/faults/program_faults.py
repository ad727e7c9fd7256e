"""Faults of programs: the mistakes of beginners."""

from dev.faults import changes, cures
from dev.faults.fault import LINE, SLOW_START, Fault

WARM = ["test", "-e", "/tmp/warm"]  # noqa: S108 - in the container

PROGRAM_FAULTS = (
    Fault(
        cause="connection-refused",
        injected="a program that listens on port 5000, as its log says, and `port: 8000`",
        change=changes.change_source(changes.build_server("('', 5000)", "Running on http://0.0.0.0:5000")),
        waits=True,
        hint=rf"set the port in services\.web\.port {LINE} to (\d+)",
        cure=cures.set_web(port="{1}"),
    ),
    Fault(
        cause="connection-refused",
        injected="a program that listens on 127.0.0.1:5000, as `app.run()` of Flask does",
        change=changes.change_source(changes.build_server("('127.0.0.1', 5000)", "Running on http://127.0.0.1:5000")),
        waits=True,
        hint=r"let the program listen on (\S+), port (\d+), instead of 127\.0\.0\.1:5000",
        cure=cures.replace_source("('127.0.0.1', 5000)", "('{1}', {2})"),
    ),
    Fault(
        cause="connection-refused",
        injected="a program that listens on port 5000, and logs nothing",
        change=changes.change_source(changes.build_server("('', 5000)", "starting")),
        waits=True,
        hint=r"let the program listen on port (\d+) of (\S+)",
        cure=cures.replace_source("('', 5000)", "('{2}', {1})"),
    ),
    Fault(
        cause="probe-status",
        injected="`health: {readiness: /nope}`: the page returns 404",
        change=changes.change_web(health=SLOW_START | {"readiness": "/nope"}),
        waits=True,
        hint=rf"set services\.web\.health\.readiness {LINE} to a path",
        cure=cures.set_web(health=SLOW_START),
    ),
    Fault(
        cause="probe-status",
        injected="`/healthz` requires a login: the page returns 401",
        change=changes.change_source(
            changes.build_server(
                "('', 8000)",
                "",
                "import web; answer = web.Web.do_GET\n"
                "web.Web.do_GET = lambda self: self.send(401, {}) if self.path == '/healthz' else answer(self)",
            )
        ),
        waits=True,
        hint=rf"set services\.web\.health {LINE} to a path that needs none, or to (tcp)",
        cure=cures.set_web(health="{1}"),
    ),
    Fault(
        cause="startup-failed",
        injected="`health: {liveness: [test, -e, /tmp/warm]}`, and a program that is warm after 25 s",
        change=changes.change_source(
            changes.build_server(
                "('', 8000)",
                "warming up",
                "import threading; threading.Timer(25, lambda: open('/tmp/warm', 'w')).start()",
            ),
            health=SLOW_START | {"liveness": WARM},
        ),
        waits=True,
        late="the program ends 30 s after the startup probe failed for the last time. Until then, the same fix is"
        " printed for the probe that fails (`not-ready`).",
        hint=rf"raise services\.web\.health\.startPeriod {LINE} if the program needs longer",
        cure=cures.set_web(health=SLOW_START | {"liveness": WARM, "startPeriod": 60}),
    ),
    Fault(
        cause="liveness-failed",
        injected="`health: {liveness: /live}`, which answers once, and a program that is ready only after 100 s",
        change=changes.change_source(
            changes.build_server(
                "('', 8000)",
                "",
                "import time, web; answer = web.Web.do_GET; start = time.time(); lives = iter([200])\n"
                "web.Web.do_GET = lambda self: self.send("
                "next(lives, 500) if self.path == '/live' else 200 if time.time() > start + 100 else 503, {})",
            ),
            health=SLOW_START | {"liveness": "/live"},
        ),
        waits=True,
        late="the kubelet restarts a container after three failed liveness probes, one every 10 s. The readiness probe"
        " fails too, and is reported within 15 s (`probe-status`).",
        hint=r"read its log: (seaway logs web --previous --stack [\w-]+);"
        rf" or correct services\.web\.health\.liveness {LINE}",
        cure=cures.read_log("", cures.set_web(health=SLOW_START, command=None)),
    ),
    Fault(
        cause="not-ready",
        injected="a program that answers its readiness probe after 4 s",
        change=changes.change_source(
            changes.build_server(
                "('', 8000)",
                "",
                "import time, web; answer = web.Web.do_GET\n"
                "web.Web.do_GET = lambda self: (time.sleep(4), answer(self))",
            ),
            health=SLOW_START | {"liveness": "tcp"},
        ),
        waits=True,
        hint=rf"raise services\.web\.health\.timeout {LINE}",
        cure=cures.set_web(health=SLOW_START | {"liveness": "tcp", "timeout": 8}),
    ),
    Fault(
        cause="crash-loop",
        injected="`command: [python3, main.py]`, and the image has only web.py",
        change=changes.change_web(command=["python3", "main.py"]),
        hint=rf"let the Dockerfile copy /app/main\.py, or correct services\.web\.command {LINE}",
        cure=cures.set_web(command=["python3", "web.py"]),
    ),
    Fault(
        cause="crash-loop",
        injected="`import helper`, and the Dockerfile does not copy lib/helper.py",
        change=changes.import_helper,
        hint=r"install (helper) in the image: .* let the Dockerfile copy it",
        cure=lambda shop, app, hint: shop.replace_text("app/web/Dockerfile", "*.py", f"*.py lib/{hint[1]}.py"),
    ),
    Fault(
        cause="crash-loop",
        injected='`os.environ["GREETING"]`, which is not set',
        change=changes.change_source(changes.build_server("('', 8000)", "", "os.environ['GREETING']")),
        hint=rf"set (\w+) in services\.web\.env {LINE}",
        cure=cures.set_web(env="{{{1}: hello}}"),
    ),
    Fault(
        cause="crash-loop",
        injected="`command:` that exits with code 3",
        change=changes.change_program("import sys; print('cannot read /etc/web.toml'); sys.exit(3)"),
        hint=r"read its log: (seaway logs web --previous --stack [\w-]+)",
        cure=cures.read_log("cannot read /etc/web.toml", cures.set_web(command=None)),
    ),
    Fault(
        cause="not-writable",
        injected="a program that creates the folder ./data of its image and writes there",
        change=changes.change_source(
            changes.build_server("('', 8000)", "", "os.makedirs('data', exist_ok=True); open('data/state', 'w')")
        ),
        hint=rf"add (\S+) to services\.web\.writable {LINE}",
        cure=cures.set_web(writable="[{1}]"),
    ),
    Fault(
        cause="not-writable",
        injected="a program that writes to /var/lib/shop",
        change=changes.change_source(
            changes.build_server("('', 8000)", "", "os.makedirs('/var/lib/shop', exist_ok=True)")
        ),
        hint=rf"add (\S+) to services\.web\.writable {LINE}",
        cure=cures.set_web(writable="[{1}]"),
    ),
    Fault(
        cause="not-writable",
        injected="a program that writes a file beside its own code",
        change=changes.change_source(changes.build_server("('', 8000)", "", "open('state.db', 'w')")),
        hint=rf"add (/) to services\.web\.writable {LINE}, and (RUN chown \d+ /app) to the Dockerfile",
        cure=cures.keep_folder,
    ),
    Fault(
        cause="not-writable",
        injected="a program that writes to its home directory, `~/.cache`",
        change=changes.change_source(
            changes.build_server("('', 8000)", "", "os.makedirs(os.path.expanduser('~/.cache/shop'))")
        ),
        hint=rf"set (HOME) to (/tmp) in services\.web\.env {LINE}",
        cure=cures.set_web(env="{{{1}: {2}}}"),
    ),
    Fault(
        cause="low-port",
        injected="a program that listens on port 80, and `port: 8000`",
        change=changes.change_source(changes.build_server("('', 80)", "")),
        hint=rf"set the port in services\.web\.port {LINE} to the one on which the program listens",
        cure=cures.set_web(port="80"),
    ),
    Fault(
        cause="needs-rights",
        injected="a program that changes the owner of a file to 999, its own user in the image",
        change=changes.change_source(
            changes.build_server("('', 8000)", "", "open('/tmp/x', 'w'); os.chown('/tmp/x', 999, -1)")
        ),
        hint=rf"set services\.web\.user {LINE} to the id of the image's own user",
        cure=cures.set_web(user=999),
    ),
    Fault(
        cause="out-of-memory",
        injected="a program that uses 200 MB, with `memory: 64Mi`",
        change=changes.change_source(
            changes.build_server("('', 8000)", "", "memory = b'x' * 2 * 10**8"),
            resources={"cpu": "50m", "memory": "64Mi"},
        ),
        hint=rf"raise services\.web\.resources\.memory {LINE}",
        cure=cures.set_web(resources={"cpu": "50m", "memory": "512Mi"}),
    ),
    Fault(
        cause="evicted",
        injected="a program that writes 300 MB to /tmp, and then waits",
        change=changes.change_source(
            changes.build_server(
                "('', 8000)",
                "",
                "import os, time\n"
                "with open('/tmp/cache', 'wb') as cache:\n"
                "    for _ in range(300): cache.write(bytes(10**6)); time.sleep(0.01)\n"
                "while os.path.getsize('/tmp/cache') > 2 * 10**8: time.sleep(1)",
            ),
            health=SLOW_START | {"startPeriod": 60},
        ),
        waits=True,
        deadline=120,
        late="the kubelet measures folders once in a while, and reports an eviction when the pod has ended.",
        hint="write less to this folder",
        cure=cures.replace_source("range(300)", "range(12)"),
    ),
    Fault(
        cause="command-not-found",
        injected="`command: [pythn, web.py]`",
        change=changes.change_web(command=["pythn", "web.py"]),
        hint=rf"correct services\.web\.command {LINE}",
        cure=cures.set_web(command=["python3", "web.py"]),
    ),
    Fault(
        cause="wrong-architecture",
        injected="a program for another CPU architecture in the image",
        change=changes.use_foreign_binary,
        hint=rf"the program and the base image of services\.web\.build {LINE} must be for it too",
        cure=cures.build_web,
    ),
    Fault(
        cause="unschedulable",
        injected="`resources: {cpu: 100}`",
        change=changes.change_web(resources={"cpu": "100", "memory": "64Mi"}),
        waits=True,
        hint=rf"lower services\.web\.resources {LINE}",
        cure=cures.set_web(resources={"cpu": "50m", "memory": "64Mi"}),
    ),
    Fault(
        cause="registry-unreachable",
        injected="`image:` in a registry whose name is not in DNS",
        change=changes.change_image("registry.invalid/web:1"),
        hint=rf"check the host name in services\.web\.image {LINE}",
        cure=cures.build_web,
    ),
    Fault(
        cause="registry-unreachable",
        injected="`image:` in a registry that does not run",
        change=changes.change_image("127.0.0.1:5998/web:1"),
        waits=True,
        hint=rf"by the name in services\.web\.image {LINE}",
        cure=cures.build_web,
    ),
)
