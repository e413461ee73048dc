"""Talks to the firmware of `firmware_stub/`: who it is, images in, outputs and times out.

The protocol is told in `firmware_stub/src/protocol.h`. What was garbled or lost on the wire is noticed (the firmware
sends back the CRC-32 of what it received, and each of its lines carries its own) and asked for again a few times; what
stays wrong is an error, never a result. Whatever is at the other end, every wait has an end: an answer's, a silence's,
and the whole session's.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.devices.answers import (
    HINT,
    MOST_INPUT,
    MOST_OUTPUT,
    MOST_RUNS,
    MOST_WORKSPACE,
    PROTOCOL,
    TICK_MASK,
    UINT32,
    AnswerFields,
    fields_of,
    heard,
    whole,
)
from edgedigits.devices.link import BAUD, BoardLink, LineReader
from edgedigits.errors import CheckFailedError, DataError
from edgedigits.progress import SILENT, Progress

ATTEMPTS = 4
ANSWER_TIMEOUT_S = 5.0
MOST_LINES = 100
"""Lines without a meaning that are passed over while an answer is awaited."""
SESSION_S, SESSION_S_PER_IMAGE = 60.0, 2.0
"""A session's end: this, and for each image this and thrice its time on the wire."""
NO_CLASS = -1
"""Of an image, where the engine does not classify."""
_BITS_PER_BYTE = 10


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
        digest: first 8 digits of the SHA-256 of its engine's model; empty where it does not tell.

    All within the bounds of `answers.py`.
    """

    model: str
    input_size: int
    output_size: int
    workspace_bytes: int
    tick_hz: int
    self_test: int
    flash_crc: int
    flash_bytes: int
    digest: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class DeviceRun:
    """What a device did with a batch of images.

    Attributes:
        outputs: int8 (n, output size).
        classes: int64 (n,), as the device classified, and one behind the last class where it refused; None where its
            engine does not classify.
        ticks: int64 (n,), of each inference.
        resent: how often an image had to be sent again.
    """

    outputs: NDArray[np.int8]
    classes: NDArray[np.int64] | None
    ticks: NDArray[np.int64]
    resent: int


class Device:
    """Firmware at the other end of a link.

    Args:
        link: the wire to it.
        timeout_s: seconds that an answer may take.
        clock: seconds, for all that must end.

    Attributes:
        link: the same.
    """

    def __init__(
        self, link: BoardLink, *, timeout_s: float = ANSWER_TIMEOUT_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.link, self._timeout_s, self._clock = link, timeout_s, clock
        self._reader = LineReader(link, clock)
        self._resent = self._restarts = 0

    def identify(self) -> Identity:
        """Ask who is there.

        Raises:
            DataError: nobody, or somebody else.
            CheckFailedError: the firmware's self-test failed.
        """
        self._resynchronise()
        told = self._ask("id")
        if told.values.get("protocol") != PROTOCOL:
            raise DataError(
                f"{self.link.name} speaks protocol {heard(told.values.get('protocol', '?'))}, expected {PROTOCOL}.",
                hint="Flash it again with this version of edgedigits.",
            )
        crc = self._ask("crc")
        identity = Identity(
            model=told.identifier("model"),
            input_size=told.number("input", 1, MOST_INPUT),
            output_size=told.number("output", 1, MOST_OUTPUT),
            workspace_bytes=told.number("workspace", 0, MOST_WORKSPACE),
            tick_hz=told.number("tick_hz", 1, UINT32),
            self_test=told.number("selftest", 0, UINT32),
            flash_crc=crc.crc("flash"),
            flash_bytes=crc.number("bytes", 1, UINT32),
            digest=f"{told.crc('digest'):08x}" if "digest" in told.values else "",
        )
        self._check_self_test(identity.self_test)
        return identity

    def bench(self, runs: int) -> float:
        """Return the mean ticks of `runs` inferences, at most MOST_RUNS, on the image that was run last."""
        # On a slow core many runs take longer than one answer may.
        told = self._ask(f"bench {runs}", self._timeout_s + runs)
        return told.number("ticks", 0, UINT32) / told.number("runs", 1, MOST_RUNS)

    def run(self, inputs: NDArray[np.int8], identity: Identity, progress: Progress = SILENT) -> DeviceRun:
        """Run every input on the device.

        Args:
            inputs: int8 (n, input size).
            identity: as the device gave it.
            progress: gets one bar.

        Raises:
            DataError: the inputs are of another size, the link is too bad, it takes too long, or the device restarted
                as another.
            CheckFailedError: it restarted, and its self-test failed.
        """
        if inputs.shape[1] != identity.input_size:
            raise DataError(
                f"{self.link.name} takes images of {identity.input_size:,} bytes, not {inputs.shape[1]:,}.",
                hint="It runs another model; flash this one.",
            )
        outputs = np.empty((len(inputs), identity.output_size), dtype=np.int8)
        classes, ticks = np.empty(len(inputs), dtype=np.int64), np.empty(len(inputs), dtype=np.int64)
        resent, restarts = self._resent, self._restarts
        limit = session_limit(len(inputs), identity)
        end = self._clock() + limit
        with progress.stage(f"Images on {self.link.name}", len(inputs)) as stage:
            for i, row in enumerate(inputs):
                outputs[i], classes[i], ticks[i] = self._run_one(row.tobytes(), identity)
                if self._clock() > end:
                    raise self._too_slow(i + 1, len(inputs), limit)
                stage.advance(note=f"{self._resent - resent} sent again" if self._resent > resent else "")
        if self._restarts > restarts and self.identify() != identity:
            raise DataError(
                f"{self.link.name} restarted in the middle, as other firmware than before.",
                hint="Is somebody flashing it? Try again.",
            )
        return DeviceRun(outputs, classes if (classes >= 0).all() else None, ticks, self._resent - resent)

    def _run_one(self, image: bytes, identity: Identity) -> tuple[NDArray[np.int8], int, int]:
        expected = zlib.crc32(image)
        for _ in range(ATTEMPTS):
            told = self._ask(f"run {image.hex()}")
            if told.crc("received") == expected:
                output = np.frombuffer(told.content("output", identity.output_size), dtype=np.int8)
                # An engine that refuses says so by the class behind the last.
                winner = told.number("class", 0, identity.output_size) if "class" in told.values else NO_CLASS
                return output, winner, told.number("ticks", 0, TICK_MASK)
            self._again()
        raise DataError(
            f"{self.link.name} garbles what it is sent, {ATTEMPTS} times in a row.",
            hint="Try another cable or a hub with its own power.",
        )

    def _ask(self, command: str, timeout_s: float | None = None) -> AnswerFields:
        """Send a command until it is answered as it should be; return the fields of the answer."""
        word = command.split(" ", 1)[0]
        said = None
        for _ in range(ATTEMPTS):
            self.link.write(command.encode("ascii") + b"\n")
            said = self._answer(command, timeout_s or self._timeout_s)
            text = whole(said or "")
            if text.startswith(f"ok {word} "):
                return fields_of(self.link.name, text)
            self._again()
        raise self._no_answer(word, said)

    def _answer(self, command: str, timeout_s: float) -> str | None:
        """Return the next line that is an answer, what came instead, or None when nothing came in time.

        A port may send back what it is sent; that is passed over. The greeting after a restart is not: it means that
        the command is lost.
        """
        end = self._clock() + timeout_s
        for _ in range(MOST_LINES):
            line = self._reader.line(end - self._clock())
            if line is not None and line.startswith("ready "):
                self._greeted(line)
            if line is None or line not in ("", command):
                return line
        raise DataError(f"{self.link.name} sends {MOST_LINES} lines that say nothing.", hint=HINT)

    def _greeted(self, line: str) -> None:
        self._restarts += 1
        text = whole(line)
        if text:
            self._check_self_test(fields_of(self.link.name, text).number("selftest", 0, UINT32))

    def _check_self_test(self, result: int) -> None:
        if result != 0:
            raise CheckFailedError(
                f"The self-test on {self.link.name} fails with {result}.",
                hint="Flash it again; if it persists, its memory or its engine is damaged.",
            )

    def _again(self) -> None:
        self._resent += 1
        self._resynchronise()

    def _resynchronise(self) -> None:
        """End whatever the firmware believes to be in the middle of, and forget what it said to it."""
        self.link.write(b"\n")
        self._reader.drop()

    def _no_answer(self, word: str, said: str | None) -> DataError:
        name, text = self.link.name, whole(said or "")
        if said is None:
            return DataError(f"{name} does not answer within {self._timeout_s:g} s.", hint=HINT)
        if said.startswith("ready "):
            return DataError(
                f"{name} restarts whenever it is asked '{word}', {ATTEMPTS} times in a row.",
                hint="Is its supply too weak, or a watchdog on?",
            )
        if text.startswith("error"):
            return DataError(f"{name} refuses '{word}': {heard(text)}.", hint=HINT)
        return DataError(f"{name} answers '{heard(said)}', which is no answer to '{word}'.", hint=HINT)

    def _too_slow(self, done: int, count: int, limit: float) -> DataError:
        return DataError(
            f"{self.link.name} took longer than {limit:,.0f} s for {done:,} of {count:,} images.",
            hint="Is the connection bad, the machine overloaded? Try fewer --images.",
        )


def session_limit(count: int, identity: Identity) -> float:
    """Return the seconds that `count` images may take together, whatever a single answer may."""
    on_wire = 2 * (identity.input_size + identity.output_size) * _BITS_PER_BYTE / BAUD
    return SESSION_S + count * (SESSION_S_PER_IMAGE + 3 * on_wire)
