#include "glueball/lsuv.h"

#include <cmath>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "core/refuse.h"
#include "glueball/dense.h"
#include "glueball/explain.h"
#include "glueball/random.h"

namespace glueball {
namespace {

double variance_of(const Dense& layer, const Tensor& input) {
  // The same product without its activation.
  Dense linear(layer.name(), layer.weight(), layer.bias(), ActivationFunction{}, layer.flatten());
  const double sd = moments_of(linear.forward(input, ForwardMode{}, nullptr)).sd;
  return sd * sd;
}

void multiply(Parameter& weight, double factor) {
  const Tensor scaled = weight.values().cast(Dtype::float64);
  auto* const values = scaled.data<double>();
  for (std::int64_t i = 0; i < scaled.size(); ++i) values[i] *= factor;
  weight.set_data(scaled.cast(weight.dtype()));
}

void make_orthogonal(Parameter& weight, const std::string& path, std::uint64_t seed) {
  const Tensor values = Tensor::uninitialized(weight.values().shape(), weight.dtype());
  Generator stream(seed, parameter_stream(path, 0));
  Orthogonal(1.0, Distribution::normal).init_weight(InitDesc(weight.name()), values, stream);
  weight.set_data(values);
}

LsuvRow scale(const Dense& layer, const std::string& path, const Tensor& input,
              const LsuvSettings& settings) {
  LsuvRow row;
  row.path = path;
  Parameter& weight = *layer.weight();
  const bool learns = weight.grad_req() != GradReq::null;
  row.before = variance_of(layer, input);
  if (learns && settings.orthogonal) make_orthogonal(weight, path, settings.seed);
  row.variance = variance_of(layer, input);
  const auto is_far = [&] { return !(std::abs(row.variance - 1.0) <= settings.tolerance); };
  while (learns && row.steps < settings.max_steps && is_far() && row.variance > 0.0 &&
         std::isfinite(row.variance)) {
    const double factor = 1.0 / std::sqrt(row.variance);
    multiply(weight, factor);
    row.scale *= factor;
    ++row.steps;
    row.variance = variance_of(layer, input);
  }
  row.converged = !is_far();
  return row;
}

}  // namespace

std::vector<LsuvRow> lsuv(Sequential& net, const Tensor& input, const LsuvSettings& settings) {
  if (!(settings.tolerance > 0.0) || settings.max_steps < 1) {
    refuse<ArgumentError>(
        {"a tolerance above 0 and at least 1 step for lsuv"},
        {"a tolerance of ", settings.tolerance, " and ", settings.max_steps, " steps"},
        {"correct it"});
  }
  net.initialize(nullptr, settings.seed);
  static_cast<void>(net(input));  // what waits for its shape is filled, and the input checked
  std::unordered_map<std::uint64_t, std::string> paths;
  for (const auto& [path, parameter] : net.collect_parameters()) {
    paths.emplace(parameter->id(), path);
  }
  std::vector<LsuvRow> rows;
  std::unordered_set<std::uint64_t> done;
  Tensor values = input;
  // What is still to run, the next one last.
  std::vector<std::shared_ptr<Layer>> open(net.layers().rbegin(), net.layers().rend());
  while (!open.empty()) {
    const std::shared_ptr<Layer> layer = open.back();
    open.pop_back();
    if (const auto* const chain = dynamic_cast<const Sequential*>(layer.get()); chain != nullptr) {
      open.insert(open.end(), chain->layers().rbegin(), chain->layers().rend());
      continue;
    }
    const auto* const dense = dynamic_cast<const Dense*>(layer.get());
    if (dense != nullptr && done.insert(dense->weight()->id()).second) {
      rows.push_back(scale(*dense, paths.at(dense->weight()->id()), values, settings));
    }
    values = layer->forward(values, ForwardMode{}, nullptr);
  }
  return rows;
}

}  // namespace glueball
