# ruff: noqa: E501 - a message stands in one line, as it is printed
"""Secrets: how each comes about, how its container gets it, and the exact words of what is wrong."""

from collections.abc import Callable

import pytest

from seaway.model import application, secrets
from seaway.model.defaults import resolve

Said = Callable[..., list[str]]


def web(body: str, more: str = "") -> str:
    return f"name: shop\nservices:\n  web:\n    image: a\n{body}\n{more}"


PASSES = [
    web("    secrets: {A: {generate: 8}, B: {generate: 1024, env: true}}\n    env: {URL: a$(B), OTHER: $$(A)}"),
    web("    secrets: {A: {existing: theirs.v1, key: tls.key}, B: {existing: theirs}}"),
    web("    secrets: {A: {existing: theirs}}", "  z: {image: x, secrets: [A]}\n"),
    web(
        "    secrets: {A: {existing: theirs, key: A}}", "  z: {image: x, secrets: {A: {existing: theirs, env: true}}}\n"
    ),
    web("    secrets: {A: {generate: 8, env: true}}", "jobs:\n  m: {uses: web, env: {URL: $(A)}}\n"),
]


@pytest.mark.parametrize("text", PASSES)
def test_passes(said: Said, text: str) -> None:
    assert said(text) == []


ONE_VALUE = "a name means one value: say the same, or rename one"
FAILS = {
    "length": (
        web("    secrets: {A: {generate: 7}}"),
        "5:19: services.web.secrets.A.generate: 7 characters are no good length (8 to 1024); write 32 if nothing else asks for more",
    ),
    "two lengths": (
        web("    secrets: {A: {generate: 8}}", "  z: {image: x, secrets: {A: {generate: 9}}}"),
        f"6:27: services.z.secrets.A: generates 9 characters, but services.web.secrets.A generates 8 characters; {ONE_VALUE}",
    ),
    "two sources": (
        web("    secrets: {A: {generate: 8}}", "  z: {image: x, secrets: {A: {existing: theirs}}}"),
        f"6:27: services.z.secrets.A: is the key A of the Secret theirs, but services.web.secrets.A generates 8 characters; {ONE_VALUE}",
    ),
    "of a companion": (
        web(
            "    secrets: {A: {existing: theirs, key: a}}\n    sidecars: {proxy: {image: x, secrets: {A: {existing: theirs}}}}"
        ),
        f"6:44: services.web.sidecars.proxy.secrets.A: is the key A of the Secret theirs, but services.web.secrets.A is the key a of the Secret theirs; {ONE_VALUE}",
    ),
    "both": (
        web("    secrets: {A: {generate: 8, existing: theirs}}"),
        "5:15: services.web.secrets.A: is generated, and also taken from the Secret theirs; keep one of `generate` and `existing`",
    ),
    "key of nothing": (
        web("    secrets: {A: {key: a}}"),
        "5:15: services.web.secrets.A: has the key a, but no Secret to look for it in; add `existing: <Secret>`, or remove `key`",
    ),
    "name of a folder": (
        web("    secrets: [..]"),
        '5:15: services.web.secrets...: ".." is no name of a file; use letters, digits, _ and -, at most 248',
    ),
    "name of a path": (
        web("    secrets: [a/b]"),
        '5:15: services.web.secrets.a/b: "a/b" is no name of an environment variable; use letters, digits, _, - and ., and no digit first',
    ),
    "no Secret": (
        web("    secrets: {A: {existing: Theirs}}"),
        '5:19: services.web.secrets.A.existing: "Theirs" is no name of a Secret; write the one that `kubectl get secrets` shows',
    ),
    "no key": (
        web("    secrets: {A: {existing: theirs, key: a/b}}"),
        '5:37: services.web.secrets.A.key: "a/b" is no key of a Secret; write the one that `kubectl describe secret theirs` shows',
    ),
    "its variable in env": (
        web("    secrets: [A]\n    env: {A_FILE: /a}"),
        "5:15: services.web.secrets.A: A_FILE, which says where its file is (/run/secrets/A), is in env too; remove it from env",
    ),
    "its file another file": (
        web("    secrets: [A]\n    files: {/run/secrets/A: {content: x}}"),
        "5:15: services.web.secrets.A: its file, /run/secrets/A, is also one of files or writable; remove the other one",
    ),
    "its variable another secret": (
        web("    secrets: [A, A_FILE]"),
        "5:15: services.web.secrets.A: A_FILE, which says where its file is, is another secret's name; rename one of the two",
    ),
    "a file in a variable": (
        web("    secrets: [A]\n    env: {URL: a://b:$(A)@c/$(A)}"),
        "6:11: services.web.env.URL: $(A) is the secret A, which is a file (/run/secrets/A) and no variable; write `secrets: {A: {env: true}}`",
    ),
    "a file in a command": (
        web("    secrets: [A]\n    args: [x, --password=$(A)]"),
        "6:15: services.web.args.1: $(A) is the secret A, which is a file (/run/secrets/A) and no variable; write `secrets: {A: {env: true}}`",
    ),
    "the service's file in a job": (
        web("    secrets: [A]", "jobs:\n  m: {uses: web, env: {URL: $(A)}}"),
        "7:24: jobs.m.env.URL: $(A) is the secret A, which is a file (/run/secrets/A) and no variable; write `secrets: {A: {env: true}}`",
    ),
}


