"""`edgedigits inspect`: what is in a `.tflite`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from edgedigits.cli.outcome import Outcome
from edgedigits.errors import UnsupportedModelError
from edgedigits.frontier import build_path
from edgedigits.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from edgedigits.build_folder import Certainty
    from edgedigits.model.front import Packing
    from edgedigits.model.ir import Graph
    from edgedigits.model.summary import LayerFacts, ModelFacts, TensorFacts, WeightFacts
    from edgedigits.progress import Progress

HELP = "show what is in a .tflite: layers, quantization, sparsity, sizes"
EXAMPLES = ("edgedigits inspect deploy/focal-qat-prune", "edgedigits inspect deploy/focal-qat-prune --packings")
MAX_ROWS = 12
GAP = 2
MIN_WIDTH = 8

_NUMERIC = ("#", "zero point", "MACs", "zeros", "distinct", "bits", "bytes+bias", "flash", "instructions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the model to look at."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=build_path,
        help="a .tflite file, the folder of a build, or a model that `models` lists",
    )
    parser.add_argument(
        "--packings",
        action="store_true",
        help="also how the C engine could store the weights, from the least flash to the fewest instructions",
    )


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Read the model and gather its facts."""
    from edgedigits.build_folder import Certainty
    from edgedigits.files.typed import to_values
    from edgedigits.model.contract import contract_violations
    from edgedigits.model.lowering import why_not
    from edgedigits.model.reader import read_tflite
    from edgedigits.model.summary import summarize
    from edgedigits.scoring.subject import model_file, subject_beside

    model = model_file(args.model)
    graph, beside = read_tflite(model), subject_beside(model)
    confidence, view, cores = beside.said.confidence or Certainty(), beside.view(), beside.cores
    facts, violations, refusal = summarize(graph), contract_violations(graph), why_not(graph)
    payload = {
        "model": facts.to_dict(),
        "contract": {"holds": not violations, "violations": list(violations)},
        "engine": {"runs": not refusal, "refusal": refusal},
        "confidence": to_values(confidence) or None,
        "view": asdict(view),
        "cores": list(cores),
    }
    if args.packings and refusal:
        raise UnsupportedModelError(f"{model}: the engine cannot run it: {refusal}", hint="Leave --packings out.")
    packings, chosen = _packings(model, graph) if args.packings else ((), None)
    payload |= {"packings": [asdict(one) for one in packings]} if args.packings else {}
    payload |= {"packing": asdict(chosen)} if chosen else {}
    head = [*_head(facts, violations, refusal), *([] if view.is_plain else [("sees", str(view))])]
    head += [("packed", f"by the cycles of {', '.join(cores)}")] if cores else []
    rows = None if args.verbose else MAX_ROWS
    return Outcome(
        payload,
        lambda console: _show(console, facts, [*head, *_certainty(confidence)], rows, packings, chosen),
    )


def _packings(model: Path, graph: Graph) -> tuple[tuple[Packing, ...], Packing | None]:
    from edgedigits.report.packings import packings_of

    return packings_of(model, graph)


def _show(
    console: Console,
    facts: ModelFacts,
    head: Iterable[tuple[str, str]],
    rows: int | None,
    packings: Sequence[Packing],
    chosen: Packing | None,
) -> None:
    _show_lines(console, head)
    console.print()
    _show_table(console, _layer_table(console, facts.layers[:rows]), len(facts.layers), rows, "operators")
    weighted = [layer for layer in facts.layers if layer.weights]
    if weighted:
        _show_table(console, _weight_table(console, weighted[:rows]), len(weighted), rows, "layers with weights")
    _show_lines(console, _totals(facts))
    if packings:
        _show_packings(console, packings, chosen)


def _show_packings(console: Console, packings: Sequence[Packing], chosen: Packing | None) -> None:
    told = sorted({*packings, *([chosen] if chosen else [])}, key=lambda one: (one.flash, one.instructions))
    rows = [
        (
            f"{one.flash:,}",
            f"{one.weight_bytes:,}",
            f"{one.instructions:,}",
            "here" if one == chosen else "",
            ", ".join(one.encodings),
        )
        for one in told
    ]
    console.print()
    console.print(_table(console, ("flash", "weights", "instructions", "", "encodings"), ("encodings",), rows))
    console.print("flash: weights (counted) and their kernels' code (about); instructions: estimate, Cortex-M4")


def _head(facts: ModelFacts, violations: Sequence[str], refusal: str) -> Iterator[tuple[str, str]]:
    yield "model", facts.name
    yield "sha256", facts.digest
    for tensor in facts.inputs:
        yield "input", _tensor_text(tensor)
    for tensor in facts.outputs:
        yield "output", _tensor_text(tensor)
    more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    yield "contract", f"not met: {violations[0]}{more}" if violations else "met: a full-integer build"
    yield "engine", f"cannot run it: {refusal}" if refusal else "can run it: edgedigits compile"
    if facts.subgraphs > 1:
        yield "subgraphs", f"{facts.subgraphs}; only the first is shown"


