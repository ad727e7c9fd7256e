"""Why a build failed: the step, its location, the end of its output, and a hint."""

import dataclasses
import difflib
import os
import re
from pathlib import Path

from seaway.images import base_images, build_causes, build_inputs, build_log, dockerfile
from seaway.model import image_reference
from seaway.project import environments
from seaway.syntax import diagnosis

MAX_OUTPUT_LINES = 20
MAX_WIDTH = 200
RUNBOOK = "docs/runbook.md"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildFailure:
    """A failed build of the image of ``name``."""

    name: str
    cause: str
    location: diagnosis.SourceLocation
    exit_code: int | None
    instruction: str
    """As BuildKit names the step; empty: no step of the Dockerfile failed."""
    message: str
    hint: str
    output: tuple[str, ...]

    def format(self, *, log_file: str = "", missing_log: str = "") -> str:
        """The text for the user.

        Args:
            log_file: the file with the whole log.
            missing_log: why there is no log.
        """
        code = "" if self.exit_code is None else f" (exit code {self.exit_code})"
        lines = [f"  {self.instruction}"] if self.instruction else []
        if self.output:
            tail = self.output[-MAX_OUTPUT_LINES:]
            count = f"last {len(tail)} of {len(self.output)} lines" if len(tail) < len(self.output) else "all lines"
            lines.append(f"  output ({count}{f'; the whole log: {log_file}' if log_file else ''}):")
            lines += [f"    {_shorten(line)}".rstrip() for line in tail]
        if missing_log and self.exit_code is not None:
            lines.append(f"  its output cannot be shown: {missing_log}")
        if self.cause != build_causes.UNKNOWN or self.exit_code is None:  # else it repeats the lines above
            lines.append(f"  cause: {self.message}")
        lines += [f"  fix: {self.hint}", f"  see {RUNBOOK}#{self.cause}"]
        what = self.location if self.location.line else f"the build of {self.location}"
        return "\n".join([f"image {self.name}: {what} failed{code}", *lines])


def explain_failure(
    name: str, inputs: build_inputs.BuildInputs, environment: environments.Environment, *, error: str, log: str
) -> BuildFailure:
    """Find the cause of a failed build.

    Args:
        name: of the image.
        inputs: of the build.
        environment: of the stack.
        error: the error of the builder.
        log: the plain log of the build; empty: it is not known.
    """
    failed = build_log.find_failed_step(log)
    output = failed.output if failed else ()
    recognised = build_causes.recognise_cause(error, "\n".join(output[-MAX_OUTPUT_LINES:]))
    explanation = _Explanation(name, inputs, environment)
    text = explanation.text
    step = dockerfile.find_step(text, failed.name) if failed else dockerfile.find_command(text, error)
    line = step.line if step else explanation.find_line(error, recognised.subject)
    base_line = step.base_line if step else line
    cause, message = recognised.cause, recognised.message
    if cause == build_causes.FILE_MISSING and step and "--from=" not in step.text:
        cause, message = explanation.explain_missing_file(recognised.subject)
    if cause.startswith("build-base") and (stage := explanation.find_stage_name(line)):
        cause, message = build_causes.STAGE_MISSING, f"no stage above is named {stage}"
    names = explanation.collect_names(recognised.subject, line, base_line, recognised.error)
    return BuildFailure(
        name=name,
        cause=cause,
        location=diagnosis.SourceLocation(explanation.file, line),
        exit_code=build_log.parse_exit_code(error),
        instruction=" ".join(failed.name.partition("] ")[2].split() if failed else step.text.split()) if step else "",
        message=_fill(message, names),
        hint=_fill(build_causes.CAUSES[cause], names),
        output=output if step else (),
    )


class _Explanation:
    """The names that messages and hints about one build contain."""

    def __init__(self, name: str, inputs: build_inputs.BuildInputs, environment: environments.Environment) -> None:
        self._name = name
        self._inputs = inputs
        self._environment = environment
        build, folder = inputs.context.build, inputs.context.folder
        self.file = environment.settings.app if build.inline is not None else self._show(folder / build.dockerfile)
        self.text = build.inline if build.inline is not None else _read_text(folder / build.dockerfile)
        self._used_images = base_images.BaseImages.parse(self.text, file=self.file, args=inputs.args).images

    def find_line(self, error: str, subject: str) -> int | None:
        """The line of an error that belongs to no step."""
        if match := re.search(r"parse error on line (\d+)", error):
            return int(match[1])
        if match := re.search(r"base name \((.*)\) should not be blank", error):
            instructions = dockerfile.parse_instructions(self.text)
            return next((line for line, word, rest in instructions if word == "FROM" and match[1] in rest), None)
        name = image_reference.normalize(subject) if subject else ""
        images = (image for image in self._used_images if image_reference.normalize(image.reference) == name)
        return next((image.line for image in images), None)

    def collect_names(self, subject: str, line: int | None, base_line: int | None, error: str) -> dict[str, str]:
        """What a message may name."""
        settings = self._environment.settings
        return {
            "app": settings.app,
            "base": self._describe_base(base_line),
            "context": self._show(self._inputs.context.folder),
            "error": _shorten(error.removeprefix("failed to solve: ")),
            "image": self._name,
            "place": str(diagnosis.SourceLocation(self.file, line)),
            "platform": settings.platform,
            "registry": (settings.registry or "").partition("/")[0],
            "subject": subject,
            "subject_registry": image_reference.get_registry(subject) if subject else "",
        }

    def find_stage_name(self, line: int | None) -> str | None:
        """The image of the COPY --from in this line, if it looks like the name of a stage."""
        names = (image.reference for image in self._used_images if image.line == line and image.is_copy_source)
        return next((name for name in names if re.fullmatch(r"[\w-]+", name)), None)

    def explain_missing_file(self, path: str) -> tuple[str, str]:
        """The cause and the message for a file of the context that a step did not find."""
        context = self._inputs.context
        if (rule := context.ignore_rules.find_excluding_rule(path)) and os.path.lexists(context.folder / path):
            location, pattern = rule
            shown = diagnosis.SourceLocation(self._show(Path(location.file)), location.line)
            return build_causes.FILE_IGNORED, f"{{subject}} is excluded by {shown}: {pattern}"
        paths = [file.path for file in context.files if file.path != path]
        similar = difflib.get_close_matches(path, paths, n=1)
        message = "{subject} does not exist in {context}"
        return build_causes.FILE_MISSING, f"{message}; did you mean {similar[0]}?" if similar else message

    def _describe_base(self, line: int | None) -> str:
        """The base image of the FROM in a line, and what put it in place of the Dockerfile's."""
        used = next((image for image in self._used_images if image.line == line), None)
        if used is None:
            return "the base image"
        shown = image_reference.remove_digest(used.reference)
        if used.is_copy_source:
            return f"the image {shown}"
        declared = next(image for image in self._inputs.bases.images if image.line == line).reference
        if shown == image_reference.remove_digest(declared):
            return f"the base image {shown}"
        stack = self._environment.settings.stack
        return f"the base image {shown} (instead of {declared}: seaway:imageOverrides of stack {stack})"

    def _show(self, path: Path) -> str:
        """The path as the user writes it: relative to the project."""
        shown = os.path.relpath(path, self._environment.folder)
        return str(path) if shown.startswith("..") else shown


def _read_text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""


def _fill(template: str, names: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], match[0]), template)


def _shorten(line: str) -> str:
    return line if len(line) <= MAX_WIDTH else f"{line[: MAX_WIDTH - 1]}…"
