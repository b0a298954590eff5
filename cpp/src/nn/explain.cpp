#include "glueball/explain.h"

#include <cmath>
#include <utility>

#include "core/refuse.h"
#include "glueball/random.h"

namespace glueball {
namespace {

template <class T>
Moments moments(const T* values, std::int64_t size) {
  const auto count = static_cast<double>(size);
  Moments found;
  for (std::int64_t i = 0; i < size; ++i) found.mean += static_cast<double>(values[i]);
  found.mean /= count;
  double variance = 0.0;
  for (std::int64_t i = 0; i < size; ++i) {
    const double distance = static_cast<double>(values[i]) - found.mean;
    variance += distance * distance;
  }
  found.sd = std::sqrt(variance / count);
  return found;
}

}  // namespace

Moments moments_of(const Tensor& values) {
  if (values.size() == 0) {
    refuse<ArgumentError>({"an array with elements"}, {"none"}, {"pass a larger one"});
  }
  return values.dtype() == Dtype::float64 ? moments(values.data<double>(), values.size())
                                          : moments(values.data<float>(), values.size());
}

std::vector<ParameterExplanation> explain(const Sequential& net,
                                          const std::shared_ptr<const Initializer>& init) {
  std::vector<ParameterExplanation> rows;
  const std::shared_ptr<const Initializer> fallback =
      init != nullptr ? init : std::make_shared<const Uniform>();
  for (const auto& [path, parameter] : net.collect_parameters()) {
    ParameterExplanation row;
    row.path = path;
    row.shape = parameter->shape();
    const std::shared_ptr<const Initializer> own = parameter->init();
    row.initializer = own != nullptr ? own : fallback;
    row.origin = own != nullptr    ? InitializerOrigin::layer
                 : init != nullptr ? InitializerOrigin::given
                                   : InitializerOrigin::global_default;
    if (row.shape.has_value() && row.shape->is_known() && row.shape->elements() > 0) {
      InitDesc desc(parameter->name());
      desc.own = own;
      desc.of_parameter = true;
      const Tensor draw = Tensor::uninitialized(*row.shape, Dtype::float64);
      Generator stream(0, parameter_stream(path, 0));
      (*fallback)(desc, draw, stream);
      row.expected = moments_of(draw);
    }
    if (parameter->is_initialized()) row.actual = moments_of(parameter->values());
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace glueball
