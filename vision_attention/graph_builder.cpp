#include "vision_attention/graph_builder.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <numeric>
#include <stdexcept>

#include "vision_attention/graph.h"
#include "vision_attention/graph_impl.h"
#include "vision_attention/memory_plan.h"
#include "vision_attention/ops/dnnl_support.h"

namespace va {

namespace {

/// Throws std::invalid_argument if no memory can be that large.
std::size_t bytesOf(const Shape& shape, DataType type) {
  const auto elements = static_cast<std::size_t>(shape.elements());
  if (elements > std::numeric_limits<std::size_t>::max() / 4 / byteSize(type)) {
    throw std::invalid_argument("shape " + shape.toString() + " has too many elements");
  }
  return elements * byteSize(type);
}

/// oneDNN's error as one that says where.
std::runtime_error errorOf(const GraphNode& node, const dnnl::error& error) {
  return std::runtime_error("operator '" + node.name + "' (" + node.op->kind() +
                            "): oneDNN: " + error.what());
}

/// That of an operator whose first source is of this type.
Arithmetic arithmeticOf(DataType type) {
  if (type == DataType::S8 || type == DataType::U8) return Arithmetic::Int8;
  return type == DataType::BF16 ? Arithmetic::BF16 : Arithmetic::F32;
}

/// Which step defines a storage and which one needs it last.
struct Span {
  int first = -1;
  int last = -1;
};

std::vector<Span> lifeSpans(const GraphBuilder::Description& description) {
  std::vector<Span> spans(description.storages.size());
  const auto touch = [&](int storage, int step) {
    Span& span = spans[static_cast<std::size_t>(storage)];
    if (span.first < 0) span.first = step;
    span.last = std::max(span.last, step);
  };
  for (const auto& [name, tensor] : description.inputs) touch(tensor.storage, 0);
  for (std::size_t i = 0; i < description.nodes.size(); ++i) {
    for (const int id : description.nodes[i].sources) touch(id, static_cast<int>(i));
    for (const int id : description.nodes[i].outputs) touch(id, static_cast<int>(i));
  }
  const int end = static_cast<int>(description.nodes.size());
  for (const auto& [name, tensor] : description.outputs) touch(tensor.storage, end);
  return spans;
}

/// Storages that share memory because an operator works in place.
struct Sharing {
  std::vector<int> owner;     ///< of each storage: itself, or one that it shares memory with
  std::vector<bool> inPlace;  ///< of each step
  std::vector<Span> spans;    ///< of each storage, those of its sharers included
};

Sharing shareInPlace(const GraphBuilder::Description& description) {
  Sharing sharing{std::vector<int>(description.storages.size()), {}, lifeSpans(description)};
  auto& [owner, inPlace, spans] = sharing;
  std::iota(owner.begin(), owner.end(), 0);
  std::vector<bool> pinned(description.storages.size(), false);
  for (const auto& [name, tensor] : description.inputs) {
    pinned[static_cast<std::size_t>(tensor.storage)] = true;
  }
  for (std::size_t step = 0; step < description.nodes.size(); ++step) {
    const GraphNode& node = description.nodes[step];
    bool shares = false;
    if (const int index = node.op->inPlaceSource(); index >= 0) {
      const int source = node.sources.at(static_cast<std::size_t>(index));
      const auto root = static_cast<std::size_t>(owner[static_cast<std::size_t>(source)]);
      const auto dst = static_cast<std::size_t>(node.outputs.at(0));
      const auto uses = std::count(node.sources.begin(), node.sources.end(), source);
      shares = !pinned[root] && uses == 1 && spans[root].last == static_cast<int>(step) &&
               description.storages[root].bytes == description.storages[dst].bytes;
      if (shares) {
        owner[dst] = static_cast<int>(root);
        spans[root].last = std::max(spans[root].last, spans[dst].last);
      }
    }
    inPlace.push_back(shares);
  }
  return sharing;
}

struct ArenaPlan {
  MemoryPlan plan;
  std::vector<std::size_t> slot;    ///< of each storage that owns its memory: its lifetime
  std::vector<Lifetime> lifetimes;  ///< of storages, then of the steps' scratch
};

/// scratch: bytes of each step, or empty.
ArenaPlan planArena(const GraphBuilder::Description& description, const Sharing& sharing,
                    const std::vector<std::size_t>& scratch) {
  ArenaPlan arena;
  arena.slot.resize(description.storages.size());
  for (std::size_t i = 0; i < description.storages.size(); ++i) {
    if (sharing.owner[i] != static_cast<int>(i)) continue;
    const Span& span = sharing.spans[i];
    arena.slot[i] = arena.lifetimes.size();
    arena.lifetimes.push_back(
        {description.storages[i].bytes, std::max(span.first, 0), std::max(span.last, 0)});
  }
  for (std::size_t step = 0; step < scratch.size(); ++step) {
    arena.lifetimes.push_back({scratch[step], static_cast<int>(step), static_cast<int>(step)});
  }
  arena.plan = planMemory(arena.lifetimes);
  return arena;
}

}  // namespace

GraphBuilder::GraphBuilder(const Weights& weights, Precision precision, InputScales int8)
    : weights_(weights),
      precision_(precision),
      inputScales_(std::move(int8)),
      description_(std::make_unique<Description>()) {}

GraphBuilder::~GraphBuilder() = default;

Tensor GraphBuilder::input(const std::string& name, Shape shape, DataType type) {
  if (description_->inputs.count(name) != 0 || description_->outputs.count(name) != 0) {
    throw std::invalid_argument("graph input '" + name + "' is there twice");
  }
  const int storage = static_cast<int>(description_->storages.size());
  description_->storages.push_back({bytesOf(shape, type)});
  description_->storageOfTensor.push_back(storage);
  description_->inputs[name] = {shape, type, storage};
  return {static_cast<int>(description_->storageOfTensor.size()) - 1, std::move(shape), type};
}

void GraphBuilder::output(const std::string& name, const Tensor& tensor) {
  if (description_->outputs.count(name) != 0 || description_->inputs.count(name) != 0) {
    throw std::invalid_argument("graph output '" + name + "' is there twice");
  }
  const int storage = description_->storageOfTensor.at(static_cast<std::size_t>(tensor.id));
  description_->outputs[name] = {tensor.shape, tensor.type, storage};
}

Tensor GraphBuilder::reshape(const Tensor& tensor, Shape shape) {
  if (shape.elements() != tensor.shape.elements()) {
    throw std::invalid_argument("reshape: " + tensor.shape.toString() + " does not fill " +
                                shape.toString());
  }
  const int storage = description_->storageOfTensor.at(static_cast<std::size_t>(tensor.id));
  description_->storageOfTensor.push_back(storage);
  return {static_cast<int>(description_->storageOfTensor.size()) - 1, std::move(shape),
          tensor.type};
}

Tensor GraphBuilder::add(std::string name, std::unique_ptr<Operator> op,
                         const std::vector<Tensor>& sources, Shape shape, DataType type) {
  return add(std::move(name), std::move(op), sources, {{std::move(shape), type}}).front();
}

std::vector<Tensor> GraphBuilder::add(std::string name, std::unique_ptr<Operator> op,
                                      const std::vector<Tensor>& sources,
                                      const std::vector<std::pair<Shape, DataType>>& outputs) {
  GraphNode node;
  node.name = std::move(name);
  node.op = std::move(op);
  for (const Tensor& source : sources) {
    node.sources.push_back(description_->storageOfTensor.at(static_cast<std::size_t>(source.id)));
  }
  std::vector<Tensor> tensors;
  for (const auto& [shape, type] : outputs) {
    const int storage = static_cast<int>(description_->storages.size());
    description_->storages.push_back({bytesOf(shape, type)});
    description_->storageOfTensor.push_back(storage);
    node.outputs.push_back(storage);
    tensors.push_back({static_cast<int>(description_->storageOfTensor.size()) - 1, shape, type});
  }
  for (const auto* ids : {&node.sources, &node.outputs}) {
    for (const int id : *ids) {
      node.bytes += description_->storages[static_cast<std::size_t>(id)].bytes;
    }
  }
  if (!sources.empty()) node.arithmetic = arithmeticOf(sources.front().type);
  description_->nodes.push_back(std::move(node));
  return tensors;
}

const std::vector<float>& GraphBuilder::weight(const std::string& name, const Shape& expected) {
  const auto& values = weights_.get(name, expected);
  description_->usedWeights[name] = true;
  return values;
}

std::vector<std::string> GraphBuilder::unusedWeights() const {
  std::vector<std::string> unused;
  for (const std::string& name : weights_.names()) {
    if (description_->usedWeights.count(name) == 0) unused.push_back(name);
  }
  return unused;
}

std::optional<float> GraphBuilder::inputScale(const std::string& name) {
  const auto entry = inputScales_.find(name);
  if (entry == inputScales_.end()) return std::nullopt;
  if (!(entry->second > 0.0F) || !std::isfinite(entry->second)) {
    throw std::invalid_argument("int8 scale of '" + name + "' is " + std::to_string(entry->second) +
                                ", expected more than 0");
  }
  description_->usedInputScales.insert(name);
  return entry->second;
}

std::vector<std::string> GraphBuilder::unusedInputScales() const {
  std::vector<std::string> unused;
  for (const auto& [name, scale] : inputScales_) {
    if (description_->usedInputScales.count(name) == 0) unused.push_back(name);
  }
  return unused;
}

std::uint64_t GraphBuilder::macs() const {
  std::uint64_t macs = 0;
  for (const GraphNode& node : description_->nodes) macs += node.op->macs();
  return macs;
}

std::size_t GraphBuilder::activationBytes() const {
  return planArena(*description_, shareInPlace(*description_), {}).plan.bytes;
}

std::unique_ptr<Graph> GraphBuilder::compile(const Engine& engine) {
  const ThreadScope scope(engine.threads());
  const std::unique_ptr<Description> description = std::move(description_);
  description_ = std::make_unique<Description>();
  const Sharing sharing = shareInPlace(*description);
  std::vector<std::size_t> scratch;
  for (std::size_t step = 0; step < description->nodes.size(); ++step) {
    GraphNode& node = description->nodes[step];
    try {
      node.op->prepare(engine, sharing.inPlace[step]);
    } catch (const dnnl::error& error) {
      throw errorOf(node, error);
    }
    scratch.push_back(node.op->scratchBytes());
  }
  const auto [plan, slot, lifetimes] = planArena(*description, sharing, scratch);
  const std::size_t firstScratch = lifetimes.size() - scratch.size();

  auto impl = std::make_unique<GraphImpl>();
  impl->engine = &engine;
  impl->arenaBytes = plan.bytes;
  constexpr std::size_t kHugePage = std::size_t{2} << 20U;
  const std::size_t allocated = (plan.bytes + kHugePage) / kHugePage * kHugePage;
  impl->arena.reset(static_cast<std::byte*>(std::aligned_alloc(kHugePage, allocated)));
  if (!impl->arena) throw std::bad_alloc();
  // Advice only: the first touch of hundreds of megabytes costs far fewer page faults.
  ::madvise(impl->arena.get(), allocated, MADV_HUGEPAGE);
  for (const Lifetime& lifetime : lifetimes) impl->unsharedBytes += lifetime.bytes;

  impl->addresses.resize(description->storages.size());
  for (std::size_t i = 0; i < description->storages.size(); ++i) {
    // Chains of in-place steps: the owner of a later storage may name one that itself moved.
    auto root = i;
    while (sharing.owner[root] != static_cast<int>(root)) {
      root = static_cast<std::size_t>(sharing.owner[root]);
    }
    impl->addresses[i] = impl->arena.get() + plan.offsets[slot[root]];
  }
  for (const auto& [name, tensor] : description->inputs) impl->inputs.push_back(name);
  impl->named = description->inputs;
  impl->named.merge(description->outputs);
  impl->nodes = std::move(description->nodes);
  for (std::size_t step = 0; step < impl->nodes.size(); ++step) {
    GraphNode& node = impl->nodes[step];
    Buffers buffers;
    for (const int id : node.sources) {
      buffers.src.push_back(impl->addresses[static_cast<std::size_t>(id)]);
    }
    for (const int id : node.outputs) {
      buffers.dst.push_back(impl->addresses[static_cast<std::size_t>(id)]);
    }
    buffers.scratch = impl->arena.get() + plan.offsets[firstScratch + step];
    node.op->bind(engine, buffers);
    impl->macs += node.op->macs();
  }
  return std::make_unique<Graph>(std::move(impl));
}

}  // namespace va
