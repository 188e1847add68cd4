"""Example messages of AWS' binary event stream, the input of `probes._framing.aws_messages`."""

from __future__ import annotations

import struct
from zlib import crc32


def aws_message(payload: bytes, **headers: str) -> bytes:
    """One message; a header's `_` stands for `-` and its name gets the leading colon."""
    told = b"".join(_text_header(f":{name.replace('_', '-')}", value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(told) + len(payload), len(told))
    message = prelude + struct.pack(">I", crc32(prelude)) + told + payload
    return message + struct.pack(">I", crc32(message))


def aws_event(kind: str, payload: bytes) -> bytes:
    """An event as Bedrock sends it."""
    return aws_message(payload, event_type=kind, content_type="application/json", message_type="event")


def _text_header(name: str, value: str) -> bytes:
    return struct.pack(">B", len(name)) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
