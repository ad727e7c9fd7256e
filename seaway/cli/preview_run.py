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
from seaway.project import environments
from seaway.review import change, disks, markdown, offline, policy, pulumi_preview, summary
from seaway.syntax import diagnosis

IMPACT_COLOURS = {
    change.Impact.NONE: "",
    change.Impact.ROLLING: "green",
    change.Impact.OUTAGE: "red",
    change.Impact.DATA_LOSS: "bold red",
}
REPLACEMENT_HINT = (
    "pulumi tries a replacement out on the object that is still there, and that may be refused:"
    " pulumi up --skip-preview deletes it first"
)
HEADINGS = ("CHANGE", "OBJECT", "IMPACT", "BECAUSE")


class PreviewRun:
    """One run.

    Args:
        base: the revision that is compared with; None: none.
        markdown: the file for a pull request; None: none.
        as_json: print it for a program.
    """

    def __init__(self, target: stack.TargetStack, *, base: str | None, markdown: Path | None, as_json: bool) -> None:
        self._where = target
        self._base = base
        self._file = markdown
        self._as_json = as_json

    def run_pulumi(self, pulumi_arguments: Sequence[str], *, require_shared_backend: bool) -> int:
        """By `pulumi preview`; the exit code.

        Args:
            more: further words for it.
            shared: whether a backend on this machine's disk is refused.

        Raises:
            diagnosis.InvalidInput: something in the files is wrong, or the backend is refused.
        """
        where = self._where
        now = offline.render_tree(where.folder, where.name)
        why = {one.name: one for one in self._compare_base(now).images} if self._base else {}
        if require_shared_backend:
            _reject_local_backend(where.folder)
        print(f"seaway: pulumi preview of stack {where.name}", file=sys.stderr, flush=True)
        # The whole change is shown, and judged after that: plain Pulumi stops at the first disk that would go.
        words = ["preview", "--json", "--stack", where.name, *pulumi_arguments]
        code, printed = pulumi_cli.capture_stdout(where.folder, words, **{disks.LIST_VARIABLE: "true"})
        try:
            found = pulumi_preview.parse(printed)
        except pulumi_preview.UnreadablePreview:
            said = printed.strip() or "pulumi preview failed before it looked at anything: its words are above"
            print(said, file=sys.stderr)
            self.write_failure(said)
            return command.FAILURE
        ended = [f"pulumi preview ended with exit code {code}"] if code else []
        return self._report(
            now,
            source="pulumi preview",
            object_diffs=found.object_diffs,
            images=[_add_reason(one, why.get(one.name), self._base) for one in found.images],
            notes=[
                *found.warnings,
                *([REPLACEMENT_HINT] if found.errors and any(one.replace_paths for one in found.object_diffs) else []),
            ],
            errors=found.errors or ended,
        )

    def compare_files(self) -> int:
        """By rendering the base and the working tree; the exit code.

        Raises:
            diagnosis.InvalidInput: something in the files is wrong, or there is no such revision.
        """
        where = self._where
        now = offline.render_tree(where.folder, where.name)
        found = self._compare_base(now)
        return self._report(
            now,
            source=f"rendered from the files of {self._base} and of the working tree: what was edited in the cluster is"
            " not known, and the names of Secrets are stand-ins",
            object_diffs=found.object_diffs,
            images=found.images,
            notes=[f"there is no stack {where.name} in {self._base}: all of it is new"] if found.is_new_stack else [],
        )

    def write_failure(self, message: str) -> None:
        """Why there is no summary: in the file, or a comment would go on saying what the run before found."""
        self._write_markdown(markdown.format_failure(self._where.name, message))

    def _write_markdown(self, document: str) -> None:
        if self._file:
            self._file.write_text(document, encoding="utf-8")

    def _compare_base(self, current: offline.RenderedTree) -> offline.TreeComparison:
        """The working tree against the base.

        Raises:
            diagnosis.InvalidInput: there is no such revision, or its files are wrong.
        """
        assert self._base is not None  # noqa: S101 - both callers have looked
        with revision.checkout(self._where.folder, self._base) as tree:
            try:
                there = (tree / f"Pulumi.{self._where.name}.yaml").is_file()
                before = offline.render_tree(tree, self._where.name) if there else None
            except diagnosis.InvalidInput as error:
                raise diagnosis.InvalidInput(_relocate(one, tree, self._base) for one in error.diagnostics) from None
        return offline.compare_trees(before, current)

    def _report(
        self,
        current: offline.RenderedTree,
        *,
        source: str,
        object_diffs: Iterable[change.ObjectDiff],
        images: Iterable[change.ImageDiff],
        notes: Iterable[str],
        errors: Iterable[str] = (),
    ) -> int:
        """Judge it and show it; the exit code."""
        images = tuple(sorted(images, key=lambda one: one.name))  # Pulumi has no order
        changes = summary.create_changes(object_diffs, images)
        today = datetime.datetime.now(datetime.UTC).date()
        verdict = policy.apply_policy(changes, current.settings, today)
        told = summary.PreviewSummary(
            app_name=current.app.name,
            stack=self._where.name,
            source=source,
            changes=changes,
            images=images,
            policy_result=verdict,
            notes=(*notes, *verdict.notes),
            checks=_summarize_checks(current, today),
            errors=tuple(errors),
        )
        self._write_markdown(markdown.format_document(told))
        if self._as_json:
            print(json.dumps(told.to_plain(), indent=2, ensure_ascii=False))
        else:
            _print_summary(told)
        for line in (*told.errors, *filter(None, [told.blocked_reason])):
            print(f"seaway: {line}", file=sys.stderr)
        if told.blocked_reason:
            return command.BLOCKED
        return command.FAILURE if told.errors else command.SUCCESS


