"""Writes a fixture: compact JSON, one short line per row of numbers."""
import json
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "MlNetFineTune.Tests", "Fixtures")


def numbers(values, digits=7):
    """Plain numbers with so many significant digits, from a tensor or a nested list."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, (list, tuple)):
        return [numbers(v, digits) for v in values]
    return float(f"{values:.{digits}g}")


def lines(value, depth=0):
    """JSON text in which a list of plain values stays on one line."""
    if isinstance(value, dict) and value:
        inner = [f"{' ' * depth} {json.dumps(k)}: {lines(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(inner) + "\n" + " " * depth + "}"
    if isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        return "[\n" + ",\n".join(" " * depth + " " + lines(v, depth + 1) for v in value) + "\n" + " " * depth + "]"
    return json.dumps(value, separators=(",", ":"))


def write(name, content):
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, name)
    with open(path, "w", newline="\n") as file:
        file.write(lines(content) + "\n")
    print(f"{name}: {os.path.getsize(path):,} bytes")
