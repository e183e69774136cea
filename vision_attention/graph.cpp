#include "vision_attention/graph.h"

#include <chrono>
#include <stdexcept>

#include "vision_attention/graph_impl.h"
#include "vision_attention/ops/dnnl_support.h"

namespace va {

Graph::Graph(std::unique_ptr<GraphImpl> impl) : impl_(std::move(impl)) {}

Graph::~Graph() = default;

std::pair<std::byte*, std::size_t> Graph::memory(const std::string& name, std::size_t elementSize) {
  const auto tensor = impl_->named.find(name);
  if (tensor == impl_->named.end()) {
    throw std::invalid_argument("graph has no input or output '" + name + "'");
  }
  if (elementSize != byteSize(tensor->second.type)) {
    throw std::invalid_argument("graph tensor '" + name + "' holds " +
                                toString(tensor->second.type));
  }
  return {impl_->addresses[static_cast<std::size_t>(tensor->second.storage)],
          static_cast<std::size_t>(tensor->second.shape.elements())};
}

const Shape& Graph::shape(const std::string& name) const {
  const auto tensor = impl_->named.find(name);
  if (tensor == impl_->named.end()) {
    throw std::invalid_argument("graph has no input or output '" + name + "'");
  }
  return tensor->second.shape;
}

std::vector<std::string> Graph::inputNames() const {
  return impl_->inputs;
}

bool Graph::run(const RunControl& control) {
  const Engine& engine = *impl_->engine;
  const ThreadScope scope(engine.threads());
  std::uint64_t done = 0;
  for (GraphNode& node : impl_->nodes) {
    if (control.stop.stop_requested()) return false;
    if (impl_->profiling) {
      const auto start = std::chrono::steady_clock::now();
      node.op->run(engine);
      engine.impl().stream.wait();
      node.start = std::chrono::duration<double>(start.time_since_epoch()).count();
      node.seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    } else {
      node.op->run(engine);
    }
    done += node.op->macs();
    if (control.progress) control.progress(done, impl_->macs);
  }
  engine.impl().stream.wait();
  return true;
}

void Graph::setProfiling(bool on) {
  impl_->profiling = on;
}

std::vector<OperatorReport> Graph::report() const {
  std::vector<OperatorReport> reports;
  reports.reserve(impl_->nodes.size());
  for (const GraphNode& node : impl_->nodes) {
    reports.push_back({node.name, node.op->kind(), node.op->implementation(), node.op->macs(),
                       node.bytes, node.arithmetic, node.start, node.seconds});
  }
  return reports;
}

std::uint64_t Graph::macs() const {
  return impl_->macs;
}
std::size_t Graph::arenaBytes() const {
  return impl_->arenaBytes;
}
std::size_t Graph::unsharedBytes() const {
  return impl_->unsharedBytes;
}

}  // namespace va
