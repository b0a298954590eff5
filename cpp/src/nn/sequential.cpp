#include "glueball/sequential.h"

#include <type_traits>
#include <typeinfo>
#include <unordered_set>

#include "core/read_section.h"
#include "core/refuse.h"
#include "glueball/parameter_list.h"
#include "nn/inference.h"
#include "nn/layer_support.h"

namespace glueball {
namespace {

// Multiply-adds of some ten microseconds.
constexpr std::int64_t quick_work = std::int64_t{1} << 19;

bool is_trainable(const Parameter& parameter) { return parameter.grad_req() != GradReq::null; }

bool has_trainable_parameter(const Layer& layer, const ChainStep& step) {
  if (step.kind == ChainStep::Kind::product) {  // without a path for each parameter
    return is_trainable(*step.weight) || (step.bias != nullptr && is_trainable(*step.bias));
  }
  bool found = false;
  layer.visit_parameters("", [&](const std::string&, const std::shared_ptr<Parameter>& parameter) {
    found = found || is_trainable(*parameter);
  });
  return found;
}

/// @throws ArgumentError unless the entries of the record of `chain` are of its `count` layers,
/// which `layer_at` gives.
template <class LayerAt>
void check_chain_record(const ChainRecord& record, std::size_t count, const LayerAt& layer_at,
                        const std::string& chain) {
  if (count != record.size()) {
    refuse<ArgumentError>({"a record of the ", count, " layers of '", chain, "'"},
                          {"one of ", record.size()},
                          {"change a net before its forward or after its backward, not between"});
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Layer* const layer = layer_at(i);
    if (record[i].layer == layer) continue;
    refuse<ArgumentError>({"a record of a forward of '", chain, "'"},
                          {"one whose entry ", i, " is not of its layer '", layer->name(), "'"},
                          {"keep a record of its own for each net"});
  }
}

/// Where a walk stands in one of the chains that it is inside of.
struct Position {
  const Sequential* chain;
  std::size_t next;
};

/// "3." below `prefix` for each chain that the walk is inside of: the path of the present layer.
std::string path_of(const std::string& prefix, const std::vector<Position>& positions) {
  std::string path = prefix;
  for (const Position& position : positions) path += std::to_string(position.next - 1) + ".";
  return path;
}

void check_output(const std::string& name, const Tensor& output, const Shape& shape, Dtype dtype) {
  if (output.defined() && output.dtype() == dtype && output.shape() == shape) return;
  const std::string found = output.defined()
                                ? to_string(output.shape()) + " and " + to_string(output.dtype())
                                : "an undefined array";
  refuse<InputError>({"an output of shape ", shape, " and ", dtype, " for '", name, "'"}, {found},
                     {"pass an array of that shape and dtype"});
}

}  // namespace

Sequential::Sequential(std::string name)
    : Layer(std::move(name)), inference_(std::make_shared<InferencePlan>()) {}

template <class Visit>
void Sequential::each_leaf(Visit&& visit) const {
  constexpr bool asks_positions = std::is_invocable_v<Visit, Layer&, std::vector<Position>&>;
  if constexpr (!asks_positions) {
    if (!has_nested_) {  // needs no positions, nor memory for them
      for (const auto& layer : layers_) visit(*layer);
      return;
    }
  }
  std::vector<Position> positions{{this, 0}};
  while (!positions.empty()) {
    Position& position = positions.back();
    const Sequential& chain = *position.chain;
    if (position.next == chain.layers_.size()) {
      positions.pop_back();
      continue;
    }
    const std::size_t i = position.next++;
    if (chain.nested_[i] != nullptr) {
      positions.push_back({chain.nested_[i], 0});
    } else if constexpr (asks_positions) {
      visit(*chain.layers_[i], positions);
    } else {
      visit(*chain.layers_[i]);
    }
  }
}

std::vector<Layer*> Sequential::leaves() const {
  std::vector<Layer*> all;
  all.reserve(layers_.size());
  each_leaf([&](Layer& layer) { all.push_back(&layer); });
  return all;
}

bool Sequential::contains(const Sequential& chain) const {
  std::vector<const Sequential*> open{this};
  std::unordered_set<const Sequential*> seen;
  while (!open.empty()) {
    const Sequential* next = open.back();
    open.pop_back();
    if (next == &chain) return true;
    if (!seen.insert(next).second) continue;
    for (const auto& layer : next->layers_) {
      if (const auto* inside = dynamic_cast<const Sequential*>(layer.get())) open.push_back(inside);
    }
  }
  return false;
}

[[gnu::cold]] void Sequential::add(std::shared_ptr<Layer> layer) {
  if (layer == nullptr) {
    refuse<ArgumentError>({"a layer to add to '", name(), "'"}, {"null"},
                          {"pass a shared_ptr to one"});
  }
  auto* chain = dynamic_cast<Sequential*>(layer.get());
  if (chain != nullptr && chain->contains(*this)) {
    refuse<ArgumentError>({"a layer that '", name(), "' is not a part of"},
                          {"'", chain->name(), "', which contains it"},
                          {"a chain cannot contain itself"});
  }
  inference_->add(*layer);
  layers_.push_back(std::move(layer));
  // A subclass may compute something else.
  Layer& added = *layers_.back();
  nested_.push_back(typeid(added) == typeid(Sequential) ? static_cast<Sequential*>(&added)
                                                        : nullptr);
  has_nested_ = has_nested_ || nested_.back() != nullptr;
}

Shape Sequential::infer_shape(const Shape& input) {
  Shape shape = input;
  each_leaf([&](Layer& layer) { shape = layer.infer_shape(shape); });
  return shape;
}

void Sequential::prepare(const Shape& input) {
  Shape shape = input;
  each_leaf([&](Layer& layer) {
    layer.prepare(shape);
    shape = layer.infer_shape(shape);
  });
}

bool Sequential::is_ready() const {
  bool ready = true;
  each_leaf([&](const Layer& layer) { ready = ready && layer.is_ready(); });
  return ready;
}

Tensor Sequential::forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) {
  const ReadSection section;
  if (record != nullptr) {
    Tensor output = forward_chain(input, mode, record->inner);
    record->input = input;
    record->output = output;
    return output;
  }
  if (const InferencePlan::Way way(*inference_, input, mode.training); way.units != 0) {
    Tensor output = Tensor::uninitialized({input.shape()[0], way.units}, input.dtype());
    inference_->run(way, input, output);
    return output;
  }
  Tensor x = input;
  each_leaf([&](Layer& layer) { x = layer.forward(x, mode, nullptr); });
  return x;
}

