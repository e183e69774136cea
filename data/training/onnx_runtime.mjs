// Runs a model of one input and one output once, then `repeats` times against the clock.
// Argument: a JSON object, see NodeRuntime in onnx_runtime.py. Prints {"shape", "seconds"}.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const job = JSON.parse(process.argv[2]);
const require = createRequire(join(job.modules, "onnx_runtime.mjs"));
const ort = require("onnxruntime-node");

const session = await ort.InferenceSession.create(job.model, {
  executionProviders: ["cpu"],
  graphOptimizationLevel: job.optimisation,
  intraOpNumThreads: job.threads,
  interOpNumThreads: 1,
});
const bytes = readFileSync(job.input);
const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", values, job.shape) };
const result = (await session.run(feeds))[session.outputNames[0]];
const seconds = [];
for (let i = 0; i < job.repeats; i++) {
  const begin = process.hrtime.bigint();
  await session.run(feeds);
  seconds.push(Number(process.hrtime.bigint() - begin) / 1e9);
}
writeFileSync(job.output, new Uint8Array(result.data.buffer, result.data.byteOffset, result.data.byteLength));
console.log(JSON.stringify({ shape: result.dims, seconds }));
