"""Which prefixes may start a name in generated C and C++."""

from __future__ import annotations

import pytest

from edgedigits.c_names import DEFAULT_PREFIX, check_prefix
from edgedigits.devices.stub import firmware_stub
from edgedigits.errors import EXIT_USAGE, ConfigError


@pytest.mark.parametrize("prefix", [DEFAULT_PREFIX, "g", "Digits2", "my_model_v2"])
def test_identifiers_pass_through(prefix: str) -> None:
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        ("", "is empty"),
        ("9lives", "not a C identifier"),
        ("my-model", "not a C identifier"),
        ("my model", "not a C identifier"),
        ("modèle", "not a C identifier"),
        ("digits\n", "not a C identifier"),
        ("x;system()", "not a C identifier"),
        ("restrict", "a keyword of C or C\\+\\+"),
        ("class", "a keyword of C or C\\+\\+"),
        ("co_await", "a keyword of C or C\\+\\+"),
        ("_model", "starts with an underscore"),
        ("my__model", "two underscores in a row"),
        ("model_", "two underscores in a row"),
        ("stdint", "would hide stdint.h"),
        ("Math", "would hide Math.h"),
        ("model", "would hide model.h"),
        ("digits_self_test", "ends like the file of an engine's self-test"),
        ("m" * 49, "has 49 characters, more than 48"),
    ],
)
def test_others_are_refused_with_a_reason_and_a_remedy(prefix: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        check_prefix(prefix)
    assert caught.value.exit_code == EXIT_USAGE
    assert DEFAULT_PREFIX in caught.value.hint


def test_no_engine_hides_a_header_of_the_firmware() -> None:
    headers = {path.stem for path in firmware_stub().rglob("*.h")}
    assert len(headers) > 5
    for name in headers:
        with pytest.raises(ConfigError, match=f"would hide {name}.h"):
            check_prefix(name)
