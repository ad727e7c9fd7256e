"""``seaway preview``: what `pulumi up` would change, the impact on users, and whether the stack's policy allows it.

Exit codes: 0, allowed; 1, the preview failed; 2, the command line or the configuration is invalid; 5, blocked: an
outage or a data loss that the stack's policy blocks and no waiver covers, or a failed check.

``--markdown FILE`` writes the summary for a pull request comment: at most 60,000 characters, the first line is
``<!-- seaway preview STACK -->``. It is also written when the preview fails.

``--json`` prints one object::

    application, stack    strings
    source       what was compared
    changes      a list, the worst first
        what     added, changed, replaced (deleted, then created) or removed
        object   {kind, name}
        owner    the service, store or job; null: the whole application
        impact   none, rolling, outage or data loss
        reason   the reason for the impact
        blocked  whether the policy blocks it
        fields   a list of {path, old, new}; null: not there; values of secrets are never in it
    images       a list of {name, repository, old, new, why}: old and new are tags
    notes        warnings, waivers, limits of the comparison
    checks       {summary, refused, advice}: a string, and two lists of lines that begin with the id of a check
    raw          a list of {object, path, default, value}: fields below `raw` that change a secure default
    errors       a list of strings; not empty: the preview failed, and the changes are incomplete
"""

import argparse
import dataclasses
import datetime
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import text

from seaway.checks import engine
from seaway.cli import command, display, pulumi_cli, revision, stack
from seaway.files import writer
from seaway.images import build_inputs, context
from seaway.project import environments
from seaway.review import change, disks, markdown, offline, policy, pulumi_preview, raw_fields, summary
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


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exit codes: 0, allowed; 1, the preview failed; 5, blocked by the stack's policy or a check."
    stack.add_option(parser)
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write a summary for a pull request")
    command.add_json_option(parser, __name__)
    help_text = "render --base and the working tree and compare them, without cluster, Docker, secrets and Pulumi"
    parser.add_argument("--offline", action="store_true", help=help_text)
    help_text = "compare with this revision (HEAD^1, origin/main); without --offline only to explain image rebuilds"
    parser.add_argument("--base", metavar="REVISION", help=help_text)
    help_text = "in CI: allow a backend that is a file of this machine"
    parser.add_argument("--local-backend", action="store_true", help=help_text)


def run(arguments: argparse.Namespace) -> int:
    if arguments.offline and arguments.base is None:
        raise command.UsageError("--offline requires a revision to compare with: --base HEAD^1")
    if arguments.offline and arguments.pulumi:
        raise command.UsageError("--offline accepts no arguments for pulumi")
    if arguments.no_program and not arguments.offline:
        raise command.UsageError("--no-program requires --offline: pulumi runs the program of the project")
    target = stack.find_target(arguments)
    preview = PreviewRun(target, arguments)
    try:
        if arguments.offline:
            return preview.compare_files()
        in_ci = os.environ.get("CI", "") in ("true", "1")
        return preview.run_pulumi(arguments.pulumi, require_shared_backend=in_ci and not arguments.local_backend)
    except diagnosis.InvalidInput as error:
        preview.write_failure(str(error))
        raise


