#include "glueball/embedding_loss.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "glueball/error.h"
#include "gradient_check.h"

namespace glueball {
namespace {

Tensor tensor(const Shape& shape, std::initializer_list<double> values) {
  Tensor made(shape, Dtype::float64);
  std::copy(values.begin(), values.end(), made.data<double>());
  return made;
}

// Compares a derivative with central differences of sum(head * loss) along `x`.
void check_gradient(const Tensor& x, const Tensor& gradient,
                    const std::function<double()>& weighted_loss) {
  constexpr double step = 1e-6;
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const double old = x.data<double>()[i];
    x.data<double>()[i] = old + step;
    const double above = weighted_loss();
    x.data<double>()[i] = old - step;
    const double below = weighted_loss();
    x.data<double>()[i] = old;
    CAPTURE(i);
    CHECK(gradient.data<double>()[i] ==
          doctest::Approx((above - below) / (2.0 * step)).epsilon(1e-6).scale(1.0));
  }
}

double weighted(const Tensor& loss, const Tensor& head) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < loss.size(); ++i) {
    sum += loss.data<double>()[i] * head.data<double>()[i];
  }
  return sum;
}

TEST_CASE("the triplet loss is what its formula says") {
  const Tensor p = tensor({2, 2}, {0, 0, 0, 0});
  const Tensor positive = tensor({2, 2}, {1, 1, 0, 1});
  const Tensor negative = tensor({2, 2}, {1, 0, 3, 0});

  const EmbeddingLossRecord record = triplet_loss(p, positive, negative);

  CHECK(record.loss.shape() == Shape{2});
  CHECK(record.loss.data<double>()[0] == 2.0);
  CHECK(record.loss.data<double>()[1] == 0.0);
  CHECK(record.mean() == 1.0);
  CHECK(triplet_loss(p, positive, negative, 9.0).loss.data<double>()[1] == 1.0);
}

TEST_CASE("the cosine embedding loss is what its formula says") {
  const Tensor a = tensor({4, 2}, {1, 0, 1, 0, 1, 1, 0, 0});
  const Tensor b = tensor({4, 2}, {0, 2, 3, 0, 1, 0, 1, 0});
  const Tensor labels = tensor({4}, {1, -1, -1, 1});

  const EmbeddingLossRecord record = cosine_embedding_loss(a, b, labels, 0.25);

  CHECK(record.loss.data<double>()[0] == 1.0);
  CHECK(record.loss.data<double>()[1] == 0.75);
  CHECK(record.loss.data<double>()[2] == doctest::Approx(std::sqrt(0.5) - 0.25));
  CHECK(record.loss.data<double>()[3] == 1.0);  // a vector of length 0 has cosine 0
}

TEST_CASE("gradients of embedding losses are their central differences") {
  const Tensor a = test::random_tensor({5, 3}, 1, -2.0, 2.0);
  const Tensor b = test::random_tensor({5, 3}, 2, -2.0, 2.0);
  const Tensor c = test::random_tensor({5, 3}, 3, -2.0, 2.0);
  const Tensor head = test::random_tensor({5}, 4);
  const Tensor labels = tensor({5}, {1, -1, 1, -1, -1});

  const EmbeddingLossRecord triplet = triplet_loss(a, b, c, 0.7);
  const auto triplet_value = [&] { return weighted(triplet_loss(a, b, c, 0.7).loss, head); };
  check_gradient(a, embedding_loss_backward(triplet.first, head), triplet_value);
  check_gradient(b, embedding_loss_backward(triplet.second, head), triplet_value);
  check_gradient(c, embedding_loss_backward(triplet.third, head), triplet_value);

  const EmbeddingLossRecord cosine = cosine_embedding_loss(a, b, labels, 0.1);
  const auto cosine_value = [&] {
    return weighted(cosine_embedding_loss(a, b, labels, 0.1).loss, head);
  };
  check_gradient(a, embedding_loss_backward(cosine.first, head), cosine_value);
  check_gradient(b, embedding_loss_backward(cosine.second, head), cosine_value);
  CHECK_FALSE(cosine.third.defined());
}

TEST_CASE("embedding losses of float32 are those of float64, rounded") {
  const auto rounded = [](const Tensor& from) {
    Tensor made(from.shape());
    for (std::int64_t i = 0; i < from.size(); ++i) {
      made.data<float>()[i] = static_cast<float>(from.data<double>()[i]);
    }
    return made;
  };
  const Tensor a = test::random_tensor({3, 4}, 1);
  const Tensor b = test::random_tensor({3, 4}, 2);
  const Tensor c = test::random_tensor({3, 4}, 3);
  const EmbeddingLossRecord wide = triplet_loss(a, b, c);
  const EmbeddingLossRecord narrow = triplet_loss(rounded(a), rounded(b), rounded(c));

  CHECK(narrow.loss.dtype() == Dtype::float32);
  for (int i = 0; i < 3; ++i) {
    CHECK(static_cast<double>(narrow.loss.data<float>()[i]) ==
          doctest::Approx(wide.loss.data<double>()[i]).epsilon(1e-5));
  }
}

TEST_CASE("embedding losses refuse what does not fit") {
  const Tensor a = test::random_tensor({2, 3}, 1);
  CHECK_THROWS_WITH_AS(
      triplet_loss(a, test::random_tensor({2, 4}, 1), a),
      doctest::Contains("expected positive examples like the first vectors, (2, 3)"), InputError);
  CHECK_THROWS_AS(triplet_loss(a, a, Tensor({2, 3})), InputError);
  CHECK_THROWS_AS(triplet_loss(a, a, a, std::numeric_limits<double>::infinity()), ArgumentError);
  CHECK_THROWS_AS(cosine_embedding_loss(a, a, tensor({3}, {1, 1, 1})), InputError);
  CHECK_THROWS_WITH_AS(cosine_embedding_loss(a, a, tensor({2}, {1, 0.5})),
                       doctest::Contains("expected labels that are 1 or -1, found 0.5 at 1"),
                       InputError);
  const EmbeddingLossRecord record = triplet_loss(a, a, a);
  CHECK_THROWS_AS(embedding_loss_backward(record.first, tensor({3}, {1, 1, 1})), InputError);
}

TEST_CASE("embedding losses of no samples are empty") {
  const Tensor none({0, 3}, Dtype::float64);
  const EmbeddingLossRecord record = triplet_loss(none, none, none);
  CHECK(record.loss.size() == 0);
  CHECK(std::isnan(record.mean()));
  CHECK(embedding_loss_backward(record.first, Tensor({0}, Dtype::float64)).size() == 0);
}

}  // namespace
}  // namespace glueball
