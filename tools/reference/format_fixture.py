"""Writes formats.json: one 32 x 32 picture in every form that files take, and the RGB bytes that Pillow decodes from each.

`rgb` is what `ImageOps.exif_transpose(Image.open(file)).convert("RGB")` gives, row by row, shrunk by zlib. Where Pillow writes no such
file (16 bits a channel with alpha, interlaced PNG, run-length BMP, YCCK) it is written here by hand, from the format's specification.
"""
import base64
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps

from fixture import write
from picture_fixture import picture

SIZE = 32
# PNG's seven passes: first column, first row, step across, step down.
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def saved(image, format, **options):
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def png(pixels, color_type, interlaced=False):
    """A PNG of 8 or 16 bits without row filters; pixels are [height, width, channels]."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    def rows(part):
        return b"".join(b"\0" + row.tobytes() for row in part) if part.size else b""

    big_endian = pixels.astype(pixels.dtype.newbyteorder(">"))
    parts = [big_endian[y::down, x::across] for x, y, across, down in ADAM7] if interlaced else [big_endian]
    height, width, _ = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, pixels.itemsize * 8, color_type, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"".join(rows(p) for p in parts))) + chunk(b"IEND", b"")


def bmp_rle8(indexed):
    """A BMP of 8 bits in runs, bottom row first."""
    palette = b"".join(bytes([b, g, r, 0]) for r, g, b in np.array(indexed.getpalette()[:768]).reshape(-1, 3)).ljust(1024, b"\0")
    data = b""
    for row in np.asarray(indexed)[::-1]:
        for value in row:
            data += bytes([1, value])
        data += b"\0\0"
    data += b"\0\1"
    offset = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, SIZE, SIZE, 1, 8, 1, len(data), 2835, 2835, 256, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + header + palette + data


def without_segment(jpeg, marker):
    at = jpeg.index(bytes([0xFF, marker]))
    return jpeg[:at] + jpeg[at + 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]:]


def strange_profile():
    """sRGB's profile with red and green exchanged: applying it is visible."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile[:24] + bytes(12) + profile[36:]  # without the time it was made
    return profile.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")


def files():
    rgb = picture(SIZE, SIZE)
    gray, cmyk, palette = rgb.convert("L"), rgb.convert("CMYK"), rgb.quantize(64)
    alpha = Image.fromarray((np.arange(SIZE * SIZE).reshape(SIZE, SIZE) * 7 % 254 + 1).astype(np.uint8))  # never 0: WebP and Skia may drop what cannot be seen
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    gray_alpha = Image.merge("LA", (gray, alpha))
    wide = np.asarray(rgb).astype(np.uint16) * 257
    wide_alpha = np.asarray(alpha).astype(np.uint16)[:, :, None] * 257

    yield "png-rgb", saved(rgb, "PNG")
    yield "png-rgba", saved(rgba, "PNG")
    yield "png-palette", saved(palette, "PNG")
    yield "png-palette-transparent", saved(palette, "PNG", transparency=5)
    yield "png-gray", saved(gray, "PNG")
    yield "png-gray-alpha", saved(gray_alpha, "PNG")
    yield "png-1-bit", saved(rgb.convert("1"), "PNG")
    yield "png-16-bit", png(wide, 2)
    yield "png-16-bit-alpha", png(np.concatenate([wide, wide_alpha], 2), 6)
    yield "png-16-bit-gray-alpha", png(np.concatenate([wide[:, :, :1], wide_alpha], 2), 4)
    yield "png-interlaced", png(np.asarray(rgb), 2, interlaced=True)
    yield "gif", saved(palette, "GIF", interlace=0)
    yield "gif-interlaced", saved(palette, "GIF", interlace=1)
    yield "gif-animated", saved(palette, "GIF", save_all=True, append_images=[ImageOps.invert(rgb).quantize(64)], duration=100)
    yield "bmp-24", saved(rgb, "BMP")
    yield "bmp-32", saved(rgba, "BMP")
    yield "bmp-8", saved(palette, "BMP")
    yield "bmp-1", saved(rgb.convert("1"), "BMP")
    yield "bmp-8-run-length", bmp_rle8(palette)
    yield "webp-lossless", saved(rgb, "WEBP", lossless=True)
    yield "webp-lossless-alpha", saved(rgba, "WEBP", lossless=True)
    yield "webp-lossy", saved(rgb, "WEBP", quality=90)
    yield "webp-animated", saved(rgb, "WEBP", lossless=True, save_all=True, append_images=[ImageOps.invert(rgb)], duration=100)
    yield "jpeg", saved(rgb, "JPEG", quality=90)
    yield "jpeg-444", saved(rgb, "JPEG", quality=90, subsampling=0)
    yield "jpeg-progressive", saved(rgb, "JPEG", quality=90, progressive=True)
    yield "jpeg-gray", saved(gray, "JPEG", quality=90)
    yield "jpeg-cmyk", saved(cmyk, "JPEG", quality=90)
    # The same numbers called YCCK by Adobe's marker, and unmarked without it.
    adobe = saved(cmyk, "JPEG", quality=90)
    at = adobe.index(b"Adobe") + 11
    yield "jpeg-ycck", adobe[:at] + b"\2" + adobe[at + 1:]
    yield "jpeg-cmyk-without-adobe", without_segment(adobe, 0xEE)
    yield "png-profile", saved(rgb, "PNG", icc_profile=strange_profile())
    yield "jpeg-profile", saved(rgb, "JPEG", quality=90, icc_profile=strange_profile())
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"jpeg-orientation-{orientation}", saved(rgb, "JPEG", quality=90, subsampling=0, exif=exif.tobytes())


def decoded(name, file):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB")
    return dict(name=name, file=base64.b64encode(file).decode(), rgb=base64.b64encode(zlib.compress(image.tobytes(), 9)).decode())


def main():
    write("formats.json", dict(size=SIZE, pictures=[decoded(name, file) for name, file in files()]))


if __name__ == "__main__":
    main()
