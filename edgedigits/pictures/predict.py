"""From pictures to what the engine of a build says of each digit in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.photos.finding import Findings, digits_in
from edgedigits.data.photos.photo import Photo, open_photo
from edgedigits.data.seeing import see
from edgedigits.data.shape import PIXELS
from edgedigits.pictures.check_digits import find_check_digit
from edgedigits.pictures.influence import influence, layer_chain
from edgedigits.pictures.neighbours import nearest_digits, training_digits
from edgedigits.pictures.prediction import PictureReading, Prediction
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.exact import ExactEngine, open_engine
from edgedigits.scoring.metrics import as_probabilities
from edgedigits.scoring.reject import is_refused, leads
from edgedigits.scoring.temperature import logits_of

Picture = Path | NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of pictures.

    Attributes:
        nearest: how many training digits to tell beside each.
        check_digit: by which rows are checked; "" for none.
        dark: ink is dark on light; by default as each picture shows it.
    """

    nearest: int = 0
    check_digit: str = ""
    dark: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """An engine and what is wanted of it; made by `open_reader`.

    Attributes:
        engine: of the build.
        temperature: that its logits are divided by; 1 where nobody fitted one.
        wishes: what is wanted of pictures.
        digits: that it was trained on, where the nearest are wanted.
    """

    engine: ExactEngine
    temperature: float
    wishes: Wishes
    digits: Digits | None

    @property
    def how(self) -> str:
        """How probabilities are obtained."""
        fitted = self.temperature != 1
        by = f"temperature {self.temperature:g}, fitted on the validation split" if fitted else "no temperature"
        return f"softmax of the scores of the exact engine, {by}"


def predict_pictures(
    path: Path, pictures: Sequence[Picture], wishes: Wishes = Wishes(), progress: Progress = SILENT
) -> list[PictureReading]:
    """Read pictures with the engine of a build.

    Args:
        path: a build's folder, or a .tflite.
        pictures: files, or pixels as `open_photo` takes them.
        wishes: what is wanted.
        progress: gets bars.

    Raises:
        ConfigError: there is no such check digit, or the build does not say what it was trained on.
        DataError: the model, a picture or the training digits cannot be read, or a picture holds no digits.
        UnsupportedModelError: no classifier of 28×28 digits, or none that computes in int8.
    """
    reader = open_reader(path, wishes, progress)
    with progress.stage("Reading pictures", len(pictures)) as stage:
        found = []
        for picture in pictures:
            found.append(read_picture(reader, open_photo(picture)))
            stage.advance()
    return found


def open_reader(path: Path, wishes: Wishes = Wishes(), progress: Progress = SILENT) -> Reader:
    """Open the engine of a build; raises as `predict_pictures`."""
    if wishes.check_digit:
        find_check_digit(wishes.check_digit)
    engine = open_engine(path)
    confidence = engine.subject.said.confidence
    temperature = (confidence and confidence.temperature) or 1.0
    digits = training_digits(engine.subject, progress) if wishes.nearest else None
    return Reader(engine, temperature, wishes, digits)


def read_picture(reader: Reader, photo: Photo) -> PictureReading:
    """Return what an engine reads in a photo.

    Raises:
        DataError: there are no digits in it.
    """
    findings = digits_in(photo, reader.wishes.dark)
    return PictureReading(
        picture=photo.name,
        width=photo.width,
        height=photo.height,
        grey=photo.grey,
        dark=findings.dark,
        digits=_predictions(reader, findings),
        notes=_notes(findings),
        check_digit=reader.wishes.check_digit,
        margin=reader.engine.margin,
        how=reader.how,
    )


def _predictions(reader: Reader, findings: Findings) -> tuple[Prediction, ...]:
    images = np.stack([one.image for one in findings.digits])
    scores = reader.engine.scores(images)
    # Of equal scores the lower class comes first, as everywhere.
    ranked = np.argsort(-scores.astype(np.int64), axis=1, kind="stable")
    network = reader.engine.network
    logits = logits_of(scores, network.output, are_probabilities=network.gives_probabilities) / reader.temperature
    probabilities = as_probabilities(logits.astype(np.float32), are_probabilities=False)
    lead, refused = leads(scores), is_refused(scores, reader.engine.margin)
    seen = see(reader.engine.classifier.pixels.view, images)
    side = isqrt(seen.shape[1])
    pushes = _pushes(reader.engine, images, ranked, side)
    count = reader.wishes.nearest
    near = nearest_digits(reader.digits, images, count) if reader.digits is not None else [()] * len(images)
    return tuple(
        Prediction(
            box=one.box,
            row=one.row,
            digit=int(ranked[at, 0]),
            probability=float(probabilities[at, ranked[at, 0]]),
            lead=int(lead[at]),
            refused=bool(refused[at]),
            second=int(ranked[at, 1]),
            scores=scores[at],
            probabilities=probabilities[at],
            seen=seen[at].reshape(side, side),
            influence=pushes[at],
            at_edge=one.at_edge,
            nearest=near[at],
        )
        for at, one in enumerate(findings.digits)
    )


def _pushes(
    engine: ExactEngine, images: NDArray[np.uint8], ranked: NDArray[np.integer], side: int
) -> Sequence[NDArray[np.float64] | None]:
    layers = layer_chain(engine.network)
    if not layers:
        return [None] * len(images)
    blank = engine.inputs(np.zeros((1, PIXELS), np.uint8))[0]
    return list(influence(layers, engine.inputs(images), blank, ranked[:, 0], ranked[:, 1]).reshape(-1, side, side))


def _notes(findings: Findings) -> tuple[str, ...]:
    touching = [str(at) for at, one in enumerate(findings.digits, start=1) if one.at_edge]
    notes = []
    if touching:
        which = f"Digit {touching[0]} touches" if len(touching) == 1 else f"Digits {', '.join(touching)} touch"
        notes.append(f"{which} the edge of the picture: a part may be missing.")
    if findings.mostly_other:
        notes.append("Most of its ink is no digit: is this a picture of digits?")
    return tuple(notes)
