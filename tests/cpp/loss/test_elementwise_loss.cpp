#include "glueball/elementwise_loss.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "glueball/error.h"
#include "gradient_check.h"

namespace glueball {
namespace {

using doctest::Approx;
using Kind = ElementwiseLossKind;

double loss_of(const ElementwiseLoss& loss, double prediction, double label) {
  Tensor p({1, 1}, Dtype::float64);
  Tensor y({1, 1}, Dtype::float64);
  p.fill(prediction);
  y.fill(label);
  return elementwise_loss(loss, p, y).loss.data<double>()[0];
}

TEST_CASE("elementwise losses are what their formulas say") {
  CHECK(loss_of(Kind::l1, 1.5, -0.5) == 2.0);
  CHECK(loss_of(Kind::huber, 1.5, 1.0) == 0.125);
  CHECK(loss_of(Kind::huber, 4.0, 1.0) == 2.5);
  CHECK(loss_of({Kind::huber, 2.0}, 2.0, 1.0) == 0.25);
  CHECK(loss_of(Kind::hinge, 0.25, 1.0) == 0.75);
  CHECK(loss_of(Kind::hinge, 0.25, -1.0) == 1.25);
  CHECK(loss_of({Kind::hinge, 0.125}, 0.25, 1.0) == 0.0);
  CHECK(loss_of(Kind::squared_hinge, 0.25, -1.0) == 1.5625);
  CHECK(loss_of(Kind::logistic, 2.0, 1.0) == Approx(std::log(1.0 + std::exp(-2.0))));
  CHECK(loss_of(Kind::logistic, 2.0, -1.0) == Approx(std::log(1.0 + std::exp(2.0))));
  CHECK(loss_of(Kind::kl_divergence, -1.0, 0.5) == Approx(0.5 * (std::log(0.5) + 1.0)));
  CHECK(loss_of(Kind::kl_divergence, -1.0, 0.0) == 0.0);
  CHECK(loss_of(Kind::poisson_nll, 0.5, 3.0) == Approx(std::exp(0.5) - 1.5));
  CHECK(loss_of(Kind::poisson_nll_of_rates, 2.0, 3.0) == Approx(2.0 - 3.0 * std::log(2.0)));
  CHECK(loss_of(Kind::poisson_nll_of_rates, 0.0, 0.0) == 0.0);
  // -y log s - (1 - y) log(1 - s), s the sigmoid of 0.5.
  const double s = 1.0 / (1.0 + std::exp(-0.5));
  CHECK(loss_of(Kind::sigmoid_binary_cross_entropy, 0.5, 0.3) ==
        Approx(-0.3 * std::log(s) - 0.7 * std::log(1.0 - s)));
}

TEST_CASE("the logistic loss counts labels between -1 and 1 in proportion") {
  const double between =
      0.75 * loss_of(Kind::logistic, 2.0, 1.0) + 0.25 * loss_of(Kind::logistic, 2.0, -1.0);
  CHECK(loss_of(Kind::logistic, 2.0, 0.5) == Approx(between));
}

TEST_CASE("a sample's divergence is the sum of its terms, other losses their mean") {
  const Tensor p = test::random_tensor({2, 3}, 1, -2.0, -0.1);
  const Tensor y = test::random_tensor({2, 3}, 2, 0.1, 0.9);
  for (const Kind kind : {Kind::kl_divergence, Kind::l1}) {
    double sum = 0.0;
    for (int i = 0; i < 3; ++i) sum += loss_of(kind, p.data<double>()[i], y.data<double>()[i]);
    const Tensor loss = elementwise_loss(kind, p, y).loss;
    CHECK(loss.data<double>()[0] == Approx(kind == Kind::l1 ? sum / 3.0 : sum));
  }
}

TEST_CASE("the slope of a cross entropy is exact where the score is large and right") {
  const Tensor p({1}, Dtype::float64);
  const Tensor y({1}, Dtype::float64);
  p.fill(40.0);
  y.fill(1.0);
  for (const Kind kind : {Kind::sigmoid_binary_cross_entropy, Kind::logistic}) {
    const Tensor slope = elementwise_loss_backward(elementwise_loss(kind, p, y));
    CHECK(slope.data<double>()[0] == Approx(-std::exp(-40.0)));
  }
}

TEST_CASE("large scores give no infinity where the loss is finite") {
  CHECK(loss_of(Kind::sigmoid_binary_cross_entropy, 1000.0, 0.0) == 1000.0);
  CHECK(loss_of(Kind::sigmoid_binary_cross_entropy, -1000.0, 0.0) == 0.0);
  CHECK(loss_of(Kind::logistic, -1000.0, 1.0) == 1000.0);
}

TEST_CASE("each sample's loss is the mean over its elements") {
  Tensor p({2, 2});
  Tensor y({4});  // as many elements; the shape is the predictions'
  const float predictions[] = {1.0F, 3.0F, -2.0F, 0.0F};
  std::copy(predictions, predictions + 4, p.data<float>());

  const LossRecord record = elementwise_loss(Kind::l1, p, y);

  REQUIRE(record.loss.shape() == Shape{2});
  CHECK(record.loss.data<float>()[0] == 2.0F);
  CHECK(record.loss.data<float>()[1] == 1.0F);
  CHECK(record.mean() == 1.5);
  const Tensor gradient = elementwise_loss_backward(record);
  CHECK(gradient.shape() == p.shape());
  CHECK(gradient.data<float>()[0] == 0.5F);
  CHECK(gradient.data<float>()[2] == -0.5F);
  CHECK(gradient.data<float>()[3] == 0.0F);
}

TEST_CASE("gradients of elementwise losses are their central differences") {
  for (const Kind kind :
       {Kind::l1, Kind::huber, Kind::sigmoid_binary_cross_entropy, Kind::hinge, Kind::squared_hinge,
        Kind::logistic, Kind::kl_divergence, Kind::poisson_nll, Kind::poisson_nll_of_rates}) {
    CAPTURE(static_cast<int>(kind));
    const ElementwiseLoss loss(kind, 0.7);
    // Rates are above 0.
    const double least = kind == Kind::poisson_nll_of_rates ? 0.5 : -2.0;
    const Tensor p = test::random_tensor({5, 3}, 1, least, 2.0);
    // Probabilities serve as labels of every loss, of the margin losses with a sign.
    const Tensor y = test::random_tensor({5, 3}, 2, 0.1, 0.9);
    const Tensor head = test::random_tensor({5}, 3);

    const Tensor gradient = elementwise_loss_backward(elementwise_loss(loss, p, y), head);

    const auto value = [&] { return test::dot(head, elementwise_loss(loss, p, y).loss); };
    CHECK(test::relative_error(gradient, test::numeric_gradient(value, p)) < 1e-6);
  }
}

TEST_CASE("elementwise losses refuse what does not fit") {
  const Tensor p({2, 3});

  CHECK_THROWS_WITH_AS(elementwise_loss(Kind::l1, p, Tensor({2, 2})),
                       "expected labels like the predictions, (2, 3), float32, found (2, 2), "
                       "float32; pass as many labels as predictions, of the same dtype",
                       InputError);
  CHECK_THROWS_AS(elementwise_loss(Kind::l1, p, Tensor({2, 3}, Dtype::float64)), InputError);
  CHECK_THROWS_AS(elementwise_loss(Kind::l1, Tensor(Shape{}), Tensor(Shape{})), InputError);
  CHECK_THROWS_AS(elementwise_loss({Kind::huber, 0.0}, p, p), ArgumentError);
  CHECK_THROWS_AS(elementwise_loss({Kind::huber, std::numeric_limits<double>::quiet_NaN()}, p, p),
                  ArgumentError);
  CHECK_THROWS_AS(elementwise_loss_backward(elementwise_loss(Kind::l1, p, p), Tensor({3})),
                  InputError);
}

TEST_CASE("an empty batch has no losses") {
  const Tensor none({0, 3});

  const LossRecord record = elementwise_loss(Kind::l1, none, none);

  CHECK(record.loss.size() == 0);
  CHECK(std::isnan(record.mean()));
  CHECK(elementwise_loss_backward(record).shape() == none.shape());
}

// More elements than are summed side by side, with some over.
TEST_CASE("a long sample's loss and slopes are those of its elements") {
  constexpr int kCount = 8 + 8 + 3;
  for (const Kind kind :
       {Kind::l1, Kind::huber, Kind::sigmoid_binary_cross_entropy, Kind::hinge, Kind::squared_hinge,
        Kind::logistic, Kind::kl_divergence, Kind::poisson_nll, Kind::poisson_nll_of_rates}) {
    CAPTURE(static_cast<int>(kind));
    const Tensor p = test::random_tensor({1, kCount}, 1, 0.1, 3.0);
    const Tensor y = test::random_tensor({1, kCount}, 2, 0.1, 0.9);

    const LossRecord record = elementwise_loss(kind, p, y);

    const double share = kind == Kind::kl_divergence ? 1.0 : 1.0 / kCount;
    double sum = 0.0;
    for (int i = 0; i < kCount; ++i) {
      const Tensor one({1}, Dtype::float64);
      const Tensor label({1}, Dtype::float64);
      one.fill(p.data<double>()[i]);
      label.fill(y.data<double>()[i]);
      const LossRecord alone = elementwise_loss(kind, one, label);
      sum += alone.loss.data<double>()[0];
      CHECK(record.saved.data<double>()[i] == Approx(share * alone.saved.data<double>()[0]));
    }
    CHECK(record.loss.data<double>()[0] == Approx(share * sum));
  }
}

TEST_CASE("a cross entropy is exact where it is near 0") {
  for (const double score : {3.0, 20.0, 36.0, 37.0, 40.0, 700.0}) {
    CAPTURE(score);
    CHECK(loss_of(Kind::sigmoid_binary_cross_entropy, score, 1.0) ==
          Approx(std::log1p(std::exp(-score))).epsilon(1e-14));
  }
}

TEST_CASE("an infinite score that is right costs nothing") {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(loss_of(Kind::hinge, infinity, 1.0) == 0.0);
  CHECK(loss_of(Kind::squared_hinge, infinity, 1.0) == 0.0);
  CHECK(loss_of(Kind::huber, infinity, 1.0) == infinity);
  CHECK(loss_of(Kind::l1, -infinity, 1.0) == infinity);
}

TEST_CASE("NaN in a prediction stays visible in every loss") {
  for (const Kind kind :
       {Kind::l1, Kind::huber, Kind::sigmoid_binary_cross_entropy, Kind::hinge, Kind::squared_hinge,
        Kind::logistic, Kind::kl_divergence, Kind::poisson_nll, Kind::poisson_nll_of_rates}) {
    CAPTURE(static_cast<int>(kind));
    CHECK(std::isnan(loss_of(kind, std::numeric_limits<double>::quiet_NaN(), 1.0)));
  }
}

}  // namespace
}  // namespace glueball
