#include "glueball/norm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/dispatch.h"
#include "glueball/dense.h"
#include "glueball/error.h"
#include "glueball/parallel.h"
#include "glueball/sequential.h"
#include "gradient_check.h"

namespace glueball {
namespace {

using test::random_tensor;

const ForwardMode training{true, nullptr};

template <class Settings>
Settings in(Dtype dtype) {
  Settings settings;
  settings.dtype = dtype;
  return settings;
}

/// Which element has its moments in common with which, by the indices along the axes.
using GroupOf = std::function<std::vector<std::int64_t>(const std::vector<std::int64_t>&)>;

std::vector<std::int64_t> indices_of(const Shape& shape, std::int64_t element) {
  std::vector<std::int64_t> indices(shape.rank());
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    indices[axis] = element % shape[axis];
    element /= shape[axis];
  }
  return indices;
}

/// The formula, written out: every group's mean and variance by a walk over all elements.
Tensor normalised(const Tensor& x, std::size_t channel_axis, const GroupOf& group_of,
                  double epsilon, const Tensor& gamma, const Tensor& beta) {
  Tensor y(x.shape(), Dtype::float64);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const auto own = indices_of(x.shape(), i);
    double sum = 0.0;
    double squares = 0.0;
    double count = 0.0;
    for (std::int64_t pass = 0; pass < 2; ++pass) {
      for (std::int64_t j = 0; j < x.size(); ++j) {
        if (group_of(indices_of(x.shape(), j)) != group_of(own)) continue;
        const double value = x.data<double>()[j];
        if (pass == 0) {
          sum += value;
          count += 1.0;
        } else {
          squares += (value - sum / count) * (value - sum / count);
        }
      }
    }
    const auto channel = own[channel_axis];
    y.data<double>()[i] = (x.data<double>()[i] - sum / count) /
                              std::sqrt(squares / count + epsilon) * gamma.data<double>()[channel] +
                          beta.data<double>()[channel];
  }
  return y;
}

struct Case {
  std::string title;
  std::function<std::shared_ptr<Normalisation>(Dtype)> make;
  Shape shape;
  std::size_t channel_axis;
  GroupOf group_of;
};

std::vector<Case> cases() {
  using Settings = Normalisation::Settings;
  using Indices = std::vector<std::int64_t>;
  const auto batch = [](std::int64_t axis) {
    return [axis](Dtype dtype) {
      auto settings = in<BatchNorm::Settings>(dtype);
      settings.axis = axis;
      return std::make_shared<BatchNorm>("norm0", settings);
    };
  };
  const auto layer = [](std::int64_t axis) {
    return [axis](Dtype dtype) {
      return std::make_shared<LayerNorm>("norm0", axis, in<Settings>(dtype));
    };
  };
  const auto instance = [](std::int64_t axis) {
    return [axis](Dtype dtype) {
      return std::make_shared<InstanceNorm>("norm0", axis, in<Settings>(dtype));
    };
  };
  const auto group = [](std::int64_t groups) {
    return [groups](Dtype dtype) {
      return std::make_shared<GroupNorm>("norm0", groups, in<Settings>(dtype));
    };
  };
  return {
      {"batch", batch(1), {7, 67}, 1, [](const Indices& i) { return Indices{i[1]}; }},
      {"batch of images", batch(1), {3, 2, 5}, 1, [](const Indices& i) { return Indices{i[1]}; }},
      {"batch, last axis", batch(-1), {3, 2, 5}, 2, [](const Indices& i) { return Indices{i[2]}; }},
      {"layer", layer(-1), {5, 33}, 1, [](const Indices& i) { return Indices{i[0]}; }},
      {"layer, three axes",
       layer(-1),
       {2, 3, 4},
       2,
       [](const Indices& i) { return Indices{i[0], i[1]}; }},
      {"layer, middle axis",
       layer(1),
       {2, 5, 3},
       1,
       [](const Indices& i) { return Indices{i[0], i[2]}; }},
      {"layer, first axis", layer(0), {6, 3}, 0, [](const Indices& i) { return Indices{i[1]}; }},
      {"instance", instance(1), {2, 3, 5}, 1, [](const Indices& i) { return Indices{i[0], i[1]}; }},
      {"instance, last axis",
       instance(-1),
       {2, 4, 2, 3},
       3,
       [](const Indices& i) { return Indices{i[0], i[3]}; }},
      {"instance, middle axis",
       instance(2),
       {2, 3, 2, 4},
       2,
       [](const Indices& i) { return Indices{i[0], i[2]}; }},
      {"one group", group(1), {3, 6}, 1, [](const Indices& i) { return Indices{i[0]}; }},
      {"three groups",
       group(3),
       {2, 72},
       1,
       [](const Indices& i) { return Indices{i[0], i[1] / 24}; }},
      {"two groups of images",
       group(2),
       {2, 4, 3, 2},
       1,
       [](const Indices& i) { return Indices{i[0], i[1] / 2}; }},
  };
}

