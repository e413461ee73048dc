"""`model_data.h`: the bytes of a `.tflite` as a C array, for TensorFlow Lite Micro and its like."""

from __future__ import annotations

from edgedigits.c_names import DEFAULT_PREFIX, check_prefix
from edgedigits.engine.provenance import provenance
from edgedigits.engine.render import render
from edgedigits.model.ir import Graph

BYTES_PER_LINE = 12

_HEX = tuple(f"0x{value:02x}" for value in range(256))


def render_model_data(graph: Graph, prefix: str = DEFAULT_PREFIX) -> str:
    """Return the text of `model_data.h`.

    The header declares `<prefix>_data`, const, aligned to 16 bytes; `<PREFIX>_DATA_LEN`, its length as a
    constant expression that `#if` can read too; and `<prefix>_data_len`, the same as an object. It is fit for
    C99 and C++98 and what came later, and for several translation units. The same model gives the same text.

    Args:
        graph: the model, as read by `read_tflite`.
        prefix: start of the names.

    Raises:
        ConfigError: `prefix` cannot start a C name.
    """
    return render(
        "model_data.h.j2",
        prefix=check_prefix(prefix),
        macro=f"{prefix.upper()}_DATA",
        provenance=provenance(graph),
        length=graph.size,
        rows=_rows(graph.content),
    )


def _rows(content: bytes) -> list[str]:
    starts = range(0, len(content), BYTES_PER_LINE)
    return [", ".join(map(_HEX.__getitem__, content[start : start + BYTES_PER_LINE])) for start in starts]
