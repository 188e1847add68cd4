"""Fingerprints and gzip of published documents. Pure."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_WORTHWHILE = 1024
"""A shorter body fits into one packet either way."""
_LARGE = 1 << 18
_THOROUGH, _QUICK = 6, 1
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""A gzip header without a time, so that the same body gives the same bytes."""
_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


def digest(body: bytes) -> str:
    """A fingerprint of 16 hex digits."""
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def gzipped(body: bytes) -> bytes | None:
    """The gzipped body; None: gzip saves nothing. Large bodies are compressed less, to save time."""
    if len(body) < _WORTHWHILE:
        return None
    packer = zlib.compressobj(_THOROUGH if len(body) < _LARGE else _QUICK, zlib.DEFLATED, _GZIP)
    packed = packer.compress(body) + packer.flush()
    return packed if len(packed) < len(body) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedSection:
    """A part of several documents, compressed once for all of them."""

    body: bytes
    packed: bytes
    """A section of a deflate stream without references to earlier data."""


def packed_section(body: bytes) -> PackedSection:
    """A part, ready to be joined with others."""
    return PackedSection(body=body, packed=_stretch(body))


def joined_gzip(parts: Iterable[PackedSection | bytes]) -> tuple[bytes, bytes]:
    """The parts as one body, and its gzipped form, in which only the bytes have to be compressed."""
    sections = [packed_section(part) if isinstance(part, bytes) else part for part in parts]
    whole = b"".join(section.body for section in sections)
    packed = b"".join(section.packed for section in sections)
    return whole, b"".join((_HEADER, packed, _stretch(b"", last=True), _trailer(whole)))


class BlockwiseGzip:
    """Gzips a long list repeatedly, and compresses only the blocks that changed.

    Each block of parts is a section of the deflate stream without references to earlier data, so sections can be
    combined freely. That costs a quarter in size and saves nearly all of the time.
    """

    def __init__(self, block: int = 16) -> None:
        self._block = block
        self._packed: list[tuple[Sequence[bytes], bytes]] = []

    def pack(self, head: bytes, parts: Sequence[bytes], tail: bytes, whole: bytes) -> bytes:
        """The gzipped form of `whole`: head, parts with commas between them, and tail."""
        blocks = [parts[start : start + self._block] for start in range(0, len(parts), self._block)]
        known = [*self._packed[: len(blocks)], *[((), b"")] * (len(blocks) - len(self._packed))]
        # Parts that did not change are the same objects, which makes the comparison cheap.
        self._packed = [
            old if old[0] == block else (block, _stretch(b"," * bool(place) + b",".join(block)))
            for place, (block, old) in enumerate(zip(blocks, known, strict=True))
        ]
        packed = b"".join(stretch for _, stretch in self._packed)
        return b"".join((_HEADER, _stretch(head), packed, _stretch(tail, last=True), _trailer(whole)))


def _stretch(body: bytes, *, last: bool = False) -> bytes:
    packer = zlib.compressobj(_THOROUGH, zlib.DEFLATED, _RAW)
    return packer.compress(body) + packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)


def _trailer(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4, "little") + (len(body) & 0xFFFFFFFF).to_bytes(4, "little")
