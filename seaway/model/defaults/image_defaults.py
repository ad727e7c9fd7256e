"""The fields of an application that the profiles of its images fill in."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from seaway.model import application, volumes
from seaway.model.defaults import image_profiles

_READINESS_REASON = "during its first start the server answers on the socket only, and is not ready yet"
_FLUSH_SECONDS = 120


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProfileDefault:
    """A field that a profile fills in."""

    field: str
    """As in app.yaml: ``user``, ``health.readiness``, ``env.PGDATA``."""
    value: Any
    reason: str


def apply_profiles(app: application.Application) -> application.Application:
    """The application with the defaults of its images."""
    return app.replace_containers(lambda _, container_spec: _apply_profile(container_spec))


def _apply_profile(container_spec: application.ContainerSpec) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for default in list_defaults(container_spec):
        match default.field:
            case "writable":
                changes["writable"] = (*container_spec.writable, *default.value)
            case "health.readiness":
                changes["health"] = application.Health(readiness=default.value)
            case "env.PGDATA":
                changes["env"] = {**container_spec.env, "PGDATA": default.value}
            case "stopGracePeriod":
                changes["stop_grace_period"] = default.value
            case _:
                changes[default.field] = default.value
    return changes


def list_defaults(container_spec: application.ContainerSpec) -> list[ProfileDefault]:
    """The fields that the profile of its image fills in. The container is not resolved."""
    profile = image_profiles.find_profile(container_spec.image)
    if profile is None or not profile.is_default:
        return []
    name, tag = image_profiles.split_image_name(container_spec.image or "")
    defaults = [*_list_container_defaults(container_spec, profile, name, tag)]
    if isinstance(container_spec, application.ServiceOrStore):
        defaults += _list_readiness(container_spec, profile)
    if isinstance(container_spec, application.Store):
        defaults += _list_store_defaults(container_spec, profile, name)
    return defaults


def _list_container_defaults(
    container_spec: application.ContainerSpec, profile: image_profiles.ImageProfile, name: str, tag: str
) -> Iterator[ProfileDefault]:
    if container_spec.user == application.ContainerSpec("default").user:
        user = profile.get_user(tag)
        variant = "" if user == profile.user else " on Alpine"
        yield ProfileDefault(field="user", value=user, reason=f"the user that {name}{variant} is made for")
    mounted = {*container_spec.writable, *(file.path for file in container_spec.files)}
    if isinstance(container_spec, application.WorkloadSpec):
        mounted |= {shared_volume.path for shared_volume in container_spec.shared_volumes}
    if isinstance(container_spec, application.Store):
        mounted |= {volume.path for volume in volumes.list_claims(container_spec).values()}
    folders = tuple(folder for folder in profile.writable if folder not in mounted)
    if folders and "/" not in container_spec.writable:
        yield ProfileDefault(field="writable", value=folders, reason=f"it writes {profile.writable_reason} there")


def _list_readiness(
    workload: application.ServiceOrStore, profile: image_profiles.ImageProfile
) -> Iterator[ProfileDefault]:
    if profile.readiness and workload.port is not None and workload.health == application.Health():
        user = workload.env.get("POSTGRES_USER", "postgres")
        names = {"port": workload.port, "user": user, "database": workload.env.get("POSTGRES_DB", user)}
        command = tuple(word.format(**names) for word in profile.readiness)
        yield ProfileDefault(field="health.readiness", value=command, reason=_READINESS_REASON)


def _list_store_defaults(
    store: application.Store, profile: image_profiles.ImageProfile, name: str
) -> Iterator[ProfileDefault]:
    default = application.Store("default").stop_grace_period
    if profile.flushes_pages and store.stop_grace_period == default:
        reason = "InnoDB writes its changed pages before it stops"
        yield ProfileDefault(field="stopGracePeriod", value=_FLUSH_SECONDS, reason=reason)
    # A folder below the mount, the same in every version: another one would look like an empty database.
    # Before version 18 the image declares VOLUME /var/lib/postgresql/data: on a disk mounted above it, the runtime
    # puts a folder there that is lost with the container.
    # https://github.com/docker-library/docs/blob/master/postgres/README.md#pgdata
    if name == "postgres" and "PGDATA" not in store.env and store.volume is not None:
        reason = "the root of a volume has a lost+found folder; initdb needs an empty folder of its own"
        yield ProfileDefault(field="env.PGDATA", value=f"{store.volume.path}/pgdata", reason=reason)