def _reject_local_backend(folder: Path) -> None:
    """A runner's own disk is new in every job: a preview against it would always say that all is to be made.

    Raises:
        diagnosis.InvalidInput: that is where the state is.
    """
    _, printed = pulumi_cli.capture_stdout(folder, ["whoami", "--json"])
    try:
        url = str(json.loads(printed)["url"])
    except (ValueError, KeyError, TypeError):
        return  # nobody is logged in; the preview says it better
    if url.startswith("file:"):
        wrong = f"the state is in {url}, a file of this machine: in CI the preview would always be from nothing"
        remedy = "set PULUMI_BACKEND_URL to a shared backend (s3://, gs://, azblob://, postgres://, https://), or say"
        place = diagnosis.SourceLocation("CI")
        raise diagnosis.InvalidInput(
            [diagnosis.Diagnostic(place, "", wrong, f"{remedy} --local-backend if it is kept")]
        )


def _add_reason(image: change.ImageDiff, compared: change.ImageDiff | None, base: str | None) -> change.ImageDiff:
    """With the reason that the base tells, where Pulumi's program knows none: it built nothing on this machine yet."""
    if image.why or compared is None or compared.new != image.new or compared.why is None:
        return image
    return dataclasses.replace(
        image, why=compared.why if compared.old == image.old else f"since {base}: {compared.why}"
    )


def _relocate(diagnostic: diagnosis.Diagnostic, tree: Path, base: str) -> diagnosis.Diagnostic:
    """A problem of the base, with its file as git shows it: ``HEAD^1:app/app.yaml``."""
    file = diagnostic.location.file.removeprefix(f"{tree}/")
    return dataclasses.replace(diagnostic, location=dataclasses.replace(diagnostic.location, file=f"{base}:{file}"))


def _summarize_checks(current: offline.RenderedTree, today: datetime.date) -> summary.CheckSummary:
    """What the checks have to say of what would be deployed."""
    results = engine.run_checks(environments.Environment.create(current.app, current.settings), current.objects, today)
    return summary.CheckSummary(
        summary=engine.format_summary(results),
        refused=tuple(engine.format_lines(one for one in results if one.is_refused)),
        advice=tuple(
            engine.format_lines(one for one in results if not one.is_refused and one.state in ("failed", "unused"))
        ),
    )


def _print_summary(preview_summary: summary.PreviewSummary) -> None:
    """For eyes: the headline, a table, then what differs in each object."""
    screen = display.create_screen()
    display.write(screen, text.Text(preview_summary.headline))
    if preview_summary.changes:
        rows = [(one.op, one.title, _format_impact(one.impact), one.reason or "-") for one in preview_summary.changes]
        display.write(screen, display.build_table(HEADINGS, rows))
    lines: list[str] = []
    for one in preview_summary.changes:
        lines += ["", one.title] if one.fields else []
        for each in one.fields:
            if each.is_multiline:
                lines += [f"  {each.path}:", *(f"    {line}" for line in each.diff_lines())]
            else:
                lines.append(f"  {each.path}: {_format_value(each.old)} -> {_format_value(each.new)}")
    lines += [
        f"image {one.name}: {one.old or '-'} -> {one.new} ({one.why or 'no reason known'})"
        for one in preview_summary.images
    ]
    lines += preview_summary.notes
    if preview_summary.checks:
        lines += [
            *preview_summary.checks.refused,
            f"{preview_summary.checks.summary} (seaway check --stack {preview_summary.stack})",
        ]
    display.write(screen, text.Text("\n".join(lines)))


def _format_impact(impact: change.Impact) -> text.Text:
    return text.Text(impact.label, style=IMPACT_COLOURS[impact])


def _format_value(said: Any) -> str:
    return "-" if said is None else said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
