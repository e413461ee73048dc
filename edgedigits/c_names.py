"""Names that generated C and C++ may start with."""

from __future__ import annotations

import re

from edgedigits.errors import ConfigError

DEFAULT_PREFIX = "edgedigits_model"
MAX_PREFIX_LENGTH = 48

# C99 to C23 and C++98 to C++23, with the alternative tokens; a header must be fit for both languages.
_KEYWORD_LIST = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t
    char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr
    constinit continue decltype default delete do double dynamic_cast else enum explicit export extern
    false final float for friend goto if import inline int long module mutable namespace new noexcept
    not not_eq nullptr operator or or_eq override private protected public register reinterpret_cast
    requires restrict return short signed sizeof static static_assert static_cast struct switch template
    this thread_local throw true try typedef typeid typename typeof typeof_unqual union unsigned using
    virtual void volatile wchar_t while xor xor_eq
"""
_KEYWORDS = frozenset(_KEYWORD_LIST.split())
# An engine's folder is searched for headers; these would be found there instead. C99 to C23, and our own.
_C_HEADERS = """
    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg
    stdatomic stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string tgmath threads time
    uchar wchar wctype
"""
_FIRMWARE_HEADERS = ("board", "crc32", "model", "platform", "protocol", "semihosting", "tflm_engine", "usart")
_BUILD_HEADERS = ("model_data", "tflm_resolver")
_HEADERS = frozenset((*_C_HEADERS.split(), *_FIRMWARE_HEADERS, *_BUILD_HEADERS))
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


def check_prefix(prefix: str) -> str:
    """Return `prefix` if every generated name can start with it.

    Raises:
        ConfigError: it is not a C identifier, a keyword of C or C++, reserved by them, or too long.
    """
    reason = _objection(prefix)
    if reason:
        raise ConfigError(
            f"The symbol prefix '{prefix}' {reason}.",
            hint=f"Use letters, digits and single underscores, such as '{DEFAULT_PREFIX}'.",
        )
    return prefix


def _objection(prefix: str) -> str:
    if not prefix:
        return "is empty"
    if prefix.startswith("_"):
        return "starts with an underscore, which C and C++ reserve"
    if not _PLAIN.fullmatch(prefix):
        return "is not a C identifier"
    if prefix in _KEYWORDS:
        return "is a keyword of C or C++"
    if "__" in prefix or prefix.endswith("_"):
        return "makes names with two underscores in a row, which C++ reserves"
    if prefix.lower() in _HEADERS:
        return f"would hide {prefix}.h, a header that C, a build or the firmware has"
    if prefix.lower().endswith("_self_test"):
        return "ends like the file of an engine's self-test"
    if len(prefix) > MAX_PREFIX_LENGTH:
        return f"has {len(prefix)} characters, more than {MAX_PREFIX_LENGTH}"
    return ""
