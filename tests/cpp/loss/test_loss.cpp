#include "glueball/loss.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "glueball/error.h"
#include "glueball/parallel.h"
#include "gradient_check.h"

namespace glueball {
namespace {

using test::random_tensor;

Tensor tensor_of(const Shape& shape, const std::vector<double>& values,
                 Dtype dtype = Dtype::float64) {
  const Tensor out(shape, Dtype::float64);
  REQUIRE(out.size() == static_cast<std::int64_t>(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i) out.data<double>()[i] = values[i];
  return out.cast(dtype);
}

TEST_CASE("softmax cross entropy is -log softmax of the label, in both dtypes") {
  for (const std::int64_t classes : {1, 2, 3, 7, 10, 16, 33}) {
    for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
      CAPTURE(classes);
      const Tensor logits = random_tensor({9, classes}, 4, -5.0, 5.0, dtype);
      std::vector<std::int64_t> labels;
      for (std::int64_t i = 0; i < 9; ++i) labels.push_back((i * 5) % classes);

      const LossRecord record = softmax_cross_entropy(logits, labels.data(), 9);

      const double tolerance = dtype == Dtype::float32 ? 3e-6 : 2e-14;
      const Tensor z = logits.cast(Dtype::float64);
      const Tensor loss = record.loss.cast(Dtype::float64);
      const Tensor probabilities = record.saved.cast(Dtype::float64);
      for (std::int64_t i = 0; i < 9; ++i) {
        const double* row = z.data<double>() + i * classes;
        double sum = 0.0;
        for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(row[c]);
        const double expected = std::log(sum) - row[labels[static_cast<std::size_t>(i)]];
        CHECK(std::abs(loss.data<double>()[i] - expected) < tolerance * (1.0 + expected));
        for (std::int64_t c = 0; c < classes; ++c) {
          CHECK(std::abs(probabilities.data<double>()[i * classes + c] - std::exp(row[c]) / sum) <
                tolerance);
        }
      }
    }
  }
}

TEST_CASE("softmax cross entropy is finite where exponentials overflow") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Tensor logits = tensor_of({2, 3}, {1e4, 0.0, -1e4, 1e30, -1e30, 0.0}, dtype);
    const std::int64_t labels[] = {1, 0};

    const LossRecord record = softmax_cross_entropy(logits, labels, 2);

    const Tensor loss = record.loss.cast(Dtype::float64);
    CHECK(loss.data<double>()[0] == 1e4);
    CHECK(loss.data<double>()[1] == 0.0);
  }
}

TEST_CASE("NaN in one row stays in that row") {
  Tensor logits = random_tensor({3, 4}, 1);
  logits.data<double>()[5] = std::numeric_limits<double>::quiet_NaN();
  const std::int64_t labels[] = {0, 0, 0};

  const LossRecord record = softmax_cross_entropy(logits, labels, 3);

  CHECK_FALSE(std::isnan(record.loss.data<double>()[0]));
  CHECK(std::isnan(record.loss.data<double>()[1]));
  CHECK_FALSE(std::isnan(record.loss.data<double>()[2]));
}

TEST_CASE("gradients of softmax cross entropy agree with central differences") {
  const Tensor logits = random_tensor({6, 5}, 2, -3.0, 3.0);
  const std::int64_t labels[] = {0, 4, 2, 2, 1, 3};
  const Tensor head = random_tensor({6}, 3);
  const auto value = [&] { return test::dot(head, softmax_cross_entropy(logits, labels, 6).loss); };

  const LossRecord record = softmax_cross_entropy(logits, labels, 6);
  const Tensor gradient = softmax_cross_entropy_backward(record, labels, head);

  CHECK(test::relative_error(gradient, test::numeric_gradient(value, logits)) < 1e-6);
}

