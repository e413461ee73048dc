"""A signal that a library swallows is raised again at the next step."""

from __future__ import annotations

import signal

import pytest

from edgedigits.cli.interrupts import check_interrupt, interruptible
from edgedigits.cli.terminal import TerminalProgress


@pytest.fixture(autouse=True)
def hang_ups_count():
    """Take back what nohup does, under which tests may run."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_swallowed_interrupt_comes_back_at_the_next_step(number):
    with interruptible(), TerminalProgress().stage("Work", 2) as stage:
        stage.advance()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            stage.advance()
        with pytest.raises(KeyboardInterrupt):
            TerminalProgress().stage("More work")


def test_a_signal_that_is_to_be_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
            check_interrupt()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_afterwards_everything_is_as_before():
    handler = signal.getsignal(signal.SIGINT)
    with interruptible():
        assert signal.getsignal(signal.SIGINT) is not handler
    assert signal.getsignal(signal.SIGINT) is handler
    with interruptible():
        check_interrupt()
