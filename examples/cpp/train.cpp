// Builds a classifier and trains it on a data file:
//   train train.csv test.csv digits.safetensors [epochs]
// A line of a data file is one sample: its features, then the number of its class.
// make_digits.py writes scikit-learn's handwritten digits that way.
#include <glueball/glueball.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "table.h"

namespace {

using namespace glueball;

struct Samples {
  Tensor features;  // (samples, features)
  std::vector<std::int64_t> labels;

  std::int64_t count() const { return features.shape()[0]; }
};

Samples read_samples(const char* path) {
  std::ifstream file(path);
  if (!file)
    throw ArgumentError({"a data file", std::string("no '") + path + "'", "check its path"});
  const Table table = read_table(file);
  const std::int64_t features = table.columns - 1;
  Samples samples{Tensor({table.rows(), features}), {}};
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    const float* numbers = table.numbers.data() + row * table.columns;
    std::copy(numbers, numbers + features, samples.features.data<float>() + row * features);
    samples.labels.push_back(static_cast<std::int64_t>(numbers[features]));
  }
  return samples;
}

/// The samples whose numbers are order[begin] to order[end - 1].
Samples batch_of(const Samples& all, const std::vector<std::int64_t>& order, std::size_t begin,
                 std::size_t end) {
  const std::int64_t width = all.features.shape()[1];
  Samples batch{Tensor::uninitialized({static_cast<std::int64_t>(end - begin), width}), {}};
  float* out = batch.features.data<float>();
  for (std::size_t i = begin; i < end; ++i) {
    const float* row = all.features.data<float>() + order[i] * width;
    out = std::copy(row, row + width, out);
    batch.labels.push_back(all.labels[static_cast<std::size_t>(order[i])]);
  }
  return batch;
}

double accuracy(Sequential& net, const Samples& samples) {
  const Tensor scores = net(samples.features);
  const std::int64_t classes = scores.shape()[1];
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < samples.count(); ++i) {
    const float* row = scores.data<float>() + i * classes;
    if (std::max_element(row, row + classes) - row == samples.labels[static_cast<std::size_t>(i)]) {
      ++right;
    }
  }
  return static_cast<double>(right) / static_cast<double>(samples.count());
}

void train(Sequential& net, const Samples& samples, int epochs) {
  constexpr std::size_t batch_size = 64;
  Optimizer::Settings settings;
  settings.learning_rate = 0.1;
  settings.weight_decay = 1e-4;
  Trainer trainer(ParameterList(net), Optimizer("sgd", settings, {{"momentum", 0.9}}));
  ForwardMode training;
  Generator dropouts(/*seed=*/1);
  training.training = true;
  training.rng = &dropouts;

  std::vector<std::int64_t> order(static_cast<std::size_t>(samples.count()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  std::mt19937 shuffler(0);
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    std::shuffle(order.begin(), order.end(), shuffler);
    double sum = 0.0;
    for (std::size_t begin = 0; begin < order.size(); begin += batch_size) {
      const std::size_t end = std::min(begin + batch_size, order.size());
      const Samples batch = batch_of(samples, order, begin, end);
      ChainRecord record;
      const Tensor scores = net.forward_chain(batch.features, training, record);
      const LossRecord loss = softmax_cross_entropy(scores, batch.labels);
      net.backward_chain(softmax_cross_entropy_backward(loss, batch.labels), record, false, {});
      trainer.step(batch.count());
      sum += loss.mean() * static_cast<double>(batch.count());
    }
    if (epoch % 5 == 0 || epoch == epochs) {
      std::printf("epoch %d: loss %.4f\n", epoch, sum / static_cast<double>(samples.count()));
    }
  }
}

int run(const char* train_path, const char* test_path, const char* model_path, int epochs) {
  const Samples train_samples = read_samples(train_path);
  const Samples test_samples = read_samples(test_path);

  Sequential net("net");
  Dense::Settings hidden;
  hidden.activation = ActivationKind::relu;
  net.add<Dense>("dense0", 128, hidden);
  net.add<Dropout>("dropout0", 0.1);
  net.add<Dense>("dense1", 10);  // widths of inputs are inferred
  net.initialize(std::make_shared<Xavier>(), /*seed=*/0);
  net.prepare(train_samples.features.shape());
  std::printf("glueball %s, %s: %lld samples, %lld parameters\n", version(), instruction_set(),
              static_cast<long long>(train_samples.count()),
              static_cast<long long>(ParameterList(net).elements()));

  train(net, train_samples, epochs);
  std::printf("test accuracy: %.4f\n", accuracy(net, test_samples));
  save_model(net, model_path);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fprintf(stderr, "usage: train train.csv test.csv model.safetensors [epochs]\n");
    return 2;
  }
  try {
    return run(arguments[1], arguments[2], arguments[3], count > 4 ? std::atoi(arguments[4]) : 20);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
