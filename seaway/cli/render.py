"""``seaway render``: the manifests of a stack. Needs no cluster, Docker, Pulumi or secret values.

An image that the stack builds has the tag of its content, since its digest is known only after the push. A pinned
release has digests. The name of a Secret ends in ``-unresolved`` and its values are empty: the real name has a keyed
hash of the values. ``--json`` prints one object of kind List, which kubectl reads too.

``--app`` renders another application file, such as a docker-compose.yml, for ``kubectl apply``: in the namespace of
``-n``, with the settings of ``--stack`` or with the defaults. Without a stack no project is needed; files are read
below the working directory. A Secret whose values are not known is omitted and reported on stderr.

Exit codes: 0, rendered; 2, the application or the stack's configuration is invalid, or the workload does not exist.
"""

import argparse

from seaway.cli import command, output, standalone
from seaway.manifests import preview, yaml_writer


def configure(parser: argparse.ArgumentParser) -> None:
    standalone.add_options(parser)
    help_text = "with --app: render for this namespace [the application's name]"
    parser.add_argument("-n", "--namespace", metavar="NAME", help=help_text)
    help_text = "render only the manifests of this service, store or job [all]"
    parser.add_argument("--service", metavar="NAME", help=help_text)
    parser.add_argument("--json", action="store_true", help="print one JSON object of kind List [YAML documents]")


def run(arguments: argparse.Namespace) -> int:
    environment = standalone.read_environment(arguments, needs_registry=True)
    owner = environment.find_workload(arguments.service)[1].name if arguments.service else None
    rendered = preview.render_objects(environment, preview.find_images(environment))
    selected = [release_object for release_object in rendered if owner in (None, release_object.owner)]
    if arguments.app:
        selected = list(standalone.filter_applicable(selected))
    if arguments.json:
        manifests = [yaml_writer.redact_secret(release_object.manifest) for release_object in selected]
        command.print_json({"apiVersion": "v1", "kind": "List", "items": manifests})
    else:
        output.write_document(yaml_writer.dump_objects(selected))
    return command.SUCCESS
