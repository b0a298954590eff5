#include "glueball/dense.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "glueball/error.h"
#include "glueball/parallel.h"
#include "gradient_check.h"
#include "nn/parameter.h"

namespace glueball {
namespace {

using test::random_tensor;

Dense::Settings in_float64(ActivationFunction activation = {}, bool use_bias = true,
                           bool flatten = true) {
  Dense::Settings settings;
  settings.activation = activation;
  settings.use_bias = use_bias;
  settings.flatten = flatten;
  settings.dtype = Dtype::float64;
  return settings;
}

/// An initializer that notes whom it filled.
class Noting : public Initializer {
 public:
  explicit Noting(std::vector<std::string>& names) : names_(names) {}
  void init_weight(const InitDesc& desc, const Tensor& out, Generator&) const override {
    names_.push_back(desc.name);
    out.fill(0.5);
  }

 private:
  std::vector<std::string>& names_;
};

/// Fails until told otherwise.
class Failing : public Initializer {
 public:
  void init_weight(const InitDesc&, const Tensor& out, Generator&) const override {
    if (fails) throw std::runtime_error("not today");
    out.fill(2.0);
  }
  mutable bool fails = true;
};

TEST_CASE("gradients agree with central differences, for all activations, with and without bias") {
  for (const std::string& name : activation_names()) {
    for (const bool use_bias : {true, false}) {
      for (const bool flatten : {true, false}) {
        CAPTURE(name);
        CAPTURE(use_bias);
        CAPTURE(flatten);
        Dense layer("dense0", 5, in_float64(ActivationFunction(name), use_bias, flatten));
        layer.infer_shape({3, 2, 4});
        test::initialize_all(layer);
        test::check_gradients(layer, random_tensor({3, 2, 4}, 21));
      }
    }
  }
}

TEST_CASE("gradients are right for batches of one, of many and for single features and units") {
  for (const Shape& shape : {Shape{1, 9}, Shape{40, 6}, Shape{3, 1}, Shape{7}}) {
    for (const std::int64_t units : {1, 4}) {
      Dense layer("dense0", units, in_float64(ActivationKind::tanh));
      layer.infer_shape(shape);
      test::initialize_all(layer);
      test::check_gradients(layer, random_tensor(shape, 22));
    }
  }
}

TEST_CASE("flatten takes all axes but the first as features; without it the last axis") {
  Dense flat("dense0", 5, in_float64());
  Dense last("dense1", 5, in_float64({}, true, false));

  CHECK(flat.infer_shape({2, 3, 4}) == Shape{2, 5});
  CHECK(*flat.weight()->shape() == Shape{5, 12});
  CHECK(last.infer_shape({2, 3, 4}) == Shape{2, 3, 5});
  CHECK(*last.weight()->shape() == Shape{5, 4});
  test::initialize_all(last);
  CHECK(last.forward(random_tensor({4}, 1), {}, nullptr).shape() == Shape{5});
}

TEST_CASE("an input of one axis is a batch of single features when flattening") {
  Dense layer("dense0", 3, in_float64());
  layer.weight()->initialize(std::make_shared<One>(), nullptr, Generator(1));
  layer.bias()->initialize(nullptr, nullptr, Generator(1));

  const Tensor y = layer.forward(random_tensor({4}, 5), {}, nullptr);

  CHECK(y.shape() == Shape{4, 3});
  CHECK(*layer.weight()->shape() == Shape{3, 1});
}

TEST_CASE("a batch of nothing gives nothing, and zero gradients") {
  Dense layer("dense0", 3, in_float64(ActivationKind::relu));
  layer.infer_shape({Shape::unknown, 4});
  test::initialize_all(layer);
  layer.weight()->grad().fill(7.0);
  LayerRecord record;

  const Tensor y = layer.forward(Tensor({0, 4}, Dtype::float64), {}, &record);
  const Tensor dx = layer.backward(y.clone(), record, true, BackwardPass());

  CHECK(y.shape() == Shape{0, 3});
  CHECK(dx.shape() == Shape{0, 4});
  for (int i = 0; i < 12; ++i) CHECK(layer.weight()->grad().data<double>()[i] == 0.0);
}

TEST_CASE("grad_req add accumulates over passes, write overwrites, null computes nothing") {
  Dense layer("dense0", 3, in_float64());
  layer.infer_shape({2, 4});
  test::initialize_all(layer);
  const Tensor x = random_tensor({2, 4}, 5);
  const Tensor head = random_tensor({2, 3}, 6);
  const auto backward = [&] {
    LayerRecord record;
    layer.forward(x, {}, &record);
    layer.backward(head, record, false, BackwardPass());
  };
  backward();
  const Tensor once = layer.weight()->grad().clone();

  backward();
  CHECK(test::relative_error(layer.weight()->grad(), once) == 0.0);
  layer.weight()->set_grad_req(GradReq::add);
  backward();
  Tensor twice = once.clone();
  for (int i = 0; i < 12; ++i) twice.data<double>()[i] *= 2.0;
  CHECK(test::relative_error(layer.weight()->grad(), twice) < 1e-15);
  layer.weight()->set_grad_req(GradReq::null);
  backward();
  CHECK_FALSE(layer.weight()->has_grad());
  CHECK(layer.bias()->has_grad());
}

TEST_CASE("a weight that two layers share gets the sum of both gradients in one pass") {
  Parameter::Settings settings;
  settings.dtype = Dtype::float64;
  const auto weight = std::make_shared<Parameter>("shared_weight", Shape{4, 4}, settings);
  weight->initialize(std::make_shared<Uniform>(1.0), nullptr, Generator(3));
  Dense first("dense0", weight, nullptr, ActivationKind::tanh, true);
  Dense second("dense1", weight, nullptr, ActivationKind::sigmoid, true);
  const Tensor x = random_tensor({3, 4}, 8);
  LayerRecord one;
  LayerRecord two;
  const Tensor y = second.forward(first.forward(x, {}, &one), {}, &two);
  const Tensor head = random_tensor(y.shape(), 9);

  const BackwardPass pass;
  first.backward(second.backward(head, two, true, pass), one, false, pass);

  const auto value = [&] {
    return test::dot(head, second.forward(first.forward(x, {}, nullptr), {}, nullptr));
  };
  CHECK(test::relative_error(weight->grad(), test::numeric_gradient(value, weight->data())) < 1e-6);
}

TEST_CASE("a write is seen by the next forward, through whatever array it was made") {
  Dense layer("dense0", 40);
  layer.infer_shape({1, 30});
  test::initialize_all(layer);
  const Tensor x = random_tensor({1, 30}, 5, -1.0, 1.0, Dtype::float32);
  const auto expected = [&] {  // a layer that has packed nothing yet
    Dense fresh("fresh", 40);
    fresh.infer_shape({1, 30});
    fresh.weight()->set_data(layer.weight()->values(), true);
    fresh.bias()->set_data(layer.bias()->values(), true);
    return fresh.forward(x, {}, nullptr);
  };
  const auto check = [&] {
    const Tensor y = layer.forward(x, {}, nullptr);
    const Tensor wanted = expected();
    CHECK(std::memcmp(y.raw(), wanted.raw(), y.bytes()) == 0);
  };
  check();
  CHECK(layer.weight()->parts().packed.get() != nullptr);

  SUBCASE("one that is let go before the forward") {
    layer.weight()->data().fill(0.25);
    CHECK(layer.weight()->parts().packed.get() == nullptr);
    check();
    CHECK(layer.weight()->parts().packed.get() != nullptr);
  }
  SUBCASE("one that is held meanwhile") {
    const Tensor view = layer.weight()->data();
    for (const double value : {0.5, -0.5}) {
      view.fill(value);
      check();
      CHECK(layer.weight()->parts().packed.get() == nullptr);
    }
  }
  SUBCASE("one that changed nothing") {
    const auto* const before = layer.weight()->parts().packed.get();
    layer.weight()->data();
    check();
    CHECK(layer.weight()->parts().packed.get() == before);
  }
  SUBCASE("set_data, a new initialization, and an optimizer's step") {
    layer.weight()->set_data(random_tensor({40, 30}, 6, -1.0, 1.0, Dtype::float32));
    check();
    layer.weight()->initialize(std::make_shared<Uniform>(1.0), nullptr, Generator(8), true);
    check();
    layer.weight()->values().fill(0.125);
    layer.weight()->mark_stale();
    check();
  }
}

TEST_CASE("any number of threads gives the same bits") {
  const int threads = num_threads();
  for (const Shape& shape : {Shape{300, 120}, Shape{20, 400}, Shape{70, 900}}) {
    Dense::Settings settings;
    settings.activation = ActivationKind::gelu;
    Dense layer("dense0", 500, settings);
    layer.infer_shape(shape);
    test::initialize_all(layer);
    const Tensor x = random_tensor(shape, 31, -1.0, 1.0, Dtype::float32);
    const Tensor head = random_tensor({shape[0], 500}, 32, -1.0, 1.0, Dtype::float32);
    std::vector<std::vector<Tensor>> results;
    for (const int count : {1, 2, 5}) {
      set_num_threads(count);
      LayerRecord record;
      const Tensor y = layer.forward(x, {}, &record);
      const Tensor dx = layer.backward(head, record, true, BackwardPass());
      results.push_back({y, dx, layer.weight()->grad().clone(), layer.bias()->grad().clone()});
    }
    set_num_threads(threads);
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::int64_t k = 0; k < results[0][i].size(); ++k) {
        REQUIRE(results[0][i].data<float>()[k] == results[1][i].data<float>()[k]);
        REQUIRE(results[0][i].data<float>()[k] == results[2][i].data<float>()[k]);
      }
    }
  }
}

