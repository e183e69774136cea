#include "tests/support/model_reference.h"

#include "app/model_check.h"
#include "core/restorer.h"
#include "core/safetensors.h"
#include "core/sha256.h"
#include "tests/support/files.h"

namespace pristine::test {

void writeModelReference(const std::filesystem::path& model) {
  RestorerOptions options;
  options.precision = Precision::F32;
  Restorer restorer(Model::load(model), options);
  Image source;
  source.pixels = checkPicture(56, 40);
  const cv::Mat output = restorer.restore(source, 1.0)->pixels;
  Safetensors content;
  content.metadata["model_sha256"] = sha256(readBytes(model));
  content.tensors["output"] = {{output.rows, output.cols, 3},
                               {output.ptr<float>(), output.ptr<float>() + output.total() * 3}};
  std::filesystem::create_directories(model.parent_path() / "reference");
  writeBytes(model.parent_path() / "reference" / model.filename(), formatSafetensors(content));
}

}  // namespace pristine::test