class PreviewRun:
    """One run, with the arguments of the command line."""

    def __init__(self, target: stack.TargetStack, arguments: argparse.Namespace) -> None:
        self._target = target
        self._base: str | None = arguments.base
        self._file: Path | None = arguments.markdown
        self._as_json: bool = arguments.json

    def run_pulumi(self, pulumi_arguments: Sequence[str], *, require_shared_backend: bool) -> int:
        """Preview with `pulumi preview`; return the exit code."""
        target = self._target
        current = offline.render_tree(target.folder, target.name, target.application_name)
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
        warnings = list(preview.warnings)
        if preview.errors and any(diff.replace_paths for diff in preview.object_diffs):
            warnings.append(REPLACEMENT_HINT)
        complete = dataclasses.replace(
            preview,
            images=[_add_reason(image, compared.get(image.name), self._base) for image in preview.images],
            warnings=warnings,
            errors=preview.errors or ([f"pulumi preview ended with exit code {code}"] if code else []),
        )
        return self._report(current, "pulumi preview", complete)

    def compare_files(self) -> int:
        """Preview by rendering the base and the working tree; return the exit code."""
        with context.leave_out(revision.list_ignored(self._target.folder, self._base or "")):
            current = offline.render_tree(self._target.folder, self._target.name, self._target.application_name)
        source = (
            f"rendered from the files of {self._base} and of the working tree: edits in the cluster are not known, and"
            " the names of Secrets are placeholders"
        )
        compared = self._compare_base(current)
        secret_files = map(str, build_inputs.list_secret_files(current.environment))
        notes = [*compared.warnings, *environments.describe_file_secrets(current.environment), *secret_files]
        return self._report(current, source, dataclasses.replace(compared, warnings=notes))

    def write_failure(self, message: str) -> None:
        """Write the failure to the markdown file. Otherwise the comment would keep the result of the last run."""
        self._write_markdown(markdown.format_failure(self._target.name, message))

    def _write_markdown(self, document: str) -> None:
        if self._file:
            writer.write_output(self._file, document)

    def _compare_base(self, current: offline.RenderedTree) -> change.Preview:
        """Compare the working tree with the base."""
        base = self._base or ""
        with revision.checkout(self._target.folder, base) as tree:
            try:
                exists = (tree / f"Pulumi.{self._target.name}.yaml").is_file()
                before = offline.render_tree(tree, self._target.name, self._target.application_name) if exists else None
            except diagnosis.InvalidInput as error:
                relocated = [_relocate(diagnostic, tree, base) for diagnostic in error.diagnostics]
                raise diagnosis.InvalidInput(relocated) from None
        preview = offline.compare_trees(before, current)
        warnings = [] if before else [f"{base} has no stack {self._target.name}: everything is new"]
        return dataclasses.replace(preview, warnings=warnings)

    def _report(self, current: offline.RenderedTree, source: str, preview: change.Preview) -> int:
        """Apply the policy and print the summary; return the exit code."""
        images = tuple(sorted(preview.images, key=lambda image: image.name))  # Pulumi's order is random
        changes = summary.create_changes(preview.object_diffs, images)
        today = command.get_today()
        blocked, policy_notes = policy.apply_policy(changes, current.environment.settings, today)
        preview_summary = summary.PreviewSummary(
            app_name=current.environment.app.name,
            stack=self._target.name,
            source=source,
            changes=changes,
            images=images,
            blocked=blocked,
            notes=(*preview.warnings, *policy_notes),
            checks=_summarize_checks(current, today),
            raw=tuple(raw_fields.list_raw_fields(current)),
            errors=tuple(preview.errors),
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
    results = engine.run_checks(current.environment, current.objects, today)
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
            difference.diff.op,
            difference.diff.title,
            text.Text(difference.impact.label, style=IMPACT_COLOURS[difference.impact]),
            difference.reason or display.EMPTY,
        )
        for difference in preview_summary.changes
    )
    display.print_table(HEADINGS, rows)
    lines: list[str] = []
    for difference in preview_summary.changes:
        lines += ["", difference.diff.title] if difference.fields else []
        for field in difference.fields:
            if field.is_multiline:
                lines += [f"  {field.path}:", *(f"    {line}" for line in field.diff_lines())]
            else:
                lines.append(f"  {field.path}: {display.format_value(field.old)} -> {display.format_value(field.new)}")
    lines += [
        f"image {image.name}: {image.old or '-'} -> {image.new} ({image.why or 'unknown reason'})"
        for image in preview_summary.images
    ]
    lines += [
        f"raw {field.object} {field.path}: default {display.format_value(field.default)},"
        f" set to {display.format_value(field.value)}"
        for field in preview_summary.raw
    ]
    lines += preview_summary.notes
    if checks := preview_summary.checks:
        lines += [*checks.refused, f"{checks.summary} (seaway check --stack {preview_summary.stack})"]
    display.print_line(text.Text("\n".join(lines)))
