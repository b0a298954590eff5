#include "inference.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <typeinfo>

#include "glueball/dropout.h"
#include "kernels/table.h"
#include "product.h"

namespace glueball {
namespace {

// Activations of a few rows fit here; more than that is worth the way to the block cache.
constexpr std::size_t bytes_on_stack = 4096;

/// Two arrays in turn: what a layer reads, and what it writes.
template <class T>
class Workspace {
 public:
  explicit Workspace(std::int64_t elements) : half_(reinterpret_cast<T*>(&stack_)) {
    if (static_cast<std::size_t>(elements) * sizeof(T) > bytes_on_stack) {
      memory_ = Tensor::uninitialized({2 * elements}, dtype_of<T>);
      half_ = memory_.data<T>();
      size_ = elements;
    }
  }
  T* half(bool second) const { return half_ + (second ? size_ : 0); }

 private:
  alignas(64) std::array<std::byte, 2 * bytes_on_stack> stack_;
  Tensor memory_;
  T* half_;
  std::int64_t size_ = bytes_on_stack / sizeof(T);
};

}  // namespace

void InferencePlan::add(Layer& layer) {
  // Exactly these classes: who derives from one may compute something else.
  const std::type_info& type = typeid(layer);
  if (type == typeid(Dense)) {
    const auto& dense = static_cast<const Dense&>(layer);
    steps_.push_back({&dense, dense.activation()});
  } else if (type == typeid(Activation)) {
    steps_.push_back({nullptr, static_cast<const Activation&>(layer).function()});
  } else if (type == typeid(Dropout)) {
    drops_ = true;
  } else {
    is_plain_ = false;
  }
}

InferencePlan::Way InferencePlan::way_for(const Tensor& input, bool training) const {
  const Shape& shape = input.shape();
  if (!is_plain_ || steps_.empty() || (drops_ && training) || shape.rank() != 2) return {};
  std::int64_t width = shape[1];
  std::int64_t work = 0;
  for (const Step& step : steps_) {
    if (step.dense == nullptr) continue;
    const Parameter& weight = *step.dense->weight();
    if (weight.panels() == nullptr) return {};
    const Tensor& values = weight.values();
    if (values.shape()[1] != width || values.dtype() != input.dtype()) return {};
    const Parameter* const bias = step.dense->bias().get();
    if (bias != nullptr && (!bias->is_initialized() || bias->values().dtype() != input.dtype())) {
      return {};
    }
    work += width * step.dense->units();
    width = step.dense->units();
  }
  return {width, work};
}

std::int64_t InferencePlan::work() const {
  if (!is_plain_) return -1;
  std::int64_t work = 0;
  for (const Step& step : steps_) {
    if (step.dense == nullptr) continue;
    if (!step.dense->is_ready()) return -1;
    work += step.dense->weight()->values().size();
  }
  return work;
}

void InferencePlan::run(const Tensor& input, const Tensor& output) const {
  if (input.dtype() == Dtype::float32) {
    run_as<float>(input, output);
  } else {
    run_as<double>(input, output);
  }
}

template <class T>
void InferencePlan::run_as(const Tensor& input, const Tensor& output) const {
  Multiplication<T> m;
  m.rows = input.shape()[0];
  std::int64_t width = input.shape()[1];
  std::int64_t widest = width;
  for (const Step& step : steps_) {
    if (step.dense != nullptr) widest = std::max(widest, step.dense->units());
  }
  const Workspace<T> workspace(m.rows * widest);
  const T* x = input.data<T>();
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    T* y = i + 1 == steps_.size() ? output.data<T>() : workspace.half(i % 2 == 1);
    const auto code = static_cast<kernels::ActivationCode>(step.activation.kind);
    if (step.dense == nullptr) {
      kernels::table<T>().activation_forward(code, step.activation.alpha, x, y, m.rows * width);
    } else {
      const Parameter* bias = step.dense->bias().get();
      m.a = x;
      m.a_row = width;
      const Parameter& weight = *step.dense->weight();
      m.packed_b = nullptr;
      m.rounded_b = nullptr;
      set_panels(m, &weight.last_panels(), weight.rounds_inference());
      m.c = y;
      m.columns = step.dense->units();
      m.depth = width;
      m.bias = bias == nullptr ? nullptr : bias->values().template data<T>();
      m.code = code;
      m.alpha = step.activation.alpha;
      multiply(m);
      width = m.columns;
    }
    x = y;
  }
}

}  // namespace glueball
