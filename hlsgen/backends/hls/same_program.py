"""Whether two plans are one program on other constants, so that what was compiled of one runs the other."""

from __future__ import annotations

from collections.abc import Iterator

from hlsgen.backends.hls.kernel import ConstantArray, Kernel, Member
from hlsgen.backends.hls.program import Plan
from hlsgen.errors import WeightsError


def check_same_program(former: Plan, plan: Plan) -> None:
    """Raise WeightsError for the first kernel call whose text depends on what its constants are.

    Both are plans of one architecture, with the same types at every wire.
    """
    for was, step in zip(former.calls, plan.calls, strict=True):
        difference = next(_differing(was.kernel, step.kernel), None)
        if difference is not None:
            where, _, _ = step.note.partition(" -> ")
            raise WeightsError(f"{where}: {difference}, which is part of the program; convert the model anew")


def _differing(former: Kernel, kernel: Kernel) -> Iterator[str]:
    """What differs between two calls, in words: types and numbers of the config struct, sizes of constants."""
    if (former.function, *former.members) != (kernel.function, *kernel.members):
        yield f"other weights are computed by {kernel.function}, and it was {former.function}"
        return
    for name, member in kernel.members.items():
        if member != former.members[name]:
            yield f"'{name}' of {kernel.function} would be {_spelt(member)}, and is {_spelt(former.members[name])}"
    for was, array in zip(former.constants, kernel.constants, strict=True):
        if _form(was) != _form(array):
            yield f"constant '{array.role}' of {kernel.function} would be {_form(array)}, and is {_form(was)}"


def _spelt(member: Member) -> str:
    return str(getattr(member, "type", member))


def _form(array: ConstantArray) -> str:
    return f"{array.words.size} words of {array.width} bits{'' if array.signed else ', unsigned'} in {array.extents}"