TEST_CASE("many threads may run one layer at once, also when its first values wait") {
  Dense layer("dense0", 32, in_float64(ActivationKind::tanh));
  for (const auto& parameter : {layer.weight(), layer.bias()}) {
    parameter->initialize(nullptr, std::make_shared<Uniform>(1.0), Generator(4));
  }
  const Tensor x = random_tensor({5, 16}, 6);
  std::vector<Tensor> results(8);

  std::vector<std::thread> threads;
  for (Tensor& result : results) {
    threads.emplace_back([&] {
      for (int repeat = 0; repeat < 50; ++repeat) result = layer.forward(x, {}, nullptr);
    });
  }
  for (std::thread& thread : threads) thread.join();

  const Tensor expected = layer.forward(x, {}, nullptr);
  for (const Tensor& result : results) CHECK(test::relative_error(result, expected) == 0.0);
}

TEST_CASE("parameters are named after the layer, and shaped as far as is known") {
  const Dense layer("dense7", 4);

  CHECK(layer.weight()->name() == "dense7_weight");
  CHECK(layer.bias()->name() == "dense7_bias");
  CHECK(*layer.weight()->shape() == Shape{4, Shape::unknown});
  CHECK(*layer.bias()->shape() == Shape{4});
  CHECK(Dense("dense8", 4, in_float64({}, false)).bias() == nullptr);
}

