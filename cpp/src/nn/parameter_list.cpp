#include "glueball/parameter_list.h"

#include <unordered_set>

#include "core/pattern.h"
#include "core/refuse.h"

namespace glueball {

ParameterList::ParameterList(const Layer& net) {
  std::unordered_set<const Parameter*> seen;
  net.visit_parameters("", [&](const std::string& path, const std::shared_ptr<Parameter>& one) {
    if (!seen.insert(one.get()).second) return;
    parameters_.push_back(one);
    paths_.push_back(path);
  });
}

ParameterList ParameterList::select(const std::string& pattern) const {
  const Pattern wanted(pattern, "select");
  ParameterList selected;
  for (std::size_t i = 0; i < size(); ++i) {
    if (!wanted.begins(parameters_[i]->name())) continue;
    selected.parameters_.push_back(parameters_[i]);
    selected.paths_.push_back(paths_[i]);
  }
  return selected;
}

const std::shared_ptr<Parameter>& ParameterList::operator[](const std::string& name) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < size(); ++i) {
    if (parameters_[i]->name() == name) found.push_back(i);
  }
  if (found.empty()) {
    for (std::size_t i = 0; i < size(); ++i) {
      if (paths_[i] == name) found.push_back(i);
    }
  }
  if (found.size() == 1) return parameters_[found.front()];
  std::string present;
  for (std::size_t i = 0; i < size(); ++i) {
    present += (i == 0 ? "'" : ", '") + parameters_[i]->name() + "' at " + paths_[i];
  }
  refuse<ArgumentError>(
      {"the name or the path of one parameter"},
      {"'", name, "', which ", found.size(), " of ", size(), " parameters have"},
      {size() == 0 ? std::string("add layers first") : joined({"use one of ", present})});
}

std::int64_t ParameterList::elements() const {
  std::int64_t sum = 0;
  for (const auto& parameter : parameters_) {
    const std::optional<Shape> shape = parameter->shape();
    if (!shape) {
      refuse<ShapeError>({"parameters whose shapes are known"},
                         {"Parameter '", parameter->name(), "' of unknown shape"},
                         {"run the net once, or infer_shape() it"});
    }
    sum += shape->elements();
  }
  return sum;
}

void ParameterList::initialize(const std::shared_ptr<const Initializer>& init, std::uint64_t seed,
                               bool force) const {
  for (std::size_t i = 0; i < size(); ++i) {
    parameters_[i]->initialize(nullptr, init, Generator(seed, parameter_stream(paths_[i], 0)),
                               force);
  }
}

void ParameterList::zero_grad() const {
  for (const auto& parameter : parameters_) parameter->zero_grad();
}

void ParameterList::set_grad_req(GradReq grad_req) const {
  for (const auto& parameter : parameters_) parameter->set_grad_req(grad_req);
}

}  // namespace glueball
