#include "glueball/activation.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/refuse.h"
#include "core/setting.h"
#include "core/with_type.h"
#include "glueball/parallel.h"
#include "kernels/table.h"
#include "nn/chain_step.h"
#include "nn/layer_support.h"

namespace glueball {
namespace {

struct Name {
  std::string_view name;
  ActivationKind kind;
  kernels::ActivationCode code;
};

// A kind's own name comes before its aliases.
constexpr std::array<Name, 15> names{{
    {"identity", ActivationKind::identity, kernels::code_identity},
    {"relu", ActivationKind::relu, kernels::code_relu},
    {"sigmoid", ActivationKind::sigmoid, kernels::code_sigmoid},
    {"tanh", ActivationKind::tanh, kernels::code_tanh},
    {"softrelu", ActivationKind::softrelu, kernels::code_softrelu},
    {"softplus", ActivationKind::softrelu, kernels::code_softrelu},
    {"softsign", ActivationKind::softsign, kernels::code_softsign},
    {"gelu", ActivationKind::gelu, kernels::code_gelu},
    {"silu", ActivationKind::silu, kernels::code_silu},
    {"swish", ActivationKind::silu, kernels::code_silu},
    {"leaky_relu", ActivationKind::leaky_relu, kernels::code_leaky_relu},
    {"elu", ActivationKind::elu, kernels::code_elu},
    {"selu", ActivationKind::selu, kernels::code_selu},
    {"log_sigmoid", ActivationKind::log_sigmoid, kernels::code_log_sigmoid},
    {"mish", ActivationKind::mish, kernels::code_mish},
}};
// The kernels have codes of their own, since they include nothing of the library.
static_assert(std::ranges::all_of(names, [](const Name& known) {
  return static_cast<int>(known.kind) == static_cast<int>(known.code);
}));

double usual_alpha(ActivationKind kind) noexcept {
  switch (kind) {
    case ActivationKind::silu:
    case ActivationKind::elu:
      return 1.0;
    case ActivationKind::leaky_relu:
      return 0.01;
    default:
      return 0.0;
  }
}

ActivationKind kind_from(const std::string& name) {
  for (const Name& known : names) {
    if (known.name == name) return known.kind;
  }
  std::string list;
  for (const Name& known : names) {
    if (!list.empty()) list += ", ";
    list += "'" + std::string(known.name) + "'";
  }
  refuse<ArgumentError>({"an activation's name"}, {"'", name, "'"}, {"use one of ", list});
}

// A thread's start costs about as much as this many cheap elements.
constexpr std::int64_t elementwise_grain = 1 << 15;

void check_alike(const char* what, const Tensor& a, const char* other, const Tensor& b) {
  if (a.shape() == b.shape() && a.dtype() == b.dtype()) return;
  refuse<InputError>({other, " like ", what, ", of shape ", a.shape(), " and dtype ", a.dtype()},
                     {describe(b)}, {"pass arrays of one shape and dtype"});
}

kernels::ActivationCode code_of(const ActivationFunction& function) noexcept {
  return static_cast<kernels::ActivationCode>(function.kind);
}

}  // namespace

ActivationFunction::ActivationFunction(ActivationKind kind_)
    : kind(kind_), alpha(usual_alpha(kind_)) {}

ActivationFunction::ActivationFunction(const std::string& name)
    : ActivationFunction(kind_from(name)) {}

void ActivationFunction::check(const std::string& owner) const {
  if (fits_float32(alpha)) return;
  refuse<ArgumentError>({"a parameter of the activation '", to_string(kind), "' of '", owner,
                         "' that float32 can hold"},
                        {alpha}, {"give a smaller number"});
}

std::string to_string(ActivationKind kind) {
  for (const Name& known : names) {
    if (known.kind == kind) return std::string(known.name);
  }
  return {};
}

const std::vector<std::string>& activation_names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> list;
    list.reserve(std::size(names));
    for (const Name& known : names) list.emplace_back(known.name);
    return list;
  }();
  return all;
}

bool derivative_needs_input(const ActivationFunction& function) noexcept {
  switch (function.kind) {
    case ActivationKind::gelu:
    case ActivationKind::silu:
    case ActivationKind::mish:
      return true;
    case ActivationKind::leaky_relu:
    case ActivationKind::elu:
      // A negative slope folds both branches onto positive outputs.
      return function.alpha < 0.0;
    default:
      return false;
  }
}

void activate(const ActivationFunction& function, const Tensor& x, const Tensor& y) {
  check_alike("the input", x, "an output", y);
  with_type(x.dtype(), [&]<class T>(T) {
    const auto kernel = kernels::table<T>().activation_forward;
    const T* from = x.data<T>();
    T* to = y.data<T>();
    parallel_for(x.size(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
      kernel(code_of(function), function.alpha, from + begin, to + begin, end - begin);
    });
  });
}

void activate_backward(const ActivationFunction& function, const Tensor& x, const Tensor& y,
                       const Tensor& dy, const Tensor& dx) {
  check_alike("the head gradient", dy, "a gradient", dx);
  const bool needs_input = derivative_needs_input(function);
  check_alike("the head gradient", dy, needs_input ? "an input" : "an output", needs_input ? x : y);
  with_type(dy.dtype(), [&]<class T>(T) {
    const auto kernel = kernels::table<T>().activation_backward;
    // One of the two may be undefined: the one that this function's derivative does not read.
    const T* input = x.data<T>();
    const T* output = y.data<T>();
    const T* head = dy.data<T>();
    T* to = dx.data<T>();
    parallel_for(dy.size(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
      kernel(code_of(function), function.alpha, input == nullptr ? nullptr : input + begin,
             output == nullptr ? nullptr : output + begin, head + begin, to + begin, end - begin);
    });
  });
}

Activation::Activation(std::string name, ActivationFunction function)
    : Layer(std::move(name)), function_(function) {
  function_.check(this->name());
}

Tensor Activation::forward(const Tensor& input, const ForwardMode&, LayerRecord* record) {
  check_defined(*this, input);
  Tensor output = Tensor::uninitialized(input.shape(), input.dtype());
  activate(function_, input, output);
  if (record != nullptr) {
    record->input = input;
    record->output = output;
  }
  return output;
}

ChainStep Activation::chain_step() const {
  return {.kind = ChainStep::Kind::elementwise,
          .declared_by = &typeid(Activation),
          .code = code_of(function_),
          .alpha = function_.alpha};
}

Tensor Activation::backward(const Tensor& output_grad, const LayerRecord& record,
                            bool need_input_grad, const BackwardPass&) {
  check_output_grad(*this, output_grad, record.output);
  if (!need_input_grad) return {};
  Tensor input_grad = Tensor::uninitialized(output_grad.shape(), output_grad.dtype());
  activate_backward(function_, record.input, record.output, output_grad, input_grad);
  return input_grad;
}

}  // namespace glueball
