#include "glueball/optimizer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
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
  parameter->grad_target(BackwardPass()).grad->copy_from(gradient);
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
          const Optimizer::State kept = sgd.state(*parameter);
          CHECK(kept.count == 6);
          REQUIRE(kept.arrays.size() == (momentum != 0.0 ? 1u : 0u));
          if (momentum != 0.0) {
            CHECK(test::relative_error(kept.arrays[0].cast(Dtype::float64), state) <
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
    parameter->grad_target(BackwardPass()).grad->fill(1.0);
    return parameter;
  };
  auto first = place(0.0);
  sgd.update({first});
  CHECK(sgd.state(*first).arrays[0].data<double>()[0] == doctest::Approx(-0.1));
  first.reset();

  const auto second = place(0.0);

  CHECK(sgd.state(*second).arrays.empty());
  sgd.update({second});
  CHECK(second->data().data<double>()[0] == doctest::Approx(-0.1));
}

TEST_CASE("momentum follows a cast of its parameter") {
  SGD sgd({0.1, 0.0, 1.0, 0.0}, 0.9);
  const auto parameter = parameter_with(random_tensor({4}, 1, -1.0, 1.0, Dtype::float32),
                                        random_tensor({4}, 2, -1.0, 1.0, Dtype::float32));
  sgd.update({parameter});
  const Tensor before = sgd.state(*parameter).arrays[0].cast(Dtype::float64).clone();
  parameter->cast(Dtype::float64);
  parameter->grad_target(BackwardPass()).grad->fill(0.0);

  sgd.update({parameter});

  const Tensor after = sgd.state(*parameter).arrays[0];
  CHECK(after.dtype() == Dtype::float64);
  for (int i = 0; i < 4; ++i) {
    CHECK(after.data<double>()[i] == doctest::Approx(0.9 * before.data<double>()[i]));
  }
}

TEST_CASE("saved momentum can be set, if it fits") {
  SGD sgd({0.1, 0.0, 1.0, 0.0}, 0.5);
  const auto parameter = parameter_with(Tensor({2}, Dtype::float64), Tensor({2}, Dtype::float64));
  Tensor momentum({2}, Dtype::float32);
  momentum.fill(4.0);

  sgd.set_state(*parameter, {7, 1.0, {momentum}});
  sgd.update({parameter});

  CHECK(parameter->data().data<double>()[0] == 2.0);
  CHECK(sgd.state(*parameter).count == 8);
  CHECK(momentum.data<float>()[0] == 4.0f);
  CHECK_THROWS_WITH_AS(sgd.set_state(*parameter, {1, 1.0, {Tensor({3})}}),
                       "expected a state of the shape of Parameter 'w', (2,), found (3,); load "
                       "the states that were saved with this net",
                       ShapeError);
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(sgd.set_state(*parameter, {-1, 1.0, {}}), ArgumentError);
  CHECK_THROWS_AS(sgd.set_state(*parameter, {(std::int64_t{1} << 53) + 1, 1.0, {}}), ArgumentError);
  CHECK_THROWS_AS(sgd.set_state(*parameter, {1, infinite, {}}), ArgumentError);
  CHECK(sgd.state(*parameter).count == 8);
}

TEST_CASE("an impossible hyperparameter is refused, and nothing changes") {
  CHECK_THROWS_WITH_AS(SGD({}, -0.5),
                       "expected a momentum of 0 or more, found -0.5; the default is 0",
                       ArgumentError);
  CHECK_THROWS_AS(SGD({}, std::nan("")), ArgumentError);
  Optimizer adam("adam");
  CHECK_THROWS_WITH_AS(adam.set_hyperparameter("beta1", 1.0),
                       "expected a beta1 of 0 or more and below 1, found 1; the default is 0.9",
                       ArgumentError);
  CHECK(adam.hyperparameter("beta1") == 0.9);
  CHECK_THROWS_WITH_AS(adam.hyperparameter("beta3"),
                       "expected a hyperparameter of the rule 'adam' (beta1, beta2, epsilon), "
                       "found 'beta3'; correct the name",
                       ArgumentError);
  CHECK_THROWS_WITH_AS(Optimizer("sdg"), doctest::Contains("found 'sdg'; correct the name"),
                       ArgumentError);
}

