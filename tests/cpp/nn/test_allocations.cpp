// A step of training and a forward ask the system for memory the first time only: a program of its
// own, because it counts what the whole process asks for.

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "count_allocations.h"
#include "glueball/glueball.h"

namespace glueball {
namespace {

/// Dense layers with relu between them.
std::unique_ptr<Sequential> chain(const std::vector<std::int64_t>& units) {
  auto net = std::make_unique<Sequential>("net");
  for (std::size_t i = 0; i < units.size(); ++i) {
    Dense::Settings settings;
    if (i + 1 < units.size()) settings.activation = ActivationKind::relu;
    net->add<Dense>("dense" + std::to_string(i), units[i], settings);
  }
  return net;
}

/// How many tens of steps of training it takes until ten together ask for no memory; 20 at most.
///
/// One thread has all that it needs after the first ten. Several take tasks as they come, and each
/// keeps memory of its own, so that a thread may meet a task for the first time later.
int tens_until_settled(Sequential& net, const Shape& shape, const std::string& rule) {
  net.initialize(std::make_shared<Uniform>(), /*seed=*/0);
  const std::int64_t batch = shape[0];
  Tensor x(shape);
  x.fill(0.5);
  const std::vector<std::int64_t> labels(static_cast<std::size_t>(batch), 1);
  Tensor ones({batch});
  ones.fill(1.0);
  Generator rng(0, 0);
  ForwardMode training{true, &rng};
  net.infer_shape(shape);
  Trainer trainer(ParameterList{net}, Optimizer{rule});
  ChainRecord record;  // whose memory serves all steps
  const auto step = [&] {
    const Tensor logits = net.forward_chain(x, training, record);
    const LossRecord loss = softmax_cross_entropy(logits, labels.data(), batch);
    net.backward_chain(softmax_cross_entropy_backward(loss, labels.data(), ones), record, false,
                       {});
    trainer.step(batch);
  };
  for (int tens = 0; tens < 20; ++tens) {
    const std::int64_t before = allocations();
    for (int i = 0; i < 10; ++i) step();
    if (allocations() == before) return tens;
  }
  return 20;
}

}  // namespace

TEST_CASE("training asks for no memory once it has run") {
  set_num_threads(1);
  for (const char* rule : {"sgd", "adam", "lamb"}) {
    CAPTURE(std::string(rule));
    CHECK(tens_until_settled(*chain({64, 64, 2}), {1, 4}, rule) == 1);
    CHECK(tens_until_settled(*chain({256, 10}), {2, 20}, rule) == 1);
    CHECK(tens_until_settled(*chain({512, 512, 10}), {200, 256}, rule) == 1);
  }
}

TEST_CASE("training on several threads stops asking for memory") {
  set_num_threads(2);
  for (const char* rule : {"sgd", "adam"}) {
    CAPTURE(std::string(rule));
    CHECK(tens_until_settled(*chain({512, 512, 10}), {200, 256}, rule) < 20);
  }
  set_num_threads(1);
}

TEST_CASE("training layers of other kinds asks for no memory once it has run") {
  Sequential net("net");
  net.add<Flatten>("flatten");
  net.add<Dense>("dense0", 32);
  net.add<BatchNorm>("norm0");
  net.add<Activation>("act0", ActivationKind::gelu);
  net.add<Dropout>("drop0", 0.5);
  net.add<LayerNorm>("norm1");
  net.add<PReLU>("act1");
  net.add<Dense>("dense1", 3);

  CHECK(tens_until_settled(net, {8, 2, 5}, "sgd") == 1);
}

TEST_CASE("a forward asks for no memory once it has run") {
  const auto net = chain({64, 64, 2});
  net->initialize(std::make_shared<Uniform>(), /*seed=*/0);
  const Tensor x({1, 4});
  Tensor y = (*net)(x);
  const std::int64_t before = allocations();
  for (int i = 0; i < 10; ++i) y = (*net)(x);
  CHECK(allocations() == before);
}

}  // namespace glueball