TEST_CASE("the first forward initializes the weight, then the bias, once") {
  std::vector<std::string> filled;
  const auto init = std::make_shared<Noting>(filled);
  Dense::Settings settings;
  settings.weight_initializer = init;
  settings.bias_initializer = init;
  Dense layer("dense0", 2, settings);
  layer.weight()->initialize(nullptr, nullptr, Generator(1));
  CHECK(filled.empty());
  layer.bias()->initialize(nullptr, nullptr, Generator(1));
  CHECK(filled == std::vector<std::string>{"dense0_bias"});

  layer.forward(Tensor({1, 3}), {}, nullptr);
  layer.forward(Tensor({5, 3}), {}, nullptr);

  CHECK(filled == std::vector<std::string>{"dense0_bias", "dense0_weight"});
}

TEST_CASE("an initializer that throws leaves the layer deferred, and the next try works") {
  const auto init = std::make_shared<Failing>();
  Dense::Settings settings;
  settings.weight_initializer = init;
  Dense layer("dense0", 2, settings);
  layer.weight()->initialize(nullptr, nullptr, Generator(1));
  layer.bias()->initialize(nullptr, nullptr, Generator(1));
  CHECK_THROWS_WITH(layer.forward(Tensor({1, 3}), {}, nullptr), "not today");
  CHECK(layer.weight()->state() == Parameter::State::deferred);

  init->fails = false;
  layer.forward(Tensor({1, 3}), {}, nullptr);

  CHECK(layer.weight()->data().data<float>()[0] == 2.0F);
}

TEST_CASE("a layer that nobody initialized says so, weight first, and learns no shape") {
  Dense layer("dense0", 2);

  CHECK_THROWS_WITH_AS(
      layer.forward(Tensor({1, 3}), {}, nullptr),
      doctest::Contains("Parameter 'dense0_weight' has not been initialized. Note that"),
      UninitializedError);
  CHECK(*layer.weight()->shape() == Shape{2, Shape::unknown});
  layer.weight()->initialize(nullptr, nullptr, Generator(1));
  CHECK_THROWS_WITH_AS(layer.forward(Tensor({1, 3}), {}, nullptr),
                       doctest::Contains("Parameter 'dense0_bias' has not been initialized. Note"),
                       UninitializedError);
  CHECK(*layer.weight()->shape() == Shape{2, Shape::unknown});
}

