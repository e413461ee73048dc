"""What an ensemble of builds buys: accuracy of the mean of their outputs, for the bytes of all their engines.

    EDGEDIGITS_DATA=… python tests/benchmarks/bench_ensemble.py BUILD BUILD …

A row for the first, the first two … builds, such as of several seeds. The test split is that of the first; digits that
one of them was trained on are left out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.ensemble import score_ensemble


def main(words: list[str] | None = None) -> None:
    """Print a row for each number of builds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs="+", type=Path, metavar="BUILD", help="folders of builds")
    parser.add_argument("--data", default="", metavar="SOURCE", help="other digits than the first one's own")
    choices = parser.parse_args(words)
    print("| builds | weights and biases B | together % | best alone % | images |")
    print("| --- | --- | --- | --- | --- |")
    for count in range(1, len(choices.builds) + 1):
        found = score_ensemble(choices.builds[:count], choices.data)
        print(
            f"| {count} | {found.constant_bytes:,} | {100 * found.accuracy:.2f} | {100 * max(found.members):.2f} "
            f"| {found.images:,} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
