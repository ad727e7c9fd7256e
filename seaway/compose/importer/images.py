"""What an import knows about an image beyond its profile: its Dockerfile, its user, and the memory of its program."""

import dataclasses
import json
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from seaway.files import roots
from seaway.model import image_reference
from seaway.model.defaults import image_profiles
from seaway.syntax import diagnosis, dockerfile

_USER_IDS: Mapping[str, tuple[int, int]] = {
    "daemon": (1, 2),
    "nobody": (65534, 65534),
    "node": (1000, 1000),
    "postgres": (999, 70),
    "mysql": (999, 999),
    "redis": (999, 999),
    "mongodb": (999, 999),
    "nginx": (101, 101),
    "www-data": (33, 82),
    "grafana": (472, 472),
    "elasticsearch": (1000, 1000),
    "jenkins": (1000, 1000),
}
"""Ids of users of well-known images, where the image is built on Debian, and on Alpine."""

POSTGRES_DATA = "/var/lib/postgresql/data"
_DATA_FOLDERS = {POSTGRES_DATA: "postgres", "/var/lib/mysql": "mysql"}
_POSTGRES = re.compile(r"(.*/)?(postgres|pgvector|postgis|timescaledb|citus|paradedb|pgvecto-rs|vectorchord\S*)")
"""PostgreSQL with extensions, in images that are built on the image of Docker's library."""

_SINGLE_FILE = re.compile(r"(^|/)([A-Z]\w*file\*?|[^/*]*\*?\.[^/*]+)$")
"""A copied file, such as package*.json or a Gemfile: the source of the program is elsewhere."""

_NO_ARGS: Mapping[str, str] = {}

_HEAVY = (
    ("4Gi", r"gitlab-(ce|ee)|sentry$"),
    ("2Gi", r"mssql|oracle|elasticsearch|opensearch$|sonarqube|neo4j|cassandra|scylla|clickhouse|ollama|minecraft"),
    ("1Gi", r"kafka|zookeeper|logstash|kibana|solr|jenkins|keycloak|nexus|tomcat|wildfly|activemq|flink|java|jdk"),
    ("1Gi", r"spark|trino|pulsar|airflow|jira|confluence|schema-registry|opensearch-dashboards|graylog|selenium"),
)
"""Memory by a part of the image's name: JVM programs, and databases that allocate much at once."""


def get_short_name(image: str) -> str:
    """The name in the table of profiles: without registry, tag and digest."""
    return image_profiles.split_image_name(image)[0]


def find_memory(image: str | None) -> str | None:
    """The memory that an image needs to start; None: unknown."""
    profile = image_profiles.find_profile(image)
    if image is None or (profile and profile.memory):
        return profile.memory if profile else None
    return next((size for size, pattern in _HEAVY if re.search(pattern, get_short_name(image))), None)


def find_user_id(name: str, image: str | None) -> int | None:
    """The id of a user in an official image, or in an image with the name of the user; None: only the image knows."""
    short_name, tag = image_profiles.split_image_name(image or "/")
    is_library = "/" not in short_name and image_reference.get_registry(image or "/") == image_reference.DOCKER_HUB
    is_official = is_library or name in short_name or image_profiles.find_profile(image) is not None
    if name not in _USER_IDS or not (is_official or name == "nobody"):
        return None
    return _USER_IDS[name]["alpine" in tag]


def is_postgres(image: str | None) -> bool:
    """Whether it is PostgreSQL, also with extensions under another name."""
    return image is not None and bool(_POSTGRES.fullmatch(get_short_name(image)))


def find_server(image: str | None, targets: Collection[str] = ()) -> image_profiles.ImageProfile | None:
    """The profile of the server of an image; of an unknown image, that of the database whose folder is mounted."""
    folder = next((target for target in _DATA_FOLDERS if target in targets), None)
    name = "postgres" if is_postgres(image) else _DATA_FOLDERS[folder] if folder else ""
    return image_profiles.find_profile(image) or image_profiles.PROFILES.get(name)


