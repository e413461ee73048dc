"""Records what the program writes, and tells what a change of its house changed: before and after, the bytes are the same.

    python tests/digests.py before.json            # records: 12 builds, 40 engines, exports, a simulate report, a small study
    python tests/digests.py before.json            # the file is there: compares, and names every file that differs
    python tests/digests.py before.json --part engines

Everything goes through the command line, which stays as it is when the rooms behind it move. The bytes of a build depend
on the processor that trains it (its vector width orders the sums), so such a record holds for one machine and is not kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SHORT = ["--epochs", "3", "--hidden", "16,12", "--data", "mnist-5k"]
SHORT_STAGES = {"--prune": ["--prune-epochs", "2"], "--qat": ["--qat-epochs", "1"]}
BUILDS = {
    "cross-entropy": ["--loss", "cross-entropy"],
    "one-hot": ["--loss", "one-hot", "--qat"],
    "weighted": ["--loss", "weighted-cross-entropy", "--prune"],
    "focal": ["--loss", "focal", "--qat", "--prune"],
    "mse": ["--loss", "mse", "--prune"],
    "weston-watkins": ["--loss", "hinge", "--hinge", "weston-watkins"],
    "crammer-singer": ["--loss", "hinge", "--hinge", "crammer-singer", "--qat"],
    "one-vs-rest": ["--loss", "hinge", "--hinge", "one-vs-rest", "--qat", "--prune"],
    "softmax-size": ["--softmax", "--optimize", "size", "--prune"],
    "per-tensor-speed": ["--per-tensor", "--optimize", "speed"],
    "tflm": ["--rounding", "tflm", "--qat", "--prune"],
    "tflm-speed": ["--rounding", "tflm", "--optimize", "speed", "--prune"],
}
MODELS = 40
STUDY = """
[base.data]
source = "mnist-5k"
[base.model]
hidden = [8]
[base.training]
epochs = 1
[base.qat]
epochs = 1
[axes]
quantization = ["none", "qat"]
loss = ["cross-entropy", "focal"]
"""
TIMES = re.compile(r"seconds|latency|_us$|when|host|time|^key$")
"""Keys of what differs from run to run, and the key of a trial, which is of the code as well."""

Digests = dict[str, str]


def call(*words: object) -> str:
    """Run the program in this process and return what it prints.

    Raises:
        SystemExit: it does not end with exit code 0.
    """
    from edgedigits.cli.main import main

    out = StringIO()
    with redirect_stdout(out):
        code = main([*map(str, words)])
    if code:
        raise SystemExit(f"edgedigits {' '.join(map(str, words))} ended with {code}")
    return out.getvalue()


def of_folder(folder: Path) -> Digests:
    """Return the digest of each file below `folder`."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def timeless(value: Any) -> Any:
    """Return a value of JSON without what was timed."""
    if isinstance(value, dict):
        return {key: timeless(inner) for key, inner in value.items() if not TIMES.search(key)}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


def builds() -> Digests:
    """Build every loss, compression, goal and rounding, each once at least."""
    found = {}
    for name, flags in BUILDS.items():
        stages = [word for flag in flags for word in SHORT_STAGES.get(flag, [])]
        call("build", *SHORT, *flags, *stages, "--out", name, "--quiet")
        found |= {f"{name}/{path}": digest for path, digest in of_folder(Path(name)).items()}
    return found


def engines() -> Digests:
    """Compile random models with both roundings and the three goals in turn."""
    from tests.model.random_models import random_model

    found = {}
    for seed in range(MODELS):
        Path("model.tflite").write_bytes(random_model(seed, widest=120).content)
        choices = ["--rounding", ("litert", "tflm")[seed % 2], "--optimize", ("balanced", "size", "speed")[seed % 3]]
        call("compile", "model.tflite", "--out", f"engine{seed}", *choices, "--quiet")
        found |= {f"{seed}/{path}": digest for path, digest in of_folder(Path(f"engine{seed}")).items()}
    return found


def exports() -> Digests:
    """Export the committed build in every way."""
    from edgedigits.exports.catalogue import EXPORTS

    for name in EXPORTS:
        call("export", ROOT / "deploy/reference", "--to", name, "--out", f"exports/{name}", "--quiet")
    return of_folder(Path("exports"))


def simulation() -> Digests:
    """Simulate the committed build on random inputs and digits of its own, on two cores, and keep the report."""
    found = {}
    for core in ("cortex-m4", "cortex-m0plus"):
        folder = Path(f"simulated-{core}")
        words = ["--data", "mnist-5k", "--split", "all", "--images", 40, "--core", core]
        text = call("simulate", ROOT / "deploy/reference", *words, "--report", folder, "--json")
        payload = json.dumps(timeless(json.loads(text)), sort_keys=True)
        found[f"{core}/json"] = hashlib.sha256(payload.encode()).hexdigest()[:16]
        found |= {f"{core}/{path}": digest for path, digest in of_folder(folder).items()}
    return found


def study() -> Digests:
    """Run a small grid and keep its findings but for the times."""
    Path("grid.toml").write_text(STUDY)
    call("study", "run", "grid.toml", "--out", "study", "--jobs", 2, "--quiet")
    findings = timeless(json.loads(call("study", "report", "study", "--json"))["findings"])
    return {
        key: hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
        for key, value in findings.items()
        if key != "sentences"
    }


PARTS: dict[str, Callable[[], Digests]] = {
    "engines": engines,
    "exports": exports,
    "simulation": simulation,
    "study": study,
    "builds": builds,
}


def main() -> int:
    """Run the command line; return 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path, help="JSON: written where it is not there, else compared with")
    parser.add_argument("--part", action="append", choices=[*PARTS], default=[], help="only this part")
    args = parser.parse_args()
    record = args.record.resolve()
    before = json.loads(record.read_text()) if record.exists() else {}
    sys.path.insert(0, str(ROOT))
    differing = 0
    for part in args.part or PARTS:
        with tempfile.TemporaryDirectory() as place:
            os.chdir(place)
            found = PARTS[part]()
            os.chdir(ROOT)
        if part not in before:
            before[part] = found
            record.write_text(json.dumps(before, indent=1) + "\n")
            print(f"{part}: {len(found)} recorded", flush=True)
            continue
        changed = sorted(name for name in {*found, *before[part]} if found.get(name) != before[part].get(name))
        differing += len(changed)
        print("\n  ".join([f"{part}: {len(changed)} of {len(found)} differ", *changed]), flush=True)
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
