"""`python -m edgedigits`, and what the command `edgedigits` starts."""

from __future__ import annotations

from typing import NoReturn

from edgedigits.cli.interrupts import run_to_exit


def start() -> NoReturn:
    """Run the command line and end the process."""
    run_to_exit(_main, _interrupted)


def _main() -> int:
    # Here and not above: signals that come while it is imported are met already.
    from edgedigits.cli.main import main

    return main()


def _interrupted() -> int:
    from edgedigits.cli.main import interrupted

    return interrupted()


if __name__ == "__main__":
    start()