TEST_CASE("Adam follows its formula with the weight decay inside the clipped gradient") {
  const Optimizer::Settings settings{0.1, 0.05, 0.5, 0.3};
  Optimizer adam("adam", settings, {{"beta1", 0.8}, {"beta2", 0.95}, {"epsilon", 1e-6}});
  const auto parameter = parameter_with(random_tensor({37}, 1, -1.0, 1.0, Dtype::float64),
                                        random_tensor({37}, 2, -1.0, 1.0, Dtype::float64));
  const Tensor wanted = parameter->data().clone();
  std::vector<double> m(37);
  std::vector<double> v(37);

  for (int t = 1; t <= 20; ++t) {
    adam.update({parameter});
    for (std::size_t i = 0; i < 37; ++i) {
      double& w = wanted.data<double>()[i];
      const double g = std::clamp(0.5 * parameter->grad().data<double>()[i] + 0.05 * w, -0.3, 0.3);
      m[i] = 0.8 * m[i] + 0.2 * g;
      v[i] = 0.95 * v[i] + 0.05 * g * g;
      const double step = 0.1 * std::sqrt(1 - std::pow(0.95, t)) / (1 - std::pow(0.8, t));
      w -= step * m[i] / (std::sqrt(v[i]) + 1e-6);
    }
  }

  CHECK(test::relative_error(parameter->data(), wanted) < 1e-12);
  CHECK(adam.state(*parameter).count == 20);
}

TEST_CASE("every rule moves weights against a gradient that stays, and leaves others finite") {
  for (const std::string& rule : Optimizer::rules()) {
    for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
      CAPTURE(rule);
      Tensor gradient({9}, dtype);
      Tensor weight({9}, dtype);
      weight.fill(1.0);
      for (int i = 0; i < 8; ++i) {
        if (dtype == Dtype::float32) {
          gradient.data<float>()[i] = 2.0f;
        } else {
          gradient.data<double>()[i] = 2.0;
        }
      }
      const auto parameter = parameter_with(weight, gradient);
      Optimizer optimizer(rule, {0.05, 0.0, 1.0, 0.0});

      for (int step = 0; step < 5; ++step) optimizer.update({parameter});

      const Tensor after = parameter->data().cast(Dtype::float64);
      for (int i = 0; i < 8; ++i) CHECK(after.data<double>()[i] < 1.0);
      CHECK(std::isfinite(after.data<double>()[8]));
    }
  }
}

TEST_CASE("a learning rate of zero leaves weights alone, whatever the rule") {
  for (const std::string& rule : Optimizer::rules()) {
    if (rule == "adadelta") continue;  // has no learning rate
    CAPTURE(rule);
    const auto parameter = parameter_with(random_tensor({5}, 1), random_tensor({5}, 2));
    const Tensor before = parameter->data().clone();
    Optimizer optimizer(rule, {0.0, 0.1, 1.0, 0.0});

    for (int step = 0; step < 3; ++step) optimizer.update({parameter});

    CHECK(test::relative_error(parameter->data(), before) == 0.0);
  }
}

TEST_CASE("counts are each parameter's own, and start where they are told") {
  const auto early = parameter_with(random_tensor({4}, 1), random_tensor({4}, 2));
  const auto late = parameter_with(random_tensor({4}, 1), random_tensor({4}, 2));
  Optimizer adam("adam");
  adam.set_first_count(10);
  CHECK(adam.next_count({early, late}) == 11);
  adam.update({early});
  adam.update({early});
  CHECK(adam.next_count({early, late}) == 13);
  CHECK(adam.next_count({early}, true) == 0);

  CHECK(adam.update({early, late}) == 13);

  CHECK(adam.state(*early).count == 13);
  CHECK(adam.state(*late).count == 11);
}

TEST_CASE("a single array can be updated with a state of your own") {
  const auto parameter = parameter_with(random_tensor({12}, 1, -1.0, 1.0, Dtype::float64),
                                        random_tensor({12}, 2, -1.0, 1.0, Dtype::float64));
  for (const std::string& rule : Optimizer::rules()) {
    CAPTURE(rule);
    Optimizer optimizer(rule, {0.1, 0.01, 0.5, 0.4});
    const Tensor weight = parameter->data().clone();
    Optimizer::State state;
    state.arrays = optimizer.first_arrays(weight);

    for (int step = 0; step < 3; ++step) {
      optimizer.update_array(weight, parameter->grad(), state, 0.1, 0.01);
      optimizer.update({parameter});
    }

    CHECK(test::relative_error(weight, parameter->data()) == 0.0);
  }
  Optimizer sgd("sgd");
  Optimizer::State state;
  CHECK_THROWS_WITH_AS(sgd.update_array(Tensor({2}), Tensor({3}), state, 0.1, 0.0),
                       "expected a gradient of the weight's shape, (2,), found (3,); pass arrays "
                       "of one shape",
                       ShapeError);
}