bool Sequential::is_quick(const Shape& input) const {
  const ReadSection section;
  const std::int64_t work = inference_->work();
  return work >= 0 && input.rank() > 0 && work * input[0] <= quick_work;
}

Tensor Sequential::forward_if_quick(const Tensor& input, bool training) {
  const ReadSection section;
  const InferencePlan::Way way(*inference_, input, training);
  if (way.units == 0 || way.work * input.shape()[0] > quick_work) return {};
  Tensor output = Tensor::uninitialized({input.shape()[0], way.units}, input.dtype());
  inference_->run(way, input, output);
  return output;
}

bool Sequential::forward_into_if_quick(const Tensor& input, const Tensor& output, bool training) {
  const ReadSection section;
  const InferencePlan::Way way(*inference_, input, training);
  if (way.units == 0 || way.work * input.shape()[0] > quick_work) return false;
  check_output(name(), output, {input.shape()[0], way.units}, input.dtype());
  inference_->run(way, input, output);
  return true;
}

void Sequential::forward_into(const Tensor& input, const Tensor& output) {
  const ReadSection section;
  if (const InferencePlan::Way way(*inference_, input, false); way.units != 0) {
    check_output(name(), output, {input.shape()[0], way.units}, input.dtype());
    return inference_->run(way, input, output);
  }
  const Tensor result = forward(input, ForwardMode{}, nullptr);
  check_output(name(), output, result.shape(), result.dtype());
  output.copy_from(result);
}

