"""``seaway new NAME``: writes a project that deploys at once, with tests and CI files. No existing file is changed.

The files are those of the folder ``seaway/template``, which is also a template for ``pulumi new``. With
``--from-compose``, the application is converted from a Docker Compose file and written beside it, so no path changes;
the result of each key that is not kept is listed as by ``seaway import``.

Exit codes: 0, written; 1, a key of the Compose file is refused; 2, the name is not valid, the Compose file is invalid,
or files are in the way. Nothing is written then.
"""

import argparse
import dataclasses
import importlib.metadata
import json
import os
import re
from pathlib import Path

from seaway.cli import command, import_compose
from seaway.compose import project, report
from seaway.compose.importer import write
from seaway.files import roots, writer
from seaway.model.validate import structure
from seaway.syntax import diagnosis, nodes, yaml_parser

TEMPLATE = Path(__file__).parents[1] / "template"
APPLICATION = "app/app.yaml"
SAMPLE = "app/"
STACK_FILE = "Pulumi.dev.yaml"
REQUIREMENTS = "requirements.txt"
NEXT_STEPS = """next:
{enter}  pulumi install           # creates .venv with the packages of requirements.txt
  pulumi stack init dev
{set_secrets}  pulumi up                # for another cluster or registry first edit Pulumi.dev.yaml"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The application of the new project."""

    file: Path
    text: str
    outcomes: tuple[report.KeyOutcome, ...] = ()
    secrets: tuple[str, ...] = ()
    """The names of the secrets whose values are not written."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("name", metavar="NAME", help="the name of the project and of its application")
    parser.add_argument("--dir", metavar="DIR", help="write to this directory [NAME]")
    help_text = "deploy the services of this Docker Compose file; writes app.yaml beside it"
    parser.add_argument("--from-compose", metavar="FILE", help=help_text)
    parser.add_argument("--python", action="store_true", help="describe the application in Python instead of YAML")


def run(arguments: argparse.Namespace) -> int:
    """Write the project."""
    name, folder = arguments.name, Path(arguments.dir or arguments.name)
    if not structure.DNS_LABEL.fullmatch(name):
        message, hint = f"{diagnosis.quote(name)} is not a valid DNS label", "use at most 63 of a-z, 0-9 and -"
        raise diagnosis.reject(diagnosis.SourceLocation("seaway new"), "NAME", "invalid-name", message, hint)
    contents = read_template(name)
    if requirement := _find_requirement():
        contents[REQUIREMENTS] = re.sub(r"^seaway>.*", lambda _: requirement, contents[REQUIREMENTS])
    if arguments.from_compose:
        application = _convert_compose(Path(arguments.from_compose), name, python=arguments.python)
        if any(outcome.kind == "refused" for outcome in application.outcomes):
            return command.FAILURE
        contents = {file: text for file, text in contents.items() if not file.startswith(SAMPLE)}
    else:
        text = contents.pop(APPLICATION)
        file = folder / APPLICATION
        if arguments.python:
            document = yaml_parser.parse(text, APPLICATION)
            assert isinstance(document, nodes.MappingNode)  # noqa: S101 - for the type checker
            text, file = write.format_python(document, source=""), file.with_suffix(".py")
        application = Application(file=file, text=text)
    contents[STACK_FILE] = _set_application(contents[STACK_FILE], folder, application.file)
    files = {folder / file: text for file, text in contents.items()} | {application.file: application.text}
    if existing := sorted(str(file) for file in files if os.path.lexists(file)):
        message = f"{command.count(len(existing), 'file')} would be overwritten: {', '.join(existing)}"
        hint = "move them, or write the project elsewhere with --dir"
        raise diagnosis.reject(diagnosis.SourceLocation(str(folder)), "", "file-exists", message, hint)
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        writer.write_file(folder if file.is_relative_to(folder) else file.parent, file, text)
        if text.startswith("#!"):
            file.chmod(0o755)
    print(f"written: {command.count(len(files), 'file')} in {folder}")
    if requirement and "file:" in requirement:
        print(f"{REQUIREMENTS} has `{requirement}`, from which this command was installed; CI needs another source")
    set_secrets = ""
    if application.secrets:
        compose_file = os.path.relpath(arguments.from_compose, folder)
        names = ", ".join(application.secrets)
        set_secrets = (
            f"  seaway import {compose_file} --set-secrets dev    # {names}: not written, they look like secrets\n"
        )
    enter = "" if folder.resolve() == Path.cwd() else f"  cd {folder}\n"
    print(NEXT_STEPS.format(enter=enter, set_secrets=set_secrets))
    return command.SUCCESS


def read_template(name: str) -> dict[str, str]:
    """The files of a project with this name, by their path."""
    values = {"${PROJECT}": name, "${DESCRIPTION}": f"The application {name} on Kubernetes"}
    files = {
        file.relative_to(TEMPLATE).as_posix(): file.read_text("utf-8")
        for file in sorted(TEMPLATE.rglob("*"))
        if file.is_file() and file.suffix != ".pyc"
    }
    for placeholder, value in values.items():  # as `pulumi new` does
        files = {path: text.replace(placeholder, value) for path, text in files.items()}
    return files


def _find_requirement() -> str | None:
    """The requirement that installs the package as it was installed here; None: from an index.

    Without it, `pulumi install` looks for a wheel of a release page in an index.
    https://packaging.python.org/en/latest/specifications/direct-url
    """
    try:
        text = importlib.metadata.distribution("seaway").read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:  # run from a folder
        return None
    source = json.loads(text or "{}")
    url = source.get("url")
    if url and (repository := source.get("vcs_info")):
        url = f"{repository['vcs']}+{url}@{repository['commit_id']}"
    return f"seaway @ {url}" if url else None


def _convert_compose(file: Path, name: str, *, python: bool) -> Application:
    document, result = project.convert_files([file], within=roots.find_working_root(), name=name)
    outcomes = tuple(result.outcomes)
    listed = [outcome for outcome in outcomes if outcome.kind != "kept"]
    import_compose.print_report(listed, report.summarize(outcomes), file.name, to_stderr=False)
    for service in document.inactive_services:
        command.report(f"service {service} is omitted, because its profile is not enabled; for more: seaway import")
    if python:
        text = write.format_python(result.app, source=file.name)
    else:
        text = write.format_yaml(result.app, outcomes, source=file.name)
    return Application(
        file=file.with_name("app.py" if python else "app.yaml"),
        text=text,
        outcomes=outcomes,
        secrets=tuple(sorted(result.secret_values)),
    )


def _set_application(stack_file: str, folder: Path, application: Path) -> str:
    """The stack's file with the application's path, which may be outside the project, in its git repository."""
    path = Path(os.path.relpath(application, folder)).as_posix()
    lines = f"  seaway:app: {path}\n"
    if path.startswith("../"):
        location = diagnosis.SourceLocation("seaway new")
        try:
            roots.find_root(folder, "git", location)
        except diagnosis.InvalidInput as error:
            message = f"is outside the project folder {folder}, and no git repository contains both"
            parent = application.parent
            hint = f"write the project beside the file with --dir {parent}, or run git init in {parent} first"
            raise diagnosis.reject(location, "--from-compose", "no-git-repository", message, hint) from error
        lines += "  seaway:root: git\n"
    return stack_file.replace(f"  seaway:app: {APPLICATION}\n", lines)
