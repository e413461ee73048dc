"""Talks to the firmware of `firmware_stub/`: who it is, images in, outputs and times out.

The protocol is told in `firmware_stub/src/protocol.h`. What was garbled or lost on the wire is noticed (the firmware
sends back the CRC-32 of what it received, and each of its lines carries its own) and asked for again a few times; what
stays wrong is an error, never a result.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import CheckFailedError, DataError
from edgedigits.progress import SILENT, Progress
from edgedigits.targets.link import BAUD, LineReader, Link

PROTOCOL = "1"
ATTEMPTS = 4
ANSWER_TIMEOUT_S = 5.0

_PAIR = re.compile(r"(\w+)=(\S+)")
_CHECKED = re.compile(r"(.*) check=([0-9a-f]{8})")
_HINT = f"Is it the firmware of firmware_stub with this engine, at {BAUD:,} baud?"


@dataclass(frozen=True, slots=True)
class Identity:
    """What the firmware says it is.

    Attributes:
        model: prefix of its engine.
        input_size: bytes of an image.
        output_size: bytes of an output.
        workspace_bytes: of the engine.
        tick_hz: speed of its clock, ticks a second.
        self_test: result of its self-test; 0 is passed.
        flash_crc: CRC-32 of the program in flash.
        flash_bytes: how many bytes that covers.
    """

    model: str
    input_size: int
    output_size: int
    workspace_bytes: int
    tick_hz: int
    self_test: int
    flash_crc: int
    flash_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class DeviceRun:
    """What a device did with a batch of images.

    Attributes:
        outputs: int8 (n, output size).
        classes: int64 (n,), as the device classified.
        ticks: int64 (n,), of each inference.
        resent: how often an image had to be sent again.
    """

    outputs: NDArray[np.int8]
    classes: NDArray[np.int64]
    ticks: NDArray[np.int64]
    resent: int


class Device:
    """Firmware at the other end of a link.

    Args:
        link: the wire to it.
        timeout_s: seconds that an answer may take.

    Attributes:
        link: the same.
    """

    def __init__(self, link: Link, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self.link, self._timeout_s = link, timeout_s
        self._reader = LineReader(link)
        self._resent = 0

    def identify(self) -> Identity:
        """Ask who is there.

        Raises:
            DataError: nobody, or somebody else.
            CheckFailedError: the firmware's self-test failed.
        """
        self._resynchronise()
        facts, crc = self._ask("id"), self._ask("crc")
        if facts.get("protocol") != PROTOCOL:
            raise DataError(
                f"{self.link.name} speaks protocol {facts.get('protocol', '?')}, expected {PROTOCOL}.",
                hint="Flash it again with this version of edgedigits.",
            )
        try:
            identity = Identity(
                model=facts["model"],
                input_size=int(facts["input"]),
                output_size=int(facts["output"]),
                workspace_bytes=int(facts["workspace"]),
                tick_hz=int(facts["tick_hz"]),
                self_test=int(facts["selftest"]),
                flash_crc=int(crc["flash"], 16),
                flash_bytes=int(crc["bytes"]),
            )
        except (KeyError, ValueError) as error:
            raise DataError(f"{self.link.name} does not say all of what it is: {error}.", hint=_HINT) from error
        if identity.self_test != 0:
            raise CheckFailedError(
                f"The self-test on {self.link.name} fails with {identity.self_test}.",
                hint="Flash it again; if it persists, its memory or its engine is damaged.",
            )
        return identity

    def bench(self, runs: int) -> float:
        """Return the mean ticks of `runs` inferences on the image that was run last."""
        # On a slow core many runs take longer than one answer may.
        facts = self._ask(f"bench {runs}", self._timeout_s + runs)
        return int(facts["ticks"]) / int(facts["runs"])

    def run(self, inputs: NDArray[np.int8], identity: Identity, progress: Progress = SILENT) -> DeviceRun:
        """Run every input on the device.

        Args:
            inputs: int8 (n, input size).
            identity: as the device gave it.
            progress: gets one bar.

        Raises:
            DataError: the inputs are of another size, or the link is too bad.
        """
        if inputs.shape[1] != identity.input_size:
            raise DataError(
                f"{self.link.name} takes images of {identity.input_size} bytes, not {inputs.shape[1]}.",
                hint="It runs another model; flash this one.",
            )
        outputs = np.empty((len(inputs), identity.output_size), dtype=np.int8)
        classes, ticks = np.empty(len(inputs), dtype=np.int64), np.empty(len(inputs), dtype=np.int64)
        before = self._resent
        with progress.stage(f"Images on {self.link.name}", len(inputs)) as stage:
            for i, row in enumerate(inputs):
                outputs[i], classes[i], ticks[i] = self._run_one(row.tobytes(), identity)
                stage.advance(note=f"{self._resent - before} sent again" if self._resent > before else "")
        return DeviceRun(outputs, classes, ticks, self._resent - before)

    def _run_one(self, image: bytes, identity: Identity) -> tuple[NDArray[np.int8], int, int]:
        expected = f"{zlib.crc32(image):08x}"
        for _ in range(ATTEMPTS):
            facts = self._ask(f"run {image.hex()}")
            output = _bytes(facts.get("output", ""))
            if facts.get("received") == expected and len(output) == identity.output_size:
                try:
                    return np.frombuffer(output, dtype=np.int8), int(facts["class"]), int(facts["ticks"])
                except (KeyError, ValueError):
                    pass
            self._again()
        raise self._bad_link()

    def _ask(self, command: str, timeout_s: float | None = None) -> dict[str, str]:
        """Send a command until it is answered as it should be; return the facts of the answer."""
        word = command.split(" ", 1)[0]
        said = None
        for _ in range(ATTEMPTS):
            self.link.write(command.encode("ascii") + b"\n")
            said = self._answer(timeout_s or self._timeout_s)
            whole = _whole(said or "")
            if whole.startswith(f"ok {word} "):
                return dict(_PAIR.findall(whole))
            self._again()
        if said is None:
            raise DataError(f"{self.link.name} does not answer within {self._timeout_s:g} s.", hint=_HINT)
        if _whole(said).startswith("error"):
            raise DataError(f"{self.link.name} refuses '{word}': {_whole(said)}.", hint=_HINT)
        raise DataError(f"{self.link.name} answers '{_printable(said)}', which is no answer to '{word}'.", hint=_HINT)

    def _answer(self, timeout_s: float) -> str | None:
        """Return the next line that is an answer, or what came instead; the greeting after a reset is passed over."""
        line = self._reader.line(timeout_s)
        while line is not None and (line == "" or line.startswith("ready ")):
            line = self._reader.line(timeout_s)
        return line

    def _again(self) -> None:
        self._resent += 1
        self._resynchronise()

    def _resynchronise(self) -> None:
        """End whatever the firmware believes to be in the middle of, and forget what it said to it."""
        self.link.write(b"\n")
        self._reader.drop()

    def _bad_link(self) -> DataError:
        return DataError(
            f"{self.link.name} garbles what it is sent, {ATTEMPTS} times in a row.",
            hint="Try another cable or a hub with its own power.",
        )


def _whole(line: str) -> str:
    """Return a line without its checksum, or nothing where the two do not agree."""
    found = _CHECKED.fullmatch(line)
    if found and line.isascii() and zlib.crc32(found[1].encode("ascii")) == int(found[2], 16):
        return found[1]
    return ""


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _printable(text: str) -> str:
    short = text if len(text) <= 40 else text[:40] + "…"
    return "".join(one if one.isprintable() and one != "\ufffd" else "?" for one in short)
