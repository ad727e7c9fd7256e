"""Injects every fault and interruption into `pulumi up` under load, and writes docs/failures.md.

``python -m dev.faults [ID ...]``: with ids of causes, ``interruptions`` or ``builds``, only these run and no page is
written.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dev import prober, project
from dev.faults import (
    build_catalogue,
    build_runs,
    catalogue,
    changes,
    cures,
    fault,
    interruptions,
    watched_run,
)
from seaway.review import disks

PAGE = project.ROOT / "docs" / "failures.md"
MAX_DELAY = 20
"""Seconds: 15 from the first failed probe or crash, and 5 for the start of the pod."""

IMMEDIATE_FAILURE = 90
"""Seconds. The kubelet waits 10, 20 and 40 s before the third restart, after which a crash loop is diagnosed."""

HEADER = f"""# Measured failures

`python -m dev.faults` writes this page. Each fault was injected into `examples/shop` on the one-node cluster (two
cores), with `pulumi up`, under a load of 10 requests per second from outside. "Reported" and "ended" count from the
line that reports the changed workload. A fault that can heal is reported immediately, and fails at the deadline:
{catalogue.DEADLINE} s here, 300 s by default. Then the hint of the message was carried out as it is written, with the
key, the line and the value that it names: "cured" means that `pulumi up` succeeded, and that the next `pulumi preview`
showed no changes.

"""


BUILDS = """
## Builds

Each fault was injected into `examples/smallest`, with `pulumi up` as in CI (no terminal), then with `seaway up` on a
terminal. "Reported after" counts from the failed step to the end of the message. After that, the fix that the message
suggests was carried out, and `pulumi up` built and deployed the image.

