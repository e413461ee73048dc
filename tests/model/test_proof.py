"""A proof as reports keep it."""

from __future__ import annotations

from edgedigits.model.proof import HOW, Proof


def test_a_proof_is_told_with_what_was_compared() -> None:
    proof = Proof("LiteRT", "2.3", extreme=3, random=20, digits=5, bytes=280)
    assert proof.to_json() == {
        "proven": True, "oracle": "LiteRT", "version": "2.3", "extreme": 3, "random": 20, "digits": 5, "bytes": 280,
        "note": "", "how": HOW,
    }  # fmt: skip
    assert not Proof("LiteRT", note="TFLM refuses it").proven