TEST_CASE("a label outside the classes is named, with its place") {
  const Tensor logits({3, 10});
  const std::int64_t high[] = {1, 2, 12};
  const std::int64_t low[] = {1, -1, 2};

  CHECK_THROWS_WITH_AS(softmax_cross_entropy(logits, high, 3),
                       "expected labels from 0 to 9 for 10 classes, found label 12 at position 2; "
                       "correct the label, or give the net's last layer more units",
                       IndexError);
  CHECK_THROWS_WITH_AS(softmax_cross_entropy(logits, low, 3),
                       "expected labels from 0 to 9 for 10 classes, found label -1 at position 1; "
                       "correct the label, or give the net's last layer more units",
                       IndexError);
}

TEST_CASE("predictions and labels that do not fit are refused") {
  const std::int64_t labels[] = {0, 0, 0};

  CHECK_THROWS_WITH_AS(softmax_cross_entropy(Tensor({2, 10}), labels, 3),
                       "expected 2 labels, one for each row of predictions of shape (2, 10), found "
                       "3; pass one class number for each sample",
                       InputError);
  CHECK_THROWS_WITH_AS(softmax_cross_entropy(Tensor({3}), labels, 3),
                       "expected predictions of shape (batch, classes) for softmax cross entropy, "
                       "found (3,), float32; give one row for each sample, one column for each "
                       "class",
                       InputError);
  CHECK_THROWS_AS(softmax_cross_entropy(Tensor({3, 0}), labels, 3), InputError);
  const LossRecord record = softmax_cross_entropy(Tensor({3, 2}), labels, 3);
  CHECK_THROWS_WITH_AS(softmax_cross_entropy_backward(record, labels, Tensor({2})),
                       "expected a head gradient like the loss, (3,), float32, found (2,), "
                       "float32; pass one number for each sample",
                       InputError);
}

TEST_CASE("L2 loss is half the weighted mean of squares of each sample") {
  const Tensor prediction = tensor_of({2, 2}, {1.0, 2.0, 3.0, 5.0});
  const Tensor label = tensor_of({2, 2}, {1.0, 0.0, 0.0, 1.0});

  const LossRecord record = l2_loss(prediction, label);
  const LossRecord doubled = l2_loss(prediction, label, 2.0);

  CHECK(record.loss.data<double>()[0] == 0.5 * (0.0 + 4.0) / 2.0);
  CHECK(record.loss.data<double>()[1] == 0.5 * (9.0 + 16.0) / 2.0);
  CHECK(doubled.loss.data<double>()[1] == 12.5);
}

TEST_CASE("labels of another shape but as many numbers are taken element by element") {
  const Tensor prediction = tensor_of({3, 1}, {1.0, 2.0, 3.0}, Dtype::float32);
  const Tensor label = tensor_of({3}, {0.0, 0.0, 1.0}, Dtype::float32);

  const LossRecord record = l2_loss(prediction, label);

  CHECK(record.loss.shape() == Shape{3});
  CHECK(record.loss.data<float>()[0] == 0.5F);
  CHECK(record.loss.data<float>()[1] == 2.0F);
  CHECK(record.loss.data<float>()[2] == 2.0F);
}

TEST_CASE("gradients of the L2 loss agree with central differences") {
  for (const Shape& shape : {Shape{5}, Shape{4, 3}, Shape{2, 3, 4}}) {
    const Tensor prediction = random_tensor(shape, 1);
    const Tensor label = random_tensor(shape, 2);
    const Tensor head = random_tensor({shape[0]}, 3);
    const auto value = [&] { return test::dot(head, l2_loss(prediction, label, 0.7).loss); };

    const LossRecord record = l2_loss(prediction, label, 0.7);
    const Tensor gradient = l2_loss_backward(record, head, 0.7);

    CHECK(gradient.shape() == shape);
    CHECK(test::relative_error(gradient, test::numeric_gradient(value, prediction)) < 1e-6);
  }
}

