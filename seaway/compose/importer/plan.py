"""One service of a compose document, with the plan of its conversion: its kind, ports, disks and networks."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from seaway.compose.importer import (
    commands,
    images,
    key_reader,
    mount_reader,
    naming,
    ports,
    project_dir,
    service_builder,
)
from seaway.model import secrets
from seaway.model.defaults import image_profiles
from seaway.syntax import diagnosis, nodes


@dataclasses.dataclass(slots=True, kw_only=True)
class ServicePlan:
    """All converters share it."""

    name: str
    dns_name: str
    """Its name in the application."""
    keys: key_reader.KeyReader
    document: key_reader.KeyReader
    """The whole compose file."""
    project: project_dir.ProjectDir
    plans: "Mapping[str, ServicePlan]"
    """All services by their compose names."""
    builder: service_builder.ServiceBuilder
    renames: naming.Renames = dataclasses.field(init=False)
    """Known when all services are planned."""
    secret_names: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """The variables whose value becomes a secret, with the name of the secret. Known then, too."""
    interpolated_secrets: Mapping[diagnosis.SourceLocation, Mapping[str, str]] = dataclasses.field(
        default_factory=dict[diagnosis.SourceLocation, Mapping[str, str]], repr=False
    )
    """The secrets that the text at a location contains, with their values."""
    literal_secrets: dict[tuple[diagnosis.SourceLocation, str], list[tuple[int, int, str]]] = dataclasses.field(
        default_factory=dict[tuple[diagnosis.SourceLocation, str], list[tuple[int, int, str]]], repr=False
    )
    """Start, end and name of the secrets that a word of a command contains, by its location and text."""
    secret_values: dict[str, str] = dataclasses.field(default_factory=dict[str, str], repr=False)
    """The values of the secrets that it uses. The application does not have them."""
    image: str | None
    build: key_reader.KeyReader | None = None
    """Its own build, or that of the service that builds the same image."""
    build_context: str | None = None
    stage: images.Stage | None = None
    mounts: list[mount_reader.Mount] = dataclasses.field(default_factory=list[mount_reader.Mount])
    listening_ports: list[ports.Port] = dataclasses.field(default_factory=list[ports.Port])
    host_names: list[str] = dataclasses.field(default_factory=list[str])
    """See `list_host_names`."""
    server: image_profiles.ImageProfile | None = None
    """See `find_server`."""
    kind: str = "services"
    kind_reason: str = ""
    """Why it is a store or a job."""
    is_kind_guessed: bool = False
    main_port: ports.Port | None = None
    own_disks: list[mount_reader.Mount] = dataclasses.field(default_factory=list[mount_reader.Mount])
    shared_disks: dict[mount_reader.Mount, "ServicePlan"] = dataclasses.field(
        default_factory=dict[mount_reader.Mount, "ServicePlan"]
    )
    """Mounts of other services' disks, with the owner."""
    unordered_jobs: set[str] = dataclasses.field(default_factory=set[str])
    """Jobs that it depends on, and that need the disk of a store that waits for it."""
    runs_after_services: bool = False
    """Of a job that depends on services."""
    build_error: str = ""
    """Why its image cannot be built."""
    image_volume: str | None = None
    """The volume that its image declares and no key mounts."""
    networks: list[str] = dataclasses.field(default_factory=list[str])
    aliases: list[str] = dataclasses.field(default_factory=list[str])
    """Its other host names that can be names of Services."""

    @property
    def path(self) -> str:
        return f"{self.kind}.{self.dns_name}"

    @property
    def base_image(self) -> str | None:
        """The public image that it runs, or is built from."""
        base = self.stage.base_image if self.stage else None
        return self.image if base is None or image_profiles.find_profile(self.image) else base

    @property
    def profile(self) -> image_profiles.ImageProfile | None:
        return image_profiles.find_profile(self.base_image)

    @property
    def dependencies(self) -> dict[str, str]:
        """The conditions of `depends_on`, by service."""
        services = self.keys.enter_mapping("depends_on")
        return {name: dependency.get_text("condition") or "service_started" for name, dependency in services}

    @property
    def labels(self) -> dict[str, str]:
        labels = self.keys.enter("deploy").get_scalars("labels") | self.keys.get_scalars("labels")
        return {name: node.text for name, node in labels.items()}

    @property
    def replicas(self) -> str:
        """The number of its containers, as it is written."""
        return self.keys.enter("deploy").get_text("replicas") or self.keys.get_text("scale") or "1"

    @property
    def health_test(self) -> str:
        """The command of its healthcheck, as one text."""
        return " ".join(self.keys.enter("healthcheck").get_texts("test") or [])

    def set(self, path: key_reader.Key, value: Any, keys: key_reader.KeyReader, key: key_reader.Key) -> None:
        """Set a field at the location of a compose key, and keep the key."""
        self.builder.set(path, value, keys.locate(key))
        into = path if isinstance(path, str) else ".".join(path)
        keys.keep(key, f"{into}: {value}" if isinstance(value, str | int) else into, into=into)

    def add_file(
        self, target: str, location: diagnosis.SourceLocation, *, source: str = "", content: str | None = None
    ) -> bool:
        """Add a file of the project, or with this content, to the configuration. True: its text has new names."""
        if source and self.project.is_executable(source):
            self.add_executable_files()
        may_change = bool(self.renames.hosts or self.renames.paths)
        text = self.project.find_text(source) if content is None and may_change else content
        new_text = self.renames.rewrite(text) if text else text
        if content is not None or new_text != text:
            self.builder.set(("files", target, "content"), new_text, location)
        else:
            self.builder.set(("files", target), source, location)
        return new_text != text

    def add_executable_files(self) -> None:
        """Let the files of the configuration be executable."""
        self.builder.add_volume({"name": "config", "configMap": {"defaultMode": 0o755}})

    def add_secret_variable(self, secret: str, text: str, location: diagnosis.SourceLocation) -> None:
        """A secret that is a variable of the container."""
        self.secret_values[secret] = text
        self.builder.set(("secrets", secret), {"env": True}, location)

    def add_secret_file(self, secret: str, text: str, path: str, location: diagnosis.SourceLocation) -> None:
        """A secret that is a file at another path, too."""
        self.secret_values[secret] = text
        self.builder.set(("secrets", secret), None, location)
        self.builder.add_mount({"name": secrets.VOLUME_NAME, "mountPath": path, "subPath": secret, "readOnly": True})

    def split_secrets(self, node: nodes.ScalarNode) -> list[str]:
        """The text of a node, split at the values of secrets: the elements with odd indices are names of secrets."""
        inserted = {text: name for name, text in self.interpolated_secrets.get(node.location, {}).items()}
        # A short value may be a part of another word.
        patterns = [
            re.escape(text) if len(text) >= 6 else rf"(?<!\w){re.escape(text)}(?!\w)"
            for text in sorted(inserted, key=len, reverse=True)
        ]
        matches = re.finditer("|".join(patterns), node.text) if inserted else ()
        spans = [(*match.span(), inserted[match[0]]) for match in matches]
        for literal in self.literal_secrets.get((node.location, node.text), ()):
            if all(literal[1] <= start or end <= literal[0] for start, end, _ in spans):
                spans.append(literal)
        parts, position = list[str](), 0
        for start, end, name in sorted(spans):
            self.add_secret_variable(name, node.text[start:end], node.location)
            parts += [node.text[position:start], name]
            position = end
        return [*parts, node.text[position:]]

    def runs_default_server(self) -> bool:
        """Whether it runs the server of a known image."""
        return self.profile is not None and self.server is not None

    def find_server(self) -> image_profiles.ImageProfile | None:
        """The profile of the server that it runs; also of a database in an unknown image, by its name or its folder."""
        profile = images.find_server(self.base_image, [mount.target for mount in self.mounts])
        if profile is None or not self._runs_server(profile):
            return None
        # An application with a database in its image has other ports.
        numbers = {port.number for port in self.listening_ports}
        is_known = profile is images.find_server(self.base_image)
        return profile if is_known or numbers <= {*profile.ports, *profile.other_ports} else None

    def _runs_server(self, profile: image_profiles.ImageProfile) -> bool:
        """Whether its command is that of the image."""
        if self.keys.get_texts("entrypoint"):
            return False
        stage = self.stage
        if stage is not None and stage.has_entrypoint and stage.base_image == self.base_image:
            return False
        command = self.keys.get_texts("command") or (list(stage.command) if stage else [])
        return not command or command[0].startswith("-") or command[0] in profile.server_commands

    def is_awaited(self, *kinds: str) -> bool:
        """Whether services of these kinds depend on it, also by way of others: then it changes before its own kind."""
        dependents = [other for other in self.plans.values() if self.name in other.dependencies]
        return any(other.kind in kinds or other.is_awaited(*kinds) for other in dependents)

    def ends(self) -> bool:
        """Whether its command is known to end."""
        image = images.get_short_name(self.base_image or self.image or "")
        has_program = self.stage is not None and self.stage.has_entrypoint
        has_terminal = self.keys.is_true("tty") or self.keys.is_true("stdin_open")
        return commands.ends(self.list_command_words(), "" if has_program else image, has_terminal=has_terminal)

    def runs_permanently(self) -> bool:
        """Whether its command is known to be a worker or a server."""
        return commands.runs_permanently(self.list_command_words())

    def list_command_words(self) -> list[str]:
        """The words of its entrypoint and command, or those of its Dockerfile's CMD."""
        words = [word for key in ("entrypoint", "command") for word in self.keys.get_texts(key) or []]
        return words or list(self.stage.command if self.stage else ())

    def has_own_command(self) -> bool:
        """Whether it runs another program than its image does by itself."""
        return bool(self.keys.get_texts("command") or self.keys.get_texts("entrypoint"))

    def is_initialized(self) -> bool:
        """Whether its first start imports files: it listens only afterwards."""
        return any(mount.target.startswith("/docker-entrypoint-initdb.d") for mount in self.mounts)

    def is_switched_off(self) -> bool:
        """Whether it runs no container."""
        return self.replicas.isdecimal() and not int(self.replicas)

    def is_proxy(self) -> bool:
        """Whether it runs a proxy that looks up the addresses of others only when it starts."""
        name = images.get_short_name(self.base_image or self.image or "").rpartition("/")[2]
        return bool(re.search(r"nginx|openresty|haproxy|envoy|httpd|apache", name))

    def names_itself(self) -> bool:
        """Whether its own settings hold its own name as a host."""
        texts = [
            *self.list_texts(),
            self.health_test,
            *(self.project.find_text(name) or "" for name in self.list_files()),
        ]
        pattern = rf"(?<![\w.-]){re.escape(self.name)}(?=:[0-9])|(?://|@){re.escape(self.name)}(?![\w.-])"
        env = self.keys.get_scalars("environment").items()
        is_named = any(naming.names_host(node.text, self.name, key) for key, node in env)
        return is_named or any(re.search(pattern, text) for text in texts)

    def list_files(self) -> list[str]:
        """The files of the project that it mounts."""
        return [
            name
            for mount in self.mounts
            for name in ([mount.source] if mount.kind == "file" else [f"{mount.source}/{file}" for file in mount.files])
        ]

    def is_passive_server(self) -> bool:
        """Whether it is a database or a cache: it answers, and calls no other service."""
        return self.server is not None and bool(self.server.ports) and not self.server.http

    def list_host_names(self) -> list[str]:
        """Its host names in compose: service and container name, aliases, and the aliases of links."""
        keys = self.keys
        names = [self.name, keys.get_text("container_name") or "", keys.get_text("hostname") or ""]
        for _, network in keys.enter_mapping("networks"):
            names += network.get_texts("aliases") or []
        links = [link.partition(":") for other in self.plans.values() for link in other.keys.get_texts("links") or []]
        names += [alias for name, _, alias in links if name == self.name]
        return [name for name in dict.fromkeys(names) if name and (name == self.name or name not in self.plans)]

    def find_renamed_hosts(self) -> dict[str, str]:
        """The hosts that it reaches in compose, and not in a cluster, with their names there."""
        servers: dict[str, ServicePlan] = {}
        for other in sorted(self.plans.values(), key=lambda other: set(other.networks).isdisjoint(self.networks)):
            for host in other.host_names if other.kind != "jobs" else ():
                servers.setdefault(host, other)
        for name, _, alias in (text.partition(":") for text in self.keys.get_texts("links") or []):
            if alias and name in self.plans:
                servers[alias] = self.plans[name]
        # The cluster's DNS ignores case.
        return {
            host: other.dns_name
            for host, other in servers.items()
            if host.lower() not in (other.dns_name, *other.aliases)
        }

    def list_callable(self) -> Sequence["ServicePlan"]:
        """The services that it may call: all with a port that share a network with it, and its links.

        A passive server calls only what it names or depends on, and services of its own image: they may be a cluster.
        """
        networks = set(self.networks)
        linked = {text.partition(":")[0] for text in self.keys.get_texts("links") or []}
        if self.is_passive_server():
            linked |= self.dependencies.keys()
            linked |= {name for name, other in self.plans.items() if other.profile is self.profile}
            env = self.keys.get_scalars("environment")
            for name in self.plans:
                pattern = rf"(?<![\w.-]){re.escape(name)}(?![\w.-])"
                is_called = any(re.search(pattern, text) for text in self.list_command_texts())
                is_called = is_called or any(naming.names_host(node.text, name, key) for key, node in env.items())
                linked |= {name} if is_called else set[str]()
            networks = set[str]()
        others = [other for other in self.plans.values() if other is not self and other.kind != "jobs"]
        return [other for other in others if other.name in linked or not networks.isdisjoint(other.networks)]

    def list_texts(self) -> list[str]:
        """Its environment and command."""
        return [*(node.text for node in self.keys.get_scalars("environment").values()), *self.list_command_texts()]

    def list_command_texts(self) -> list[str]:
        """Its entrypoint and command, each as one text."""
        return [" ".join(self.keys.get_texts(key) or []) for key in ("entrypoint", "command")]
