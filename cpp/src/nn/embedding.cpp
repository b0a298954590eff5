#include "glueball/embedding.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/read_section.h"
#include "core/refuse.h"
#include "core/with_type.h"
#include "nn/layer_support.h"

namespace glueball {
namespace {

/// Checks every index before any row is touched.
template <class Index>
void check_indices(const Layer& layer, const Tensor& indices, std::int64_t rows) {
  const Index* const all = indices.data<Index>();
  for (std::int64_t i = 0; i < indices.size(); ++i) {
    const Index index = all[i];
    if (index != std::floor(index) || !std::isfinite(index)) {
      refuse<DtypeError>({"integers in the input of '", layer.name(), "'"},
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
void scatter(const Tensor& indices, const Tensor& head, const GradTarget& target) {
  if (!target.accumulate) target.grad->fill(0.0);
  const std::int64_t width = target.grad->shape()[1];
  for (std::int64_t i = 0; i < indices.size(); ++i) {
    const auto row = static_cast<std::int64_t>(indices.data<Index>()[i]);
    T* const sum = target.grad->data<T>() + row * width;
    const T* const term = head.data<T>() + i * width;
    for (std::int64_t j = 0; j < width; ++j) sum[j] += term[j];
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
  weight_ = own_parameter(*this, "weight", {input_dim, output_dim}, settings.dtype,
                          std::move(settings.weight_initializer));
}

Embedding::Embedding(std::string name, std::int64_t input_dim, std::int64_t output_dim)
    : Embedding(std::move(name), input_dim, output_dim, Settings{}) {}

Embedding::Embedding(std::string name, std::shared_ptr<Parameter> weight)
    : Layer(std::move(name)), weight_(std::move(weight)) {
  if (weight_ == nullptr) {
    refuse<ArgumentError>({"a weight for '", this->name(), "'"}, {"null"}, {"pass a parameter"});
  }
  const std::optional<Shape> shape = weight_->shape();
  if (shape && shape->rank() == 2 && shape->is_known()) return;
  refuse<ShapeError>({"a weight of shape (input_dim, output_dim) for '", this->name(), "'"},
                     {"Parameter '", weight_->name(), "' of shape ", shape},
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
  const ReadSection section;
  check_defined(*this, input);
  if (!weight_->is_initialized()) prepare(input.shape());
  const Tensor& weight = weight_->values();
  const Tensor output = with_type(input.dtype(), [&]<class Index>(Index) {
    check_indices<Index>(*this, input, weight.shape()[0]);
    Tensor rows = Tensor::uninitialized(infer_shape(input.shape()), weight.dtype());
    gather<Index>(weight, input, rows);
    return rows;
  });
  if (record != nullptr) {
    record->input = input;
    record->output = output;
  }
  return output;
}

Tensor Embedding::backward(const Tensor& output_grad, const LayerRecord& record,
                           bool need_input_grad, const BackwardPass& pass) {
  const ReadSection section;
  check_output_grad(*this, output_grad, record.output);
  const Tensor& indices = record.input;
  const auto& arrays = check_recorded(*this, *weight_, *weight_->shape(), record.output.dtype());
  check_record(*this, record, infer_shape(indices.shape()));
  // Again: the caller's memory may hold other numbers by now.
  with_type(indices.dtype(), [&]<class Index>(Index) {
    check_indices<Index>(*this, indices, arrays.data.shape()[0]);
    const auto target = weight_->grad_target(pass, arrays);
    if (target.grad == nullptr) return;
    with_type(output_grad.dtype(),
              [&]<class T>(T) { scatter<Index, T>(indices, output_grad, target); });
  });
  return need_input_grad ? Tensor(indices.shape(), indices.dtype()) : Tensor();
}

void Embedding::visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const {
  visit(prefix + "weight", weight_);
}

}  // namespace glueball
