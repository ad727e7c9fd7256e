"""``seaway render``: the exact objects of a stack. Needs no cluster, no Docker, no Pulumi, no secret's value.

An image that this stack builds has the tag of its content, since its digest is known after the push only; a pinned
release has its digests. The name of a Secret ends in ``-unresolved`` and its values are empty: the real name has a
keyed hash of the values. ``--json`` prints the same as one object of the kind List, which kubectl reads too.

``--app`` names another application's file, such as a docker-compose.yml, for ``kubectl apply``: in a namespace that
``-n`` names, with the settings of the stack that ``--stack`` names; without it, with the defaults, and no project is
needed: files are then read below the working directory. A Secret whose values are not here is left out then, and told
on stderr.

``--to compose`` prints one compose document instead, which runs the same application on plain Docker with Docker
Compose v2, and tells on stderr what becomes of each word of the application there, as ``seaway import`` does the other
way: kept, approximated (how) or dropped (why). ``--strict`` fails if anything is lost, and prints no document then.
With ``--json`` it is one object: ``application``, ``counts``, ``strict``, ``keys`` (as those of ``seaway import``) and
``compose``, the document.

Exit codes: 0, rendered; 1, something is lost and ``--strict`` is given; 2, the application or the stack's configuration
is wrong, or there is no such service.
"""

import argparse
import json
import sys

from seaway.cli import command, stack
from seaway.syntax import diagnosis


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "the Kubernetes objects of a stack, as YAML that kubectl reads; without a secret's value"
    parser = parsers.add_parser("render", help="what would be deployed", description=told)
    stack.add_option(parser)
    parser.add_argument(
        "--app", metavar="FILE", help="another application: YAML, Python or a compose file [the stack's]"
    )
    parser.add_argument("-n", "--namespace", metavar="NAME", help="with --app: where its objects are [its name]")
    parser.add_argument(
        "--profile", action="append", default=[], metavar="P", help="with --app: what has this profile too"
    )
    parser.add_argument("--service", metavar="NAME", help="only the objects of this service, store or job [all]")
    parser.add_argument("--json", action="store_true", help="as JSON, one object of the kind List [YAML documents]")
    parser.add_argument(
        "--to", choices=("kubernetes", "compose"), default="kubernetes", help="objects, or a file for Docker [objects]"
    )
    parser.add_argument("--strict", action="store_true", help="with --to compose: fail if anything is lost")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them.

    Raises:
        diagnosis.InvalidInput: it is not clear which stack is meant, its files are wrong, or there is no such service.
    """
    if arguments.strict and arguments.to != "compose":
        wrong, remedy = "says nothing of Kubernetes' objects, which lose nothing", "add --to compose, or leave it out"
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(diagnosis.SourceLocation("--strict"), "", wrong, remedy)])
    where = None if arguments.app else stack.find_target(arguments)
    for word in () if arguments.app else ("namespace", "profile"):
        if getattr(arguments, word):
            wrong, remedy = "says nothing of a stack, which has its own", "leave it out, or name a file with --app"
            raise diagnosis.InvalidInput(
                [diagnosis.Diagnostic(diagnosis.SourceLocation(f"--{word}"), "", wrong, remedy)]
            )
    from seaway.checks import registry  # noqa: PLC0415
    from seaway.cli import standalone  # noqa: PLC0415 - other verbs need not wait for the manifests
    from seaway.manifests import preview, yaml_writer  # noqa: PLC0415
    from seaway.project import environments  # noqa: PLC0415

    if where is None:
        one = standalone.read_environment(arguments)
    else:
        one = environments.load_environment(where.folder, where.name, check_ids=registry.IDS)
    if arguments.to == "compose":
        from seaway.cli import export_compose  # noqa: PLC0415

        return export_compose.run(arguments, one)
    only = one.find_workload(arguments.service)[1].name if arguments.service else None
    found = preview.render_objects(one, preview.find_images(one))
    wanted = [each for each in found if only in (None, each.owner)]
    wanted = wanted if where else list(standalone.filter_applicable(wanted))
    if arguments.json:
        items = [yaml_writer.redact_secret(each.manifest) for each in wanted]
        print(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2, ensure_ascii=False))
    else:
        sys.stdout.write(yaml_writer.dump_objects(wanted))
    return command.SUCCESS