The builder is BuildKit, and the engine `docker-build`. With `seaway:engine: docker`, the causes are recognised in the
same way, but tested with recorded output only; the output of the step is then shown by Pulumi and not repeated.
{table}
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table."""

    cells: tuple[str, ...]
    problems: tuple[str, ...]
    """Differences from the expected behaviour."""


def main(selection: list[str]) -> int:
    """Run the faults and interruptions. Returns 0 if all behave as expected."""
    build_rows = _run_builds(selection)
    if selection and {"builds", *(fault.cause for fault in build_catalogue.BUILD_FAULTS)}.issuperset(selection):
        return 1 if any(row.problems for row in build_rows) else 0
    with tempfile.TemporaryDirectory() as folder:
        shop = project.Project.create(
            Path(folder),
            application=project.ROOT / "examples" / "shop",
            stack="faults",
            rolloutTimeout=catalogue.DEADLINE,
        )
        # A cured store has a volume, and the next fault removes it.
        shop.env[disks.ACCEPT_VARIABLE] = f"{catalogue.NAMESPACE}/data-cache-0"
        try:
            catalogue.prepare_shop(shop)
            shop.up()
            return _run_all(shop, selection, build_rows)
        finally:
            shop.pulumi("cancel", "--yes", shop.stack)
            shop.destroy()


def _run_builds(selection: list[str]) -> list[Row]:
    rows: list[Row] = []

    def report(cells: tuple[str, ...], problems: Sequence[str]) -> None:
        rows.append(Row(cells=cells, problems=tuple(problems)))
        _print_row(rows[-1])

    build_runs.run_all(selection, report)
    return rows


def _run_all(shop: project.Project, selection: list[str], build_rows: list[Row]) -> int:
    address = shop.read_address(catalogue.NAMESPACE)
    fault_rows: list[Row] = []
    interruption_rows: list[Row] = []
    for injected in catalogue.FAULTS:
        if not selection or injected.cause in selection:
            fault_rows.append(_run_fault(shop, address, injected))
            _print_row(fault_rows[-1])
    for interruption in interruptions.INTERRUPTIONS:
        if not selection or "interruptions" in selection:
            interruption_rows.append(_run_interruption(shop, address, interruption))
            _print_row(interruption_rows[-1])
    if not selection:
        faults = _format_table(
            (
                "cause",
                "fault",
                "reported after",
                "ended after",
                "exit code",
                "failed requests",
                "message",
                "hint",
                "cure",
            ),
            fault_rows,
        )
        interrupted = _format_table(
            ("during a rollout", "ended after", "exit code", "failed requests", "result"), interruption_rows
        )
        builds = BUILDS.format(table=f"\n{_format_table(build_runs.HEADER, build_rows)}".rstrip())
        PAGE.write_text(f"{HEADER}{faults}{builds}\n## Interruptions\n\n{interrupted}")
    return 1 if any(row.problems for row in fault_rows + interruption_rows + build_rows) else 0


def _run_fault(shop: project.Project, address: str, injected: fault.Fault) -> Row:
    before = cures.read_files(shop)
    cure, problems = "-", list[str]()
    with prober.Prober(address) as load:
        fault.inject_fault(shop, injected)
        with injected.around(shop):
            run = watched_run.run_up(shop)
            watched_run.write_output(injected.injected, run)
            hint = run.find_hint(injected.cause) if injected.cause else None
            if hint is not None:
                cure, problems = _carry_out(shop, injected, hint)
        # Without a cure the fault is still there.
        if cure == "-":
            cures.restore(shop, before)
            shop.up(*injected.repair)
        shop.preview("--expect-no-changes")
        cures.restore(shop, before)
    ended = run.seconds - run.change_seconds
    problems += [f"failed requests: {load.failures[:3]}"] * bool(load.failures)
    exit_code, requests = str(run.exit_code), _format_requests(load)
    if injected.rejected is not None:
        message = next((line.text for line in run.lines if injected.rejected in line.text), "")
        problems += [f"not rejected:\n{run.output}"] * (not message or run.exit_code == 0)
        seconds = f"{run.seconds:.0f} s"
        text = f"`{message.strip().removeprefix('error: ')}`"
        cells = ("none: rejected before the rollout", injected.injected, seconds, seconds, exit_code, requests, text)
        return Row(cells=(*cells, "-", "-"), problems=tuple(problems))
    if injected.cause is None:
        problems += [f"a rollout that can heal failed:\n{run.output}"] * bool(run.exit_code)
        cells = ("none: it heals", injected.injected, "-", f"{ended:.0f} s", exit_code, requests, "succeeds", "-", "-")
        return Row(cells=cells, problems=tuple(problems))
    line = run.find_cause(injected.cause)
    delay = 0.0 if line is None else run.measure_delay(line)
    problems += ["it succeeded"] * (run.exit_code == 0)
    problems += [f"never reported:\n{run.output}"] * (line is None)
    problems += [f"reported after {delay:.0f} s"] * (delay > MAX_DELAY)
    limit = catalogue.DEADLINE + 15 if injected.waits else IMMEDIATE_FAILURE
    problems += [f"ended after {ended:.0f} s"] * (ended > limit)
    cells = (
        f"[{injected.cause}](runbook.md#{injected.cause})",
        injected.injected,
        f"{delay:.0f} s",
        f"{ended:.0f} s" + (" (deadline)" if injected.waits else ""),
        exit_code,
        requests,
        f"`{line}`",
        f"`{hint}`",
        cure,
    )
    return Row(cells=cells, problems=tuple(problems))


def _carry_out(shop: project.Project, injected: fault.Fault, hint: str) -> tuple[str, list[str]]:
    """The cell of the cure, and its problems."""
    try:
        result = fault.carry_out(shop, injected, hint)
    except AssertionError as error:
        return "-", [str(error)]
    if result.exit_code:
        return "-", [f"the cure does not help:\n{result.output}"]
    return f"cured in {result.seconds:.0f} s", []


def _run_interruption(shop: project.Project, address: str, interruption: interruptions.Interruption) -> Row:
    """Interrupt a rollout that takes several seconds, because the new pods start slowly."""
    slow = fault.Fault(
        cause=None,
        injected="",
        change=changes.change_program(
            "import runpy, time; time.sleep(6); runpy.run_path('web.py', run_name='__main__')"
        ),
    )
    before = cures.read_files(shop)
    fault.inject_fault(shop, slow)
    with prober.Prober(address) as load:
        run = watched_run.run_up(shop, act=interruption.act, after=2)
        watched_run.write_output(interruption.name, run)
        for command in interruption.before:
            shop.pulumi(*command, shop.stack, check=True)
        commands = [*(f"pulumi {' '.join(command)}" for command in interruption.before), "pulumi up"]
        rerun = watched_run.run_up(shop)
        preview = shop.preview("--expect-no-changes", check=False)
        cures.restore(shop, before)
        shop.up()
    problems = [f"failed requests: {load.failures[:3]}"] * bool(load.failures)
    problems += [f"exit {run.exit_code}:\n{run.output}"] * (interruption.survives != (run.exit_code == 0))
    problems += [f"the rerun failed:\n{rerun.output}"] * bool(rerun.exit_code)
    problems += [f"not converged:\n{preview.output}"] * bool(preview.exit_code)
    result = "it continued and succeeded" if interruption.survives else f"`{'`, then `'.join(commands)}`: converged"
    ended = f"{run.seconds - run.change_seconds:.0f} s"
    cells = (interruption.name, ended, str(run.exit_code), _format_requests(load), result)
    return Row(cells=cells, problems=tuple(problems))


def _format_requests(load: prober.Prober) -> str:
    return f"{len(load.failures)} of {load.answered + len(load.failures)}"


def _print_row(row: Row) -> None:
    print(" | ".join(row.cells), flush=True)
    for problem in row.problems:
        print(f"  UNEXPECTED: {problem}", file=sys.stderr, flush=True)


def _format_table(header: tuple[str, ...], rows: list[Row]) -> str:
    lines = [header, tuple("---" for _ in header), *(row.cells for row in rows)]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n" for cells in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
