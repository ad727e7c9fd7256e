"""ConfigMaps and Secrets, and how containers read them."""

from typing import Any

import pytest

from seaway.manifests import inputs
from seaway.model import application
from tests.support import rendering
from tests.support.rendering import extra, render, service

FILES = (application.File("/a", content="x"),)


def test_a_config_map_is_named_by_its_content() -> None:
    def get_name(content: str) -> str:
        return render(service(files=(application.File("/etc/a.ini", content=content),))).get_only("ConfigMap").name

    assert get_name("1") == get_name("1") != get_name("2")


def test_a_binary_file_is_binary_data() -> None:
    files = (application.File("/a", content="x"), application.File("/b", binary="AAH/"))
    config_map = render(service(files=files)).get_only("ConfigMap")
    assert (config_map.manifest["data"], config_map.manifest["binaryData"]) == ({"a": "x"}, {"b": "AAH/"})
    other = (files[0], application.File("/b", binary="AAE="))
    assert config_map.name != render(service(files=other)).get_only("ConfigMap").name


def test_similar_paths_have_different_keys() -> None:
    paths = ("/a+b", "/a/b", "/a_b")
    files = tuple(application.File(path, content=path) for path in paths)
    data = render(service(files=files)).get_only("ConfigMap").manifest["data"]
    assert sorted(data.values()) == list(paths)


def test_each_container_has_its_own_config_map_whatever_the_names_are() -> None:
    rendered = render(
        service(files=FILES, sidecars=(extra("own", files=FILES),)), service("web-own", image="api:1", files=FILES)
    )
    config_maps = [config_map.name.rpartition("-")[0] for config_map in rendered.find("ConfigMap")]
    assert sorted(config_maps) == ["web-config", "web-own-config", "web-own-config"]
    assert {volume["name"] for volume in rendered.get_pod()["volumes"] if "configMap" in volume} == {
        "config",
        "config-own",
    }
    (mount,) = (mount for mount in rendered.get_init_containers()["own"]["volumeMounts"] if "subPath" in mount)
    assert mount == {"name": "config-own", "mountPath": "/a", "subPath": "a", "readOnly": True}


def test_a_file_that_was_not_read_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"web: the text of /etc/a was not read"):
        render(service(files=(application.File("/etc/a", source="a"),)))


def test_the_name_of_a_secret_depends_on_fingerprints_only() -> None:
    def get_name(fingerprint: str, value: Any) -> str:
        secrets = {"KEY": inputs.SecretValue(fingerprint=fingerprint, value=value)}
        return render(service(secrets=(application.Secret("KEY"),)), secrets=secrets).get_only("Secret").name

    unknown = object()  # an Output: it flows through
    assert get_name("f1", unknown) == get_name("f1", "a2V5") != get_name("f2", "a2V5")


def test_all_missing_secrets_are_reported() -> None:
    with pytest.raises(LookupError, match="web: no value for A, B"):
        render(service(secrets=(application.Secret("B"), application.Secret("A"), application.Secret("KEY"))))


def test_a_secret_is_a_file_and_a_variable_has_its_path() -> None:
    secrets = (
        application.Secret("KEY"),
        application.Secret("TOKEN", env=True),
        application.Secret("THEIRS", existing="theirs", key="password"),
        application.Secret("USER", existing="theirs", key="user", env=True),
    )
    rendered = render(service(secrets=secrets))
    own = rendered.get_only("Secret")
    assert own.manifest["data"].keys() == {"KEY", "TOKEN"}, "the existing Secret is not ours"
    container = rendered.get_container()
    assert container["env"] == [
        {"name": "KEY_FILE", "value": "/run/secrets/KEY"},
        {"name": "THEIRS_FILE", "value": "/run/secrets/THEIRS"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": own.name, "key": "TOKEN"}}},
        {"name": "USER", "valueFrom": {"secretKeyRef": {"name": "theirs", "key": "user"}}},
    ]
    (volume,) = (volume for volume in rendered.get_pod()["volumes"] if volume["name"] == "secrets")
    assert volume["projected"] == {
        "defaultMode": 0o440,
        "sources": [
            {"secret": {"name": "theirs", "items": [{"key": "password", "path": "THEIRS"}]}},
            {"secret": {"name": own.name, "items": [{"key": "KEY", "path": "KEY"}]}},
        ],
    }
    assert [mount for mount in container["volumeMounts"] if mount["name"] == "secrets"] == [
        {"name": "secrets", "mountPath": f"/run/secrets/{name}", "subPath": name, "readOnly": True}
        for name in ("KEY", "THEIRS")
    ]


def test_a_pod_has_one_secret_and_each_container_sees_its_own_keys() -> None:
    own = extra("own", secrets=(application.Secret("KEY"), application.Secret("TOKEN", env=True)))
    rendered = render(service(sidecars=(own,), secrets=(application.Secret("TOKEN"),)))
    name = rendered.get_only("Secret").name
    sidecar = rendered.get_init_containers()["own"]
    assert sidecar["env"][1] == {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": name, "key": "TOKEN"}}}
    assert [mount["mountPath"] for mount in sidecar["volumeMounts"]] == ["/tmp", "/run/secrets/KEY"]
    mounts = rendered.get_container()["volumeMounts"]
    assert [mount["mountPath"] for mount in mounts] == ["/tmp", "/run/secrets/TOKEN"]


def test_a_pod_without_secret_files_has_no_secret_volume() -> None:
    volumes = render(service(secrets=(application.Secret("KEY", env=True),))).get_pod()["volumes"]
    assert "secrets" not in {volume["name"] for volume in volumes}
    assert not render(service(secrets=(application.Secret("THEIRS", existing="theirs"),))).find("Secret")


def test_env_has_secrets_first_then_links_and_own_values() -> None:
    env = {"URL": "postgres://$(KEY)@db", "DB_HOST": "elsewhere"}
    web = service(env=env, calls=("db",), secrets=(application.Secret("KEY", env=True),))
    rendered = render(web, rendering.store())
    name = rendered.get_only("Secret").name
    assert rendered.get_container()["env"] == [
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": name, "key": "KEY"}}},
        {"name": "DB_HOST", "value": "elsewhere"},
        {"name": "DB_PORT", "value": "5432"},
        {"name": "DB_URL", "value": "tcp://db:5432"},
        {"name": "URL", "value": "postgres://$(KEY)@db"},
    ]


def test_an_extra_container_has_its_own_variables_and_the_links_of_the_pod() -> None:
    web = service(calls=("api",), env={"A": "1"}, sidecars=(extra(env={"API_PORT": "7"}),))
    sidecar = render(web, service("api", image="api:1", port=81)).get_init_containers()["extra"]
    assert {variable["name"]: variable["value"] for variable in sidecar["env"]} == {
        "API_URL": "http://api:81",
        "API_HOST": "api",
        "API_PORT": "7",
    }


def test_links_without_variables() -> None:
    assert "env" not in render(service(calls=("db",), link_variables=False), rendering.store()).get_container()
