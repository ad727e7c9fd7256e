"""Replacements for public images, which `make image NAME=mariadb:11` builds from Debian packages.

Each has the user, the folders and the variables of the public image that Compose files use.
"""

import dataclasses
import pathlib

from dev.images import recipes

_ENTRYPOINT = "usr/local/bin/docker-entrypoint.sh"

_NGINX_CONF = """
error_log /dev/stderr;
pid /var/run/nginx.pid;
events {}
http {
    include mime.types;
    access_log /dev/stdout;
    client_body_temp_path /var/cache/nginx/client_temp;
    proxy_temp_path /var/cache/nginx/proxy_temp;
    fastcgi_temp_path /var/cache/nginx/fastcgi_temp;
    uwsgi_temp_path /var/cache/nginx/uwsgi_temp;
    scgi_temp_path /var/cache/nginx/scgi_temp;
    include conf.d/*.conf;
}
"""


def _create_layer(
    name: str, *packages: str, has_entrypoint: bool = True, before: str = "", after: str = ""
) -> recipes.Layer:
    entrypoint = pathlib.Path(__file__).with_name(f"{name}-entrypoint.sh")
    return recipes.Layer(
        name=name,
        packages=packages,
        before=before,
        after=after,
        files={_ENTRYPOINT: (entrypoint, 0o755)} if has_entrypoint else {},
        trim=tuple("var/cache/[!n]*" if pattern == "var/cache/*" else pattern for pattern in recipes.TRIM_PACKAGES),
        below=recipes.BASE,
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """The layer of a replacement. `config` uses the keys of the OCI image specification."""

    layer: recipes.Layer
    config: dict[str, object]
    environment: dict[str, str] = dataclasses.field(default_factory=dict[str, str])


STAND_INS = {
    "mariadb": StandIn(
        layer=_create_layer(
            "mariadb",
            "mariadb-server",
            before="groupadd --gid 999 mysql\nuseradd --uid 999 --gid 999 --home-dir /nonexistent mysql",
            after="""sed -i '/^bind-address/d' /etc/mysql/mariadb.conf.d/50-server.cnf
printf '#!/bin/sh\\nexec mariadb-admin ping --silent\\n' > /usr/local/bin/healthcheck.sh
chmod 755 /usr/local/bin/healthcheck.sh
rm -rf /var/lib/mysql
install -d -o 999 -g 999 /var/lib/mysql /run/mysqld /docker-entrypoint-initdb.d""",
        ),
        config={"Entrypoint": [f"/{_ENTRYPOINT}"], "Cmd": ["mariadbd"], "ExposedPorts": {"3306/tcp": {}}},
    ),
    "nginx": StandIn(
        layer=_create_layer(
            "nginx",
            "nginx-light",
            "gettext-base",
            before="groupadd --gid 101 nginx || true\nuseradd --uid 101 --gid 101 nginx || true",
            after=f"""cat > /etc/nginx/nginx.conf <<'CONF'{_NGINX_CONF}CONF
mkdir -p /etc/nginx/conf.d /etc/nginx/templates /var/cache/nginx
printf 'server {{ listen 80; root /usr/share/nginx/html; }}\\n' > /etc/nginx/conf.d/default.conf""",
        ),
        config={
            "Entrypoint": [f"/{_ENTRYPOINT}"],
            "Cmd": ["nginx", "-e", "/dev/stderr", "-g", "daemon off;"],
            "ExposedPorts": {"80/tcp": {}},
            "StopSignal": "SIGQUIT",
        },
    ),
    "redis": StandIn(
        layer=_create_layer("redis", "redis-server", has_entrypoint=False),
        config={
            # As in the official image, clients on other machines need no password.
            "Entrypoint": ["sh", "-c", 'exec "$0" "$@" --protected-mode no'],
            "Cmd": ["redis-server"],
            "WorkingDir": "/data",
            "ExposedPorts": {"6379/tcp": {}},
        },
    ),
    "wordpress": StandIn(
        layer=_create_layer(
            "wordpress",
            *("wordpress", "wordpress-theme-twentytwentythree", "apache2", "libapache2-mod-php", "php-mysql"),
            after="""cp -rL /usr/share/wordpress /usr/src/wordpress
rm -rf /usr/share/wordpress /var/lib/wordpress /var/www/html/*
mkdir -p /usr/local/etc/php/conf.d
echo 'ErrorLog /dev/stderr\nCustomLog /dev/stdout combined' > /etc/apache2/conf-enabled/log.conf
rm -f /etc/apache2/conf-enabled/other-vhosts-access-log.conf
sed -i '/Log/d' /etc/apache2/sites-enabled/000-default.conf""",
        ),
        config={
            "Entrypoint": [f"/{_ENTRYPOINT}"],
            "Cmd": ["apache2", "-DFOREGROUND"],
            "WorkingDir": "/var/www/html",
            "ExposedPorts": {"80/tcp": {}},
            "StopSignal": "SIGWINCH",
        },
        environment={"PHP_INI_SCAN_DIR": ":/usr/local/etc/php/conf.d"},
    ),
}
"""By the repository of the public image."""


def compose_stand_in(name: str) -> recipes.Image | None:
    """Return the recipe of an image `repository:tag`, if it is known."""
    repository, _, tag = name.partition(":")
    if (known := STAND_INS.get(repository)) is None:
        return None
    title = f"Debian's {' '.join(known.layer.packages)}, standing in for {name}"
    return recipes.Image(
        repository=repository,
        tag=tag,
        layer=known.layer,
        config=known.config,
        environment={"PATH": recipes.SYSTEM_PATH, **known.environment},
        labels={recipes.TITLE: title, recipes.DESCRIPTION: recipes.NOT_OFFICIAL},
    )
