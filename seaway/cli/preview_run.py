"""One run of ``seaway preview``: ask Pulumi or render two trees, apply the policy, print the summary."""

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
    "pulumi tries a replacement against the object that still exists, and the API server may refuse it:"
    " pulumi up --skip-preview deletes the object first"
)
HEADINGS = ("CHANGE", "OBJECT", "IMPACT", "REASON")


class PreviewRun:
    """One run.

    Args:
        base: the revision to compare with, if any.
        markdown: the file for a pull request, if any.
        as_json: print JSON.
    """

    def __init__(self, target: stack.TargetStack, *, base: str | None, markdown: Path | None, as_json: bool) -> None:
        self._target = target
        self._base = base
        self._file = markdown
        self._as_json = as_json

    def run_pulumi(self, pulumi_arguments: Sequence[str], *, require_shared_backend: bool) -> int:
        """Preview with `pulumi preview`; return the exit code.

        Args:
            pulumi_arguments: further arguments for it.
            require_shared_backend: whether a backend on this machine is an error.
        """
        target = self._target
        current = offline.render_tree(target.folder, target.name)
        compared = {image.name: image for image in self._compare_base(current).images} if self._base else {}
        if require_shared_backend:
            _reject_local_backend(target.folder)
        command.report(f"pulumi preview of stack {target.name}")
        # Lists deleted volumes instead of failing at the first one, so that the summary is complete.
        args = ["preview", "--json", "--stack", target.name, *pulumi_arguments]
        code, printed = pulumi_cli.capture_stdout(target.folder, args, **{disks.LIST_VARIABLE: "true"})
        try:
            preview = pulumi_preview.parse(printed)
        except pulumi_preview.UnreadablePreview:
            message = printed.strip() or "pulumi preview failed before it compared anything: see its output above"
            print(message, file=sys.stderr)
            self.write_failure(message)
            return command.FAILURE
        notes = list(preview.warnings)
        if preview.errors and any(diff.replace_paths for diff in preview.object_diffs):
            notes.append(REPLACEMENT_HINT)
        return self._report(
            current,
            source="pulumi preview",
            object_diffs=preview.object_diffs,
            images=[_add_reason(image, compared.get(image.name), self._base) for image in preview.images],
            notes=notes,
            errors=preview.errors or ([f"pulumi preview ended with exit code {code}"] if code else []),
        )

    def compare_files(self) -> int:
        """Preview by rendering the base and the working tree; return the exit code."""
        name = self._target.name
        current = offline.render_tree(self._target.folder, name)
        comparison = self._compare_base(current)
        return self._report(
            current,
            source=f"rendered from the files of {self._base} and of the working tree: edits in the cluster are not"
            " known, and the names of Secrets are placeholders",
            object_diffs=comparison.object_diffs,
            images=comparison.images,
            notes=[f"{self._base} has no stack {name}: everything is new"] if comparison.is_new_stack else [],
        )

    def write_failure(self, message: str) -> None:
        """Write the failure to the markdown file. Otherwise the comment would keep the result of the last run."""
        self._write_markdown(markdown.format_failure(self._target.name, message))

    def _write_markdown(self, document: str) -> None:
        if self._file:
            self._file.write_text(document, encoding="utf-8")

    def _compare_base(self, current: offline.RenderedTree) -> offline.TreeComparison:
        """Compare the working tree with the base."""
        base = self._base or ""
        with revision.checkout(self._target.folder, base) as tree:
            try:
                exists = (tree / f"Pulumi.{self._target.name}.yaml").is_file()
                before = offline.render_tree(tree, self._target.name) if exists else None
            except diagnosis.InvalidInput as error:
                relocated = [_relocate(diagnostic, tree, base) for diagnostic in error.diagnostics]
                raise diagnosis.InvalidInput(relocated) from None
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
        """Apply the policy and print the summary; return the exit code."""
        images = tuple(sorted(images, key=lambda image: image.name))  # Pulumi's order is random
        changes = summary.create_changes(object_diffs, images)
        today = command.get_today()
        policy_result = policy.apply_policy(changes, current.settings, today)
        preview_summary = summary.PreviewSummary(
            app_name=current.app.name,
            stack=self._target.name,
            source=source,
            changes=changes,
            images=images,
            policy_result=policy_result,
            notes=(*notes, *policy_result.notes),
            checks=_summarize_checks(current, today),
            errors=tuple(errors),
        )
        self._write_markdown(markdown.format_document(preview_summary))
        if self._as_json:
            command.print_json(preview_summary.to_plain())
        else:
            _print_summary(preview_summary)
        for line in (*preview_summary.errors, *filter(None, [preview_summary.blocked_reason])):
            command.report(line)
        if preview_summary.blocked_reason:
            return command.BLOCKED
        return command.FAILURE if preview_summary.errors else command.SUCCESS


