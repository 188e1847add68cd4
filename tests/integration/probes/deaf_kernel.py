"""`lone_probe` on a kernel without receive stamps: a seccomp filter answers `setsockopt(SO_TIMESTAMPNS)` in its place.

The only argument is what it answers: an error's name, or 0 for success without effect.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import platform
import struct
import sys

from probes._socket import SO_TIMESTAMPNS
from tests.integration.probes.lone_probe import measure_all

_SETSOCKOPT = {"x86_64": 54, "aarch64": 208}
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ANSWER = 0x7FFF0000, 0x00050000
_CALL_AT, _OPTION_AT = 0, 32
"""Offsets of the call's number and of its third argument in `struct seccomp_data`."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def answer_in_its_place(number: int) -> None:
    """From now on asking for stamps gives this error in this process, and nothing else changes."""
    _filter_calls(
        (_LOAD, 0, 0, _CALL_AT),
        (_JUMP_IF_EQUAL, 0, 3, _SETSOCKOPT[platform.machine()]),
        (_LOAD, 0, 0, _OPTION_AT),
        (_JUMP_IF_EQUAL, 0, 1, SO_TIMESTAMPNS),
        (_RETURN, 0, 0, _ANSWER | number),
        (_RETURN, 0, 0, _ALLOW),
    )


def answer_call(call: int, error: str) -> None:
    """From now on a system call gives this error in this process, and nothing else changes."""
    _filter_calls(
        (_LOAD, 0, 0, _CALL_AT),
        (_JUMP_IF_EQUAL, 0, 1, call),
        (_RETURN, 0, 0, _ANSWER | getattr(errno, error)),
        (_RETURN, 0, 0, _ALLOW),
    )


def _filter_calls(*instructions: tuple[int, int, int, int]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in instructions))
    program = _Program(len(instructions), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*call) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    answer_in_its_place(getattr(errno, sys.argv[1], 0))
    asyncio.run(measure_all())