TEST_CASE("an input of another width is refused by name, and the layer stays usable") {
  Dense layer("dense0", 256);
  layer.infer_shape({2, 20});
  test::initialize_all(layer);
  const char* text =
      "expected input of shape (batch, 20) for 'dense0', found (2, 30); pass 20 features, or make "
      "a new layer for 30 (its weight dense0_weight is (256, 20))";

  CHECK_THROWS_WITH_AS(layer.forward(Tensor({2, 30}), {}, nullptr), text, InputError);
  CHECK_THROWS_WITH_AS(layer.infer_shape({2, 30}), text, InputError);
  CHECK(layer.forward(Tensor({2, 20}), {}, nullptr).shape() == Shape{2, 256});
}

TEST_CASE("an input of another dtype is refused before the layer changes, with a way out") {
  Dense layer("dense0", 2);
  layer.weight()->initialize(nullptr, nullptr, Generator(1));
  layer.bias()->initialize(nullptr, nullptr, Generator(1));
  const Tensor x({1, 3}, Dtype::float64);
  const char* text =
      "expected input of dtype float32 for 'dense0', found shape (1, 3), float64; cast the input, "
      "with astype('float32'), or the layer, with cast('float64')";

  CHECK_THROWS_WITH_AS(layer.forward(x, {}, nullptr), text, InputError);
  CHECK_FALSE(layer.weight()->is_initialized());
  layer.forward(Tensor({1, 3}), {}, nullptr);
  CHECK_THROWS_WITH_AS(layer.forward(x, {}, nullptr), text, InputError);
  layer.weight()->cast(Dtype::float64);
  CHECK_THROWS_WITH_AS(
      layer.forward(x, {}, nullptr),
      "expected a bias of dtype float64 beside the weight of 'dense0', found Parameter "
      "'dense0_bias' of float32; cast the whole layer, with cast('float64')",
      InputError);
  layer.bias()->cast(Dtype::float64);
  CHECK(layer.forward(x, {}, nullptr).dtype() == Dtype::float64);
}

TEST_CASE("a scalar, and an input without features, are refused and change nothing") {
  Dense layer("dense0", 2);
  layer.weight()->initialize(nullptr, nullptr, Generator(1));
  layer.bias()->initialize(nullptr, nullptr, Generator(1));

  CHECK_THROWS_WITH_AS(layer.forward(Tensor(Shape{}), {}, nullptr),
                       "expected input of shape (batch, features) for 'dense0', found shape (); "
                       "pass an array of one axis or more",
                       InputError);
  CHECK_THROWS_WITH_AS(layer.forward(Tensor({3, 0}), {}, nullptr),
                       "expected at least one feature for 'dense0', found shape (3, 0); pass data "
                       "that has features",
                       InputError);
  CHECK(*layer.weight()->shape() == Shape{2, Shape::unknown});
  layer.forward(Tensor({1, 3}), {}, nullptr);
  CHECK_THROWS_AS(layer.forward(Tensor(Shape{}), {}, nullptr), InputError);
}

TEST_CASE("a head gradient unlike the output is refused") {
  Dense layer("dense0", 2);
  layer.infer_shape({1, 3});
  test::initialize_all(layer);
  LayerRecord record;
  layer.forward(Tensor({1, 3}), {}, &record);

  CHECK_THROWS_WITH_AS(layer.backward(Tensor({2, 1}), record, true, BackwardPass()),
                       "expected a head gradient of shape (1, 2) and dtype float32 for 'dense0', "
                       "found (2, 1), float32; pass one like the output",
                       InputError);
}

TEST_CASE("a weight cast between forward and backward is refused") {
  Dense layer("dense0", 2, in_float64());
  layer.infer_shape({1, 3});
  test::initialize_all(layer);
  LayerRecord record;
  const Tensor y = layer.forward(Tensor({1, 3}, Dtype::float64), {}, &record);
  layer.weight()->cast(Dtype::float32);

  CHECK_THROWS_WITH_AS(layer.backward(y, record, true, BackwardPass()),
                       "expected the weight of 'dense0' as it was in the recorded forward, (2, 3), "
                       "float64, found (2, 3), float32; cast or initialize parameters before the "
                       "forward or after backward",
                       InputError);
}

