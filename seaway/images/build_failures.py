"""Why a build failed: the step, its location, the end of its output, and a hint."""

import dataclasses
import os
import re
from pathlib import Path

from seaway.images import base_images, build_causes, build_inputs, build_log
from seaway.model import image_reference
from seaway.project import environments
from seaway.syntax import decode, diagnosis, dockerfile

MAX_OUTPUT_LINES = 20
MAX_WIDTH = 200


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
        """The text for the user. ``missing_log``: why there is no ``log_file``."""
        code = "" if self.exit_code is None else f" (exit code {self.exit_code})"
        lines = [f"  {self.instruction}"] if self.instruction else []
        if self.output:
            tail = self.output[-MAX_OUTPUT_LINES:]
            count = f"last {len(tail)} of {len(self.output)} lines" if len(tail) < len(self.output) else "all lines"
            lines.append(f"  output ({count}{f'; the whole log: {log_file}' if log_file else ''}):")
            lines += [f"    {diagnosis.cut_line(line, MAX_WIDTH)}".rstrip() for line in tail]
        if missing_log and self.exit_code is not None:
            lines.append(f"  its output cannot be shown: {missing_log}")
        if self.cause != build_causes.UNKNOWN or self.exit_code is None:  # else it repeats the lines above
            lines.append(f"  cause: {self.message}")
        lines += [f"  fix: {self.hint}", f"  more: {diagnosis.format_help(self.cause)}"]
        what = self.location if self.location.line else f"the build of {self.location}"
        return "\n".join([f"image {self.name}: {what} failed{code}", *lines])


def explain_failure(
    name: str, inputs: build_inputs.BuildInputs, environment: environments.Environment, *, error: str, log: str
) -> BuildFailure:
    """Find the cause of a failed build of an image. ``log``: the plain log; empty if it is not known."""
    failed = build_log.find_failed_step(log)
    output = failed.output if failed else ()
    cause, subject, rest = build_causes.recognise(error, "\n".join(output[-MAX_OUTPUT_LINES:]))
    source = _Source(name, inputs, environment)
    step = dockerfile.find_step(source.text, failed.name) if failed else dockerfile.find_command(source.text, error)
    line = step.line if step else source.find_line(error, subject)
    suggestion = ignore_rule = ""
    if cause.id == build_causes.FILE_MISSING and step and "--from=" not in step.text:
        suggestion, ignore_rule = source.suggest_file(subject), source.find_ignore_rule(subject)
        cause = build_causes.find(build_causes.FILE_IGNORED) if ignore_rule else cause
    if cause.id.startswith("build-base") and (stage := source.find_stage_name(line)):
        cause, subject = build_causes.find(build_causes.STAGE_MISSING), stage
    names = {
        "app": environment.settings.app,
        "base": source.describe_base(step.base_line if step else line),
        "context": source.context,
        "error": diagnosis.cut_line(rest.removeprefix("failed to solve: "), MAX_WIDTH),
        "ignore_rule": ignore_rule,
        "image": name,
        "place": str(diagnosis.SourceLocation(source.file, line)),
        "platform": environment.settings.platform,
        "registry": (environment.settings.registry or "").partition("/")[0],
        "similar_image": source.suggest_image(subject),
        "subject": subject,
        "subject_registry": image_reference.get_registry(subject),
        "suggestion": suggestion,
    }
    return BuildFailure(
        name=name,
        cause=cause.id,
        location=diagnosis.SourceLocation(source.file, line),
        exit_code=build_log.parse_exit_code(error),
        instruction=" ".join(failed.name.partition("] ")[2].split() if failed else step.text.split()) if step else "",
        message=cause.message.format(**names),
        hint=cause.hint.format(**names),
        output=output if step else (),
    )


class _Source:
    """What a build reads, with the paths that the user knows."""

    def __init__(self, name: str, inputs: build_inputs.BuildInputs, environment: environments.Environment) -> None:
        self._inputs = inputs
        self._environment = environment
        build, folder = inputs.context.build, inputs.context.folder
        self.context = self._show(folder)
        self.text = inputs.bases.text
        self.file = self._show(folder / build.dockerfile)
        if build.inline is not None:
            self.file = f"{environment.settings.app} (inline Dockerfile of {name})"
        contexts = inputs.context.build.contexts
        parsed = base_images.BaseImages.parse(self.text, file=self.file, args=inputs.args, contexts=contexts)
        self._images = parsed.images

    def find_line(self, error: str, subject: str) -> int | None:
        """The line of an error that belongs to no step."""
        if match := re.search(r"parse error on line (\d+)", error):
            return int(match[1])
        if match := re.search(r"base name \((.*)\) should not be blank", error):
            instructions = dockerfile.parse_instructions(self.text)
            return next((line for line, word, rest in instructions if word == "FROM" and match[1] in rest), None)
        name = image_reference.normalize(subject)
        return next((image.line for image in self._images if image_reference.normalize(image.reference) == name), None)

    def find_stage_name(self, line: int | None) -> str | None:
        """The image of the COPY --from in this line, if it looks like the name of a stage."""
        names = (image.reference for image in self._images if image.line == line and image.is_copy_source)
        return next((name for name in names if re.fullmatch(r"[\w-]+", name)), None)

    def find_ignore_rule(self, path: str) -> str:
        """The location and the text of the pattern that excludes a file; empty: there is no such file or pattern."""
        context = self._inputs.context
        rule = context.ignore_rules.find_excluding_rule(path)
        if rule is None or not os.path.lexists(context.folder / path):
            return ""
        return f"{diagnosis.SourceLocation(self._show(Path(rule[0].file)), rule[0].line)}: {rule[1]}"

    def suggest_file(self, path: str) -> str:
        similar = decode.find_closest(path, [file.path for file in self._inputs.context.files])
        return f"; did you mean {similar}?" if similar not in {None, path} else ""

    def suggest_image(self, reference: str) -> str:
        """The most similar image that the environment overrides: it is known to run there."""
        known = {image_reference.normalize(image): image for image in self._environment.settings.image_overrides}
        similar = decode.find_closest(image_reference.normalize(reference), known)
        return f" (did you mean {known[similar]}?)" if similar and known[similar] != reference else ""

    def describe_base(self, line: int | None) -> str:
        """The base image of the FROM in a line, and what put it in place of the Dockerfile's."""
        images = zip(self._images, self._inputs.bases.images, strict=False)
        used, declared = next((pair for pair in images if pair[0].line == line), (None, None))
        if used is None or declared is None:
            return "the base image"
        shown, original = (image_reference.remove_digest(image.reference) for image in (used, declared))
        stack = self._environment.settings.stack
        reason = "" if shown == original else f" (instead of {original}: seaway:imageOverrides of stack {stack})"
        return f"the base image {shown}{reason}"

    def _show(self, path: Path) -> str:
        """The path as the user writes it: relative to the project."""
        shown = os.path.relpath(path, self._environment.folder)
        return str(path) if shown.startswith("..") else shown
