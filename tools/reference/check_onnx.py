"""Runs the ONNX standard's own checker, and its inference of shapes, on the given files; prints how many passed."""
import json
import sys

try:
    import onnx
except ImportError:
    print(json.dumps({"skipped": "There is no onnx for this Python (Debian: python3-onnx)."}))
    sys.exit()

for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, strict_mode=True)
print(json.dumps({"checked": len(sys.argv) - 1}))
