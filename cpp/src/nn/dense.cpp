#include "glueball/dense.h"

#include <utility>

#include "core/read_section.h"
#include "core/refuse.h"
#include "core/with_type.h"
#include "kernels/table.h"
#include "nn/chain_step.h"
#include "nn/layer_support.h"
#include "nn/packed_weights.h"
#include "nn/parameter.h"
#include "nn/product.h"

namespace glueball {
namespace {

/// An input seen as a matrix: (rows, width).
struct Extent {
  std::int64_t rows;
  std::int64_t width;
};

/// `input` has at least one axis.
Extent extent_of(const Shape& input, bool flatten) noexcept {
  const std::size_t rank = input.rank();
  if (rank == 2) return {input[0], input[1]};
  if (flatten) return {input[0], product(input, 1, rank)};
  return {product(input, 0, rank - 1), input[rank - 1]};
}

Shape output_shape(const Shape& input, bool flatten, std::int64_t units) {
  if (flatten || input.rank() == 2) return {input[0], units};
  return input.with(input.rank() - 1, units);
}

/// float32 numbers rounded to those of bfloat16.
Tensor rounded_copy(const Tensor& values) {
  const Tensor copy = Tensor::uninitialized(values.shape());
  const Tensor halves = Tensor::uninitialized({(values.size() + 1) / 2});
  auto* const rounded = static_cast<kernels::Bfloat16*>(halves.raw());
  to_bfloat16(values.data<float>(), values.size(), rounded);
  kernels::active().common.from_bfloat16(rounded, values.size(), copy.data<float>());
  return copy;
}

/// A weight as a forward reads it.
class WeightInUse {
 public:
  /// `values` is what the forward found the weight to hold.
  WeightInUse(const Parameter& weight, const Tensor& values, bool is_recorded)
      : values_(&values), panels_(weight.parts().packed.get()) {
    PackedWeights& packed = weight.parts().packed;
    if (is_recorded) {
      if (packed.rounds()) panels_ = nullptr;  // what is differentiated is not rounded
    } else if (panels_ == nullptr) {
      const std::lock_guard lock(weight.parts().mutex);
      panels_ = packed.make(weight.values());
    }
    // Another thread may have replaced the values that the forward found.
    if (panels_ != nullptr &&
        (panels_->dtype != values.dtype() || panels_->units != values.shape()[0] ||
         panels_->width != values.shape()[1])) {
      panels_ = nullptr;
    }
    // Somebody holds the values: they are rounded again.
    const bool rounds = !is_recorded && packed.rounds() && values.dtype() == Dtype::float32;
    if (panels_ == nullptr && rounds) copy_ = rounded_copy(values);
  }

  /// (units, in_units).
  const Tensor& values() const { return copy_.defined() ? copy_ : *values_; }
  /// Null: packed on the way.
  const Panels* panels() const { return panels_; }

