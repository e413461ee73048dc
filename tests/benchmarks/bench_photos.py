"""How many digits the reference model reads in photos made of MNIST's test digits, and of the digits as they are.

python tests/benchmarks/bench_photos.py [COUNT]
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from edgedigits.data.load import read_source
from edgedigits.pictures.predict import open_reader
from tests.pictures.made_photos import right_of_photos


def main(count: int = 1000) -> None:
    test = read_source("mnist").test
    assert test is not None
    clean, read = right_of_photos(open_reader(Path(__file__).parents[2] / "deploy" / "reference"), test, count, seed=0)
    print(f"{count:,} digits: {clean / count:.2%} right as they are, {read / count:.2%} in a photo each")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
