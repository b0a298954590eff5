#include "glueball/parameter_list.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>

#include "core/pattern.h"
#include "core/refuse.h"

namespace glueball {

ParameterList::ParameterList(const Layer& net) {
  std::unordered_map<const Parameter*, std::size_t> seen;
  net.visit_parameters("", [&](const std::string& path, const std::shared_ptr<Parameter>& one) {
    const auto [place, is_new] = seen.emplace(one.get(), size());
    if (is_new) {
      parameters_.push_back(one);
      paths_.push_back(path);
      places_.emplace_back();
    }
    places_[place->second].push_back(path);
  });
}

void ParameterList::take(const ParameterList& from, std::size_t i) {
  parameters_.push_back(from.parameters_[i]);
  paths_.push_back(from.paths_[i]);
  places_.push_back(from.places_[i]);
}

ParameterList ParameterList::select(const std::string& pattern) const {
  const Pattern wanted(pattern, "select");
  ParameterList selected;
  for (std::size_t i = 0; i < size(); ++i) {
    if (wanted.begins(parameters_[i]->name())) selected.take(*this, i);
  }
  return selected;
}

ParameterList ParameterList::at(const std::string& glob) const {
  const Pattern wanted = Pattern::of_glob(glob, "at");
  ParameterList selected;
  for (std::size_t i = 0; i < size(); ++i) {
    if (std::ranges::any_of(places_[i], [&](const auto& path) { return wanted.is_in(path); })) {
      selected.take(*this, i);
    }
  }
  if (selected.size() == 0) {
    std::string present;
    for (const std::string& path : paths_) present += (present.empty() ? "'" : ", '") + path + "'";
    refuse<ArgumentError>(
        {"the path of a parameter, or a glob of paths"},
        {"'", glob, "', which matches none of ", size()},
        {size() == 0 ? std::string("add layers first") : joined({"there are ", present})});
  }
  return selected;
}

std::vector<std::vector<std::string>> ParameterList::tied() const {
  std::vector<std::vector<std::string>> several;
  std::ranges::copy_if(places_, std::back_inserter(several),
                       [](const auto& places) { return places.size() > 1; });
  return several;
}

const std::shared_ptr<Parameter>& ParameterList::operator[](const std::string& name) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < size(); ++i) {
    if (parameters_[i]->name() == name) found.push_back(i);
  }
  if (found.empty()) {
    for (std::size_t i = 0; i < size(); ++i) {
      if (std::ranges::find(places_[i], name) != places_[i].end()) found.push_back(i);
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