 private:
  const Tensor* values_;  // no copy: the parameter looks whether somebody holds one
  const Panels* panels_;
  Tensor copy_;
};

/// y = f(x w^T + b); `biases` may be null.
template <class T>
void run_forward(const Tensor& x, const WeightInUse& weight, const void* biases,
                 const ActivationFunction& function, const Tensor& y, const Extent& extent) {
  Multiplication<T> m;
  m.a = x.data<T>();
  m.a_row = extent.width;
  m.b = weight.values().data<T>();
  m.b_step = 1;
  m.b_column = extent.width;
  if (weight.panels() != nullptr) set_panels(m, *weight.panels());
  m.c = y.data<T>();
  m.rows = extent.rows;
  m.columns = weight.values().shape()[0];
  m.depth = extent.width;
  m.bias = static_cast<const T*>(biases);
  m.code = static_cast<kernels::ActivationCode>(function.kind);
  m.alpha = function.alpha;
  multiply(m);
}

/// dw = or += dz^T x.
template <class T>
void run_backward_weight(const Tensor& dz, const Tensor& x, const GradTarget& target,
                         const Extent& extent) {
  const std::int64_t units = target.grad->shape()[0];
  Multiplication<T> m;
  m.a = dz.data<T>();
  m.a_row = 1;
  m.a_step = units;
  m.b = x.data<T>();
  m.b_step = extent.width;
  m.b_column = 1;
  m.c = target.grad->data<T>();
  m.rows = units;
  m.columns = extent.width;
  m.depth = extent.rows;
  m.accumulate = target.accumulate;
  multiply(m);
}

/// dx = dz w, times the derivative of the function that made x, where there is one below.
template <class T>
void run_backward_input(const Tensor& dz, const Tensor& w, const Tensor& dx, const Extent& extent,
                        const ChainNeighbours& neighbours) {
  const std::int64_t units = w.shape()[0];
  Multiplication<T> m;
  m.a = dz.data<T>();
  m.a_row = units;
  m.b = w.data<T>();
  m.b_step = extent.width;
  m.b_column = 1;
  m.c = dx.data<T>();
  m.rows = extent.rows;
  m.columns = extent.width;
  m.depth = units;
  if (neighbours.below != nullptr) {
    m.slope = neighbours.below->code;
    m.slope_alpha = neighbours.below->alpha;
    m.slope_x = neighbours.below_record->extra.data<T>();
    m.slope_y = neighbours.below_record->output.data<T>();
  }
  multiply(m);
}

std::int64_t units_of(const Parameter& weight) {
  const std::optional<Shape> shape = weight.shape();
  if (shape && shape->rank() == 2 && (*shape)[0] != Shape::unknown) return (*shape)[0];
  refuse<ShapeError>({"a weight of shape (units, in_units), units known"},
                     {"Parameter '", weight.name(), "' of shape ", shape},
                     {"pass the weight of another dense layer, or a parameter of two axes"});
}

}  // namespace

[[gnu::cold]] Dense::Dense(std::string name, std::int64_t units, Settings settings)
    : Layer(std::move(name)),
      units_(units),
      activation_(settings.activation),
      flatten_(settings.flatten) {
  if (units < 1) {
    refuse<ArgumentError>({"one unit or more for '", this->name(), "'"}, {units},
                          {"give the number of outputs"});
  }
  if (settings.in_units < 1 && settings.in_units != Shape::unknown) {
    refuse<ArgumentError>({"in_units of 1 or more for '", this->name(), "', or -1 for unknown"},
                          {settings.in_units},
                          {"give the number of input features, or leave it to the first input"});
  }
  activation_.check(this->name());
  weight_ = own_parameter(*this, "weight", {units, settings.in_units}, settings.dtype,
                          std::move(settings.weight_initializer));
  if (!settings.use_bias) return;
  bias_ =
      own_parameter(*this, "bias", {units}, settings.dtype, std::move(settings.bias_initializer));
}

Dense::Dense(std::string name, std::int64_t units) : Dense(std::move(name), units, Settings{}) {}

[[gnu::cold]] Dense::Dense(std::string name, std::shared_ptr<Parameter> weight,
                           std::shared_ptr<Parameter> bias, ActivationFunction activation,
                           bool flatten)
    : Layer(std::move(name)),
      units_(0),
      weight_(std::move(weight)),
      bias_(std::move(bias)),
      activation_(activation),
      flatten_(flatten) {
  activation_.check(this->name());
  if (weight_ == nullptr) {
    refuse<ArgumentError>({"a weight for '", this->name(), "'"}, {"null"}, {"pass a parameter"});
  }
  units_ = units_of(*weight_);
  if (bias_ == nullptr) return;
  const Shape expected{units_};
  if (const auto shape = bias_->shape(); shape && !shape->is_compatible(expected)) {
    refuse<ShapeError>({"a bias of shape ", expected, " beside Parameter '", weight_->name(),
                        "' of shape ", *weight_->shape()},
                       {"Parameter '", bias_->name(), "' of shape ", shape},
                       {"pass a bias as long as the weight's first axis, or none"});
  }
  bias_->set_shape(expected);
}

[[gnu::cold]] void Dense::throw_width(const Shape& input) const {
  const std::string width = std::to_string((*weight_->shape())[1]);
  const std::string given = std::to_string(extent_of(input, flatten_).width);
  if (flatten_ && input.rank() == 1 && input[0] == (*weight_->shape())[1]) {
    refuse<InputError>({"input of shape (batch, ", width, ") for '", name(), "'"}, {input},
                       {"one sample has the shape (1, ", width, "): reshape it"});
  }
  refuse<InputError>(
      {"input of shape ", (flatten_ ? "(batch, " : "(..., "), width, ") for '", name(), "'"},
      {input},
      {"pass ", width, " features, or make a new layer for ", given, " (its weight ",
       weight_->name(), " is ", *weight_->shape(), ")"});
}

[[gnu::cold]] void Dense::throw_dtype(const Tensor& input) const {
  const std::string own = to_string(weight_->dtype());
  if (bias_ != nullptr && bias_->dtype() != weight_->dtype()) {
    refuse<InputError>({"a bias of dtype ", own, " beside the weight of '", name(), "'"},
                       {"Parameter '", bias_->name(), "' of ", bias_->dtype()},
                       {"cast the whole layer, with cast('", own, "')"});
  }
  refuse<InputError>(
      {"input of dtype ", own, " for '", name(), "'"}, {"shape ", describe(input)},
      {"cast the input, with astype('", own, "'), or the layer, with cast('", input.dtype(), "')"});
}

void Dense::check_input(const Shape& input) const {
  if (input.rank() == 0) {
    refuse<InputError>({"input of shape (batch, features) for '", name(), "'"}, {"shape ()"},
                       {"pass an array of one axis or more"});
  }
  const std::int64_t width = extent_of(input, flatten_).width;
  if (width == 0) {
    refuse<InputError>({"at least one feature for '", name(), "'"}, {"shape ", input},
                       {"pass data that has features"});
  }
  const std::int64_t present = (*weight_->shape())[1];
  if (width != Shape::unknown && present != Shape::unknown && width != present) {
    throw_width(input);
  }
}

Shape Dense::infer_shape(const Shape& input) {
  check_input(input);
  const std::int64_t width = extent_of(input, flatten_).width;
  Shape output = output_shape(input, flatten_, units_);
  if ((*weight_->shape())[1] == Shape::unknown) weight_->set_shape({units_, width});
  return output;
}

bool Dense::is_ready() const {
  return weight_->is_initialized() && (bias_ == nullptr || bias_->is_initialized());
}

Tensor Dense::forward(const Tensor& input, const ForwardMode&, LayerRecord* record) {
  const ReadSection section;
  if (!is_ready()) {
    if (weight_->state() != Parameter::State::uninitialized && input.dtype() != weight_->dtype()) {
      throw_dtype(input);  // before the first values exist: a cast of the layer may follow
    }
    prepare(input.shape());
  }
  const Tensor& weight = weight_->values();
  const Tensor* bias = bias_ == nullptr ? nullptr : &bias_->values();
  if (input.dtype() != weight.dtype() || (bias != nullptr && bias->dtype() != weight.dtype())) {
    throw_dtype(input);
  }
  if (input.shape().rank() == 0) check_input(input.shape());
  const Extent extent = extent_of(input.shape(), flatten_);
  if (extent.width != weight.shape()[1]) throw_width(input.shape());

  const Shape shape = output_shape(input.shape(), flatten_, units_);
  Tensor output = Tensor::uninitialized(shape, weight.dtype());
  const void* biases = bias == nullptr ? nullptr : bias->raw();
  // Where the derivative needs what the activation was given, that is kept, and not overwritten.
  const bool keep = record != nullptr && derivative_needs_input(activation_);
  Tensor linear;
  if (keep) linear = Tensor::uninitialized(shape, weight.dtype());
  const Tensor& target = keep ? linear : output;
  const ActivationFunction fused = keep ? ActivationFunction() : activation_;
  // While recording, weights change from step to step, and packing them for one is done on the way.
  const WeightInUse used(*weight_, weight, record != nullptr);
  with_type(weight.dtype(),
            [&]<class T>(T) { run_forward<T>(input, used, biases, fused, target, extent); });
  if (keep) activate(activation_, linear, output);
  if (record != nullptr) {
    record->input = input;
    record->output = output;
    record->extra = std::move(linear);
    record->weight = weight_->snapshot();
  }
  return output;
}

Tensor Dense::backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                       const BackwardPass& pass) {
  check_record(*this, record, output_shape(record.input.shape(), flatten_, units_));
  return backward_between(output_grad, record, need_input_grad, pass, {});
}

