"""Runs every fault and interruption through `pulumi up`, under load, and writes the table docs/failures.md.

``python -m dev.faults [ID ...]``; with ids of causes, or ``interruptions``, only these run and nothing is written.
"""

import dataclasses
import re
import sys
import tempfile
from pathlib import Path

from dev import prober, project
from dev.faults import catalogue, interruptions, watched_run
from seaway.files import private

TABLE = project.ROOT / "docs" / "failures.md"
AT_ONCE = 90
"""Seconds: the kubelet itself waits 10, 20 and 40 before the third restart, after which a crash loop is one."""

SCREENS = project.ROOT / ".seaway" / "faults"
"""What each run printed, for whoever wants to read all of it."""

HEADER = f"""# What failures look like, measured

Written by `python -m dev.faults`. Each row was done to `examples/shop` on the one-node cluster (two cores), by plain
`pulumi up`, under a load of 10 requests a second from outside. "Told" and "ended" count from the line that says that
the workload has changed. What can heal is told at once and fails at the deadline: {catalogue.DEADLINE} s here, 300 s
unless the stack says otherwise. After each the source was mended and `pulumi up` converged: the next
`pulumi preview` said no changes.

"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    cells: tuple[str, ...]
    wrong: tuple[str, ...]
    """What was not as promised."""


def main(chosen: list[str]) -> int:
    """Run them; 0 if all kept the promises."""
    with tempfile.TemporaryDirectory() as folder:
        shop = project.Project.create(
            Path(folder),
            application=project.ROOT / "examples" / "shop",
            stack="faults",
            rolloutTimeout=catalogue.DEADLINE,
        )
        try:
            catalogue.prepared(shop)
            shop.up()
            return _all(shop, chosen)
        finally:
            shop.pulumi("cancel", "--yes", shop.stack)
            shop.destroy()


def _all(shop: project.Project, chosen: list[str]) -> int:
    port = shop.get_objects("service", "web", "-n", catalogue.NAMESPACE)["spec"]["ports"][0]["nodePort"]
    address = project.run_cluster("forward", str(port)).stdout.strip()
    failed: list[Row] = []
    interrupted: list[Row] = []
    for fault in catalogue.FAULTS:
        if not chosen or fault.cause in chosen:
            failed.append(_fault(shop, address, fault))
            _say(failed[-1])
    for each in interruptions.INTERRUPTIONS:
        if not chosen or "interruptions" in chosen:
            interrupted.append(_interruption(shop, address, each))
            _say(interrupted[-1])
    if not chosen:
        causes = _table(
            ("cause", "done", "told after", "ended after", "exit", "failed requests", "on the screen"), failed
        )
        breaks = _table(("in the middle of a rollout", "ended after", "exit", "failed requests", "then"), interrupted)
        TABLE.write_text(f"{HEADER}{causes}\n## Interrupted\n\n{breaks}")
    return 1 if any(row.wrong for row in failed + interrupted) else 0


def _fault(shop: project.Project, address: str, fault: catalogue.Fault) -> Row:
    before = catalogue.changed(shop, fault)
    with prober.Prober(address) as load:
        with fault.around(shop):
            done = watched_run.up(shop)
        _keep(fault.injected, done)
        (shop.folder / "app" / "app.yaml").write_text(before)
        shop.up(*fault.mend)
        shop.preview("--expect-no-changes")
    ended = done.seconds - done.begun
    wrong = [f"failed requests: {load.failures[:3]}"] * bool(load.failures)
    if fault.refused is not None:
        told = next((line.text for line in done.lines if fault.refused in line.text), "")
        wrong += [f"not refused:\n{done.text}"] * (not told or done.code == 0)
        seconds = f"{done.seconds:.0f} s"
        cells = (
            "none: refused before",
            fault.injected,
            seconds,
            seconds,
            str(done.code),
            _asked(load),
            f"`{told.strip().removeprefix('error: ')}`",
        )
        return Row(cells=cells, wrong=tuple(wrong))
    if fault.cause is None:
        wrong += [f"a rollout that heals failed:\n{done.text}"] * bool(done.code)
        cells = ("none: it heals", fault.injected, "-", f"{ended:.0f} s", str(done.code), _asked(load), "succeeds")
        return Row(cells=cells, wrong=tuple(wrong))
    line = done.cause(fault.cause)
    told = 0.0 if line is None else done.told(line)
    wrong += ["it succeeded"] * (done.code == 0)
    wrong += [f"never told:\n{done.text}"] * (line is None)
    wrong += [f"told after {told:.0f} s"] * (told > 30)
    wrong += [f"ended after {ended:.0f} s"] * (ended > (catalogue.DEADLINE + 15 if fault.waits else AT_ONCE))
    cells = (
        f"[{fault.cause}](runbook.md#{fault.cause})",
        fault.injected,
        f"{told:.0f} s",
        f"{ended:.0f} s" + (" (deadline)" if fault.waits else ""),
        str(done.code),
        _asked(load),
        f"`{line}`",
    )
    return Row(cells=cells, wrong=tuple(wrong))


def _interruption(shop: project.Project, address: str, each: interruptions.Interruption) -> Row:
    """In a rollout that takes some seconds, because the new pods start slowly."""
    slow = catalogue.Fault(
        cause=None,
        injected="",
        change=catalogue.python("import runpy, time; time.sleep(6); runpy.run_path('web.py', run_name='__main__')"),
    )
    before = catalogue.changed(shop, slow)
    with prober.Prober(address) as load:
        done = watched_run.up(shop, act=each.act, after=2)
        _keep(each.name, done)
        for command in each.before:
            shop.pulumi(*command, shop.stack, check=True)
        rerun = [*(f"pulumi {' '.join(command)}" for command in each.before), "pulumi up"]
        again = watched_run.up(shop)
        preview = shop.preview("--expect-no-changes", check=False)
        (shop.folder / "app" / "app.yaml").write_text(before)
        shop.up()
    wrong = [f"failed requests: {load.failures[:3]}"] * bool(load.failures)
    wrong += [f"exit {done.code}:\n{done.text}"] * (each.survives != (done.code == 0))
    wrong += [f"the rerun failed:\n{again.text}"] * bool(again.code)
    wrong += [f"not converged:\n{preview.output}"] * bool(preview.exit_code)
    then = "it went on and succeeded" if each.survives else f"`{'`, then `'.join(rerun)}`: converged"
    cells = (each.name, f"{done.seconds - done.begun:.0f} s", str(done.code), _asked(load), then)
    return Row(cells=cells, wrong=tuple(wrong))


def _asked(load: prober.Prober) -> str:
    return f"{len(load.failures)} of {load.answered + len(load.failures)}"


def _keep(name: str, done: watched_run.Watched) -> None:
    private.make_folder(SCREENS)
    lines = [f"{line.seconds:6.1f}  {line.text}" for line in done.lines]
    (SCREENS / f"{re.sub('[^a-z0-9]+', '-', name.lower())[:60]}.txt").write_text("\n".join(lines) + "\n")


def _say(row: Row) -> None:
    print(" | ".join(row.cells), flush=True)
    for wrong in row.wrong:
        print(f"  NOT AS PROMISED: {wrong}", file=sys.stderr, flush=True)


def _table(header: tuple[str, ...], rows: list[Row]) -> str:
    lines = [header, tuple("---" for _ in header), *(row.cells for row in rows)]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n" for cells in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
