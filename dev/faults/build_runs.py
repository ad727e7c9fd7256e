"""Injects the faults of builds: what Pulumi and `seaway up` print, how fast, and whether the hint helps."""

import contextlib
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from dev import project
from dev.faults import build_catalogue, page, watched_run
from seaway.images import build_reports
from seaway.syntax import diagnosis

LIMIT = 15
"""Seconds from the failed step to the message."""


def run_all(faults: Sequence[build_catalogue.BuildFault], report: Callable[[page.Row], None]) -> None:
    """Inject these faults, and report each."""
    if not faults:
        return
    with tempfile.TemporaryDirectory() as folder:
        smallest = project.ROOT / "examples" / "smallest"
        checkout = project.Project.create(Path(folder), application=smallest, stack=build_catalogue.STACK)
        settings = yaml.safe_load(checkout.stack_file.read_text())["config"]
        try:
            for fault in faults:
                report(run_fault(checkout, settings, fault))
        finally:
            checkout.pulumi("cancel", "--yes", checkout.stack)
            build_catalogue.Source().write(checkout, settings)
            checkout.destroy()


def run_fault(checkout: project.Project, settings: dict[str, Any], fault: build_catalogue.BuildFault) -> page.Row:
    """Inject a fault with `pulumi up` as in CI and with `seaway up` on a terminal; then fix it."""
    fault.broken.write(checkout, settings)
    with contextlib.nullcontext() if fault.around is None else fault.around(checkout):
        start = time.time()
        run = watched_run.run_up(checkout)
        delay = measure_delay(checkout, run, start)
        watched_run.write_output(f"{fault.cause} {fault.injected}", run)
        terminal = watched_run.run_on_terminal(
            checkout, sys.executable, "-m", "seaway.cli", "up", "--stack", checkout.stack
        )
    screen = [watched_run.Line(0.0, line) for line in terminal.stdout.splitlines()]
    watched_run.write_output(f"{fault.cause} on a terminal", watched_run.WatchedRun(terminal.exit_code, 0.0, screen))
    fault.fixed.write(checkout, settings)
    fixed = checkout.up(check=False)
    message, problems = check_message(fault, run.lines)
    problems += [
        f"{name} succeeded"
        for name, code in (("pulumi up", run.exit_code), ("seaway up", terminal.exit_code))
        if not code
    ]
    if not terminal.stdout.rstrip().endswith(diagnosis.format_help(fault.cause)):
        problems.append(f"not last in seaway up:\n{terminal.stdout[-2000:]}")
    if fixed.exit_code:
        problems.append(f"the fix did not help:\n{fixed.output}")
    if delay >= LIMIT:
        problems.append(f"reported after {delay:.0f} s")
    cells = (
        f"[{fault.cause}](runbook.md#{fault.cause})",
        fault.injected,
        f"{delay:.1f} s",
        str(run.exit_code),
        f"`{next((line for line in message if line.startswith('image web: ')), '')}`",
        f"`{next((line for line in message if line.startswith('cause: ')), '').removeprefix('cause: ')}`",
        f"{fault.fix}: {'failed' if fixed.exit_code else 'succeeds'}",
    )
    return page.Row(section="builds", name=fault.injected, cells=cells, problems=tuple(problems))


def check_message(fault: build_catalogue.BuildFault, lines: Sequence[watched_run.Line]) -> tuple[list[str], list[str]]:
    """The lines of the last error, and how they differ from what was expected."""
    texts = [line.text.strip() for line in lines]
    starts = [number for number, text in enumerate(texts) if text.startswith("error: image web: ")]
    ends = [number for number, text in enumerate(texts) if text == f"more: {diagnosis.format_help(fault.cause)}"]
    if not starts or not ends:
        return [], ["the cause was not reported:\n" + "\n".join(texts[-40:])]
    message = [text.removeprefix("error: ") for text in texts[starts[-1] : ends[-1] + 1]]
    what = f"app/web/{fault.place}" if fault.place else "the build of app/web/Dockerfile"
    code = "" if fault.exit_code is None else f" (exit code {fault.exit_code})"
    problems = [] if message[0] == f"image web: {what} failed{code}" else [f"unexpected: {message[0]}"]
    if any(text.startswith("error: ") for text in texts[ends[-1] + 1 :] if "update failed" not in text):
        problems.append("another error follows")
    return message, problems


def measure_delay(checkout: project.Project, run: watched_run.WatchedRun, start: float) -> float:
    """Seconds from the failed step to the end of the message. ``start``: the time of the run."""
    # The program writes this file when the builder has reported the failure; the log may show it before.
    file = build_reports.get_path(checkout.folder)
    if not file.exists():
        return LIMIT
    failed = file.stat().st_mtime - start
    seconds = [failed, *(line.seconds for line in run.lines if re.search(r"#\d+ ERROR: ", line.text))]
    reported = [line.seconds for line in run.lines if "seaway help build-" in line.text]
    return max(reported[-1] - min(seconds), 0.0) if reported else LIMIT