def _reject_local_backend(folder: Path) -> None:
    """In CI each job has a new disk: a preview against a local backend would always create everything."""
    _, printed = pulumi_cli.capture_stdout(folder, ["whoami", "--json"])
    try:
        url = str(json.loads(printed)["url"])
    except (ValueError, KeyError, TypeError):
        return  # not logged in; the preview reports it better
    if url.startswith("file:"):
        message = f"the state is in {url}, a file of this machine: in CI every preview would start from nothing"
        hint = (
            "set PULUMI_BACKEND_URL to a shared backend (s3://, gs://, azblob://, postgres://, https://), or pass"
            " --local-backend if the file persists"
        )
        raise diagnosis.reject(diagnosis.SourceLocation("CI"), "", "local-backend", message, hint)


def _add_reason(image: change.ImageDiff, compared: change.ImageDiff | None, base: str | None) -> change.ImageDiff:
    """Add the reason from the base. Pulumi's program has none if this machine has not built the image yet."""
    if image.why or compared is None or compared.new != image.new or compared.why is None:
        return image
    reason = compared.why if compared.old == image.old else f"since {base}: {compared.why}"
    return dataclasses.replace(image, why=reason)


def _relocate(diagnostic: diagnosis.Diagnostic, tree: Path, base: str) -> diagnosis.Diagnostic:
    """A diagnostic of the base, with its file as git shows it: ``HEAD^1:app/app.yaml``."""
    file = diagnostic.location.file.removeprefix(f"{tree}/")
    return dataclasses.replace(diagnostic, location=dataclasses.replace(diagnostic.location, file=f"{base}:{file}"))


def _summarize_checks(current: offline.RenderedTree, today: datetime.date) -> summary.CheckSummary:
    """The results of the checks on the working tree."""
    results = engine.run_checks(environments.Environment.create(current.app, current.settings), current.objects, today)
    advice = [result for result in results if not result.is_refused and result.state in ("failed", "unused")]
    return summary.CheckSummary(
        summary=engine.format_summary(results),
        refused=tuple(engine.format_lines(result for result in results if result.is_refused)),
        advice=tuple(engine.format_lines(advice)),
    )


def _print_summary(preview_summary: summary.PreviewSummary) -> None:
    """Print the headline, a table of the changes, then the differences in each object."""
    display.print_line(preview_summary.headline)
    rows = (
        (
            difference.op,
            difference.title,
            text.Text(difference.impact.label, style=IMPACT_COLOURS[difference.impact]),
            difference.reason or display.EMPTY,
        )
        for difference in preview_summary.changes
    )
    display.print_table(HEADINGS, rows)
    lines: list[str] = []
    for difference in preview_summary.changes:
        lines += ["", difference.title] if difference.fields else []
        for field in difference.fields:
            if field.is_multiline:
                lines += [f"  {field.path}:", *(f"    {line}" for line in field.diff_lines())]
            else:
                lines.append(f"  {field.path}: {_format_value(field.old)} -> {_format_value(field.new)}")
    lines += [
        f"image {image.name}: {image.old or '-'} -> {image.new} ({image.why or 'unknown reason'})"
        for image in preview_summary.images
    ]
    lines += preview_summary.notes
    if checks := preview_summary.checks:
        lines += [*checks.refused, f"{checks.summary} (seaway check --stack {preview_summary.stack})"]
    display.print_line(text.Text("\n".join(lines)))


def _format_value(field_value: Any) -> str:
    """The whole value; ``display.format_value`` would shorten it."""
    if field_value is None:
        return "-"
    return field_value if isinstance(field_value, str) else json.dumps(field_value, ensure_ascii=False)
