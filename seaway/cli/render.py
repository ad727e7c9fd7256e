"""``seaway render``: the exact objects of a stack. Needs no cluster, no Docker, no Pulumi, no secret's value.

An image that this stack builds has the tag of its content, since its digest is known after the push only; a pinned
release has its digests. The name of a Secret ends in ``-unresolved`` and its values are empty: the real name has a
keyed hash of the values. ``--json`` prints the same as one object of the kind List, which kubectl reads too.

Exit codes: 0, rendered; 2, the application or the stack's configuration is wrong, or there is no such service.
"""

import argparse
import json
import sys

from seaway.cli import stack, verb


def add(parsers: verb.Parsers) -> None:
    """The verb's command line."""
    told = "the Kubernetes objects of a stack, as YAML that kubectl reads; without a secret's value"
    parser = parsers.add_parser("render", help="what would be deployed", description=told)
    stack.add(parser)
    parser.add_argument("--service", metavar="NAME", help="only the objects of this service, store or job [all]")
    parser.add_argument("--json", action="store_true", help="as JSON, one object of the kind List [YAML documents]")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them.

    Raises:
        problems.Invalid: it is not clear which stack is meant, its files are wrong, or there is no such service.
    """
    where = stack.find(arguments)
    from seaway.manifests import offline, yamlout  # noqa: PLC0415 - other verbs need not wait for the manifests
    from seaway.release import project  # noqa: PLC0415

    one = project.of(where.folder, where.name)
    only = one.workload(arguments.service)[1].name if arguments.service else None
    found = offline.rendered(one.app, one.settings, project.images(one, where.folder))
    wanted = [each for each in found if only in (None, each.owner)]
    if arguments.json:
        items = [yamlout.redacted(each.manifest) for each in wanted]
        print(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2, ensure_ascii=False))
    else:
        sys.stdout.write(yamlout.dump(wanted))
    return verb.DONE
