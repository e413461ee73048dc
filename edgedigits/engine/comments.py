"""Text from files as comments in generated C and C++."""

from __future__ import annotations

import re


def comment_text(text: str) -> str:
    """Return `text` from a file as one line that cannot end or disturb a C comment: printable ASCII only."""
    one_line = re.sub(r"[^ -~]+", lambda found: " " if found[0].isspace() else "?", text)
    # "*/" ends the comment, "/*" and "\" before a line end draw warnings, and so do trigraphs.
    return one_line.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/").replace("??", "? ?").strip()