TEST_CASE("the output is that of the formula, in float64 and float32, on every instruction set") {
  for (const Case& each : cases()) {
    CAPTURE(each.title);
    const Tensor x = random_tensor(each.shape, 3, -2.0, 5.0);
    const auto layer = each.make(Dtype::float64);
    test::initialize_all(*layer);

    const Tensor y = layer->forward(x, training, nullptr);

    const Tensor wanted = normalised(x, each.channel_axis, each.group_of, 1e-5,
                                     layer->gamma()->data(), layer->beta()->data());
    CHECK(test::relative_error(y, wanted) < 1e-13);

    const auto single = each.make(Dtype::float32);
    test::initialize_all(*single);
    const Tensor near = single->forward(x.cast(Dtype::float32), training, nullptr);
    CHECK(test::relative_error(near.cast(Dtype::float64), wanted) < 3e-6);
  }
}

TEST_CASE("gradients are those of central differences") {
  for (const Case& each : cases()) {
    CAPTURE(each.title);
    const auto layer = each.make(Dtype::float64);
    test::initialize_all(*layer);

    test::check_gradients(*layer, random_tensor(each.shape, 4, -2.0, 5.0), 1e-6, training);
  }
}

TEST_CASE("batch normalization in use takes the running values, as constants") {
  BatchNorm layer("norm0", in<BatchNorm::Settings>(Dtype::float64));
  test::initialize_all(layer);
  const Tensor x = random_tensor({5, 3}, 4);
  layer.infer_shape(x.shape());
  layer.prepare(x.shape());
  layer.running_var()->set_data(random_tensor({3}, 5, 0.5, 2.0));
  const double mean = layer.running_mean()->data().data<double>()[1];
  const double variance = layer.running_var()->data().data<double>()[1];

  test::check_gradients(layer, x);
  const Tensor y = layer.forward(x, {}, nullptr);

  CHECK(y.data<double>()[4] ==
        doctest::Approx((x.data<double>()[4] - mean) / std::sqrt(variance + 1e-5) *
                            layer.gamma()->data().data<double>()[1] +
                        layer.beta()->data().data<double>()[1])
            .epsilon(1e-14));
  CHECK(layer.running_mean()->data().data<double>()[1] == mean);
}

TEST_CASE(
    "a training forward moves the running values, unless they are to be used in training too") {
  Tensor x({2, 2});
  const float values[] = {1, 2, 3, 6};
  std::copy_n(values, 4, x.data<float>());
  BatchNorm layer("norm0");
  BatchNorm::Settings global;
  global.use_global_stats = true;
  BatchNorm fixed("norm1", global);
  for (BatchNorm* each : {&layer, &fixed}) {
    each->visit_parameters("", [](const std::string&, const std::shared_ptr<Parameter>& p) {
      p->initialize(nullptr, nullptr, Generator(1));
    });
    (void)each->forward(x, training, nullptr);
  }

  // Gluon's example: 0.9 * 0 + 0.1 * mean; 0.9 * 1 + 0.1 * variance.
  CHECK(layer.running_mean()->data().data<float>()[0] == doctest::Approx(0.2));
  CHECK(layer.running_mean()->data().data<float>()[1] == doctest::Approx(0.4));
  CHECK(layer.running_var()->data().data<float>()[0] == doctest::Approx(1.0));
  CHECK(layer.running_var()->data().data<float>()[1] == doctest::Approx(1.3));
  CHECK(fixed.running_mean()->data().data<float>()[0] == 0.0F);
  CHECK(fixed.running_var()->data().data<float>()[1] == 1.0F);
}

