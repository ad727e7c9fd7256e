"""The state of the conversion of one service, which all converters share."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from seaway.compose.importer import key_reader, naming, plan, project_dir, service_builder


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """``plans``: all services by their compose names. ``document``: the whole compose file."""

    service: plan.ServicePlan
    plans: Mapping[str, plan.ServicePlan]
    document: key_reader.KeyReader
    project: project_dir.ProjectDir
    builder: service_builder.ServiceBuilder
    renames: naming.Renames

    @property
    def keys(self) -> key_reader.KeyReader:
        return self.service.keys

    def set(self, path: key_reader.Key, value: Any, keys: key_reader.KeyReader, key: key_reader.Key) -> None:
        """Set a field at the location of a compose key, and keep the key."""
        self.builder.set(path, value, keys.locate(key))
        into = path if isinstance(path, str) else ".".join(path)
        keys.keep(key, f"{into}: {value}" if isinstance(value, str | int) else into, into=into)