@pytest.mark.parametrize(("text", "message"), FAILS.values(), ids=FAILS)
def test_fails(said: Said, text: str, message: str) -> None:
    assert said(text) == [f"app/app.yaml:{message}"]


def test_a_long_name_is_no_files(said: Said) -> None:
    name = "A" * 249
    (told,) = said(web(f"    secrets: [{name}]"))
    assert told.endswith('AAA..." is no name of a file; use letters, digits, _ and -, at most 248')


def test_where_it_comes_from_is_said_once_and_how_it_is_given_everywhere() -> None:
    app = application.Application(
        "shop",
        services=(
            application.Service("web", image="a", secrets=(application.Secret("A"), application.Secret("B", env=True))),
            application.Service(
                "api",
                image="a",
                secrets=(application.Secret("A", generate=9),),
                sidecars=(
                    application.ExtraContainer("b", secrets=(application.Secret("B", existing="theirs", key="k"),)),
                ),
            ),
        ),
    )
    web, api = resolve.propagate_sources(app).services
    assert web.secrets == (
        application.Secret("A", generate=9),
        application.Secret("B", env=True, existing="theirs", key="k"),
    )
    assert api.sidecars[0].secrets == (application.Secret("B", existing="theirs", key="k"),)
    assert secrets.list_managed_names(resolve.propagate_sources(app)) == ["A"]
    assert secrets.get_generated_lengths(app) == {"A": 9}


def test_what_a_job_says_itself_takes_the_place_of_the_services_secret() -> None:
    web = application.Service(
        "web", image="a", secrets=tuple(map(application.Secret, "ABC")), env={"D_FILE": "/d", "E": "e"}
    )
    job = application.Job("m", uses="web", env={"A": "x", "B_FILE": "/b"}, secrets=(application.Secret("D"),))
    (made,) = resolve.resolve_application(application.Application("shop", services=(web,), jobs=(job,))).jobs
    assert [secret.name for secret in made.secrets] == ["C", "D"]
    assert made.env == {"A": "x", "B_FILE": "/b", "E": "e"}


STACK = "config:\n  seaway:context: c\n  seaway:registry: r\n"
SET = "pulumi config set --secret --path 'seaway:secrets.P'"


@pytest.mark.parametrize(
    ("text", "stack", "messages"),
    [
        (web("    secrets: {A: {existing: theirs}}"), STACK, []),
        (
            web("    secrets: {A: {existing: theirs}}"),
            f"{STACK}  seaway:secrets: {{A: {{secure: x}}}}\n",
            [
                "Pulumi.dev.yaml:4:20: seaway:secrets.A: the application takes it from the existing Secret theirs;"
                " pulumi config rm --path 'seaway:secrets.A', or remove `existing`"
            ],
        ),
        (
            web(""),
            f"{STACK}  seaway:imagePullCredentials: {{user: me, secret: P}}\n  seaway:secrets: {{P: {{secure: x}}}}\n",
            [],
        ),
        (
            web(""),
            f"{STACK}  seaway:imagePullCredentials: {{user: me, secret: P}}\n",
            [f"Pulumi.dev.yaml: seaway:imagePullCredentials.secret: the secret P has no value in stack dev; {SET}"],
        ),
        (
            web(""),
            "config:\n  seaway:context: c\n  seaway:imagePullCredentials: {user: me, secret: P}\n  seaway:secrets: {P: {secure: x}}\n",
            [
                "Pulumi.dev.yaml: seaway:imagePullCredentials: is the account me of a registry that is not set;"
                " pulumi config set seaway:registry registry.example.com/team"
            ],
        ),
    ],
)
def test_what_a_stack_gives(said: Said, text: str, stack: str, messages: list[str]) -> None:
    assert said(text, stack) == messages
