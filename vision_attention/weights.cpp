#include "vision_attention/weights.h"

#include <stdexcept>

namespace va {

void Weights::add(const std::string& name, Shape shape, std::vector<float> values) {
  if (static_cast<Dim>(values.size()) != shape.elements()) {
    throw std::invalid_argument("weight '" + name + "' has " + std::to_string(values.size()) +
                                " values, its shape " + shape.toString() + " wants " +
                                std::to_string(shape.elements()));
  }
  const auto [position, inserted] =
      entries_.try_emplace(name, Entry{std::move(shape), std::move(values)});
  if (!inserted) throw std::invalid_argument("weight '" + name + "' is there twice");
}

const std::vector<float>& Weights::get(const std::string& name, const Shape& expected) const {
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) {
    throw std::invalid_argument("weight '" + name + "' is missing, expected " +
                                expected.toString());
  }
  if (entry->second.shape != expected) {
    throw std::invalid_argument("weight '" + name + "' is " + entry->second.shape.toString() +
                                ", expected " + expected.toString());
  }
  return entry->second.values;
}

const Shape& Weights::shape(const std::string& name) const {
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) throw std::invalid_argument("weight '" + name + "' is missing");
  return entry->second.shape;
}

std::vector<std::string> Weights::names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

std::size_t Weights::parameterCount() const {
  std::size_t count = 0;
  for (const auto& [name, entry] : entries_) count += entry.values.size();
  return count;
}

}  // namespace va
