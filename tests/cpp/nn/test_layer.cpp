#include "glueball/layer.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "glueball/error.h"
#include "gradient_check.h"

namespace glueball {
namespace {

/// y = x * scale, written as a user of the library would: only what Layer leaves open.
class Scale : public Layer {
 public:
  explicit Scale(std::string name)
      : Layer(std::move(name)), scale_(std::make_shared<Parameter>("scale", shape(), settings())) {}

  Shape infer_shape(const Shape& input) override {
    scale_->set_shape({input[input.rank() - 1]});
    return input;
  }
  Tensor forward(const Tensor& input, const ForwardMode&, LayerRecord* record) override {
    prepare(input.shape());
    const Tensor& scale = scale_->data();
    Tensor output = input.clone();
    for (std::int64_t i = 0; i < output.size(); ++i) {
      output.data<double>()[i] *= scale.data<double>()[i % scale.size()];
    }
    if (record != nullptr) {
      record->input = input;
      record->output = output;
    }
    return output;
  }
  Tensor backward(const Tensor& output_grad, const LayerRecord& record, bool,
                  const BackwardPass& pass) override {
    const Tensor& scale = scale_->data();
    const auto target = scale_->grad_target(pass);
    if (!target.accumulate) target.grad->fill(0.0);
    Tensor input_grad = output_grad.clone();
    for (std::int64_t i = 0; i < output_grad.size(); ++i) {
      const std::int64_t k = i % scale.size();
      target.grad->data<double>()[k] +=
          output_grad.data<double>()[i] * record.input.data<double>()[i];
      input_grad.data<double>()[i] *= scale.data<double>()[k];
    }
    return input_grad;
  }
  void visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const override {
    visit(prefix + "scale", scale_);
  }

 private:
  static Shape shape() { return {Shape::unknown}; }
  static Parameter::Settings settings() {
    Parameter::Settings settings;
    settings.dtype = Dtype::float64;
    settings.allow_deferred_init = true;
    settings.init = std::make_shared<One>();
    return settings;
  }

  std::shared_ptr<Parameter> scale_;
};

TEST_CASE("a layer of your own is prepared by the base class, when the shape is known") {
  Scale layer("scale0");
  test::parameters_of(layer)[0].second->initialize(nullptr, nullptr, Generator(1));
  CHECK_FALSE(layer.is_ready());

  layer.prepare({2, 3});

  CHECK(layer.is_ready());
  CHECK(layer.name() == "scale0");
  test::check_gradients(layer, test::random_tensor({2, 3}, 1));
}

TEST_CASE("preparing a layer that nobody initialized says so") {
  Scale layer("scale0");

  CHECK_THROWS_AS(layer.prepare({2, 3}), UninitializedError);
  CHECK_FALSE(layer.is_ready());
}

}  // namespace
}  // namespace glueball
