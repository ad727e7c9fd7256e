"""The fingerprint of values: known without the values, and not secret."""

import pytest

from plugin import values
from tests.unit.plugin import engine

URN = "urn:pulumi:dev::shop::seaway:index:Application$seaway:index:Fingerprint::web"
KEY = values.Secret("k" * 32)


def create(plugin: engine.Plugin, *, preview: bool = False, **properties: object) -> object:
    made = engine.create(plugin, URN, preview=preview, key=properties.pop("key", KEY), values=properties)
    return made["fingerprint"]


def test_it_stands_for_the_values_and_the_key(plugin: engine.Plugin) -> None:
    first = create(plugin, A=values.Secret("hunter2"), B="x")
    assert isinstance(first, str)
    assert (len(first), "hunter2" in first) == (32, False)
    assert create(plugin, B="x", A=values.Secret("hunter2")) == first
    others = [
        create(plugin, A=values.Secret("hunter3"), B="x"),
        create(plugin, A="hunter2x", B=""),
        create(plugin, key=values.Secret("l" * 32), A="hunter2", B="x"),
    ]
    assert len({first, *others}) == 4


@pytest.mark.parametrize("unknown", [values.UNKNOWN, values.Secret(values.UNKNOWN)])
def test_a_preview_knows_it_if_it_knows_the_values(plugin: engine.Plugin, unknown: object) -> None:
    assert create(plugin, preview=True, A="x", B=unknown) is values.UNKNOWN
    assert create(plugin, preview=True, A="x") == create(plugin, A="x")


def test_a_changed_value_is_an_update(plugin: engine.Plugin) -> None:
    before = {"key": KEY, "values": {"A": values.Secret("x")}}
    assert engine.diff(plugin, URN, before, key=KEY, values={"A": values.Secret("x")}) is None
    assert engine.diff(plugin, URN, before, key=KEY, values={"A": values.Secret("y")}) == ["values"]


def test_addresses_are_passed_on(plugin: engine.Plugin) -> None:
    created = engine.create(plugin, URN, key=KEY, values={}, addresses="db=db.example.com:5432")
    assert created["addresses"] == "db=db.example.com:5432"