TEST_CASE_TEMPLATE("what decays ends at zero, on every thread", T, float, double) {
  const int threads = num_threads();
  set_num_threads(3);
  for (const std::int64_t size : {5, 400'000}) {
    CAPTURE(size);
    const Tensor zeros({size}, dtype_of<T>);
    const auto parameter = parameter_with(zeros, zeros);
    SGD sgd(Optimizer::Settings(), 0.5);
    Tensor momentum({size}, dtype_of<T>);
    momentum.fill(4.0 * static_cast<double>(std::numeric_limits<T>::min()));
    sgd.set_state(*parameter, {1, 1.0, {momentum}});

    for (int i = 0; i < 4; ++i) sgd.update({parameter});

    const Tensor left = sgd.state(*parameter).arrays[0];
    CHECK(std::all_of(left.data<T>(), left.data<T>() + size, [](T value) { return value == 0; }));
  }
  set_num_threads(threads);
}

TEST_CASE("an update leaves its caller's arithmetic as it was") {
  volatile float smallest = std::numeric_limits<float>::min();
  const auto parameter = parameter_with(random_tensor({5}, 1, -1.0, 1.0, Dtype::float32),
                                        random_tensor({5}, 2, -1.0, 1.0, Dtype::float32));
  SGD sgd(Optimizer::Settings{});

  sgd.update({parameter});
  CHECK(smallest * 0.5F != 0.0F);

  Optimizer::State state = sgd.state(*parameter);
  sgd.update_array(parameter->data(), parameter->grad(), state, 0.1, 0.0);
  CHECK(smallest * 0.5F != 0.0F);
}

TEST_CASE("threads do not change an update") {
  const int threads = num_threads();
  for (const std::string& rule : Optimizer::rules()) {
    CAPTURE(rule);
    std::vector<Tensor> results;
    for (const int count : {1, 3}) {
      set_num_threads(count);
      const auto parameter = parameter_with(random_tensor({200'000}, 1, -1.0, 1.0, Dtype::float32),
                                            random_tensor({200'000}, 2, -1.0, 1.0, Dtype::float32));
      Optimizer optimizer(rule, {0.1, 0.01, 0.5, 0.2});
      optimizer.update({parameter});
      results.push_back(parameter->data());
    }
    for (std::int64_t i = 0; i < 200'000; ++i) {
      REQUIRE(results[0].data<float>()[i] == results[1].data<float>()[i]);
    }
  }
  set_num_threads(threads);
}

TEST_CASE("a copy goes on from the same momentum, and the two do not move each other's") {
  const Tensor ones = Tensor({3}, Dtype::float64);
  ones.fill(1.0);
  const auto parameter = parameter_with(ones, ones);
  Optimizer::Settings settings;
  settings.learning_rate = 1.0;
  Optimizer first("sgd", settings, {{"momentum", 0.5}});
  first.update({parameter});  // momentum -1, values 0

  Optimizer copy = first;
  Optimizer assigned("adam");
  assigned = first;
  first.update({parameter});  // -1.5, -1.5
  CHECK(copy.state(*parameter).arrays[0].data<double>()[0] == -1.0);
  copy.update({parameter});  // -1.5 again, -3
  CHECK(parameter->values().data<double>()[0] == -3.0);
  Optimizer moved = std::move(assigned);
  moved.update({parameter});  // -1.5 again, -4.5
  CHECK(parameter->values().data<double>()[0] == -4.5);
  CHECK(first.state(*parameter).arrays[0].data<double>()[0] == -1.5);
  CHECK(moved.state(*parameter).count == 2);
}

TEST_CASE("parameters in another order keep their own momentum") {
  const Tensor ones = Tensor({2}, Dtype::float64);
  ones.fill(1.0);
  const Tensor twos = Tensor({2}, Dtype::float64);
  twos.fill(2.0);
  const auto a = parameter_with(ones, ones);
  const auto b = parameter_with(ones, twos);
  const auto late = parameter_with(ones, ones);
  Optimizer::Settings settings;
  settings.learning_rate = 1.0;
  Optimizer optimizer("sgd", settings, {{"momentum", 0.5}});
  optimizer.update({a, b});        // momenta -1, -2
  optimizer.update({late, b, a});  // -1, -3, -1.5
  Optimizer moved = std::move(optimizer);
  moved.update({b});  // -3.5

  CHECK(moved.state(*a).arrays[0].data<double>()[0] == -1.5);
  CHECK(moved.state(*b).arrays[0].data<double>()[0] == -3.5);
  CHECK(moved.state(*late).arrays[0].data<double>()[0] == -1.0);
  CHECK(moved.state(*b).count == 3);
}

TEST_CASE("null among the parameters is refused, and nothing changes") {
  const Tensor ones({1}, Dtype::float64);
  const auto parameter = parameter_with(ones, ones);
  Optimizer optimizer("sgd");
  CHECK_THROWS_WITH_AS(optimizer.update({parameter, nullptr}),
                       "expected parameters to update, found null among them; leave it out",
                       ArgumentError);
  CHECK_THROWS_AS(optimizer.next_count({nullptr}), ArgumentError);
  CHECK(optimizer.state(*parameter).count == 0);
}

}  // namespace
}  // namespace glueball
