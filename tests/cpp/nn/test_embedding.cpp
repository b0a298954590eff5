#include "glueball/embedding.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "glueball/dense.h"
#include "glueball/error.h"
#include "glueball/sequential.h"
#include "gradient_check.h"

namespace glueball {
namespace {

Tensor indices(const std::vector<double>& values, Dtype dtype = Dtype::float64) {
  Tensor all({static_cast<std::int64_t>(values.size())}, Dtype::float64);
  std::copy(values.begin(), values.end(), all.data<double>());
  return all.cast(dtype);
}

Embedding made(Dtype dtype = Dtype::float64) {
  return {"embedding0", 5, 3, Embedding::Settings{dtype, nullptr}};
}

TEST_CASE("the output has the shape of the indices, then the rows', whatever the dtypes") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const Dtype of_indices : {Dtype::float32, Dtype::float64}) {
      Embedding layer = made(dtype);
      test::initialize_all(layer);
      const Tensor x = indices({4, 0, 4, 2}, of_indices).reshaped({2, 2});

      const Tensor y = layer.forward(x, {}, nullptr).cast(Dtype::float64);

      const Tensor weight = layer.weight()->data().cast(Dtype::float64);
      CHECK(y.shape() == Shape{2, 2, 3});
      for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 3; ++j) {
          CHECK(
              y.data<double>()[i * 3 + j] ==
              weight.data<double>()[std::vector<int>{4, 0, 4, 2}[static_cast<std::size_t>(i)] * 3 +
                                    j]);
        }
      }
    }
  }
}

TEST_CASE("rows taken several times get the sum of their gradients") {
  Embedding layer = made();
  test::initialize_all(layer);
  const Tensor x = indices({1, 4, 1, 1});
  LayerRecord record;
  const Tensor y = layer.forward(x, {}, &record);
  const Tensor head = test::random_tensor(y.shape(), 3);
  const auto value = [&] { return test::dot(head, layer.forward(x, {}, nullptr)); };

  const Tensor dx = layer.backward(head, record, true, BackwardPass());

  CHECK(test::relative_error(layer.weight()->grad(),
                             test::numeric_gradient(value, layer.weight()->data())) < 1e-9);
  CHECK(std::all_of(dx.data<double>(), dx.data<double>() + 4, [](double d) { return d == 0.0; }));
}

TEST_CASE("a chain may begin with a look-up") {
  Sequential net("net");
  net.add(std::make_shared<Embedding>("embedding0", 5, 3));
  net.add(std::make_shared<Dense>("dense0", 2));
  net.initialize();

  CHECK(net(indices({1, 2}).reshaped({1, 2})).shape() == Shape{1, 2});
  CHECK(net.infer_shape({Shape::unknown, 2}) == Shape{Shape::unknown, 2});
}

TEST_CASE("indices that are not rows, or not integers, are refused before anything is written") {
  Embedding layer = made();
  test::initialize_all(layer);
  CHECK_THROWS_WITH_AS(layer.forward(indices({0, 5}), {}, nullptr),
                       "expected indices from 0 to 4 in the input of 'embedding0', found 5 at "
                       "position 1; correct the data, or make input_dim larger",
                       IndexError);
  CHECK_THROWS_AS(layer.forward(indices({-1}), {}, nullptr), IndexError);
  for (const double wrong :
       {0.5, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    CHECK_THROWS_AS(layer.forward(indices({0, wrong}), {}, nullptr), DtypeError);
  }
  CHECK_THROWS_AS(made().forward(indices({0}), {}, nullptr), UninitializedError);
  CHECK_THROWS_AS(Embedding("embedding1", 0, 3), ArgumentError);
  CHECK_THROWS_AS(Embedding("embedding1", std::make_shared<Parameter>("w", Shape{3})), ShapeError);
  CHECK_THROWS_AS(Embedding("embedding1", nullptr), ArgumentError);
}

TEST_CASE("indices are looked at again before gradients are written at their rows") {
  Embedding layer = made();
  test::initialize_all(layer);
  const Tensor x = indices({0, 1});
  LayerRecord record;
  const Tensor y = layer.forward(x, {}, &record);
  x.fill(5e8);  // the caller's memory has the next samples

  CHECK_THROWS_AS(layer.backward(y, record, false, BackwardPass()), IndexError);

  Embedding wider("embedding1", 9, 7);
  test::initialize_all(wider);
  const Tensor of_wider = wider.forward(indices({8, 8}), {}, &record);
  CHECK_THROWS_AS(layer.backward(of_wider, record, false, BackwardPass()), InputError);
}

}  // namespace
}  // namespace glueball
