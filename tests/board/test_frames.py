"""Frames in Python: what is encoded is decoded, and nothing that was damaged is."""

from __future__ import annotations

import binascii

import numpy as np
import pytest

from hlsgen.board import frames
from hlsgen.board.frames import Decoder, Frame, decoded, encoded


def test_checksum_is_that_of_rfc_1662():
    assert frames.crc(b"123456789") ^ 0xFFFF == 0x906E  # CRC-16/X-25 of the catalogue of CRCs
    turned = [int(f"{byte:08b}"[::-1], 2) for byte in b"any bytes"]  # binascii's has its bits the other way round
    other = binascii.crc_hqx(bytes(turned), 0xFFFF)
    assert frames.crc(b"any bytes") == int(f"{other:016b}"[::-1], 2)


@pytest.mark.parametrize("payload", [b"", b"\x7e", b"\x7d\x7e\x5e\x5d", bytes(range(256)), b"\x7e" * 300])
def test_round_trip(payload):
    frame = Frame(frames.SAMPLES, 0x7D, payload)
    text = encoded(frame)
    assert text[0] == text[-1] == frames.FLAG and frames.FLAG not in text[1:-1]
    assert decoded(text[1:-1]) == frame


def test_frames_are_found_in_whatever_comes():
    rng = np.random.default_rng(1)
    sent = [Frame(frames.RESULTS, k, rng.integers(0, 256, k, dtype=np.uint8).tobytes()) for k in range(80)]
    text = b"noise" + b"".join(encoded(frame) for frame in sent) + b"more"
    decoder, found = Decoder(), []
    while text:
        size = int(rng.integers(1, 40))
        found += decoder.feed(text[:size])
        text = text[size:]
    assert found == sent
    assert decoder.damaged == 1


def test_every_damaged_bit_is_noticed():
    text = encoded(Frame(frames.SAMPLES, 3, bytes([0x7E, 1, 0x7D, 255])))
    for place in range(8 * len(text)):
        wrong = bytearray(text)
        wrong[place // 8] ^= 1 << place % 8
        assert list(Decoder().feed(bytes([frames.FLAG]) + bytes(wrong) + bytes([frames.FLAG]))) == [], place


def test_every_lost_byte_is_noticed():
    text = encoded(Frame(frames.SAMPLES, 3, bytes([0x7E, 1, 0x7D, 255, 9])))
    for place in range(1, len(text) - 1):
        assert list(Decoder().feed(text[:place] + text[place + 1 :])) == [], place


@pytest.mark.parametrize("between", [b"\x7d", b"ab\x7d", b"\x7d\x7d", b"a", b"abc"])
def test_what_is_no_frame(between):
    assert decoded(between) is None
