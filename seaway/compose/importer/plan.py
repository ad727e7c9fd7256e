"""One service of a compose document, with the plan of its conversion: its kind, ports, disks and networks."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from seaway.compose.importer import images, key_reader, mount_reader, naming, ports, project_dir, service_builder
from seaway.model.defaults import image_profiles
from seaway.syntax import diagnosis, nodes

_CLIENT_IMAGES = re.compile(r"mc|aws-cli|awscli|curl|busybox|hello-world|migrate|flyway|liquibase|wait-for.*|kcat|git")
_ENDING_COMMAND = re.compile(
    r"\b(migrat\w*|seed\w*|init\w*|setup|bootstrap|create\w*|collectstatic|loaddata|upgrade|exit|true|echo|chown|chmod"
    r"|mkdir|cp|mc (mb|cp|alias|policy|anonymous)|curl|wget|pg_dump|pg_restore|psql|backup|restore|import|export)\b"
)
_PERMANENT_COMMAND = re.compile(
    r"\b(worker|serve|server|runserver|start|daemon|watch\w*|beat|scheduler|consume\w*|listen|sidekiq|celery|bot|cron\w*"
    r"|gunicorn|uvicorn|puma|while|tail -f|sleep (infinity|inf)|run_forever|queue:work|listener|poll\w*|agent|up)\b"
)


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
    secret_values: dict[str, str] = dataclasses.field(default_factory=dict[str, str], repr=False)
    """The values of the secrets that it uses. The application does not have them."""
    image: str | None
    build: key_reader.KeyReader | None = None
    """Its own build, or that of the service that builds the same image."""
    build_context: str | None = None
    stage: images.Stage | None = None
    mounts: list[mount_reader.Mount] = dataclasses.field(default_factory=list[mount_reader.Mount])
    listening_ports: list[ports.Port] = dataclasses.field(default_factory=list[ports.Port])
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
    runs_after_services: bool = False
    """Of a job that depends on services."""
    build_error: str = ""
    """Why its image cannot be built."""
    image_volume: str | None = None
    """The volume that its image declares and no key mounts."""
    networks: list[str] = dataclasses.field(default_factory=list[str])

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
        return {name: node.text for name, node in self.keys.get_scalars("labels").items()}

    def set(self, path: key_reader.Key, value: Any, keys: key_reader.KeyReader, key: key_reader.Key) -> None:
        """Set a field at the location of a compose key, and keep the key."""
        self.builder.set(path, value, keys.locate(key))
        into = path if isinstance(path, str) else ".".join(path)
        keys.keep(key, f"{into}: {value}" if isinstance(value, str | int) else into, into=into)

    def add_secret_variable(self, secret: str, text: str, location: diagnosis.SourceLocation) -> None:
        """A secret that is a variable of the container."""
        self.secret_values[secret] = text
        self.builder.set(("secrets", secret), {"env": True}, location)

    def split_secrets(self, node: nodes.ScalarNode) -> list[str]:
        """The text of a node, split at the values of secrets: the elements with odd indices are names of secrets."""
        inserted = {text: name for name, text in self.interpolated_secrets.get(node.location, {}).items()}
        if not inserted:
            return [node.text]
        # A short value may be a part of another word.
        patterns = [
            re.escape(text) if len(text) >= 6 else rf"(?<!\w){re.escape(text)}(?!\w)"
            for text in sorted(inserted, key=len, reverse=True)
        ]
        parts = re.split(f"({'|'.join(patterns)})", node.text)
        for text in parts[1::2]:
            self.add_secret_variable(inserted[text], text, node.location)
        return [inserted[text] if index % 2 else text for index, text in enumerate(parts)]

    def runs_default_server(self) -> bool:
        """Whether it runs the server of a known image."""
        if self.profile is None or self.keys.get_texts("entrypoint"):
            return False
        stage = self.stage
        if stage is not None and stage.has_entrypoint and stage.base_image == self.base_image:
            return False
        command = self.keys.get_texts("command") or (list(stage.command) if stage else [])
        return not command or command[0].startswith("-") or command[0] in self.profile.server_commands

    def is_awaited(self, *kinds: str) -> bool:
        """Whether services of these kinds depend on it, also by way of others: then it changes before its own kind."""
        dependents = [other for other in self.plans.values() if self.name in other.dependencies]
        return any(other.kind in kinds or other.is_awaited(*kinds) for other in dependents)

    def ends(self) -> bool:
        """Whether its last command is known to end: a migration, or a client."""
        text = " ".join(self.list_command_texts())
        last = re.split(r"&&|;|\n|\|\|", text.strip().rstrip(";"))[-1].strip()
        image = images.get_short_name(self.image or "").rpartition("/")[2]
        is_client = bool(_CLIENT_IMAGES.fullmatch(image))
        return not self.runs_on() and bool(_ENDING_COMMAND.search(last) or (is_client and text.strip()))

    def runs_on(self) -> bool:
        """Whether its command is known to run permanently: a worker or a server."""
        return bool(_PERMANENT_COMMAND.search(" ".join(self.list_command_texts())))

    def has_own_command(self) -> bool:
        """Whether it runs another program than its image does by itself."""
        return bool(self.keys.get_texts("command") or self.keys.get_texts("entrypoint"))

    def is_initialized(self) -> bool:
        """Whether its first start imports files: it listens only afterwards."""
        return any(mount.target.startswith("/docker-entrypoint-initdb.d") for mount in self.mounts)

    def is_proxy(self) -> bool:
        """Whether it runs a proxy that looks up the addresses of others only when it starts."""
        name = images.get_short_name(self.base_image or self.image or "")
        return bool(re.search(r"nginx|openresty|haproxy|envoy|httpd|apache", name))

    def names_itself(self) -> bool:
        """Whether its own settings hold its own name as a host."""
        test = " ".join(self.keys.enter("healthcheck").get_texts("test") or [])
        texts = [*self.list_texts(), test, *(self.project.find_text(name) or "" for name in self.list_files())]
        pattern = rf"(?<![\w.-]){re.escape(self.name)}(?=:[0-9])|//{re.escape(self.name)}(?![\w.-])"
        return any(re.search(pattern, text) for text in texts)

    def list_files(self) -> list[str]:
        """The files of the project that it mounts."""
        return [
            name
            for mount in self.mounts
            for name in ([mount.source] if mount.kind == "file" else [f"{mount.source}/{file}" for file in mount.files])
        ]

    def is_passive_server(self) -> bool:
        """Whether it is a database or a cache: it answers, and calls no other service."""
        profile = self.profile
        return profile is not None and bool(profile.ports) and not profile.http and self.runs_default_server()

    def list_host_names(self) -> list[str]:
        """Its host names in compose: service and container name, aliases, and the aliases of links."""
        keys = self.keys
        names = [self.name, keys.get_text("container_name") or "", keys.get_text("hostname") or ""]
        for _, network in keys.enter_mapping("networks"):
            names += network.get_texts("aliases") or []
        links = [link.partition(":") for other in self.plans.values() for link in other.keys.get_texts("links") or []]
        names += [alias for name, _, alias in links if name == self.name]
        return [name for name in dict.fromkeys(names) if name and (name == self.name or name not in self.plans)]

    def list_callable(self) -> Sequence["ServicePlan"]:
        """The services that it may call: all with a port that share a network with it, and its links.

        A passive server calls only what it names or depends on, and services of its own image: they may be a cluster.
        """
        networks = set(self.networks)
        linked = {text.partition(":")[0] for text in self.keys.get_texts("links") or []}
        if self.is_passive_server():
            linked |= self.dependencies.keys()
            linked |= {name for name, other in self.plans.items() if other.profile is self.profile}
            for name in self.plans:
                pattern = rf"(?<![\w.-]){re.escape(name)}(?![\w.-])"
                linked |= {name for text in self.list_texts() if re.search(pattern, text)}
            networks = set[str]()
        others = [other for other in self.plans.values() if other is not self and other.kind != "jobs"]
        return [other for other in others if other.name in linked or not networks.isdisjoint(other.networks)]

    def list_texts(self) -> list[str]:
        """Its environment and command."""
        return [*(node.text for node in self.keys.get_scalars("environment").values()), *self.list_command_texts()]

    def list_command_texts(self) -> list[str]:
        """Its entrypoint and command, each as one text."""
        return [" ".join(self.keys.get_texts(key) or []) for key in ("entrypoint", "command")]
