#include "nn/inference.h"

#include <algorithm>
#include <new>
#include <typeinfo>

#include "core/with_type.h"
#include "kernels/table.h"
#include "nn/parameter.h"
#include "nn/product.h"

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

ChainStep chain_step_of(const Layer& layer) {
  const ChainStep step = layer.chain_step();
  return step.declared_by != nullptr && *step.declared_by == typeid(layer) ? step : ChainStep();
}

void InferencePlan::add(const Layer& layer) {
  const ChainStep step = chain_step_of(layer);
  layers_.push_back(step);
  if (step.kind == ChainStep::Kind::other) is_plain_ = false;
  if (step.kind == ChainStep::Kind::training_only) {
    drops_ = true;
  } else {
    steps_.push_back(step);
    if (step.kind == ChainStep::Kind::product) ++products_;
  }
}

// NOLINTNEXTLINE(*-member-init): few_ is written before it is read.
InferencePlan::Way::Way(const InferencePlan& plan, const Tensor& input, bool training) {
  const Shape& shape = input.shape();
  if (!plan.is_plain_ || plan.steps_.empty() || (plan.drops_ && training) || shape.rank() != 2) {
    return;
  }
  products_ = few_.data();
  if (plan.products_ > few_.size()) {
    many_ = Buffer::allocate(plan.products_ * sizeof(Product));
    products_ = static_cast<Product*>(many_->data());
  }
  std::int64_t width = shape[1];
  std::int64_t multiplications = 0;
  Product* product = products_;
  for (const ChainStep& step : plan.steps_) {
    if (step.kind != ChainStep::Kind::product) continue;
    const Panels* const panels = step.packed->get();
    if (panels == nullptr || panels->width != width || panels->dtype != input.dtype()) return;
    const Tensor* bias = nullptr;
    if (step.bias != nullptr) {
      const Parameter::Arrays* const arrays = step.bias->find_arrays();
      if (arrays == nullptr || arrays->data.dtype() != input.dtype()) return;
      bias = &arrays->data;
    }
    new (product++) Product{panels, bias == nullptr ? nullptr : bias->raw()};
    multiplications += width * step.units;
    width = step.units;
  }
  units = width;
  work = multiplications;
}

std::int64_t InferencePlan::work() const {
  if (!is_plain_) return -1;
  std::int64_t work = 0;
  for (const ChainStep& step : steps_) {
    if (step.kind != ChainStep::Kind::product) continue;
    if (!step.weight->is_initialized()) return -1;
    if (step.bias != nullptr && !step.bias->is_initialized()) return -1;
    work += step.weight->values().size();
  }
  return work;
}

void InferencePlan::run(const Way& way, const Tensor& input, const Tensor& output) const {
  with_type(input.dtype(), [&]<class T>(T) { run_as<T>(way, input, output); });
}

template <class T>
void InferencePlan::run_as(const Way& way, const Tensor& input, const Tensor& output) const {
  Multiplication<T> m;
  m.rows = input.shape()[0];
  std::int64_t width = input.shape()[1];
  std::int64_t widest = width;
  for (const ChainStep& step : steps_) widest = std::max(widest, step.units);
  const Workspace<T> workspace(m.rows * widest);
  const Way::Product* product = way.products_;
  const T* x = input.data<T>();
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const ChainStep& step = steps_[i];
    T* y = i + 1 == steps_.size() ? output.data<T>() : workspace.half(i % 2 == 1);
    if (step.kind == ChainStep::Kind::elementwise) {
      kernels::table<T>().activation_forward(step.code, step.alpha, x, y, m.rows * width);
    } else {
      m.a = x;
      m.a_row = width;
      set_panels(m, *product->panels);
      m.c = y;
      m.columns = step.units;
      m.depth = width;
      m.bias = static_cast<const T*>(product->bias);
      m.code = step.code;
      m.alpha = step.alpha;
      multiply(m);
      width = m.columns;
      ++product;
    }
    x = y;
  }
}

}  // namespace glueball