TEST_CASE("L2 loss refuses what it cannot compare") {
  CHECK_THROWS_WITH_AS(l2_loss(Tensor({2, 1}), Tensor({3})),
                       "expected labels like the predictions, (2, 1), float32, found (3,), "
                       "float32; pass as many labels as predictions, of the same dtype",
                       InputError);
  CHECK_THROWS_AS(l2_loss(Tensor({2}), Tensor({2}, Dtype::float64)), InputError);
  CHECK_THROWS_AS(l2_loss(Tensor(Shape{}), Tensor(Shape{})), InputError);
  CHECK_THROWS_WITH_AS(l2_loss(Tensor({2, 0}), Tensor({2, 0})),
                       "expected at least one element a sample for the L2 loss, found (2, 0), "
                       "float32; the mean of nothing is not a number: drop the empty axis",
                       InputError);
}

TEST_CASE("a batch of nothing has a loss of nothing") {
  const LossRecord cross = softmax_cross_entropy(Tensor({0, 4}), nullptr, 0);
  const LossRecord squares = l2_loss(Tensor({0, 4}), Tensor({0, 4}));

  CHECK(cross.loss.shape() == Shape{0});
  CHECK(softmax_cross_entropy_backward(cross, nullptr, cross.loss).shape() == Shape{0, 4});
  CHECK(squares.loss.shape() == Shape{0});
  CHECK(l2_loss_backward(squares, squares.loss).shape() == Shape{0, 4});
}

TEST_CASE("threads do not change losses or their gradients") {
  const Tensor logits = random_tensor({10'000, 7}, 2, -3.0, 3.0, Dtype::float32);
  std::vector<std::int64_t> labels(10'000, 3);
  const Tensor head = random_tensor({10'000}, 3, -1.0, 1.0, Dtype::float32);
  const int threads = num_threads();
  std::vector<std::vector<Tensor>> results;
  for (const int count : {1, 3}) {
    set_num_threads(count);
    const LossRecord cross = softmax_cross_entropy(logits, labels.data(), 10'000);
    const LossRecord squares = l2_loss(logits, cross.saved);
    results.push_back({cross.loss, softmax_cross_entropy_backward(cross, labels.data(), head),
                       squares.loss, l2_loss_backward(squares, head)});
  }
  set_num_threads(threads);

  for (std::size_t k = 0; k < 4; ++k) {
    for (std::int64_t i = 0; i < results[0][k].size(); ++i) {
      REQUIRE(results[0][k].data<float>()[i] == results[1][k].data<float>()[i]);
    }
  }
}

TEST_CASE("labels in a vector, and head gradients of 1, are the common case") {
  const Tensor logits = random_tensor({3, 4}, 1);
  const std::vector<std::int64_t> labels = {0, 3, 1};

  const LossRecord record = softmax_cross_entropy(logits, labels);
  const Tensor gradient = softmax_cross_entropy_backward(record, labels);

  const auto sum = [&] { return 3.0 * softmax_cross_entropy(logits, labels).mean(); };
  CHECK(test::relative_error(gradient, test::numeric_gradient(sum, logits)) < 1e-6);
  CHECK_THROWS_AS(softmax_cross_entropy(logits, {0, 1}), InputError);
}

TEST_CASE("labels of the derivative are those of the loss: as many, and classes that there are") {
  const Tensor logits({3, 2});
  const LossRecord record = softmax_cross_entropy(logits, {0, 1, 0});

  CHECK_THROWS_WITH_AS(softmax_cross_entropy_backward(record, {0, 1}),
                       "expected 3 labels, one for each row of predictions of shape (3, 2), found "
                       "2; pass one class number for each sample",
                       InputError);
  CHECK_THROWS_WITH_AS(softmax_cross_entropy_backward(record, {0, 1, std::int64_t{1} << 40}),
                       "expected labels from 0 to 1 for 2 classes, found label 1099511627776 at "
                       "position 2; correct the label, or give the net's last layer more units",
                       IndexError);
}

}  // namespace
}  // namespace glueball
