"""`edgedigits verify`: whether a folder is what was built, and by whom."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from edgedigits.cli.flags import refuse_idle
from edgedigits.cli.outcome import Outcome
from edgedigits.errors import EXIT_CHECK_FAILED, EXIT_TOOL_MISSING, DataError
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress
    from edgedigits.verification.checks import Check

HELP = "hold a build against its manifest, its model and its signature; sign it"
EXAMPLES = (
    "edgedigits verify deploy/focal-qat-prune",
    "edgedigits verify deploy/focal-qat-prune --sign key.pem",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("path", metavar="PATH", type=build_path, help="a build's folder, or one that compile wrote")
    parser.add_argument(
        "--key", metavar="FILE", type=user_path, help="the Ed25519 public key (PEM) that must have signed it"
    )
    parser.add_argument(
        "--sign", metavar="KEY", type=user_path, help="sign what holds with this Ed25519 private key (PEM)"
    )
    parser.add_argument("--whole", action="store_true", help="fail where a file that was made is not there any more")
    parser.add_argument("--force", action="store_true", help="replace a signature")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Check everything that can be checked, then sign.

    Raises:
        DataError: the folder is none, the key cannot be read, or the signature is there already.
        ToolMissingError: it is to be signed, and what signs is not installed.
    """
    from edgedigits.verification.checks import Verdict, check_folder, checked
    from edgedigits.verification.signature import check_signature, require_unsigned, sign

    refuse_idle("--force", args.force, "--sign", args.sign)
    refuse_idle("--key", args.key, "--sign: it is signed anew", args.sign, without=False)
    if not args.path.is_dir():
        raise DataError(f"{args.path} is not a folder.", hint="Give the folder of a build, or of edgedigits compile.")
    if args.sign:
        require_unsigned(args.path, force=args.force)
    with progress.stage("Checking the folder"):
        checks = check_folder(args.path, whole=args.whole)
    broken = [one for one in checks if one.verdict is Verdict.FAILS]
    if args.sign and not broken:
        sign(args.path, args.sign)
    if not args.sign or not broken:
        checks.append(checked("signature", lambda: check_signature(args.path, args.key), "it is not signed"))
    failing = [one for one in checks if one.verdict is Verdict.FAILS]
    failures = [f"{one.name}: {one.detail}" for one in checks if one in failing or one.lacks_tool]
    payload = {"folder": str(args.path), "checks": [asdict(one) for one in checks]}
    code = EXIT_CHECK_FAILED if failing else EXIT_TOOL_MISSING
    return Outcome(payload, lambda console: _show(console, checks), tuple(failures), code)


def _show(console: Console, checks: Sequence[Check]) -> None:
    for one in checks:
        console.print(f"{one.name:<10} {one.verdict:<12} {one.detail}", markup=False, soft_wrap=True)
