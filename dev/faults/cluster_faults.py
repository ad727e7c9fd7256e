"""Faults of images, configuration, policies and volumes."""

from dev.faults import changes, cures, injections
from dev.faults.fault import LINE, Fault

REFRESH = ("--refresh",)

CLUSTER_FAULTS = (
    Fault(
        cause="image-not-found",
        injected="`image:` with a tag that is not in the registry",
        change=changes.change_image("registry.localhost:5000/nobody/nothing:1"),
        hint=rf"correct services\.web\.image {LINE}",
        cure=cures.build_web,
    ),
    Fault(
        cause="image-not-authorised",
        injected="`image:` in a registry that requires a login",
        change=changes.change_image("127.0.0.1:5999/private/web:1"),
        around=injections.run_closed_registry,
        hint=rf"check the name in services\.web\.image {LINE}",
        cure=cures.build_web,
    ),
    Fault(
        cause="config-missing",
        injected="the Secret of `migrate` deleted manually, then a change of `migrate`",
        change=lambda app, _: app["jobs"]["migrate"].update(env={"CHANGED": "1"}),
        around=injections.delete_secret,
        hint="restore it with pulumi up --refresh",
        repair=REFRESH,
    ),
    Fault(
        cause="config-missing",
        injected="`worker` stopped and its ConfigMap deleted manually, then a change of `worker`",
        change=lambda app, _: app["services"]["worker"].update(env={"CHANGED": "1"}),
        around=injections.delete_config_map,
        hint="restore it with pulumi up --refresh",
        repair=REFRESH,
    ),
    Fault(
        cause="quota",
        injected="a quota without room for another pod",
        change=changes.change_web(env={"TITLE": "Full"}),
        around=injections.fill_quota,
        hint="raise the quota",
        cure=cures.run_kubectl("patch", "quota", "full", "-n", "NAMESPACE", "-p", '{"spec": {"hard": {"pods": "20"}}}'),
    ),
    Fault(
        cause="refused",
        injected="a LimitRange that asks for 100Mi of memory, and `resources: {memory: 64Mi}`",
        change=changes.change_web(env={"TITLE": "Small"}),
        around=injections.limit_range,
        hint=rf"the text is from a policy of the cluster: change services\.web {LINE} to comply",
        cure=cures.set_web(resources={"cpu": "50m", "memory": "100Mi"}),
    ),
    Fault(
        cause="service-account",
        injected="the service account of `worker` deleted manually, then a change of `worker`",
        change=lambda app, _: app["services"]["worker"].update(env={"CHANGED": "3"}),
        around=injections.delete_service_account,
        hint="restore it with pulumi up --refresh",
        repair=REFRESH,
    ),
    Fault(
        cause="object-missing",
        injected="the Deployment `worker` deleted manually",
        change=changes.change_web(env={"TITLE": "Missing"}),
        around=injections.delete_deployment,
        hint="restore it with pulumi up --refresh",
        repair=REFRESH,
    ),
    Fault(
        cause="pod-security",
        injected="the namespace's Pod Security level tightened manually, then a change of a `baseline` service",
        change=lambda app, _: app["services"]["worker"].update(env={"CHANGED": "2"}),
        around=injections.tighten_pod_security,
        hint="restore its level with pulumi up --refresh",
        repair=REFRESH,
    ),
    Fault(
        cause="volume-unbound",
        injected="a new store without a default storage class",
        change=changes.add_store,
        around=injections.remove_default_class,
        waits=True,
        hint="make a storage class of the cluster the default",
        cure=cures.run_kubectl(
            *("annotate", "storageclass", "local-path", "storageclass.kubernetes.io/is-default-class=true"),
            "--overwrite",
        ),
    ),
    Fault(
        cause="job-too-slow",
        injected="`timeout: 5`, and a migration that takes 10 s",
        change=changes.slow_migration,
        hint=rf"make it faster, or raise jobs\.migrate\.timeout {LINE}",
        cure=lambda _, app, __: app["jobs"]["migrate"].update(timeout=60),
    ),
    Fault(
        cause="job-failed",
        injected="a migration that exits with code 1",
        change=changes.fail_migration,
        hint=r"read its log: (seaway logs migrate --stack [\w-]+)",
        cure=cures.read_log(
            "the schema is newer", lambda _, app, __: app["jobs"]["migrate"].update(command=["python3", "migrate.py"])
        ),
    ),
)
