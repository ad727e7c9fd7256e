"""Secrets: their rules, and how their sources are resolved."""

import pytest

from seaway.model import application, secrets, settings
from seaway.model.defaults import resolve
from seaway.model.validate import environment
from seaway.syntax import diagnosis
from tests.support import diagnostics
from tests.unit.conftest import FindErrors
from tests.unit.model import tables


def web(body: str, more: str = "") -> str:
    return f"name: shop\nservices:\n  web:\n    image: a\n{body}\n{more}"


VALID = [
    web("    secrets: {A: {generate: 8}, B: {generate: 1024, env: true}}\n    env: {URL: a$(B), OTHER: $$(A)}"),
    web("    secrets: {A: {existing: theirs.v1, key: tls.key}, B: {existing: theirs}}"),
    web("    secrets: {A: {existing: theirs}}", "  z: {image: x, secrets: [A]}\n"),
    web(
        "    secrets: {A: {existing: theirs, key: A}}", "  z: {image: x, secrets: {A: {existing: theirs, env: true}}}\n"
    ),
    web("    secrets: {A: {generate: 8, env: true}}", "jobs:\n  m: {uses: web, env: {URL: $(A)}}\n"),
]

INVALID = {
    "length": (web("    secrets: {A: {generate: 7}}"), "5:19: .secrets.A.generate: invalid-value"),
    "two lengths": (
        web("    secrets: {A: {generate: 8}}", "  z: {image: x, secrets: {A: {generate: 9}}}"),
        "6:27: services.z.secrets.A: conflicting-sources",
    ),
    "two sources": (
        web("    secrets: {A: {generate: 8}}", "  z: {image: x, secrets: {A: {existing: theirs}}}"),
        "6:27: services.z.secrets.A: conflicting-sources",
    ),
    "two keys": (
        web(
            "    secrets: {A: {existing: theirs, key: a}}\n"
            "    sidecars: {proxy: {image: x, secrets: {A: {existing: theirs}}}}"
        ),
        "6:44: .sidecars.proxy.secrets.A: conflicting-sources",
    ),
    "generated and existing": (
        web("    secrets: {A: {generate: 8, existing: theirs}}"),
        "5:15: .secrets.A: conflicting-keys",
    ),
    "key without Secret": (web("    secrets: {A: {key: a}}"), "5:15: .secrets.A: missing-value"),
    "name is a folder": (web("    secrets: [..]"), "5:15: .secrets...: invalid-name"),
    "name is a path": (web("    secrets: [a/b]"), "5:15: .secrets.a/b: invalid-name"),
    "invalid Secret": (web("    secrets: {A: {existing: Theirs}}"), "5:19: .secrets.A.existing: invalid-name"),
    "invalid key": (web("    secrets: {A: {existing: theirs, key: a/b}}"), "5:37: .secrets.A.key: invalid-name"),
    "file variable in env": (web("    secrets: [A]\n    env: {A_FILE: /a}"), "5:15: .secrets.A: duplicate-variable"),
    "path of another file": (
        web("    secrets: [A]\n    files: {/run/secrets/A: {content: x}}"),
        "5:15: .secrets.A: duplicate-path",
    ),
    "file variable is a secret": (web("    secrets: [A, A_FILE]"), "5:15: .secrets.A: duplicate-variable"),
    "reference in a variable": (
        web("    secrets: [A]\n    env: {URL: a://b:$(A)@c/$(A)}"),
        "6:11: .env.URL: secret-is-file",
    ),
    "reference in an argument": (
        web("    secrets: [A]\n    args: [x, --password=$(A)]"),
        "6:15: .args.1: secret-is-file",
    ),
    "reference in a job": (
        web("    secrets: [A]", "jobs:\n  m: {uses: web, env: {URL: $(A)}}"),
        "7:24: jobs.m.env.URL: secret-is-file",
    ),
    "long name": (web(f"    secrets: [{'A' * 249}]"), f"5:15: .secrets.{'A' * 249}: invalid-name"),
}


test_valid_input_has_no_errors, test_invalid_input_is_reported = tables.build_tests(VALID, INVALID)


def test_a_source_applies_wherever_the_secret_is_listed() -> None:
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


def test_a_job_replaces_secrets_of_its_service() -> None:
    web = application.Service(
        "web", image="a", secrets=tuple(map(application.Secret, "ABC")), env={"D_FILE": "/d", "E": "e"}
    )
    job = application.Job("m", uses="web", env={"A": "x", "B_FILE": "/b"}, secrets=(application.Secret("D"),))
    (resolved,) = resolve.resolve_application(application.Application("shop", services=(web,), jobs=(job,))).jobs
    assert [secret.name for secret in resolved.secrets] == ["C", "D"]
    assert resolved.env == {"A": "x", "B_FILE": "/b", "E": "e"}


STACK = "config:\n  seaway:context: c\n  seaway:registry: r\n"
ACCOUNT = "  seaway:imagePullCredentials: {user: me, secret: P}\n"
VALUE = "  seaway:secrets: {P: {secure: x}}\n"
EXISTING = web("    secrets: {P: {existing: theirs}}")
STACKS = {
    "existing Secret": (EXISTING, STACK),
    "existing Secret and a value": (
        EXISTING,
        STACK + VALUE,
        "Pulumi.dev.yaml:4:20: seaway:secrets.P: conflicting-sources",
    ),
    "credentials": (web(""), STACK + ACCOUNT + VALUE),
    "credentials without a value": (
        web(""),
        STACK + ACCOUNT,
        "Pulumi.dev.yaml: seaway:imagePullCredentials.secret: secret-not-set",
    ),
    "credentials without a registry": (
        web(""),
        STACK.replace("  seaway:registry: r\n", "") + ACCOUNT + VALUE,
        "Pulumi.dev.yaml: seaway:imagePullCredentials: missing-value",
    ),
}


@pytest.mark.parametrize("case", STACKS)
def test_the_stack_has_the_values(find_errors: FindErrors, wording: object, case: str) -> None:
    text, stack, *rows = STACKS[case]
    errors = find_errors(text, stack)
    assert diagnostics.summarize(errors) == rows
    assert not errors or [f"{error.message}; {error.hint}" for error in errors] == wording


def test_a_release_of_a_compose_file_asks_for_each_value() -> None:
    """Where it was built, the files have them."""
    secret = application.Secret("DB_PASSWORD", env=True)
    app = application.Application("shop", services=(application.Service("web", image="a", secrets=(secret,)),))
    stack = settings.Settings(stack="prod", context="c", build=False, app="app/compose.yaml, compose.prod.yaml")
    origin = diagnosis.SourceLocation("releases/1.yaml")
    locations = diagnosis.SourceLocations(origin, {})

    def find_errors(*file_secrets: str) -> list[diagnosis.Diagnostic]:
        return list(environment.check(app, locations, stack, {}, origin, file_secrets=file_secrets))

    assert find_errors("DB_PASSWORD") == []
    (error,) = find_errors()
    assert error.code == "secret-not-set"
    command = "seaway import app/compose.yaml app/compose.prod.yaml --set-secrets prod"
    assert error.hint.startswith("pulumi config set --secret --path 'seaway:secrets.DB_PASSWORD'")
    assert error.hint.endswith(command)
