"""How much the slow tests try: as much as CI has time for, or all that there is, with EDGEDIGITS_THOROUGH set."""

from __future__ import annotations

import os

THOROUGH = bool(os.environ.get("EDGEDIGITS_THOROUGH"))
MANY_CASES = 10_000 if THOROUGH else 2_000
"""Made-up cases of a kind; ten thousand of each take a quarter of an hour."""
