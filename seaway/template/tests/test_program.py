"""The resources that `pulumi up` would register, with mocks in place of the engine and the cluster."""

import json
import pathlib
import runpy

import pulumi
import yaml

PROJECT, STACK = "${PROJECT}", "dev"


class Mocks(pulumi.runtime.Mocks):
    def __init__(self):
        self.registered = []

    def new_resource(self, args):
        self.registered.append(f"{args.typ} {args.name}")
        return f"{args.name}-id", {**args.inputs, "digest": "sha256:" + 64 * "0"}

    def call(self, args):
        return {}


@pulumi.runtime.test
def run_program():
    runpy.run_path("__main__.py")


def test_workloads_are_deployed_and_waited_for():
    config = yaml.safe_load(pathlib.Path(f"Pulumi.{STACK}.yaml").read_text())["config"]
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    mocks = Mocks()
    pulumi.runtime.set_mocks(mocks, project=PROJECT, stack=STACK)
    pulumi.runtime.set_all_config(texts)
    run_program()
    types = [resource.partition(" ")[0] for resource in mocks.registered]
    assert {"kubernetes:apps/v1:Deployment", "seaway:index:Rollout", "seaway:index:Release"} <= set(types)
