"""An interpreter of the part of classic BPF that system call filters use."""

import struct

from bot.sandbox import seccomp


def judge(
    program: bytes, machine: seccomp.Machine, number: int, *arguments: int, arch: int | None = None
) -> int:
    """What a filter answers to a call.

    Args:
        program: The filter, as the kernel reads it.
        machine: Where the call is made.
        number: Which it is.
        arguments: Of the call; 0 where they end.
        arch: The architecture of the caller; the machine's own by default.
    """
    arch = seccomp.AUDIT_ARCH[machine] if arch is None else arch
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, arch, 0, *(*arguments, *[0] * 6)[:6])
    lines = list(struct.iter_unpack("<HBBI", program))
    position = accumulator = 0
    while True:
        code, if_true, if_false, constant = lines[position]
        position += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, constant)
            case 0x15:
                position += if_true if accumulator == constant else if_false
            case 0x25:
                position += if_true if accumulator > constant else if_false
            case 0x35:
                position += if_true if accumulator >= constant else if_false
            case 0x45:
                position += if_true if accumulator & constant else if_false
            case 0x06:
                return int(constant)
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")