Tensor Dense::backward_between(const Tensor& output_grad, const LayerRecord& record,
                               bool need_input_grad, const BackwardPass& pass,
                               const ChainNeighbours& neighbours) {
  const ReadSection section;
  check_output_grad(*this, output_grad, record.output);
  const Tensor& input = record.input;
  const Parameter::Arrays& arrays = weight_->arrays();
  const Tensor& weight = arrays.data;
  const Extent extent = extent_of(input.shape(), flatten_);
  if (weight.dtype() != input.dtype() || weight.shape()[1] != extent.width) {
    refuse<InputError>({"the weight of '", name(), "' as it was in the recorded forward, (", units_,
                        ", ", extent.width, "), ", input.dtype()},
                       {describe(weight)},
                       {"cast or initialize parameters before the forward or after backward"});
  }

  const Parameter::Arrays* const bias =
      bias_ == nullptr ? nullptr : &check_recorded(*this, *bias_, {units_}, input.dtype());

  Tensor activated;
  if (!neighbours.is_linear && activation_.kind != ActivationKind::identity) {
    activated = Tensor::uninitialized(output_grad.shape(), output_grad.dtype());
    activate_backward(activation_, record.extra, record.output, output_grad, activated);
  }
  const Tensor& linear_grad = activated.defined() ? activated : output_grad;
  with_type(weight.dtype(), [&]<class T>(T) {
    if (const auto target = weight_->grad_target(pass, arrays); target.grad != nullptr) {
      run_backward_weight<T>(linear_grad, input, target, extent);
    }
    if (bias == nullptr) return;
    if (const auto target = bias_->grad_target(pass, *bias); target.grad != nullptr) {
      kernels::table<T>().column_sums(linear_grad.data<T>(), extent.rows, units_,
                                      target.grad->data<T>(), target.accumulate);
    }
  });
  if (!need_input_grad) return {};
  if (!weight_->matches(record.weight)) {
    refuse<InputError>({"the weight of '", name(), "' as it was in the recorded forward"},
                       {"that Parameter '", weight_->name(), "' has been written since"},
                       {"call backward before set_data, an optimizer's step, or a write through an "
                        "array of the values"});
  }
  Tensor input_grad = Tensor::uninitialized(input.shape(), input.dtype());
  with_type(weight.dtype(), [&]<class T>(T) {
    run_backward_input<T>(linear_grad, weight, input_grad, extent, neighbours);
  });
  return input_grad;
}

ChainStep Dense::chain_step() const {
  return {.kind = ChainStep::Kind::product,
          .declared_by = &typeid(Dense),
          .weight = weight_.get(),
          .packed = &weight_->parts().packed,
          .bias = bias_.get(),
          .units = units_,
          .code = static_cast<kernels::ActivationCode>(activation_.kind),
          .alpha = activation_.alpha};
}

void Dense::visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const {
  visit(prefix + "weight", weight_);
  if (bias_ != nullptr) visit(prefix + "bias", bias_);
}

}  // namespace glueball