TEST_CASE("threads change no bit") {
  const int threads = num_threads();
  for (const Case& each : cases()) {
    if (each.shape.rank() != 2) continue;
    CAPTURE(each.title);
    const Shape shape{1000, each.shape[1]};
    const Tensor x = random_tensor(shape, 1, -1.0, 2.0, Dtype::float32);
    const Tensor head = random_tensor(shape, 2, -1.0, 1.0, Dtype::float32);
    std::vector<Tensor> outputs;
    std::vector<Tensor> gradients;
    for (const int count : {1, 3}) {
      set_num_threads(count);
      const auto layer = each.make(Dtype::float32);
      test::initialize_all(*layer);
      LayerRecord record;
      outputs.push_back(layer->forward(x, training, &record));
      gradients.push_back(layer->backward(head, record, true, BackwardPass()));
      gradients.push_back(layer->gamma()->grad().clone());
    }
    set_num_threads(threads);

    const auto same = [](const Tensor& a, const Tensor& b) {
      return std::equal(a.data<float>(), a.data<float>() + a.size(), b.data<float>());
    };
    CHECK(same(outputs[0], outputs[1]));
    CHECK(same(gradients[0], gradients[2]));
    CHECK(same(gradients[1], gradients[3]));
  }
}

TEST_CASE("a chain infers the channels, and runs forward and backward in one call") {
  Sequential net("net");
  net.add(std::make_shared<Dense>("dense0", 6));
  net.add(std::make_shared<BatchNorm>("norm0"));
  net.add(std::make_shared<LayerNorm>("norm1"));
  net.add(std::make_shared<GroupNorm>("norm2", 2));
  net.add(std::make_shared<Dense>("dense1", 2));
  net.initialize();
  const Tensor x = random_tensor({4, 3}, 1, -1.0, 1.0, Dtype::float32);
  ChainRecord record;

  const Tensor y = net.forward_chain(x, training, record);
  const Tensor dx = net.backward_chain(y, record, true, BackwardPass());

  CHECK(dx.shape() == x.shape());
  for (const auto& [path, parameter] : net.collect_parameters()) {
    const auto& shown_path = path;  // Clang 14 captures no structured binding.
    CAPTURE(shown_path);
    CHECK(parameter->is_initialized());
    if (path.find('.') == 1 && parameter->grad_req() != GradReq::null) {
      CHECK(parameter->grad_is_fresh());
    }
  }
  CHECK(*net.collect_parameters()[2].second->shape() == Shape{6});
}

TEST_CASE("gradients are added where grad_req says so, and twice in one pass") {
  LayerNorm layer("norm0", -1, in<Normalisation::Settings>(Dtype::float64));
  test::initialize_all(layer);
  const Tensor x = random_tensor({3, 4}, 1);
  LayerRecord record;
  const Tensor y = layer.forward(x, {}, &record);
  const BackwardPass pass;

  (void)layer.backward(y, record, false, pass);
  const double once = layer.beta()->grad().data<double>()[2];
  (void)layer.backward(y, record, false, pass);

  CHECK(layer.beta()->grad().data<double>()[2] == doctest::Approx(2.0 * once));
}

