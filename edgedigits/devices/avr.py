"""What AVR can read of its flash; imports nothing, so that help can say which exports are for it."""

from __future__ import annotations

LARGEST_ON_AVR, MOST_ON_AVR = 0x7FFF, 0xFFF0
"""Bytes of an array, whose places are signed numbers of 16 bits, and of all constants, which LPM reads."""
