#include "glueball/optimizer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "glueball/error.h"
#include "glueball/parallel.h"
#include "gradient_check.h"

namespace glueball {
namespace {

using test::random_tensor;

std::shared_ptr<Parameter> parameter_with(const Tensor& values, const Tensor& gradient) {
  Parameter::Settings settings;
  settings.dtype = values.dtype();
  auto parameter = std::make_shared<Parameter>("w", values.shape(), settings);
  parameter->set_data(values, true);
  parameter->grad_target(BackwardPass()).grad.copy_from(gradient);
  return parameter;
}

/// The documented rule, one number at a time.
struct Reference {
  Optimizer::Settings settings;
  double momentum;

  void step(double& weight, double& state, double gradient) const {
    double g = settings.rescale_grad * gradient;
    if (settings.clip_gradient > 0.0) {
      g = std::clamp(g, -settings.clip_gradient, settings.clip_gradient);
    }
    g += settings.weight_decay * weight;
    if (momentum == 0.0) {
      weight -= settings.learning_rate * g;
    } else {
      state = momentum * state - settings.learning_rate * g;
      weight += state;
    }
  }
};

TEST_CASE("SGD follows its formula over several steps, with every setting on and off") {
  for (const double momentum : {0.0, 0.9}) {
    for (const double weight_decay : {0.0, 0.05}) {
      for (const double clip : {0.0, 0.3}) {
        for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
          CAPTURE(momentum);
          CAPTURE(weight_decay);
          CAPTURE(clip);
          const Optimizer::Settings settings{0.1, weight_decay, 0.5, clip};
          SGD sgd(settings, momentum);
          const auto parameter = parameter_with(random_tensor({37}, 1, -1.0, 1.0, dtype),
                                                random_tensor({37}, 2, -1.0, 1.0, dtype));
          const Reference reference{settings, momentum};
          const Tensor weight = parameter->data().cast(Dtype::float64).clone();
          const Tensor gradient = parameter->grad().cast(Dtype::float64);
          const Tensor state({37}, Dtype::float64);

          for (int step = 0; step < 6; ++step) {
            sgd.update({parameter});
            for (int i = 0; i < 37; ++i) {
              reference.step(weight.data<double>()[i], state.data<double>()[i],
                             gradient.data<double>()[i]);
            }
          }

          const double tolerance = dtype == Dtype::float32 ? 1e-6 : 1e-14;
          CHECK(test::relative_error(parameter->data().cast(Dtype::float64), weight) < tolerance);
          CHECK(sgd.state(*parameter).defined() == (momentum != 0.0));
          if (momentum != 0.0) {
            CHECK(test::relative_error(sgd.state(*parameter).cast(Dtype::float64), state) <
                  10.0 * tolerance);
          }
        }
      }
    }
  }
}

TEST_CASE("lr_mult and wd_mult multiply the rates of their parameter") {
  const Tensor ones = [] {
    Tensor t({3}, Dtype::float64);
    t.fill(1.0);
    return t;
  }();
  const auto plain = parameter_with(ones, ones);
  const auto multiplied = parameter_with(ones, ones);
  multiplied->set_lr_mult(0.5);
  multiplied->set_wd_mult(0.0);
  SGD sgd({0.1, 1.0, 1.0, 0.0});

  sgd.update({plain, multiplied});

  CHECK(plain->data().data<double>()[0] == doctest::Approx(1.0 - 0.1 * (1.0 + 1.0)));
  CHECK(multiplied->data().data<double>()[0] == doctest::Approx(1.0 - 0.05 * 1.0));
}

TEST_CASE("a clipped NaN stays NaN") {
  Tensor gradient({2}, Dtype::float64);
  gradient.data<double>()[0] = std::nan("");
  const auto parameter = parameter_with(Tensor({2}, Dtype::float64), gradient);
  SGD sgd({0.1, 0.0, 1.0, 0.5});

  sgd.update({parameter});

  CHECK(std::isnan(parameter->data().data<double>()[0]));
  CHECK(parameter->data().data<double>()[1] == 0.0);
}

TEST_CASE("a parameter without gradient is left alone") {
  const auto parameter = parameter_with(random_tensor({4}, 1), random_tensor({4}, 2));
  parameter->set_grad_req(GradReq::null);
  const Tensor before = parameter->data().clone();
  const auto waiting = std::make_shared<Parameter>("frozen", Shape{2});
  waiting->set_grad_req(GradReq::null);

  SGD({0.1, 1.0, 1.0, 0.0}, 0.9).update({parameter, waiting});

  CHECK(test::relative_error(parameter->data(), before) == 0.0);
}

TEST_CASE("gradients are stale after an update, and skipped if asked") {
  const auto parameter = parameter_with(random_tensor({4}, 1), random_tensor({4}, 2));
  SGD sgd({0.1, 0.0, 1.0, 0.0});
  CHECK(parameter->grad_is_fresh());
  sgd.update({parameter}, true);
  CHECK_FALSE(parameter->grad_is_fresh());
  const Tensor once = parameter->data().clone();

  sgd.update({parameter}, true);
  CHECK(test::relative_error(parameter->data(), once) == 0.0);
  sgd.update({parameter});
  CHECK(test::relative_error(parameter->data(), once) > 0.0);
}

TEST_CASE("one parameter that is not initialized stops the update before it starts") {
  const auto ready = parameter_with(random_tensor({4}, 1), random_tensor({4}, 2));
  const auto missing = std::make_shared<Parameter>("late_weight", Shape{2});
  const Tensor before = ready->data().clone();
  SGD sgd({0.1, 0.0, 1.0, 0.0});

  CHECK_THROWS_WITH_AS(sgd.update({ready, missing}),
                       doctest::Contains("Parameter 'late_weight' has not been initialized"),
                       UninitializedError);
  CHECK(test::relative_error(ready->data(), before) == 0.0);
  CHECK(ready->grad_is_fresh());
}

TEST_CASE("momentum belongs to the parameter, not to its address") {
  SGD sgd({0.1, 0.0, 1.0, 0.0}, 0.9);
  alignas(Parameter) unsigned char memory[sizeof(Parameter)];
  const auto place = [&](double value) {
    Parameter::Settings settings;
    settings.dtype = Dtype::float64;
    auto* raw = new (memory) Parameter("w", Shape{2}, settings);
    std::shared_ptr<Parameter> parameter(raw, [](Parameter* p) { p->~Parameter(); });
    Tensor data({2}, Dtype::float64);
    data.fill(value);
    parameter->set_data(data, true);
    parameter->grad_target(BackwardPass()).grad.fill(1.0);
    return parameter;
  };
  auto first = place(0.0);
  sgd.update({first});
  CHECK(sgd.state(*first).data<double>()[0] == doctest::Approx(-0.1));
  first.reset();

  const auto second = place(0.0);

  CHECK_FALSE(sgd.state(*second).defined());
  sgd.update({second});
  CHECK(second->data().data<double>()[0] == doctest::Approx(-0.1));
}

TEST_CASE("momentum follows a cast of its parameter") {
  SGD sgd({0.1, 0.0, 1.0, 0.0}, 0.9);
  const auto parameter = parameter_with(random_tensor({4}, 1, -1.0, 1.0, Dtype::float32),
                                        random_tensor({4}, 2, -1.0, 1.0, Dtype::float32));
  sgd.update({parameter});
  const Tensor before = sgd.state(*parameter).cast(Dtype::float64).clone();
  parameter->cast(Dtype::float64);
  parameter->grad_target(BackwardPass()).grad.fill(0.0);

  sgd.update({parameter});

  CHECK(sgd.state(*parameter).dtype() == Dtype::float64);
  for (int i = 0; i < 4; ++i) {
    CHECK(sgd.state(*parameter).data<double>()[i] ==
          doctest::Approx(0.9 * before.data<double>()[i]));
  }
}

TEST_CASE("saved momentum can be set, if it fits") {
  SGD sgd({0.1, 0.0, 1.0, 0.0}, 0.5);
  const auto parameter = parameter_with(Tensor({2}, Dtype::float64), Tensor({2}, Dtype::float64));
  Tensor momentum({2}, Dtype::float32);
  momentum.fill(4.0);

  sgd.set_state(*parameter, momentum);
  sgd.update({parameter});

  CHECK(parameter->data().data<double>()[0] == 2.0);
  CHECK_THROWS_WITH_AS(sgd.set_state(*parameter, Tensor({3})),
                       "expected a momentum of the shape of Parameter 'w', (2,), found (3,); load "
                       "the states that were saved with this net",
                       ShapeError);
}

TEST_CASE("an impossible momentum is refused") {
  CHECK_THROWS_WITH_AS(SGD({}, -0.5),
                       "expected a momentum of 0 or more, found -0.500000; 0 is plain gradient "
                       "descent, 0.9 is usual",
                       ArgumentError);
  CHECK_THROWS_AS(SGD({}, std::nan("")), ArgumentError);
}

TEST_CASE("threads do not change an update") {
  const int threads = num_threads();
  std::vector<Tensor> results;
  for (const int count : {1, 3}) {
    set_num_threads(count);
    const auto parameter = parameter_with(random_tensor({200'000}, 1, -1.0, 1.0, Dtype::float32),
                                          random_tensor({200'000}, 2, -1.0, 1.0, Dtype::float32));
    SGD sgd({0.1, 0.01, 0.5, 0.2}, 0.9);
    sgd.update({parameter});
    results.push_back(parameter->data());
  }
  set_num_threads(threads);

  for (std::int64_t i = 0; i < 200'000; ++i) {
    REQUIRE(results[0].data<float>()[i] == results[1].data<float>()[i]);
  }
}

}  // namespace
}  // namespace glueball
