"""How a pod gets its secrets: as files by themselves, as variables on request, ours and somebody else's."""

from typing import Any

from seaway.manifests import objects
from seaway.model import application, settings

STACK = settings.Settings(stack="test", context="work")
VALUES = {
    name: objects.SecretValue(fingerprint=f"of {name}", value=name.encode().hex()) for name in ("FILE", "VARIABLE")
}
SECRETS = (
    application.Secret("FILE"),
    application.Secret("VARIABLE", env=True),
    application.Secret("THEIRS", existing="theirs", key="password"),
    application.Secret("USER", existing="theirs", key="user", env=True),
)


def made(*secrets: application.Secret, **more: Any) -> list[objects.ReleaseObject]:
    web = application.Service("web", image="a", secrets=secrets, **more)
    return objects.objects(application.Application("shop", services=(web,)), STACK, {}, VALUES)


def pod(found: list[objects.ReleaseObject]) -> dict[str, Any]:
    (one,) = (each.manifest for each in found if each.kind == "Deployment")
    return one["spec"]["template"]["spec"]


def test_a_secret_is_a_file_and_a_variable_says_where() -> None:
    found = made(*SECRETS)
    (ours,) = (each for each in found if each.kind == "Secret")
    assert ours.manifest["data"] == {name: one.value for name, one in VALUES.items()}, "the existing one is not ours"
    (container,) = pod(found)["containers"]
    assert container["env"] == [
        {"name": "FILE_FILE", "value": "/run/secrets/FILE"},
        {"name": "THEIRS_FILE", "value": "/run/secrets/THEIRS"},
        {"name": "USER", "valueFrom": {"secretKeyRef": {"name": "theirs", "key": "user"}}},
        {"name": "VARIABLE", "valueFrom": {"secretKeyRef": {"name": ours.name, "key": "VARIABLE"}}},
    ]
    (volume,) = (each for each in pod(found)["volumes"] if each["name"] == "secrets")
    assert volume["projected"] == {
        "defaultMode": 0o440,
        "sources": [
            {"secret": {"name": "theirs", "items": [{"key": "password", "path": "THEIRS"}]}},
            {"secret": {"name": ours.name, "items": [{"key": "FILE", "path": "FILE"}]}},
        ],
    }
    mounts = [each for each in container["volumeMounts"] if each["name"] == "secrets"]
    assert mounts == [
        {"name": "secrets", "mountPath": f"/run/secrets/{name}", "subPath": name, "readOnly": True}
        for name in ("FILE", "THEIRS")
    ]


def test_a_container_sees_no_file_of_its_companion() -> None:
    beside = application.ExtraContainer("proxy", image="b", secrets=(application.Secret("FILE"),))
    found = pod(made(application.Secret("VARIABLE"), sidecars=(beside,)))
    (web,), (proxy,) = found["containers"], found["initContainers"]
    assert [each["mountPath"] for each in web["volumeMounts"]] == ["/tmp", "/run/secrets/VARIABLE"]
    assert [each["mountPath"] for each in proxy["volumeMounts"]] == ["/tmp", "/run/secrets/FILE"]


def test_without_files_there_is_no_volume_and_without_values_no_object() -> None:
    found = made(application.Secret("VARIABLE", env=True))
    assert "secrets" not in {each["name"] for each in pod(found)["volumes"]}
    found = made(application.Secret("THEIRS", existing="theirs"))
    assert "Secret" not in {each.kind for each in found}