Tensor Sequential::backward(const Tensor& output_grad, const LayerRecord& record,
                            bool need_input_grad, const BackwardPass& pass) {
  check_output_grad(*this, output_grad, record.output);
  return backward_chain(output_grad, record.inner, need_input_grad, pass);
}

Tensor Sequential::forward_chain(const Tensor& input, const ForwardMode& mode,
                                 ChainRecord& record) {
  const ReadSection section;
  record.clear();
  record.reserve(layers_.size());
  const Tensor* x = &input;
  Tensor output;
  each_leaf([&](Layer& layer) {
    LayerRecord& kept = record.emplace_back();
    kept.layer = &layer;
    output = layer.forward(*x, mode, &kept);
    x = &output;
  });
  if (x == &input) return input;  // of a chain without layers
  return output;
}

Tensor Sequential::backward_chain(const Tensor& output_grad, const ChainRecord& record,
                                  bool need_input_grad, const BackwardPass& pass) {
  const ReadSection section;
  const std::vector<Layer*> inside = has_nested_ ? leaves() : std::vector<Layer*>();
  const std::size_t count = has_nested_ ? inside.size() : layers_.size();
  // A chain without chains inside needs no list of its own, nor memory for one.
  const auto layer = [&](std::size_t i) { return has_nested_ ? inside[i] : layers_[i].get(); };
  std::vector<ChainStep> steps;
  steps.reserve(inside.size());
  for (const Layer* each : inside) steps.push_back(chain_step_of(*each));
  const auto step = [&](std::size_t i) -> const ChainStep& {
    return has_nested_ ? steps[i] : inference_->layer(i);
  };
  check_chain_record(record, count, layer, name());
  // Gradients need not flow below the first layer that keeps any: below it are Flatten, or frozen
  // layers.
  std::size_t last = 0;
  if (!need_input_grad) {
    while (last < count && !has_trainable_parameter(*layer(last), step(last))) ++last;
    if (last == count) return {};
  }
  const Tensor* head = &output_grad;
  Tensor grad;
  ChainNeighbours neighbours;
  for (std::size_t i = count; i-- > last;) {
    const bool goes_on = need_input_grad || i > last;
    const bool is_product = step(i).kind == ChainStep::Kind::product;
    const bool folds = is_product && i > last && step(i - 1).kind == ChainStep::Kind::product &&
                       step(i - 1).code != kernels::code_identity;
    neighbours.below = folds ? &step(i - 1) : nullptr;
    neighbours.below_record = folds ? &record[i - 1] : nullptr;
    grad = is_product ? layer(i)->backward_between(*head, record[i], goes_on, pass, neighbours)
                      : layer(i)->backward(*head, record[i], goes_on, pass);
    head = &grad;
    neighbours.is_linear = folds;
  }
  return need_input_grad ? *head : Tensor();
}

void Sequential::visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const {
  each_leaf([&](const Layer& layer, const std::vector<Position>& positions) {
    layer.visit_parameters(path_of(prefix, positions), visit);
  });
}

std::vector<std::pair<std::string, std::shared_ptr<Parameter>>> Sequential::collect_parameters()
    const {
  const ParameterList list(*this);
  std::vector<std::pair<std::string, std::shared_ptr<Parameter>>> all;
  all.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) all.emplace_back(list.paths()[i], list.all()[i]);
  return all;
}

void Sequential::initialize(std::shared_ptr<const Initializer> init, std::uint64_t seed,
                            bool force) {
  ParameterList(*this).initialize(init, seed, force);
}

}  // namespace glueball
