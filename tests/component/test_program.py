"""The entry point of a stack's program, and its end when Pulumi's language host interrupts it."""

import ast
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from components import program
from dev import project

# The host runs a program with pipes as its streams, and sends it SIGINT.
WAITS = {
    "asyncio": "import asyncio\nloop = asyncio.new_event_loop()\nloop.run_until_complete(wait(loop))",
    "a thread pool": (
        "import concurrent.futures, time\n"
        "with concurrent.futures.ThreadPoolExecutor() as pool:\n"
        "    ready()\n"
        "    list(pool.map(time.sleep, [60, 60]))"
    ),
    "a subprocess": "import subprocess\nready()\nsubprocess.run(['sleep', '20'], check=True, capture_output=True)",
    "a gRPC call": (
        "import concurrent.futures, grpc, socket\n"
        "listening = socket.create_server(('127.0.0.1', 0))\n"
        "channel = grpc.insecure_channel(f'127.0.0.1:{listening.getsockname()[1]}')\n"
        "ready()\n"
        "channel.unary_unary('/a/B')(b'', wait_for_ready=True)"
    ),
    "a `finally` that waits": "import time\ntry:\n    ready()\n    time.sleep(60)\nfinally:\n    time.sleep(60)",
    "a handler of all exceptions": (
        "import time\nready()\nwhile True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        pass"
    ),
    "a write": "ready()\nwhile True:\n    print('x' * 100)",
}
PRELUDE = """
import os, sys
from components import program
program.exit_on_interrupt()
print("to stdout")  # into a buffer: stdout is a pipe
print("to stderr", end="", file=sys.stderr)
def ready():
    os.write(3, b".")
async def wait(loop):
    import asyncio, time
    loop.run_in_executor(None, time.sleep, 60)
    loop.call_soon(ready)
    await asyncio.sleep(60)
"""


def interrupted(text: str) -> tuple[int, str, str]:
    """Run a program, send it SIGINT when it calls ``ready()``; its exit code, stdout and stderr."""
    read, write = os.pipe()
    command = [sys.executable, "-c", f"import os; os.dup2({write}, 3)\n{text}"]
    with subprocess.Popen(
        command,
        cwd=project.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[write],
        start_new_session=True,
    ) as process:
        try:
            os.close(write)
            assert os.read(read, 1) == b".", process.communicate()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            os.close(read)
            if process.poll() is None:
                process.kill()
    return process.returncode, out, err


@pytest.mark.parametrize("busy", WAITS)
def test_an_interrupted_program_prints_no_traceback_and_loses_no_output(busy: str) -> None:
    code, out, err = interrupted(PRELUDE + WAITS[busy])
    assert (code, err) == (program.EXIT_REPORTED, "to stderr")
    assert out.startswith("to stdout\n")


def test_without_the_entry_point_python_prints_a_traceback() -> None:
    """So the other tests would see one."""
    _, _, err = interrupted(PRELUDE.replace("program.exit_on_interrupt()", "") + WAITS["a gRPC call"])
    assert "KeyboardInterrupt" in err


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("signal.signal(signal.SIGINT, signal.SIG_IGN)", "signal.getsignal(signal.SIGINT) is signal.SIG_IGN"),
        ("signal.signal(signal.SIGINT, mine)", "signal.getsignal(signal.SIGINT) is mine"),
        ("signal.signal(signal.SIGINT, signal.SIG_DFL)", "signal.getsignal(signal.SIGINT) is signal.SIG_DFL"),
    ],
)
def test_another_handler_of_sigint_stays(before: str, after: str) -> None:
    text = f"""
        import signal
        from components import program
        def mine(*_): ...
        {before}
        program.exit_on_interrupt()
        assert {after}
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(text)], check=True, cwd=project.ROOT)


SCRIPTS = {
    # Pulumi's Automation API runs an inline program in a thread, where Python cannot set a handler.
    "no handler is set in another thread": """
import signal, threading
from components import program
failed = []
threading.excepthook = failed.append
thread = threading.Thread(target=program.exit_on_interrupt)
thread.start()
thread.join()
assert not failed, failed
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
""",
    "an import sets no handler": """
import importlib, pkgutil, signal
import components
for module in pkgutil.walk_packages(components.__path__, "components."):
    importlib.import_module(module.name)
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
""",
    # Ctrl-C in the first second needs it: until then neither Pulumi nor the model is imported.
    "the handler is set before slow imports": """
import sys
from components import program
def installed():
    heavy = [name for name in sys.modules if name.partition(".")[0] in ("pulumi", "grpc", "seaway", "yaml")]
    raise SystemExit(str(heavy) if heavy else 0)
program.exit_on_interrupt = installed
program.run()
""",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_when_the_handler_is_set(name: str) -> None:
    subprocess.run([sys.executable, "-c", SCRIPTS[name]], check=True, cwd=project.ROOT)


def test_main_only_calls_the_program() -> None:
    """Every user's repository has `__main__.py`: all other code must be in the package."""
    tree = ast.parse((project.ROOT / "__main__.py").read_text())
    assert [ast.unparse(node) for node in tree.body[1:]] == ["from components import program", "program.run()"]


def test_an_interrupted_write_is_not_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Python cannot flush a stream during a write to it, or a closed one."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)

    class Busy:
        def flush(self) -> None:
            raise RuntimeError("reentrant call")

    closed = (tmp_path / "out").open("w")
    closed.close()
    monkeypatch.setattr(sys, "stdout", Busy())
    monkeypatch.setattr(sys, "stderr", closed)
    program._exit(signal.SIGINT, None)
    assert ended == [program.EXIT_REPORTED]
