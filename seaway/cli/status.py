"""``seaway status``: what runs, how it is, and what is wrong with it. Needs a kubeconfig only.

``--json`` prints one object, with ``--watch`` one a line at each change. Times are UTC: ``2026-03-01T10:00:00Z``::

    application, stack, context, namespace    texts
    release      null, or {id, since}: what was deployed last as a whole
    healthy      there is something, and all of it is complete; the exit code is 0 then, and otherwise 1
    workloads    a list of
        name         of the service, store or job
        kind         service, store or job
        object       {kind, name} of the Kubernetes object
        state        complete, progressing or failed
        ready        pods that are ready, whatever their version; of a job: that succeeded
        desired      pods that there should be
        scale        null, or {min, max}: the bounds in which an autoscaler chooses that number
        updated      pods of the newest version
        runs         null; of a job that runs by the clock or by hand {schedule, zone, suspended, state, last}: schedule
                     and last may be null, state is that of the newest run: none, running, done or failed
        urls         where a person finds it, as https://shop.example.com/; empty if no Ingress leads to it
        image        of the newest version, in full
        since        when the newest version began
        restarts     of all containers of its pods
        event        null, or the newest warning of the last hour: {time, object, reason, message}
        findings     a list of {cause, message, hint, runbook, pod, container, fatal, more}: pod and container may be
                     null, more counts the further pods that show the same

``--drift --json`` prints one object::

    application, stack, context, namespace    as above
    release      id of the release that the cluster is compared with
    drift        a list; the exit code is 0 if it is empty, and otherwise 4
        object       {kind, name}
        field        as spec.template.spec.containers[web].image; empty for the object as a whole
        how          edited, deleted or added
        declared     what was deployed; null if it was added
        live         what is there; null if it was deleted
        by           null, or who did it as far as Kubernetes knows: kubectl-edit at 2026-03-01T10:00:00Z
"""

import argparse
import sys

from seaway import errors
from seaway.cli import command, stack

UNKNOWN = 2
"""The cluster cannot be asked: nothing is known about its health, unlike with 1."""


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "what runs, how it is, and what is wrong with it; exit code 0: all is well, 1: not all, 2: cannot tell"
    parser = parsers.add_parser("status", help="what runs, and what is wrong with it", description=told)
    stack.add_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object; its fields: pydoc seaway.cli.status")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-w", "--watch", action="store_true", help="go on, and show each change; Ctrl-C ends it")
    drift = "live objects against those of the release, field by field; exit code 4 if they differ"
    what.add_argument("--drift", action="store_true", help=drift)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print it once, or until Ctrl-C.

    Raises:
        diagnosis.InvalidInput: it is not clear which stack is meant.
    """
    where = stack.find_target(arguments)
    from seaway.cli import drift, health  # noqa: PLC0415 - bring the client and rich: 0.3 s others need not pay

    try:
        if arguments.drift:
            return drift.show_drift(where, as_json=arguments.json)
        return health.show_status(where, watch=arguments.watch, as_json=arguments.json)
    except errors.Unavailable as error:
        print(f"seaway: {error}", file=sys.stderr)
        return UNKNOWN
