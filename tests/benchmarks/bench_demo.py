"""Print the size of a build's demo page, when it is ready in Chromium, and what an image takes there.

    python tests/benchmarks/bench_demo.py [BUILD …]

Without a build, of deploy/reference. Needs the extra "mcu", Playwright and Chromium. Times are medians of seven, on this
machine, of a page from its call to its first line of script that can classify, and of 2,000 images at a time.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).parents[2]))

from edgedigits.demo.page import write_demo

ROOT = Path(__file__).parents[2]
REPEATS = 7
TIMED = """
async () => {
  const bytes = Uint8Array.from(atob(document.getElementById("wasm").textContent), (sign) => sign.charCodeAt(0));
  const { instance } = await WebAssembly.instantiate(bytes);
  const engine = instance.exports, pixels = new Uint8Array(engine.memory.buffer, engine.pixels_at(), 784);
  for (let at = 0; at < 784; at += 1) pixels[at] = (at % 28) > 10 && (at % 28) < 15 ? 255 : 0;
  const began = performance.now();
  for (let image = 0; image < 2000; image += 1) {
    engine.preprocess(0);
    engine.classify();
  }
  return (performance.now() - began) / 2;
}
"""


def ready_ms(page: Page, address: str) -> float:
    """Return when the page can classify, in milliseconds after it was called."""
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return float(page.evaluate("performance.now()"))


def main() -> None:
    """Print a line a build."""
    from playwright.sync_api import sync_playwright

    builds = [Path(word) for word in sys.argv[1:]] or [ROOT / "deploy" / "reference"]
    with tempfile.TemporaryDirectory() as place, sync_playwright() as browsers:
        chromium = browsers.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for number, build in enumerate(builds):
            path = Path(place) / f"{number}.html"
            write_demo(build, path)
            page = chromium.new_page()
            ready = statistics.median(ready_ms(page, path.as_uri()) for _ in range(REPEATS))
            each = statistics.median(page.evaluate(TIMED) for _ in range(REPEATS))
            print(
                f"{build.name}: {path.stat().st_size:,} B, ready after {ready:.0f} ms at most, {each:.1f} µs an image"
            )


if __name__ == "__main__":
    main()
