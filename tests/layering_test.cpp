#include "tests/layering.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace pristine::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Layering, HoldsInEverySource) {
  const fs::path root = PRISTINE_SOURCE_DIR;
  std::size_t files = 0;
  for (const char* layer : {"vision_attention", "core", "app", "cli", "gui"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / layer)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      ++files;
      std::ifstream file(entry.path());
      std::ostringstream text;
      text << file.rdbuf();
      EXPECT_THAT(
          layeringFindings(entry.path().lexically_relative(root).generic_string(), text.str()),
          IsEmpty());
    }
  }
  EXPECT_GT(files, 50U);
}

TEST(Layering, NamesFileLineAndInclude) {
  EXPECT_THAT(layeringFindings("core/model.cpp", "// text\n  #  include \"app/job.h\"\nint x;\n"),
              ElementsAre("core/model.cpp:2: \"app/job.h\" points against the arrow"));
}

TEST(Layering, ReadsTheLastLineWithoutNewline) {
  EXPECT_THAT(layeringFindings("gui/main.cpp", "#include \"cli/options.h\""),
              ElementsAre(HasSubstr("against the arrow")));
}

struct Case {
  const char* path;
  const char* include;
};

class Allowed : public testing::TestWithParam<Case> {};

TEST_P(Allowed, HasNoFinding) {
  EXPECT_THAT(layeringFindings(GetParam().path, std::string("#include ") + GetParam().include),
              IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Layering, Allowed,
    testing::Values(Case{"vision_attention/ops/conv.cpp",
                         "\"vision_attention/ops/dnnl_support.h\""},
                    Case{"vision_attention/ops/dnnl_support.h", "<oneapi/dnnl/dnnl.hpp>"},
                    Case{"vision_attention/engine.cpp", "<oneapi/dnnl/dnnl.hpp>"},
                    Case{"core/restorer.cpp", "\"vision_attention/network.h\""},
                    Case{"core/image.h", "<opencv2/core/mat.hpp>"},
                    Case{"core/metrics.cpp", "<opencv2/imgproc.hpp>"},
                    Case{"app/job_runner.h", "\"core/restorer.h\""},
                    Case{"app/files/vips_save.cpp", "<vips/vips.h>"},
                    Case{"app/job_runner.cpp", "<thread>"},
                    Case{"cli/commands.cpp", "\"app/job_runner.h\""},
                    Case{"cli/options.cpp", "<boost/program_options.hpp>"},
                    Case{"cli/interrupt.cpp", "<unistd.h>"}, Case{"gui/main.cpp", "<QApplication>"},
                    Case{"gui/canvas.cpp", "\"core/image.h\""}, Case{"gui/canvas.h", "<cstddef>"}));

class Forbidden : public testing::TestWithParam<Case> {};

TEST_P(Forbidden, HasOneFindingThatNamesTheInclude) {
  EXPECT_THAT(layeringFindings(GetParam().path, std::string("#include ") + GetParam().include),
              ElementsAre(AllOf(HasSubstr(GetParam().path), HasSubstr(GetParam().include))));
}

INSTANTIATE_TEST_SUITE_P(
    Layering, Forbidden,
    testing::Values(
        // Layers against the arrow, or past a neighbour.
        Case{"vision_attention/graph.cpp", "\"core/model.h\""},
        Case{"core/model.cpp", "\"app/image_file.h\""},
        Case{"core/restorer.h", "\"vision_attention/network.h\""},
        Case{"app/job_runner.cpp", "\"vision_attention/graph.h\""},
        Case{"app/job_runner.cpp", "\"gui/main_window.h\""},
        Case{"cli/main.cpp", "\"gui/main_window.h\""},
        Case{"cli/commands.cpp", "\"vision_attention/network.h\""},
        Case{"gui/main.cpp", "\"core/tile_grid.h\""}, Case{"core/model.cpp", "\"model.h\""},
        Case{"core/model.cpp", "\"tests/support/files.h\""},
        // oneDNN outside its places.
        Case{"vision_attention/graph.h", "<oneapi/dnnl/dnnl.hpp>"},
        Case{"vision_attention/engine.h", "<oneapi/dnnl/dnnl.hpp>"},
        Case{"vision_attention/ops/conv.h", "<oneapi/dnnl/dnnl.hpp>"},
        Case{"vision_attention/ops/conv.h", "\"vision_attention/ops/dnnl_support.h\""},
        Case{"vision_attention/attention/agent.cpp", "<oneapi/dnnl/dnnl.hpp>"},
        Case{"core/restorer.cpp", "<oneapi/dnnl/dnnl.hpp>"},
        Case{"core/restorer.cpp", "\"vision_attention/ops/dnnl_support.h\""},
        // Other libraries outside theirs.
        Case{"vision_attention/graph.cpp", "<opencv2/core.hpp>"},
        Case{"vision_attention/graph.cpp", "<thread>"}, Case{"core/restorer.cpp", "<thread>"},
        Case{"cli/commands.cpp", "<opencv2/core.hpp>"},
        Case{"gui/canvas.cpp", "<opencv2/imgproc.hpp>"},
        Case{"core/model.h", "<nlohmann/json.hpp>"}, Case{"app/job_runner.cpp", "<vips/vips.h>"},
        Case{"app/image_file.h", "<vips/vips.h>"},
        Case{"cli/main.cpp", "<boost/program_options.hpp>"},
        Case{"cli/options.h", "<boost/program_options.hpp>"},
        Case{"app/job_runner.cpp", "<QObject>"}, Case{"core/model.cpp", "<zlib.h>"},
        Case{"cli/options_more.cpp", "<boost/any.hpp>"}));

}  // namespace
}  // namespace pristine::test
