"""Injects every fault and interruption into `pulumi up` under load, and writes docs/failures.md.

The page has the last result of each fault. It is written when there is one of each.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from dev import prober, project
from dev.faults import (
    build_catalogue,
    build_runs,
    catalogue,
    changes,
    cures,
    fault,
    injections,
    interruptions,
    page,
    watched_run,
)
from seaway.review import disks

MAX_DELAY = 20
"""Seconds: 15 from the first failed probe or crash, and 5 for the start of the pod."""

IMMEDIATE_FAILURE = 90
"""Seconds. The kubelet waits 10, 20 and 40 s before the third restart, after which a crash loop is diagnosed."""


def main(arguments: Sequence[str]) -> int:
    """Run the faults and interruptions. Returns 0 if all behave as expected."""
    parser = argparse.ArgumentParser(prog="python -m dev.faults", description=__doc__)
    parser.add_argument(
        "selection",
        nargs="*",
        metavar="ID",
        help="id of a cause, faults, builds, interruptions, or several words of the text of a fault; default: all",
    )
    parser.add_argument("--stack", default="faults", help="name of the stack; two runs need two (default: faults)")
    options = parser.parse_args(arguments)
    selection: list[str] = options.selection
    problems: list[str] = []

    def report(row: page.Row) -> None:
        page.record(row)
        print(" | ".join(row.cells), flush=True)
        for problem in row.problems:
            print(f"  UNEXPECTED: {problem}", file=sys.stderr, flush=True)
        problems.extend(row.problems)

    project.ensure_base_images()
    builds = [fault for fault in build_catalogue.BUILD_FAULTS if _is_selected(selection, "builds", fault)]
    faults = [fault for fault in catalogue.FAULTS if _is_selected(selection, "faults", fault)]
    has_interruptions = not selection or "interruptions" in selection
    build_runs.run_all(builds, report)
    if faults or has_interruptions:
        _run_rollouts(options.stack, faults, interruptions.INTERRUPTIONS if has_interruptions else (), report)
    names = {
        "faults": [fault.injected for fault in catalogue.FAULTS],
        "builds": [fault.injected for fault in build_catalogue.BUILD_FAULTS],
        "interruptions": [interruption.name for interruption in interruptions.INTERRUPTIONS],
    }
    late = {fault.injected: fault.late for fault in catalogue.FAULTS if fault.late}
    for name in page.write_page(names, late):
        print(f"no result yet, so the page is not written: {name}", file=sys.stderr)
    return 1 if problems else 0


def _is_selected(selection: list[str], section: str, injected: fault.Fault | build_catalogue.BuildFault) -> bool:
    """A selection has ids of causes, names of sections, and parts of the texts of faults."""
    return not selection or any(
        word in {section, injected.cause} or (" " in word and word in injected.injected) for word in selection
    )


def _run_rollouts(
    stack: str,
    faults: Sequence[fault.Fault],
    interrupted: Sequence[interruptions.Interruption],
    report: Callable[[page.Row], None],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = project.Project.create(
            Path(folder),
            application=project.ROOT / "examples" / "shop",
            stack=stack,
            rolloutTimeout=fault.DEADLINE,
        )
        namespace = injections.get_namespace(shop)
        # A cured store has a volume, and the next fault removes it.
        shop.env[disks.ACCEPT_VARIABLE] = f"{namespace}/data-cache-0"
        try:
            catalogue.prepare_shop(shop)
            shop.up()
            address = shop.read_address(namespace)
            for injected in faults:
                before = cures.read_files(shop)
                try:
                    report(_run_fault(shop, address, injected))
                except AssertionError as error:  # the other faults still count
                    print(f"{injected.injected}: the fault was not repaired: {error}", file=sys.stderr, flush=True)
                    cures.restore(shop, before)
                    shop.up("--refresh")
            for interruption in interrupted:
                report(_run_interruption(shop, address, interruption))
        finally:
            shop.pulumi("cancel", "--yes", shop.stack)
            shop.destroy()


def _run_fault(shop: project.Project, address: str, injected: fault.Fault) -> page.Row:
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
        if cure != "-":
            shop.preview("--expect-no-changes")
        # Without a cure the fault is still there. After one, the next fault must be the only change of its rollout.
        cures.restore(shop, before)
        shop.up(*(() if cure != "-" else injected.repair))
        shop.preview("--expect-no-changes")
    ended = run.seconds - run.change_seconds
    problems += [f"failed requests: {load.failures[:3]}"] * bool(load.failures)
    exit_code, requests = str(run.exit_code), _format_requests(load)
    if injected.rejected is not None:
        message = next((line.text for line in run.lines if injected.rejected in line.text), "")
        problems += [f"not rejected:\n{run.output}"] * (not message or run.exit_code == 0)
        seconds = f"{run.seconds:.0f} s"
        text = f"`{message.strip().removeprefix('error: ')}`"
        cells = ("none: rejected before the rollout", injected.injected, seconds, seconds, exit_code, requests, text)
        return _build_row(injected, (*cells, "-", "-"), problems)
    if injected.cause is None:
        problems += [f"a rollout that can heal failed:\n{run.output}"] * bool(run.exit_code)
        cells = ("none: it heals", injected.injected, "-", f"{ended:.0f} s", exit_code, requests, "succeeds", "-", "-")
        return _build_row(injected, cells, problems)
    line = run.find_cause(injected.cause)
    delay = 0.0 if line is None else run.measure_delay(line)
    problems += ["it succeeded"] * (run.exit_code == 0)
    problems += [f"never reported:\n{run.output}"] * (line is None)
    problems += [f"reported after {delay:.0f} s"] * (delay > MAX_DELAY and not injected.late)
    limit = injected.deadline + 15 if injected.waits else IMMEDIATE_FAILURE
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
    return _build_row(injected, cells, problems)


def _build_row(injected: fault.Fault, cells: tuple[str, ...], problems: Sequence[str]) -> page.Row:
    return page.Row(section="faults", name=injected.injected, cells=cells, problems=tuple(problems))


def _carry_out(shop: project.Project, injected: fault.Fault, hint: str) -> tuple[str, list[str]]:
    """The cell of the cure, and its problems."""
    try:
        result = fault.carry_out(shop, injected, hint)
    except AssertionError as error:
        return "-", [str(error)]
    if result.exit_code:
        return "-", [f"the cure does not help:\n{result.output}"]
    return f"cured in {result.seconds:.0f} s", []


def _run_interruption(shop: project.Project, address: str, interruption: interruptions.Interruption) -> page.Row:
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
    return page.Row(section="interruptions", name=interruption.name, cells=cells, problems=tuple(problems))


def _format_requests(load: prober.Prober) -> str:
    return f"{len(load.failures)} of {load.answered + len(load.failures)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
