// Two initializers of the program's own.
//
// Laplace draws weights with heavier tails than a normal's. LogPrior starts the bias of a
// classifier at the logarithms of how frequent the classes are: then the first loss is the entropy
// of the classes, and not the logarithm of their number, and no step is wasted on learning what
// could be counted.
#include <glueball/glueball.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

namespace {

using namespace glueball;

/// Draws from a Laplace distribution whose variance is 1 / fan-in, by the inverse of its integral.
class Laplace : public Initializer {
 public:
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    // Of a Laplace distribution of scale b the variance is 2 b^2.
    const double scale = std::sqrt(0.5 / fans(desc.name, out.shape()).first);
    rng.uniform(out, -0.5, 0.5);
    float* values = out.data<float>();
    for (std::int64_t i = 0; i < out.size(); ++i) {
      const double u = static_cast<double>(values[i]);
      // u is a multiple of 2^-24, so the logarithm's argument is never below 2^-25.
      const double tail = std::max(1.0 - 2.0 * std::abs(u), std::ldexp(1.0, -25));
      values[i] = static_cast<float>(std::copysign(-scale * std::log(tail), u));
    }
  }
};

/// Starts a bias at log(count / sum of counts).
class LogPrior : public Initializer {
 public:
  explicit LogPrior(std::vector<double> counts) : counts_(std::move(counts)) {}

  void init_weight(const InitDesc& desc, const Tensor& out, Generator&) const override {
    if (out.size() != static_cast<std::int64_t>(counts_.size())) {
      throw ShapeError(Explanation{"one element for each of " + std::to_string(counts_.size()) +
                                       " classes in '" + desc.name + "'",
                                   to_string(out.shape()), "give the layer as many units"});
    }
    const double sum = std::accumulate(counts_.begin(), counts_.end(), 0.0);
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      out.data<float>()[i] = static_cast<float>(std::log(counts_[i] / sum));
    }
  }

 private:
  std::vector<double> counts_;
};

/// The loss of a net before any training, on samples of which class i has counts[i].
double first_loss(const std::vector<double>& counts, std::shared_ptr<const Initializer> bias) {
  std::vector<std::int64_t> labels;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    labels.insert(labels.end(), static_cast<std::size_t>(counts[i]), static_cast<std::int64_t>(i));
  }
  const auto samples = static_cast<std::int64_t>(labels.size());
  Tensor features({samples, 50});
  Generator(/*seed=*/3).normal(features, 0.0, 0.01);

  Sequential net;
  Dense::Settings settings;
  settings.bias_initializer = std::move(bias);
  net.add<Dense>("dense0", static_cast<std::int64_t>(counts.size()), settings);
  net.initialize(std::make_shared<Laplace>(), /*seed=*/0);
  return softmax_cross_entropy(net(features), labels).mean();
}

}  // namespace

int main() {
  try {
    const std::vector<double> counts = {900, 90, 10};
    Sequential net;
    net.add<Dense>("dense0", 400);
    net.initialize(std::make_shared<Laplace>(), /*seed=*/0);
    net.prepare({1, 250});
    const Tensor weight = ParameterList(net)["dense0_weight"]->data();
    double squares = 0.0;
    for (std::int64_t i = 0; i < weight.size(); ++i) {
      squares += std::pow(static_cast<double>(weight.data<float>()[i]), 2);
    }
    std::printf("variance times fan-in: %.4f\n",
                squares / static_cast<double>(weight.size()) * 250);
    std::printf("first loss with biases of 0: %.4f\n",
                first_loss(counts, std::make_shared<Zero>()));
    std::printf("first loss with LogPrior: %.4f\n",
                first_loss(counts, std::make_shared<LogPrior>(counts)));
    first_loss({1, 1}, std::make_shared<LogPrior>(counts));
  } catch (const ShapeError& error) {
    std::printf("%s\n", error.what());  // the last call's: three counts for two classes
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
