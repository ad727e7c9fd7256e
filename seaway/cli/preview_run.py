"""What ``seaway preview`` does once it knows the stack: ask Pulumi or render two trees, judge, and show."""

import dataclasses
import datetime
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich import text

from seaway.checks import engine
from seaway.cli import command, display, pulumi_cli, revision, stack
from seaway.review import change, disks, markdown, offline, policy, pulumi_preview, summary
from seaway.syntax import diagnosis

COLOURS = {
    change.Impact.NONE: "",
    change.Impact.ROLLING: "green",
    change.Impact.OUTAGE: "red",
    change.Impact.DATA_LOSS: "bold red",
}
TRIED = (
    "pulumi tries a replacement out on the object that is still there, and that may be refused:"
    " pulumi up --skip-preview deletes it first"
)
HEAD = ("CHANGE", "OBJECT", "IMPACT", "BECAUSE")


class Review:
    """One run.

    Args:
        base: the revision that is compared with; None: none.
        markdown: the file for a pull request; None: none.
        as_json: print it for a program.
    """

    def __init__(self, where: stack.Stack, *, base: str | None, markdown: Path | None, as_json: bool) -> None:
        self._where = where
        self._base = base
        self._file = markdown
        self._as_json = as_json

    def preview(self, more: Sequence[str], *, shared: bool) -> int:
        """By `pulumi preview`; the exit code.

        Args:
            more: further words for it.
            shared: whether a backend on this machine's disk is refused.

        Raises:
            problems.Invalid: something in the files is wrong, or the backend is refused.
        """
        where = self._where
        now = offline.rendered(where.folder, where.name)
        why = {one.name: one for one in self._compared(now).images} if self._base else {}
        if shared:
            _refuse_local(where.folder)
        print(f"seaway: pulumi preview of stack {where.name}", file=sys.stderr, flush=True)
        # The whole change is shown, and judged after that: plain Pulumi stops at the first disk that would go.
        words = ["preview", "--json", "--stack", where.name, *more]
        code, printed = pulumi_cli.output(where.folder, words, **{disks.LISTED: "true"})
        try:
            found = pulumi_preview.read(printed)
        except pulumi_preview.Unreadable:
            said = printed.strip() or "pulumi preview failed before it looked at anything: its words are above"
            print(said, file=sys.stderr)
            self.failed(said)
            return command.FAILED
        ended = [f"pulumi preview ended with exit code {code}"] if code else []
        return self._told(
            now,
            source="pulumi preview",
            pairs=found.pairs,
            images=[_explained(one, why.get(one.name), self._base) for one in found.images],
            notes=[*found.warnings, *([TRIED] if found.errors and any(one.replaced for one in found.pairs) else [])],
            errors=found.errors or ended,
        )

    def compare(self) -> int:
        """By rendering the base and the working tree; the exit code.

        Raises:
            problems.Invalid: something in the files is wrong, or there is no such revision.
        """
        where = self._where
        now = offline.rendered(where.folder, where.name)
        found = self._compared(now)
        return self._told(
            now,
            source=f"rendered from the files of {self._base} and of the working tree: what was edited in the cluster is"
            " not known, and the names of Secrets are stand-ins",
            pairs=found.pairs,
            images=found.images,
            notes=[f"there is no stack {where.name} in {self._base}: all of it is new"] if found.new else [],
        )

    def failed(self, said: str) -> None:
        """Why there is no summary: in the file, or a comment would go on saying what the run before found."""
        self._write(markdown.failure(self._where.name, said))

    def _write(self, said: str) -> None:
        if self._file:
            self._file.write_text(said, encoding="utf-8")

    def _compared(self, now: offline.Rendered) -> offline.Compared:
        """The working tree against the base.

        Raises:
            problems.Invalid: there is no such revision, or its files are wrong.
        """
        assert self._base is not None  # noqa: S101 - both callers have looked
        with revision.checkout(self._where.folder, self._base) as tree:
            try:
                there = (tree / f"Pulumi.{self._where.name}.yaml").is_file()
                before = offline.rendered(tree, self._where.name) if there else None
            except diagnosis.Invalid as error:
                raise diagnosis.Invalid(_at(one, tree, self._base) for one in error.problems) from None
        return offline.compare(before, now)

    def _told(
        self,
        now: offline.Rendered,
        *,
        source: str,
        pairs: Iterable[change.Pair],
        images: Iterable[change.Image],
        notes: Iterable[str],
        errors: Iterable[str] = (),
    ) -> int:
        """Judge it and show it; the exit code."""
        images = tuple(sorted(images, key=lambda one: one.name))  # Pulumi has no order
        changes = summary.changes(pairs, images)
        today = datetime.datetime.now(datetime.UTC).date()
        verdict = policy.judge(changes, now.settings, today)
        told = summary.Summary(
            app=now.app.name,
            stack=self._where.name,
            source=source,
            changes=changes,
            images=images,
            verdict=verdict,
            notes=(*notes, *verdict.notes),
            checks=_checks(now, today),
            errors=tuple(errors),
        )
        self._write(markdown.document(told))
        if self._as_json:
            print(json.dumps(told.plain(), indent=2, ensure_ascii=False))
        else:
            _show(told)
        for line in (*told.errors, *filter(None, [told.blocked])):
            print(f"seaway: {line}", file=sys.stderr)
        if told.blocked:
            return command.BLOCKED
        return command.FAILED if told.errors else command.DONE


