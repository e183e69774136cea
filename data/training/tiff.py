"""Uncompressed 32-bit float TIFF, grey or RGB: the exchange format of the evaluation.

OpenCV's own float TIFF is LogLuv, which loses precision.
"""

import struct

import numpy as np


def write_tiff(path, pixels):
    """pixels: float32 [h, w, 3] or, for grey, [h, w, 1]."""
    h, w, channels = pixels.shape
    if channels not in (1, 3):
        raise ValueError(f"'{path}': {channels} channels, expected 1 or 3")
    data = np.ascontiguousarray(pixels, dtype="<f4").tobytes()
    entries = [
        (256, 4, 1, w),
        (257, 4, 1, h),
        (258, 3, channels, 32),  # bits per sample
        (259, 3, 1, 1),  # no compression
        (262, 3, 1, 2 if channels == 3 else 1),  # RGB or black is zero
        (273, 4, 1, None),  # strip offset
        (277, 3, 1, channels),
        (278, 4, 1, h),  # one strip
        (279, 4, 1, len(data)),
        (284, 3, 1, 1),  # interleaved
        (339, 3, channels, 3),  # sample format: float
    ]
    directory = 8
    extra = directory + 2 + 12 * len(entries) + 4
    bits, formats, strip = extra, extra + 2 * channels, extra + 4 * channels
    # Two shorts or fewer lie in the entry itself.
    places = {258: bits, 273: strip, 339: formats} if channels > 2 else {273: strip}
    with open(path, "wb") as file:
        file.write(struct.pack("<2sHI", b"II", 42, directory))
        file.write(struct.pack("<H", len(entries)))
        for tag, kind, count, value in entries:
            file.write(struct.pack("<HHII", tag, kind, count, places.get(tag, value)))
        file.write(struct.pack("<I", 0))
        file.write(struct.pack(f"<{channels}H", *[32] * channels))
        file.write(struct.pack(f"<{channels}H", *[3] * channels))
        file.write(data)


def read_tiff(path):
    """float32 [h, w, channels] of a file that write_tiff() or the command wrote."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        return _parse(content)
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise ValueError(f"'{path}' is not an uncompressed 32-bit float TIFF: {error}") from error


def _parse(content):
    order, magic, place = struct.unpack_from("<2sHI", content)
    if order != b"II" or magic != 42:
        raise ValueError("no little-endian TIFF header")
    (count,) = struct.unpack_from("<H", content, place)
    tags = {}
    for i in range(count):
        tag, kind, length, value = struct.unpack_from("<HHII", content, place + 2 + 12 * i)
        size = {3: 2, 4: 4}.get(kind)
        if size is None:
            continue
        offset = place + 2 + 12 * i + 8 if size * length <= 4 else value
        tags[tag] = struct.unpack_from(f"<{length}{'H' if size == 2 else 'I'}", content, offset)
    if tags.get(259, (1,))[0] != 1 or set(tags[258]) != {32} or set(tags[339]) != {3}:
        raise ValueError("compressed, or samples of another type")
    if tags.get(284, (1,))[0] != 1:
        raise ValueError("colour planes apart")
    data = b"".join(content[o : o + n] for o, n in zip(tags[273], tags[279]))
    return np.frombuffer(data, dtype="<f4").reshape(tags[257][0], tags[256][0], -1)
