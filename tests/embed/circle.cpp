// Trains a small net from C++, with nothing but the installed headers and library.
#include <glueball/glueball.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

namespace {

using namespace glueball;

// Points on a grid in [-1, 1] x [-1, 1]; class 1 lies inside a circle about the origin.
void make_circle(const Tensor& points, std::vector<std::int64_t>& labels) {
  constexpr std::int64_t side = 16;
  for (std::int64_t i = 0; i < side * side; ++i) {
    const double x = 2.0 * static_cast<double>(i % side) / (side - 1) - 1.0;
    const double y = 2.0 * static_cast<double>(i / side) / (side - 1) - 1.0;
    points.data<float>()[2 * i] = static_cast<float>(x);
    points.data<float>()[2 * i + 1] = static_cast<float>(y);
    labels.push_back(x * x + y * y < 0.5 ? 1 : 0);
  }
}

std::vector<std::shared_ptr<Parameter>> parameters_of(const Sequential& net) {
  std::vector<std::shared_ptr<Parameter>> parameters;
  for (const auto& entry : net.collect_parameters()) parameters.push_back(entry.second);
  return parameters;
}

double mean(const Tensor& values) {
  double sum = 0;
  for (std::int64_t i = 0; i < values.size(); ++i) sum += values.data<float>()[i];
  return sum / static_cast<double>(values.size());
}

}  // namespace

int main() {
  const std::int64_t samples = 256;
  Tensor points({samples, 2});
  std::vector<std::int64_t> labels;
  make_circle(points, labels);

  Dense::Settings hidden;
  hidden.activation = ActivationKind::tanh;
  Sequential net;
  net.add(std::make_shared<Dense>("dense0", 16, hidden));
  net.add(std::make_shared<Dense>("dense1", 2));
  net.initialize(std::make_shared<Xavier>(), /*seed=*/1);

  Optimizer::Settings settings;
  settings.learning_rate = 0.5;
  settings.rescale_grad = 1.0 / static_cast<double>(samples);
  SGD sgd(settings, /*momentum=*/0.9);
  Tensor ones({samples});
  ones.fill(1.0);

  double first = 0;
  double last = 0;
  ForwardMode training;
  training.training = true;
  for (int step = 0; step < 200; ++step) {
    ChainRecord record;
    const Tensor logits = net.forward_chain(points, training, record);
    const LossRecord loss = softmax_cross_entropy(logits, labels.data(), samples);
    const BackwardPass pass;
    net.backward_chain(softmax_cross_entropy_backward(loss, labels.data(), ones), record, false,
                       pass);
    sgd.update(parameters_of(net));
    last = mean(loss.loss);
    if (step == 0) first = last;
  }
  std::printf("glueball %s: loss %.3f -> %.3f\n", version(), first, last);

  try {
    net(Tensor({samples, 3}));
    std::printf("an input of the wrong width was taken\n");
    return 1;
  } catch (const Error& error) {
    std::printf("%s\n", error.what());
  }
  return std::isfinite(last) && last < 0.2 && first > 0.4 ? 0 : 1;
}
