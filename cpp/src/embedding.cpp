#include "glueball/embedding.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "glueball/error.h"
#include "layer_checks.h"
#include "refuse.h"
#include "text.h"

namespace glueball {
namespace {

/// Checks every index before any row is touched.
template <class Index>
void check_indices(const Layer& layer, const Tensor& indices, std::int64_t rows) {
  const Index* const all = indices.data<Index>();
  for (std::int64_t i = 0; i < indices.size(); ++i) {
    const Index index = all[i];
    if (index != std::floor(index) || !std::isfinite(index)) {
      refuse<DtypeError>({"whole numbers in the input of '", layer.name(), "'"},
                         {static_cast<double>(index), " at position ", i}, {"round them first"});
    }
    if (index < Index(0) || index >= static_cast<Index>(rows)) {
      refuse<IndexError>({"indices from 0 to ", rows - 1, " in the input of '", layer.name(), "'"},
                         {static_cast<double>(index), " at position ", i},
                         {"correct the data, or make input_dim larger"});
    }
  }
}

template <class Index>
void gather(const Tensor& weight, const Tensor& indices, const Tensor& out) {
  const std::size_t bytes = weight.bytes() / static_cast<std::size_t>(weight.shape()[0]);
  const auto* const from = static_cast<const unsigned char*>(weight.raw());
  auto* const to = static_cast<unsigned char*>(out.raw());
  for (std::int64_t i = 0; i < indices.size(); ++i) {
    const auto row = static_cast<std::size_t>(indices.data<Index>()[i]);
    std::copy_n(from + row * bytes, bytes, to + static_cast<std::size_t>(i) * bytes);
  }
}

template <class Index, class T>
void scatter(const Tensor& indices, const Tensor& head, const Parameter::GradTarget& target) {
  if (!target.accumulate) target.grad->fill(0.0);
  const std::int64_t width = target.grad->shape()[1];
  for (std::int64_t i = 0; i < indices.size(); ++i) {
    const auto row = static_cast<std::int64_t>(indices.data<Index>()[i]);
    T* const sum = target.grad->data<T>() + row * width;
    const T* const term = head.data<T>() + i * width;
    for (std::int64_t j = 0; j < width; ++j) sum[j] += term[j];
  }
}

template <class Index>
void scatter(const Tensor& indices, const Tensor& head, const Parameter::GradTarget& target) {
  if (head.dtype() == Dtype::float32) {
    scatter<Index, float>(indices, head, target);
  } else {
    scatter<Index, double>(indices, head, target);
  }
}

}  // namespace

Embedding::Embedding(std::string name, std::int64_t input_dim, std::int64_t output_dim,
                     Settings settings)
    : Layer(std::move(name)) {
  for (const std::int64_t length : {input_dim, output_dim}) {
    if (length >= 1) continue;
    refuse<ArgumentError>({"dimensions of 1 or more for '", this->name(), "'"},
                          {input_dim, " and ", output_dim},
                          {"give the number of vectors, and their length"});
  }
  Parameter::Settings weight;
  weight.dtype = settings.dtype;
  weight.init = std::move(settings.weight_initializer);
  weight.allow_deferred_init = true;
  weight_ = std::make_shared<Parameter>(this->name() + "_weight", Shape{input_dim, output_dim},
                                        std::move(weight));
}

Embedding::Embedding(std::string name, std::int64_t input_dim, std::int64_t output_dim)
    : Embedding(std::move(name), input_dim, output_dim, Settings{}) {}

Embedding::Embedding(std::string name, std::shared_ptr<Parameter> weight)
    : Layer(std::move(name)), weight_(std::move(weight)) {
  if (weight_ == nullptr) {
    refuse<ArgumentError>({"a weight for '", this->name(), "'"}, {"null"}, {"pass a parameter"});
  }
  const std::optional<Shape>& shape = weight_->shape();
  if (shape && shape->rank() == 2 && shape->is_known()) return;
  refuse<ShapeError>(
      {"a weight of shape (input_dim, output_dim) for '", this->name(), "'"},
      {"Parameter '", weight_->name(), "' of shape ", (shape ? to_string(*shape) : "None")},
      {"pass a parameter of two axes, both known"});
}

Shape Embedding::infer_shape(const Shape& input) {
  if (input.rank() == Shape::max_rank) {
    refuse<ShapeError>({"indices of at most ", Shape::max_rank - 1, " axes for '", name(), "'"},
                       {"the shape ", input}, {"reshape them"});
  }
  std::vector<std::int64_t> lengths(input.begin(), input.end());
  lengths.push_back((*weight_->shape())[1]);
  return Shape(lengths);
}

Tensor Embedding::forward(const Tensor& input, const ForwardMode&, LayerRecord* record) {
  check_defined(*this, input);
  if (!weight_->is_initialized()) prepare(input.shape());
  const Tensor& weight = weight_->values();
  const bool single = input.dtype() == Dtype::float32;
  single ? check_indices<float>(*this, input, weight.shape()[0])
         : check_indices<double>(*this, input, weight.shape()[0]);
  Tensor output = Tensor::uninitialized(infer_shape(input.shape()), weight.dtype());
  single ? gather<float>(weight, input, output) : gather<double>(weight, input, output);
  if (record != nullptr) {
    record->input = input;
    record->output = output;
  }
  return output;
}

Tensor Embedding::backward(const Tensor& output_grad, const LayerRecord& record,
                           bool need_input_grad, const BackwardPass& pass) {
  check_output_grad(*this, output_grad, record.output);
  const Tensor& indices = record.input;
  check_recorded(*this, *weight_, *weight_->shape(), record.output.dtype());
  check_record(*this, record, infer_shape(indices.shape()));
  // Again: the caller's memory may hold other numbers by now.
  const bool single = indices.dtype() == Dtype::float32;
  single ? check_indices<float>(*this, indices, weight_->values().shape()[0])
         : check_indices<double>(*this, indices, weight_->values().shape()[0]);
  if (const auto target = weight_->grad_target(pass); target.grad != nullptr) {
    single ? scatter<float>(indices, output_grad, target)
           : scatter<double>(indices, output_grad, target);
  }
  return need_input_grad ? Tensor(indices.shape(), indices.dtype()) : Tensor();
}

void Embedding::visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const {
  visit(prefix + "weight", weight_);
}

}  // namespace glueball