def _certainty(confidence: Certainty) -> Iterator[tuple[str, str]]:
    """Say what the manifest of a build says of its temperature and margin."""
    if steps := confidence.temperature_steps:
        yield "certainty", f"softmax of the int8 logits / {steps}, for probabilities that can be believed"
    if margin := confidence.reject_margin:
        wish = confidence.reject_error or "an unknown share"
        yield "refuses", f"what leads by less than {margin} steps; wished at most {wish} of the accepted wrong"


def _totals(facts: ModelFacts) -> Iterator[tuple[str, str]]:
    share = f" ({facts.zeros / facts.weights:.1%})" if facts.weights else ""
    macs = "an unknown number of" if facts.macs is None else f"{facts.macs:,}"
    constants = facts.size - facts.overhead
    yield "size", f"{facts.size:,} bytes, {facts.gzip_size:,} gzipped (measured)"
    yield "of which", f"{constants:,} constants, {facts.overhead:,} names, shapes, quantization and padding"
    yield (
        "in all",
        f"{facts.parameters:,} parameters, {facts.zeros:,} zero weights{share}, {macs} MACs (counted)",
    )


def _show_lines(console: Console, lines: Iterable[tuple[str, str]]) -> None:
    for key, value in lines:
        console.print(f"{key:<9} {printable(value)}", markup=False, soft_wrap=True)


def _show_table(console: Console, table: Table, total: int, rows: int | None, what: str) -> None:
    console.print(table)
    if rows is not None and total > rows:
        console.print(f"and {total - rows} more {what}: -v lists all")
    console.print()


def _table(console: Console, headers: Sequence[str], shrinkable: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Lay out rows; where the terminal is narrow, `shrinkable` columns lose their ends and no other does."""
    from rich.table import Table
    from rich.text import Text

    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    excess = sum(widths) + GAP * (len(widths) - 1) - console.width
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for header, width in zip(headers, widths, strict=True):
        cut = max(0, min(excess, width - MIN_WIDTH)) if header in shrinkable else 0
        excess -= cut
        justify: Literal["left", "right"] = "right" if header in _NUMERIC else "left"
        table.add_column(header, justify=justify, no_wrap=True, width=width - cut)
    for row in rows:
        # Names come from the file: as Text they cannot be taken for markup.
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def _layer_table(console: Console, layers: Sequence[LayerFacts]) -> Table:
    rows = [
        (
            str(layer.index),
            layer.name,
            layer.op + (f"+{layer.activation}" if layer.activation != "NONE" else ""),
            ", ".join(_type_text(tensor) for tensor in layer.outputs),
            ", ".join(_scales(tensor) for tensor in layer.outputs),
            ", ".join(_zero_point(tensor) for tensor in layer.outputs),
            "unknown" if layer.macs is None else f"{layer.macs:,}",
        )
        for layer in layers
    ]
    headers = ("#", "layer", "op", "output", "scale", "zero point", "MACs")
    return _table(console, headers, ("layer", "output", "op"), rows)


def _weight_table(console: Console, layers: Sequence[LayerFacts]) -> Table:
    rows = [(str(layer.index), *_weight_cells(layer.weights, layer.bias_bytes)) for layer in layers if layer.weights]
    headers = ("#", "weights", "scale", "zeros", "distinct", "bits", "bytes+bias")
    return _table(console, headers, ("scale", "weights"), rows)


def _weight_cells(weights: WeightFacts, bias_bytes: int) -> tuple[str, ...]:
    tensor = weights.tensor
    shift = f", zero point {_zero_point(tensor)}" if tensor.channels and tensor.zero_point != 0 else ""
    unread = "sparse" if weights.is_sparse else "unread"
    return (
        _type_text(tensor),
        _scales(tensor) + shift,
        unread if weights.zeros is None else f"{weights.zeros:,} ({weights.sparsity or 0.0:.1%})",
        unread if weights.distinct is None else f"{weights.distinct:,}",
        unread if weights.entropy_bits is None else f"{weights.entropy_bits:.2f}",
        f"{weights.nbytes:,}" + (f"+{bias_bytes:,}" if bias_bytes else ""),
    )


def _tensor_text(tensor: TensorFacts) -> str:
    quantization = f", scale {_scales(tensor)}, zero point {_zero_point(tensor)}" if tensor.channels else ""
    return _type_text(tensor) + quantization


def _type_text(tensor: TensorFacts) -> str:
    from edgedigits.model.summary import shape_text

    return f"{tensor.dtype} {shape_text(tensor.shape)}"


def _scales(tensor: TensorFacts) -> str:
    if tensor.scale_min is None or tensor.scale_max is None:
        return "-"
    if tensor.channels == 1:
        return _scale(tensor.scale_min)
    return f"{tensor.channels}: {tensor.scale_min:.3g}..{tensor.scale_max:.3g}"


def _zero_point(tensor: TensorFacts) -> str:
    if not tensor.channels:
        return "-"
    return "mixed" if tensor.zero_point is None else str(tensor.zero_point)


def _scale(value: float) -> str:
    import numpy as np

    # The two scales that mean something; anything near them is not the same.
    for divisor in (255, 256):
        if value == float(np.float32(1 / divisor)):
            return f"1/{divisor}"
    return f"{value:.4g}"
