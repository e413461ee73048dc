"""`python -m edgedigits`."""

from edgedigits.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