TEST_CASE("bad inputs and settings are refused, and change nothing") {
  BatchNorm layer("norm0");
  const Tensor x = random_tensor({2, 3}, 1, -1.0, 1.0, Dtype::float32);
  CHECK_THROWS_AS(layer.forward(x, {}, nullptr), UninitializedError);
  CHECK((*layer.gamma()->shape())[0] == Shape::unknown);
  test::initialize_all(layer);
  CHECK_THROWS_AS(layer.forward(x.cast(Dtype::float64), {}, nullptr), DtypeError);
  CHECK_FALSE(layer.gamma()->is_initialized());
  (void)layer.forward(x, {}, nullptr);
  const float mean = layer.running_mean()->data().data<float>()[0];

  CHECK_THROWS_WITH_AS(layer.forward(Tensor({2, 4}), training, nullptr),
                       "expected 3 channels on axis 1 of the input of 'norm0', found the shape (2, "
                       "4); pass data like that of the first batch, or make a new layer",
                       ShapeError);
  CHECK_THROWS_WITH_AS(
      layer.forward(Tensor({3}), training, nullptr),
      "expected an input of 'norm0' with channels on axis 1, found the shape (3,); "
      "pass data with more axes, or give the layer another axis",
      ShapeError);
  CHECK_THROWS_WITH_AS(layer.forward(Tensor({0, 3}), training, nullptr),
                       "expected at least one sample to take the mean of in 'norm0', found an "
                       "input of shape (0, 3); leave empty batches out",
                       ShapeError);
  CHECK(layer.forward(Tensor({0, 3}), {}, nullptr).shape() == Shape{0, 3});
  CHECK(layer.running_mean()->data().data<float>()[0] == mean);

  InstanceNorm instance("norm1");
  CHECK_THROWS_AS(instance.infer_shape({2, 3}), ShapeError);
  GroupNorm group("norm2", 4);
  CHECK_THROWS_WITH_AS(group.infer_shape({2, 6}),
                       "expected a number of channels that 4 groups can share equally in 'norm2', "
                       "found 6; choose a number of groups that divides it",
                       ArgumentError);
  CHECK((*group.gamma()->shape())[0] == Shape::unknown);
  CHECK_THROWS_AS(GroupNorm("norm3", 0), ArgumentError);
  BatchNorm::Settings settings;
  settings.momentum = 1.5;
  CHECK_THROWS_AS(BatchNorm("norm4", settings), ArgumentError);
  settings.momentum = 0.5;
  settings.epsilon = -1.0;
  CHECK_THROWS_AS(BatchNorm("norm4", settings), ArgumentError);
  CHECK_THROWS_AS(LayerNorm("norm5", nullptr, nullptr, -1, 1e-5), ArgumentError);
}

TEST_CASE("parameters that change between forward and backward are noticed, or do not matter") {
  LayerNorm layer("norm0", -1, in<Normalisation::Settings>(Dtype::float64));
  test::initialize_all(layer);
  const Tensor x = random_tensor({3, 4}, 1);
  LayerRecord record;
  const Tensor y = layer.forward(x, {}, &record);
  const Tensor before = layer.backward(y, record, true, BackwardPass());

  layer.gamma()->data().fill(9.0);
  const Tensor after = layer.backward(y, record, true, BackwardPass());
  CHECK(test::relative_error(after, before) == 0.0);

  layer.gamma()->cast(Dtype::float32);
  CHECK_THROWS_AS(layer.backward(y, record, true, BackwardPass()), InputError);
}

TEST_CASE("a record without the moments of the layer's input is refused") {
  BatchNorm layer("norm0", in<BatchNorm::Settings>(Dtype::float64));
  layer.infer_shape({3, 4});
  test::initialize_all(layer);
  LayerRecord record;  // as of a layer that keeps nothing
  record.input = random_tensor({3, 4}, 1);
  record.output = record.input;

  CHECK_THROWS_WITH_AS(layer.backward(record.output, record, true, BackwardPass()),
                       "expected a record of a forward of 'norm0', with an array of shape (16,) "
                       "and dtype float64, found a record without one; pass that of the layer's "
                       "own forward",
                       InputError);
  record.extra = random_tensor({3}, 1);
  CHECK_THROWS_AS(layer.backward(record.output, record, true, BackwardPass()), InputError);
}

}  // namespace
}  // namespace glueball