TEST_CASE("impossible settings are refused at construction") {
  CHECK_THROWS_WITH_AS(
      Dense("dense0", 0),
      "expected one unit or more for 'dense0', found 0; give the number of outputs", ArgumentError);
  Dense::Settings settings;
  settings.in_units = -3;
  CHECK_THROWS_WITH_AS(Dense("dense0", 2, settings),
                       "expected in_units of 1 or more for 'dense0', or -1 for unknown, found -3; "
                       "give the number of input features, or leave it to the first input",
                       ArgumentError);
}

TEST_CASE("parameters handed in must fit each other") {
  const auto vector = std::make_shared<Parameter>("v", Shape{3});
  const auto matrix = std::make_shared<Parameter>("w", Shape{2, 3});

  CHECK_THROWS_WITH_AS(Dense("dense0", vector, nullptr, {}, true),
                       "expected a weight of shape (units, in_units), units known, found Parameter "
                       "'v' of shape (3,); pass the weight of another dense layer, or a parameter "
                       "of two axes",
                       ShapeError);
  CHECK_THROWS_WITH_AS(Dense("dense0", matrix, vector, {}, true),
                       "expected a bias of shape (2,) beside Parameter 'w' of shape (2, 3), found "
                       "Parameter 'v' of shape (3,); pass a bias as long as the weight's first "
                       "axis, or none",
                       ShapeError);
  CHECK_THROWS_AS(Dense("dense0", nullptr, nullptr, {}, true), ArgumentError);
}

TEST_CASE("a weight written between forward and backward is noticed where its values matter") {
  Dense::Settings settings;
  settings.in_units = 3;
  Dense layer("dense0", 2, settings);
  layer.weight()->initialize(nullptr, std::make_shared<One>(), Generator(0));
  layer.bias()->initialize(nullptr, nullptr, Generator(0));
  const Tensor x({1, 3});
  LayerRecord record;
  const Tensor y = layer.forward(x, {}, &record);

  layer.weight()->set_data(Tensor({2, 3}));

  CHECK_NOTHROW(layer.backward(y, record, /*need_input_grad=*/false, BackwardPass()));
  CHECK_THROWS_WITH_AS(
      layer.backward(y, record, /*need_input_grad=*/true, BackwardPass()),
      "expected the weight of 'dense0' as it was in the recorded forward, found that Parameter "
      "'dense0_weight' has been written since; call backward before set_data, an optimizer's "
      "step, or a write through an array of the values",
      InputError);
}

TEST_CASE("a record of another layer, and a bias cast in between, are refused") {
  Dense layer("dense0", 3, in_float64());
  Dense narrow("dense1", 2, in_float64());
  for (Dense* each : {&layer, &narrow}) {
    each->infer_shape({4, 5});
    test::initialize_all(*each);
  }
  const Tensor x({4, 5}, Dtype::float64);
  LayerRecord record;
  const Tensor y = narrow.forward(x, {}, &record);
  CHECK_THROWS_WITH_AS(layer.backward(y, record, false, BackwardPass()),
                       "expected a record of 'dense0', with an output of shape (4, 3), found "
                       "(4, 2); pass that of the layer's own forward",
                       InputError);
  CHECK_THROWS_AS(layer.backward(Tensor(), LayerRecord(), false, BackwardPass()), InputError);

  const Tensor own = layer.forward(x, {}, &record);
  layer.bias()->cast(Dtype::float32);
  CHECK_THROWS_WITH_AS(layer.backward(own, record, false, BackwardPass()),
                       "expected Parameter 'dense0_bias' of 'dense0' as it was in the recorded "
                       "forward, (3,), float64, found (3,), float32; cast or initialize parameters "
                       "before the forward or after backward",
                       InputError);
}

TEST_CASE("a weight that was cast there and back between forward and backward is refused") {
  Dense layer("dense0", 2, in_float64());
  layer.infer_shape({1, 3});
  test::initialize_all(layer);
  LayerRecord record;
  const Tensor y = layer.forward(Tensor({1, 3}, Dtype::float64), {}, &record);
  layer.weight()->cast(Dtype::float32);
  layer.weight()->cast(Dtype::float64);

  CHECK_THROWS_AS(layer.backward(y, record, true, BackwardPass()), InputError);
}

}  // namespace
}  // namespace glueball