def _refuse_local(folder: Path) -> None:
    """A runner's own disk is new in every job: a preview against it would always say that all is to be made.

    Raises:
        problems.Invalid: that is where the state is.
    """
    _, printed = pulumi_cli.output(folder, ["whoami", "--json"])
    try:
        url = str(json.loads(printed)["url"])
    except (ValueError, KeyError, TypeError):
        return  # nobody is logged in; the preview says it better
    if url.startswith("file:"):
        wrong = f"the state is in {url}, a file of this machine: in CI the preview would always be from nothing"
        remedy = "set PULUMI_BACKEND_URL to a shared backend (s3://, gs://, azblob://, postgres://, https://), or say"
        place = diagnosis.Place("CI")
        raise diagnosis.Invalid([diagnosis.Problem(place, "", wrong, f"{remedy} --local-backend if it is kept")])


def _explained(one: change.Image, found: change.Image | None, base: str | None) -> change.Image:
    """With the reason that the base tells, where Pulumi's program knows none: it built nothing on this machine yet."""
    if one.why or found is None or found.new != one.new or found.why is None:
        return one
    return dataclasses.replace(one, why=found.why if found.old == one.old else f"since {base}: {found.why}")


def _at(one: diagnosis.Problem, tree: Path, base: str) -> diagnosis.Problem:
    """A problem of the base, with its file as git shows it: ``HEAD^1:app/app.yaml``."""
    file = one.place.file.removeprefix(f"{tree}/")
    return dataclasses.replace(one, place=dataclasses.replace(one.place, file=f"{base}:{file}"))


def _checks(now: offline.Rendered, today: datetime.date) -> summary.Checks:
    """What the checks have to say of what would be deployed."""
    results = engine.run(now.app, now.settings, now.objects, today)
    return summary.Checks(
        summary=engine.summary(results),
        refused=tuple(engine.lines(one for one in results if one.refused)),
        advice=tuple(engine.lines(one for one in results if not one.refused and one.state in ("failed", "idle"))),
    )


def _show(told: summary.Summary) -> None:
    """For eyes: the headline, a table, then what differs in each object."""
    screen = display.screen()
    display.write(screen, text.Text(told.headline))
    if told.changes:
        rows = [(one.op, one.title, _impact(one.impact), one.reason or "-") for one in told.changes]
        display.write(screen, display.columns(HEAD, rows))
    lines: list[str] = []
    for one in told.changes:
        lines += ["", one.title] if one.fields else []
        for each in one.fields:
            if each.text:
                lines += [f"  {each.path}:", *(f"    {line}" for line in each.lines())]
            else:
                lines.append(f"  {each.path}: {_value(each.old)} -> {_value(each.new)}")
    lines += [
        f"image {one.name}: {one.old or '-'} -> {one.new} ({one.why or 'no reason known'})" for one in told.images
    ]
    lines += told.notes
    if told.checks:
        lines += [*told.checks.refused, f"{told.checks.summary} (seaway check --stack {told.stack})"]
    display.write(screen, text.Text("\n".join(lines)))


def _impact(level: change.Impact) -> text.Text:
    return text.Text(level.label, style=COLOURS[level])


def _value(said: Any) -> str:
    return "-" if said is None else said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
