"""export_onnx.py, against ONNX Runtime where it is found."""

import argparse
import os
import shutil
import unittest

import export_onnx
import onnx_runtime
from fixtures import Folder, tiny_model


def find_runtime():
    """ONNX Runtime for Python, or for Node.js below $NODE_MODULES; None without either."""
    modules = os.environ.get("NODE_MODULES", "")
    try:
        return onnx_runtime.find(argparse.Namespace(node="node", node_modules=modules))
    except onnx_runtime.RuntimeMissing:
        return None


class ExportOnnxTest(Folder):
    def network(self):
        return tiny_model(
            seed=3, middle=["se_cbam", "histogram", "agent", "pair"], agents=4, heads=4, bins=4
        )

    def test_every_block_is_exported_at_a_fixed_shape(self):
        path = self.path("m.onnx")
        export_onnx.export_onnx(self.network(), path, 16, 32)
        with open(path, "rb") as file:
            content = file.read()
        for name in (b"image", b"restored", b"TopK", b"GatherElements", b"ScatterElements"):
            self.assertIn(name, content)
        self.assertNotIn(b"Shape\x00", content)

    def test_a_tile_that_is_no_multiple_of_the_window_is_refused(self):
        with self.assertRaisesRegex(ValueError, "40x16.*multiples of 16"):
            export_onnx.export_onnx(self.network(), self.path("m.onnx"), 16, 40)

    @unittest.skipUnless(find_runtime(), "no ONNX Runtime: set NODE_MODULES")
    def test_runtime_computes_what_pytorch_computes(self):
        path, net = self.path("m.onnx"), self.network()
        export_onnx.export_onnx(net, path, 16, 32)
        difference, effect = export_onnx.check(net, path, 16, 32, find_runtime())
        self.assertLess(difference, 1e-4)
        self.assertGreater(effect, 0.05)

    @unittest.skipUnless(find_runtime() and shutil.which("node"), "no ONNX Runtime")
    def test_a_broken_model_is_an_error_with_the_runtime_s_words(self):
        with open(self.path("broken.onnx"), "wb") as file:
            file.write(b"no model")
        with self.assertRaises(Exception) as caught:
            export_onnx.check(self.network(), self.path("broken.onnx"), 16, 32, find_runtime())
        self.assertRegex(str(caught.exception), "(?i)protobuf|model")


if __name__ == "__main__":
    unittest.main()
