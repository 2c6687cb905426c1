"""TensorBoard's event files, read and written without TensorFlow: TFRecord framing with its own CRC-32C, and the few fields of the Event protocol buffer.

    python3 tools/reference/tensorboard_events.py FILE     checks every record and prints what it holds as JSON
"""
import json
import struct
import sys


def crc32c(data):
    """RFC 3720: polynomial 0x1EDC6F41, here reflected, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    """The messages of a file; an error names the record that is not whole."""
    at, number, result = 0, 0, []
    while at < len(data):
        head = data[at:at + 12]
        length, check = struct.unpack("<QI", head)
        assert check == masked(head[:8]), f"record {number}: the length's checksum is wrong"
        body = data[at + 12:at + 12 + length]
        assert len(body) == length, f"record {number} is cut off"
        assert struct.unpack("<I", data[at + 12 + length:at + 16 + length])[0] == masked(body), f"record {number}: the message's checksum is wrong"
        result.append(body)
        at, number = at + 16 + length, number + 1
    return result


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """(number, value) of a message, in order."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack("<d", data[at:at + 8])[0], at + 8
        elif kind == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
            assert len(value) == length
        elif kind == 5:
            value, at = struct.unpack("<f", data[at:at + 4])[0], at + 4
        else:
            raise ValueError(f"wire type {kind}")
        yield key >> 3, value


def event(message):
    result = {"step": 0}
    for number, value in fields(message):
        if number == 1:
            result["wallTime"] = value
        elif number == 2:
            result["step"] = value
        elif number == 3:
            result["fileVersion"] = value.decode()
        elif number == 5:
            scalars = result.setdefault("scalars", {})
            for one, inner in fields(value):
                assert one == 1
                parts = dict(fields(inner))
                scalars[parts[1].decode()] = parts[2]
        elif number == 7:
            result["session"] = dict(fields(value))[1]
        else:
            raise ValueError(f"field {number}")
    return result


def encode_varint(value):
    result = b""
    while value >= 128:
        result, value = result + bytes([value & 127 | 128]), value >> 7
    return result + bytes([value])


def field(number, kind, payload):
    return encode_varint(number << 3 | kind) + payload


def block(number, payload):
    return field(number, 2, encode_varint(len(payload)) + payload)


def encode_event(wall_time, step, rest):
    return field(1, 1, struct.pack("<d", wall_time)) + (field(2, 0, encode_varint(step)) if step else b"") + rest


def encode_scalars(scalars):
    return block(5, b"".join(block(1, block(1, tag.encode()) + field(2, 5, struct.pack("<f", value))) for tag, value in scalars))


def record(message):
    length = struct.pack("<Q", len(message))
    return length + struct.pack("<I", masked(length)) + message + struct.pack("<I", masked(message))


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        print(json.dumps([event(message) for message in records(file.read())]))
