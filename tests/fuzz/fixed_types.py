"""Fixed-point types and their spellings, right and wrong."""

from __future__ import annotations

import random
from dataclasses import replace

from hlsgen.ir.types import MAX_WIDTH, FixedType, Overflow, Rounding

WRONG = (
    "", "fixed", "fixed<>", "fixed<8>", "fixed<8,3", "fixed<8,,RND>", "fixed<8,3,RND,SAT,0,0>", "float<8,3>", "fixed<0,0>",
    "fixed<-4,2>", "fixed<8,3,SAT>", "fixed<8,3,RND,RND>", "ufixed<8,3,RND,WRAP_SM>", "fixed<8,3,TRN,SAT,2>", "fixed<8,3,TRN,WRAP,9>",
    "fixed<1e3,2>", "fixed<99999999999,2>", "fixed<16,99999>", "fixed<1025,4>", "fixed<8.0,3>", "fixed<8,3>;", "fixed<8,3>>", "int<>",
    "int<8,3>", "ap_fixed<8,3,AP_RND,SAT>x", "fixed<٨,3>", "fixed<8,0x3>", "fixed<8,3>\n#error", "None", "auto ", "fixed<8 3>",
)  # fmt: skip
_WIDTHS = (1, 2, 3, 7, 8, 9, 16, 17, 24, 31, 32, 33, 48)


def any_type(rng: random.Random, widest: int = 24) -> FixedType:
    """A type of up to ``widest`` bits, with any modes."""
    width = min(rng.choice((*_WIDTHS, rng.randint(1, widest), rng.randint(1, widest))), widest)
    integer = rng.choice((width, 0, rng.randint(0, width), rng.randint(0, width), rng.randint(-3, width + 3)))
    signed = rng.random() < 0.7
    overflow = rng.choice([mode for mode in Overflow if signed or mode is not Overflow.WRAP_SM])
    fixed = FixedType(width, integer, signed, rng.choice(list(Rounding)), overflow)
    if overflow in (Overflow.WRAP, Overflow.WRAP_SM) and rng.random() < 0.3:
        return replace(fixed, saturation_bits=rng.randint(0, width))
    return fixed


def wild_type(rng: random.Random) -> FixedType:
    """As :func:`any_type`, up to the widest there is, its binary point anywhere."""
    fixed = any_type(rng, rng.choice((64, 65, 128, MAX_WIDTH)))
    return replace(fixed, integer=rng.choice((fixed.integer, rng.randint(-4096, 4096))))


def spelt(rng: random.Random, fixed: FixedType) -> str:
    """One of the spellings that users write for a type."""
    parts = [
        str(fixed.width),
        str(fixed.integer),
        fixed.rounding.value,
        fixed.overflow.value,
        str(fixed.saturation_bits),
    ]
    plain = (Rounding.TRN, Overflow.WRAP, 0)
    if (fixed.rounding, fixed.overflow, fixed.saturation_bits) == plain:
        parts = parts[: rng.choice((2, 3, 4, 5))]
    elif not fixed.saturation_bits:
        parts = parts[: 3 if fixed.overflow is Overflow.WRAP else 4]
    prefix = rng.choice(("", "AP_"))
    parts[2:4] = [prefix + mode for mode in parts[2:4]]
    text = f"{rng.choice(('', 'ap_'))}{'' if fixed.signed else 'u'}fixed<{rng.choice((',', ', ', ' ,')).join(parts)}>"
    return rng.choice((text, text, text.upper(), f" {text} "))


def broken_text(rng: random.Random) -> str:
    """A text that may be no type."""
    if rng.random() < 0.5:
        return rng.choice(WRONG)
    text = list(spelt(rng, any_type(rng)))
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(text))
        text[place : place + rng.randint(0, 2)] = rng.choice(
            ("", "<", ">", ",", "-", "9", "u", "\0", "é", "SAT", "1e9")
        )
        text = text or [" "]
    return "".join(text)
