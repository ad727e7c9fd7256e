# ruff: noqa: E501 - a message stands in one line, as it is printed
"""Decoding: the forms that a value may have, and the exact words where it has none of them."""

from collections.abc import Callable

import pytest

from seaway.model import application, settings
from seaway.syntax import decode, nodes

Said = Callable[..., list[str]]
FIRST = "name: a\nservices:\n  web:\n    image: x\n"

WRONG = {
    "unknown key": ("    prot: 8000", "5:5: services.web.prot: is no key of a service; did you mean port?"),
    "far key": ("    resources: {xyz: 1}", "5:17: services.web.resources.xyz: is no key of resources; there are: cpu, memory, cpuLimit, disk, gpu, tpu"),
    "boolean text": ("    env: {A: yes, B: true}", '5:19: services.web.env.B: true is a boolean and not text; quote it: "true"'),
    "null text": ("    env: {A: null}", '5:11: services.web.env.A: null is not text; quote it: "null"'),
    "empty text": ("    env: {A: }", '5:11: services.web.env.A: an empty value is not text; write "" for empty text'),
    "list for text": ("    env: {A: [b]}", "5:11: services.web.env.A: a list is not text; write one value; quote it if it has"
                      " brackets"),
    "list for mapping": ("    env: [A=b]", "5:5: services.web.env: a list is no mapping; write `NAME: value`, one a line, below"
                         " it"),
    "text for list": ("    command: python x.py", '5:5: services.web.command: "python x.py" is no list; write [python, x.py],'
                      " or one a line after `- `"),
    "quoted number": ('    port: "80"', '5:5: services.web.port: "80" is no whole number; write it without quotes and without a'
                      " leading zero"),
    "octal": ("    user: 0999", '5:5: services.web.user: "0999" is no whole number; write it without quotes and without a leading'
              " zero"),
    "number": ("    scale: many", '5:5: services.web.scale: "many" is no whole number; write digits, as 8000'),
    "fraction": ("    scale: 1.5", "5:5: services.web.scale: 1.5 is no whole number; write digits, as 8000"),
    "yes": ("    publish: yes", '5:5: services.web.publish: "yes" is neither true nor false; write true or false, unquoted'),
    "literal": ("    security: none", '5:5: services.web.security: "none" is not one of its values; write restricted or'
                " baseline"),
    "scalar for record": ("    resources: 1", "5:5: services.web.resources: 1 is no mapping; write keys below it: cpu, memory, cpuLimit, disk, gpu, tpu"),
    "scalar for named": ("    secrets: A", '5:5: services.web.secrets: "A" is neither a mapping nor a list; write a mapping from'
                         " name to secret, or a list of names"),
    "no name": ("    secrets: [{A: 1}]", "5:15: services.web.secrets: a mapping is no name; write names only, or make it a mapping"
                " from name to body"),
    "name twice": ("    secrets: [A, A]", '5:18: services.web.secrets: "A" is in the list twice; remove one of the two'),
    "missing": ("stores:\n  db: {image: x, port: 1}", "6:7: stores.db.volume: is missing; add `volume:`, its disk"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong(said: Said, case: str) -> None:
    text, line = WRONG[case]
    assert said(FIRST + text) == [f"app/app.yaml:{line}"]


def test_short_and_long_forms_mean_the_same() -> None:
    def service(body: str) -> application.Application:
        return decode.decode_node(
            application.Application, nodes.parse(f"name: a\nservices: {{web: {{{body}}}}}", "a.yaml")
        )

    short = service("build: ./web, health: /h, scale: 3, secrets: [A, B], files: {/a: b}")
    long = service(
        "build: {context: ./web}, health: {readiness: /h, liveness: /h}, scale: {min: 3}, secrets: {A: , B: {}}, files: {/a: {source: b}}"
    )
    assert short == long
    assert service("health: [a, b]").services[0].health == application.Health(readiness=("a", "b"), liveness=("a", "b"))


def test_numbers_keep_their_digits_where_text_is_wanted() -> None:
    node = nodes.parse(
        "{stack: a, context: b, imageOverrides: {a: 1.10, b: 0755, c: 22:22, d: 1_0, e: 0x1F}}", "a.yaml"
    )
    assert decode.decode_node(settings.Settings, node).image_overrides == {
        "a": "1.10", "b": "0755", "c": "22:22", "d": "1_0", "e": "0x1F",
    }  # fmt: skip


def test_all_problems_come_together_and_none_follows_from_another(said: Said) -> None:
    lines = said("""\
name: shop
services:
  api: {image: nginx, port: abc, health: /healthz, publish: true}
  web: {build: ./web, port: 70000, calls: [api, db, dbb], healht: /x, env: {A: true}}
stores:
  db: {image: postgres, port: 5432}
jobs:
  migrate: {uses: apj, command: run}
""")
    assert [line.partition("; ")[0] for line in lines] == [
        'app/app.yaml:3:23: services.api.port: "abc" is no whole number',
        "app/app.yaml:4:23: services.web.port: 70000 is no TCP port (1 to 65535)",
        'app/app.yaml:4:53: services.web.calls.2: there is no service or store "dbb"',
        "app/app.yaml:4:59: services.web.healht: is no key of a service",
        "app/app.yaml:4:77: services.web.env.A: true is a boolean and not text",
        "app/app.yaml:6:7: stores.db.volume: is missing",
        'app/app.yaml:8:13: jobs.migrate.uses: there is no service "apj"',
        'app/app.yaml:8:24: jobs.migrate.command: "run" is no list',
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "1:1: an empty value is no mapping; write keys below it: name, services, stores, jobs"),
        ("[a]", "1:1: a list is no mapping; write keys below it: name, services, stores, jobs"),
        ("services: {}", "1:1: name: is missing; add `name:`, as the reference shows"),
    ],
)
def test_no_application(said: Said, text: str, line: str) -> None:
    assert said(text) == [f"app/app.yaml:{line}"]
