"""docs/checks.md, made of the table."""

from collections.abc import Iterator

from seaway.checks import public_checkers, registry

HEAD = """\
# Checks

What a workload that people depend on should pass. `pulumi preview` and `pulumi up` run all of them before anything is
registered: they tell warnings, and refuse errors. `seaway check` shows each finding, without a cluster, Docker, Pulumi
or a secret's value; its exit code is 1 where there is an error. Whether the nodes that there are can take and spread
the pods, and whether the cluster has all else that is needed, `seaway check --cluster` says.
Written by `python -m seaway.checks`: do not edit.

An id stays what it is; the public ids are those of kube-score, kube-linter, Polaris and Checkov for the same.
What public checkers say of our examples: [checkers.md](checkers.md).

## What a check weighs

An error is refused, a warning is shown: below a preview or an update that succeeds. Below one that fails, only its
errors stand. The table says which it is where images are built, and where a release is deployed. An environment may say
so itself; where releases are deployed it may only add weight, for an exception has a
reason and an end:

```yaml
config:
  seaway:checkSeverity: {AVL-01: error}
```

## An exception

A waiver stands in the stack's file, `Pulumi.<stack>.yaml`. It has a reason, somebody who answers for it, and a last
day: after that day it is an error, and `seaway release promote` refuses it too. Without `of` it is for everything.
`OUTAGE` and `DATA-LOSS` are waived the same way: they let one change pass that `seaway preview` blocks, and
`DATA-LOSS` also one that plain `pulumi up` refuses ([runbook](runbook.md#data-loss)). After a
rollback nothing is refused: neither a date nor a newer check keeps what is broken running.

```yaml
config:
  seaway:waivers:
    IMG-02:
      workloads: [db]
      reason: our mirror never moves a tag
      owner: ann@example.com
      until: 2026-12-31
```

## What the cluster must have

`seaway check --cluster` also asks the stack's cluster, with the kubeconfig and reading only, for what the application
needs of it: its version, the metrics API of an autoscaler, storage, ingress and priority classes, the issuer of
certificates, Secrets that somebody else keeps there, room under a quota of somebody else, and nodes that fit each pod:
platform, labels, taints, size, and enough of them to be kept apart. Whether network policies are enforced cannot be
asked: it is told where an agent that does so is known, and is `unknown` otherwise. Something that is lacking is exit
code 1; what the account may not read is `unknown`. Of a Secret only the keys are looked at.

## All checks
"""


def format_page() -> str:
    """The whole page."""
    return "\n".join((HEAD, *_rows(), "", "## What others ask for, and we do not", "", *_declined(), ""))


def _rows() -> Iterator[str]:
    yield "| id | what it asks for, and why | weight where it builds / a release | the same elsewhere |"
    yield "|---|---|---|---|"
    for each in registry.CHECKS:
        level = each.default_severity
        weight = level.building if level.building == level.pinned else f"{level.building} / {level.pinned}"
        same = "; ".join(
            f"{tool}: {', '.join(each.public_ids[tool])}"
            for tool in public_checkers.CHECKERS
            if tool in each.public_ids
        )
        yield f"| {each.id} | **{each.title}.** {each.rationale} | {weight}: {level.reason} | {same or '-'} |"


def _declined() -> Iterator[str]:
    yield "| id | what they ask for | they call it | why we do not |"
    yield "|---|---|---|---|"
    for each in registry.DECLINED:
        yield f"| {each.id} | {each.title} | {each.public_ids} | {each.reason} |"