def find_data_dir(image: str | None) -> str | None:
    """The data folder of an image. PostgreSQL's is one level up from version 18 on; InfluxDB 1 has another one."""
    profile = find_server(image)
    if profile is None or image is None:
        return None
    version = re.search(r"(?:^|pg)([0-9]+)", image_profiles.split_image_name(image)[1])
    if is_postgres(image) and version and int(version[1]) >= 18:
        return "/var/lib/postgresql"
    if version and version[1] == "1" and get_short_name(image) == "influxdb":
        return "/var/lib/influxdb"
    return profile.data_dir


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The stage that is built."""

    ports: tuple[int, ...] = ()
    """TCP ports of EXPOSE."""
    exposed_in: str = dataclasses.field(default="", compare=False)
    """The location of the first EXPOSE with a port."""
    user: str | None = None
    """Name or number, and the group."""
    base_image: str | None = None
    command: tuple[str, ...] = ()
    """The words of its own CMD."""
    has_entrypoint: bool = False
    working_dir: str = ""
    copies: tuple[tuple[str, str | None], ...] = ()
    """Paths of the context that it copies, each with its path in the image. None: unknown, such as that of a build."""

    def has_copy(self, source: str, target: str) -> bool:
        """Whether it has a path of the context, such as ``src``, or a part of it, at a path of the image."""
        return any(_is_copy(source, target, copied, place) for copied, place in self.copies)


def _is_copy(source: str, target: str, copied: str, place: str | None) -> bool:
    inner, part = posixpath.relpath(source, copied), posixpath.relpath(copied, source)
    if not inner.startswith(".."):
        return place is None or posixpath.normpath(posixpath.join(place, inner)) == target
    if place is None or part.startswith("..") or _SINGLE_FILE.search(part):
        return False
    return posixpath.join(target, part) == place


def read_stage(path: Path, root: roots.Root, target: str | None = None, args: Mapping[str, str] = _NO_ARGS) -> Stage:
    """An empty stage if the file cannot be read."""
    try:
        text = root.read(path, "", diagnosis.SourceLocation(str(path)), "").decode()
        return parse_stage(text, target, args, root.format_path(path))
    except (diagnosis.InvalidInput, UnicodeDecodeError):
        return Stage()


def parse_stage(
    text: str, target: str | None = None, args: Mapping[str, str] = _NO_ARGS, file: str = "its Dockerfile"
) -> Stage:
    """The stage called ``target``, or the last stage, with its inherited values.

    ``args``: the build arguments. Other values with variables are unknown.
    """
    stages: dict[str, Stage] = {}
    variables = dict(args)
    current, name = Stage(), ""
    for line, instruction, rest in dockerfile.parse_instructions(text):
        match instruction:
            case "FROM":
                if target and name == target.lower():
                    return current
                image, declared_name = dockerfile.parse_from(_replace_variables(rest, variables))
                name = declared_name or str(len(stages))
                image = re.sub(r":[^/]*\$.*", "", image)  # the name is known without its tag
                current = stages.get(image.lower(), Stage(base_image=None if "$" in image else image or None))
            case "ARG" | "ENV":
                for word, _, default in (part.partition("=") for part in rest.split()):
                    if instruction == "ENV" or word not in variables:
                        variables[word] = _replace_variables(default.strip("\"'"), variables)
            case "CMD" | "ENTRYPOINT":
                words = _parse_words(rest)
                command = words if instruction == "CMD" else current.command
                is_set = current.has_entrypoint or (instruction == "ENTRYPOINT" and bool(words))
                current = dataclasses.replace(current, command=command, has_entrypoint=is_set)
            case "WORKDIR":
                folder = _replace_variables(rest.strip("\"'"), variables)
                current = dataclasses.replace(current, working_dir=posixpath.join(current.working_dir, folder))
            case "COPY" | "ADD":
                copies = _list_copies(_replace_variables(rest, variables), current.working_dir, stages)
                current = dataclasses.replace(current, copies=(*current.copies, *copies))
            case "EXPOSE":
                numbers = [word.removesuffix("/tcp") for word in _replace_variables(rest, variables).split()]
                ports = [int(number) for number in numbers if number.isdecimal() and 0 < int(number) < 65536]
                exposed_in = current.exposed_in or (str(diagnosis.SourceLocation(file, line)) if ports else "")
                ports = tuple(dict.fromkeys((*current.ports, *ports)))
                current = dataclasses.replace(current, ports=ports, exposed_in=exposed_in)
            case "USER":
                user = _replace_variables(rest, variables)
                current = dataclasses.replace(current, user=None if "$" in user else user or None)
            case _:
                continue
        stages[name] = current
    return current


def _replace_variables(text: str, variables: Mapping[str, str]) -> str:
    """The text with ``$NAME`` and ``${NAME:-default}``; an unknown variable stays."""
    return re.sub(
        r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))",
        lambda match: variables.get(match[1] or match[3]) or match[2] or match[0],
        text,
    )


def _parse_words(text: str) -> tuple[str, ...]:
    """The words of CMD or ENTRYPOINT, in both forms."""
    try:
        return tuple(map(str, json.loads(text)))
    except (json.JSONDecodeError, TypeError):
        return ("/bin/sh", "-c", text)


def _list_copies(arguments: str, working_dir: str, stages: Mapping[str, Stage]) -> Iterator[tuple[str, str | None]]:
    """What COPY or ADD brings from the context, also by way of another stage."""
    match = re.search(r"--from=(\S+)", arguments)
    stage = stages.get(match[1].lower(), Stage()) if match else None
    text = re.sub(r"--\S+\s+", "", arguments)
    words = _parse_words(text) if text.startswith("[") else tuple(text.split())
    *sources, destination = words or ("",)
    place = posixpath.normpath(posixpath.join(working_dir, destination))
    is_known = place.startswith("/") and "$" not in place
    for source in sources:
        path = posixpath.normpath(source.lstrip("/") or ".")
        # A folder's content is copied, a file into a folder.
        is_file_copy = destination.endswith("/") and "." in posixpath.basename(path).lstrip(".")
        target = posixpath.join(place, posixpath.basename(path)) if is_file_copy else place
        if stage is not None:
            yield from _follow_copies(stage, posixpath.join("/", source), target if is_known else None)
            continue
        yield (
            (posixpath.dirname(path) or "." if posixpath.basename(path) == "*" else path),
            (target if is_known else None),
        )


def _follow_copies(stage: Stage, source: str, target: str | None) -> Iterator[tuple[str, str | None]]:
    """The paths of the context that a stage has in a folder, with their paths in the stage that copies the folder."""
    for copied, place in stage.copies:
        inner = posixpath.relpath(source, place or "/")
        if place is None:
            yield copied, None
        elif not inner.startswith(".."):
            yield posixpath.normpath(posixpath.join(copied, inner)), target
        elif not (inner := posixpath.relpath(place, source)).startswith(".."):
            yield copied, posixpath.join(target, inner) if target else None
