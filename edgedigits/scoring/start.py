"""Whether a build that another one trains on from has seen digits that this one holds out."""

from __future__ import annotations

from edgedigits.config import BuildConfig
from edgedigits.data.digits import Splits
from edgedigits.data.fingerprints import count_known
from edgedigits.errors import DataError
from edgedigits.frontier import model_folder
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.record import training_record
from edgedigits.scoring.subject import find_subject


def findings_on_start(config: BuildConfig, splits: Splits, progress: Progress = SILENT) -> list[str]:
    """Look at the build that `config` starts from; say what is unusual, and return it, one sentence each.

    Args:
        config: of the build.
        splits: its digits.
        progress: is told.

    Raises:
        DataError: the other one was trained or chosen on digits that this one holds out and does not learn itself: no
            figure on them would count.
        ConfigError: there is no such build.
    """
    start = config.training.start
    if not start:
        return []
    subject = find_subject(model_folder(start))
    if subject.said.data.digest == splits.digest:
        return []  # The digest is of all three parts: it held out the same digits.
    known = training_record(subject).seen
    if known is None:
        finding = f"Nobody knows which digits {start} was trained on: those held out may be among them."
        progress.say(f"data: {finding}")
        return [finding]
    for split in ("validation", "test"):
        images = getattr(splits, split).images
        if count := count_known(images, known, splits.train.images):
            raise DataError(
                f"{start} was trained or chosen on {count:,} of the {len(images):,} digits of the {split} split, on "
                "which no figure would count.",
                hint="Take its own --data and --seed, digits that it does not know, or start afresh without --from.",
            )
    return []
