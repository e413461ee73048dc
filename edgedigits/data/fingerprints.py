"""Which digits a build was trained on, kept beside it as a few bytes an image, so that no test counts one of them.

The file holds the first 6 bytes of the SHA-256 of each image's 784 pixels, as the model was given them, each different
one once, in ascending order, and nothing else: 360 KB for MNIST, the same bytes for the same images. In two of a
million tests on 10,000 images, one that equals none of 60,000 is taken for one of them. A picture that differs in a
single pixel is another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Splits

FINGERPRINT_BYTES = 6

Fingerprints = NDArray[np.uint64]


def fingerprints(images: NDArray[np.uint8]) -> Fingerprints:
    """Return the fingerprint of each image of (n, 784), uint64 (n,), in their order."""
    digests = b"".join(hashlib.sha256(image).digest()[:FINGERPRINT_BYTES] for image in np.ascontiguousarray(images))
    return unpack(digests)


def learned_by(several: Iterable[Splits]) -> Fingerprints:
    """Return those of all digits that builds of these splits learn or are chosen by."""
    return np.concatenate([fingerprints(part.images) for one in several for part in (one.train, one.validation)])


def count_known(images: NDArray[np.uint8], known: Fingerprints, learned: NDArray[np.uint8]) -> int:
    """Return how many images that are held out (n, 784) somebody knows already, but for those learned here anyway.

    Args:
        images: held out.
        known: of what the other one knows.
        learned: images (m, 784) of one's own training split.
    """
    prints = fingerprints(images)
    return int(np.sum(np.isin(prints, known) & ~np.isin(prints, fingerprints(learned))))


def pack(seen: Fingerprints) -> bytes:
    """Return fingerprints as the file holds them: each different one once, in ascending order."""
    big_endian = np.unique(seen).astype(">u8").view(np.uint8).reshape(-1, 8)
    return big_endian[:, 8 - FINGERPRINT_BYTES :].tobytes()


def unpack(content: bytes) -> Fingerprints:
    """Return the fingerprints that a file holds.

    Raises:
        ValueError: it ends in the middle of one.
    """
    narrow = np.frombuffer(content, np.uint8).reshape(-1, FINGERPRINT_BYTES)
    wide = np.zeros((len(narrow), 8), np.uint8)
    wide[:, 8 - FINGERPRINT_BYTES :] = narrow
    return wide.view(">u8").astype(np.uint64).ravel()
