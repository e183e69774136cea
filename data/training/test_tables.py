"""The script `tables`: what it takes from reports and where it puts it."""

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import os
import unittest

from fixtures import Folder

HERE = os.path.dirname(os.path.abspath(__file__))


def load():
    loader = importlib.machinery.SourceFileLoader("tables", os.path.join(HERE, "tables"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tables", loader))
    loader.exec_module(module)
    return module


tables = load()


class TablesTest(Folder):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("models", "scores"))
        with open(self.path("p.csv"), "w") as file:
            file.write("table,method,values,blind,source\n")
            file.write("denoise,Other,31.1;32.2;33.3,yes,a paper\n")
            file.write("upscale,Third,1;2;3;4;5;6,,another\n")

    def add(self, name, task, variant, scale, sets):
        file = name + ".safetensors"
        with open(self.path("models", file), "wb") as model:
            model.write(name.encode())
        report = {
            "model": {
                "task": task,
                "variant": variant,
                "scale": scale,
                "file": file,
                "sha256": hashlib.sha256(name.encode()).hexdigest(),
            },
            "sets": sets,
        }
        with open(self.path("models", "scores", name + ".json"), "w") as scores:
            json.dump(report, scores)

    @staticmethod
    def set_of(name, task, axis, rows, grey=False):
        """rows: {label: (input, result of the command)}"""
        cases = {k: {"input": i, "engines": {"command": r}} for k, (i, r) in rows.items()}
        return {"name": name, "task": task, "grey": grey, "axis": axis, axis: cases}

    def run_tables(self, text, *options):
        with open(self.path("R.md"), "w") as file:
            file.write(text)
        with contextlib.redirect_stderr(io.StringIO()):
            code = tables.main(
                ["--readme", self.path("R.md"), "--models", self.path("models"), "--published",
                 self.path("p.csv"), *options]
            )
        with open(self.path("R.md")) as file:
            return code, file.read()

    def add_denoisers(self):
        for name, variant, base in (("denoise_fast", "fast", 30), ("denoise", "best", 31)):
            rows = {str(s): (20, {"psnr": base + s / 100}) for s in (15, 25, 50)}
            self.add(name, "denoise", variant, 1, [self.set_of("CBSD68", "denoise", "sigmas", rows)])

    def test_rows_of_ours_come_first_with_the_published_ones_behind(self):
        self.add_denoisers()
        _, text = self.run_tables("a\n<!-- table: denoise -->\nold\n<!-- /table -->\nb\n")
        rows = [line for line in text.split("\n") if line.startswith("|")][2:]
        self.assertEqual(
            rows,
            [
                "| **`pristine denoise`** | **31.15** | **31.25** | **31.50** | measured |",
                "| **`pristine denoise --model fast`** | **30.15** | **30.25** | **30.50** |"
                " measured |",
                "| Other (blind) | 31.1 | 32.2 | 33.3 | a paper |",
            ],
        )
        self.assertTrue(text.startswith("a\n<!-- table: denoise -->\n"))
        self.assertTrue(text.endswith("<!-- /table -->\nb\n"))
        self.assertNotIn("old", text)

    def test_what_is_not_scored_is_left_out(self):
        start = "<!-- table: upscale -->\nold\n<!-- /table -->\n"
        _, text = self.run_tables(start)
        self.assertEqual(text, start, "nothing of ours is scored")
        one = self.set_of("Set5", "upscale", "scales", {"2": (30, {"psnr": 38.123})})
        self.add("upscale2", "upscale", "best", 2, [one])
        _, text = self.run_tables(start)
        self.assertIn("| **38.12** | – | – | – | – | – | measured |", text)

    def test_gains_stand_under_the_input(self):
        rows = {str(q): (27.0 + q / 10, {"psnr": 30, "gain": 1.987}) for q in (10, 20, 30, 40)}
        self.add("dejpeg", "dejpeg", "best", 1, [self.set_of("CBSD68", "dejpeg", "qualities", rows)])
        _, text = self.run_tables("<!-- table: dejpeg -->\n<!-- /table -->\n")
        self.assertIn("| JPEG | 28.00 | 29.00 | 30.00 | 31.00 | measured |", text)
        self.assertIn("**+1.99** | measured", text)

    def test_check_finds_a_change_and_writes_nothing(self):
        self.add_denoisers()
        start = "<!-- table: denoise -->\n<!-- /table -->\n"
        code, text = self.run_tables(start, "--check")
        self.assertEqual((code, text), (1, start))
        _, text = self.run_tables(start)
        self.assertEqual(self.run_tables(text, "--check"), (0, text))

    def test_scores_of_another_file_are_an_error(self):
        self.add_denoisers()
        with open(self.path("models", "denoise.safetensors"), "wb") as file:
            file.write(b"newer")
        with self.assertRaisesRegex(ValueError, "another file"):
            self.run_tables("")

    def test_markers_that_make_no_sense_are_errors(self):
        for text in (
            "<!-- table: nonsense -->\n<!-- /table -->",
            "<!-- table: denoise -->",
            "<!-- /table -->",
            "<!-- table: denoise -->\n<!-- /table -->\n<!-- table: denoise -->\n<!-- /table -->",
        ):
            with self.assertRaises(ValueError):
                self.run_tables(text)

    def test_published_rows_have_a_value_for_every_column(self):
        for name, table in tables.TABLES.items():
            for row in tables.published_rows(name, os.path.join(HERE, "published.csv")):
                self.assertEqual(len(row), len(table.columns) + 2, row[0])
                self.assertTrue(all(float(v) > 20 for v in row[1:-1]))

    def test_the_readme_holds_what_the_scores_say(self):
        self.assertEqual(tables.main(["--check"]), 0)


if __name__ == "__main__":
    unittest.main()
