#include "glueball/trainer.h"

#include <doctest/doctest.h>

#include <memory>
#include <thread>
#include <vector>

#include "glueball/dense.h"
#include "glueball/error.h"
#include "glueball/loss.h"
#include "glueball/sequential.h"

namespace glueball {
namespace {

/// One parameter of two elements, of value 1, with the gradient (2, 4).
std::shared_ptr<Parameter> a_parameter(Sequential& net) {
  const auto layer = net.add<Dense>("dense0", 2, Dense::Settings{});
  net.initialize(std::make_shared<One>());
  net.prepare({1, 1});
  layer->weight()->set_grad_req(GradReq::null);
  layer->bias()->data().fill(1.0);
  layer->bias()->grad().data<float>()[0] = 2.0F;
  layer->bias()->grad().data<float>()[1] = 4.0F;
  return layer->bias();
}

TEST_CASE("a step divides gradients by the batch size") {
  Sequential net;
  const auto bias = a_parameter(net);
  Optimizer::Settings settings;
  settings.learning_rate = 0.5;
  Trainer trainer(ParameterList(net), Optimizer("sgd", settings));

  trainer.step(4);

  CHECK(bias->data().data<float>()[0] == 1.0F - 0.5F * 2.0F / 4.0F);
  CHECK(bias->data().data<float>()[1] == 1.0F - 0.5F * 4.0F / 4.0F);
}

TEST_CASE("steps of several threads come one after the other, and none is lost") {
  Sequential net;
  const auto bias = a_parameter(net);
  Optimizer::Settings settings;
  settings.learning_rate = 0.5;
  Trainer trainer(ParameterList(net), Optimizer("sgd", settings, {{"momentum", 0.0}}));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int step = 0; step < 200; ++step) {
        trainer.set_learning_rate(0.5);
        trainer.step(1 << (step % 3));  // 1, 2, 4: exact, and torn if they were mixed up
        static_cast<void>(trainer.learning_rate());
        static_cast<void>(trainer.optimizer().state(*bias).count);
        const Optimizer copy(trainer.optimizer());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  // Of each thread 67 steps by 1, 67 by a half, and 66 by a quarter of the gradient 2.
  CHECK(bias->data().data<float>()[0] == 1.0F - 4.0F * (67.0F + 67.0F / 2.0F + 66.0F / 4.0F));
  CHECK(trainer.optimizer().state(*bias).count == 800);
}

TEST_CASE("a rescale_grad of the optimizer's own multiplies every step's") {
  Sequential net;
  const auto bias = a_parameter(net);
  Optimizer::Settings settings;
  settings.learning_rate = 1.0;
  settings.rescale_grad = 0.25;
  Trainer trainer(ParameterList(net), Optimizer("sgd", settings));

  trainer.step(2);
  trainer.step(1);

  CHECK(bias->data().data<float>()[0] == 1.0F - 2.0F * 0.25F / 2.0F - 2.0F * 0.25F);
}

TEST_CASE("the learning rate may change between steps") {
  Sequential net;
  const auto bias = a_parameter(net);
  Trainer trainer(ParameterList(net), Optimizer("sgd"));

  trainer.set_learning_rate(0.25);
  trainer.step(1);

  CHECK(trainer.learning_rate() == 0.25);
  CHECK(bias->data().data<float>()[0] == 1.0F - 0.25F * 2.0F);
}

TEST_CASE("a batch size below 1 is refused, and nothing changes") {
  Sequential net;
  const auto bias = a_parameter(net);
  Trainer trainer(ParameterList(net), Optimizer("sgd"));

  CHECK_THROWS_WITH_AS(trainer.step(0),
                       "expected a batch size of at least 1, found 0; pass the number of samples "
                       "that the gradients are sums over",
                       ArgumentError);
  CHECK(bias->data().data<float>()[0] == 1.0F);
}

TEST_CASE("parameters without a new gradient are skipped when stale ones are ignored") {
  Sequential net;
  const auto bias = a_parameter(net);
  Trainer trainer(ParameterList(net), Optimizer("sgd"));

  trainer.step(1, /*ignore_stale=*/true);

  CHECK(bias->data().data<float>()[0] == 1.0F);
}

TEST_CASE("a net learns what least squares finds") {
  // y = 3 x - 1 exactly, so the loss goes to 0.
  Tensor x({8, 1});
  Tensor y({8, 1});
  for (int i = 0; i < 8; ++i) {
    x.data<float>()[i] = static_cast<float>(i) / 4.0F - 1.0F;
    y.data<float>()[i] = 3.0F * x.data<float>()[i] - 1.0F;
  }
  Sequential net;
  const auto layer = net.add<Dense>("dense0", 1);
  net.initialize();
  Optimizer::Settings settings;
  settings.learning_rate = 0.5;
  Trainer trainer(ParameterList(net), Optimizer("sgd", settings, {{"momentum", 0.5}}));

  double last = 1.0;
  for (int step = 0; step < 200; ++step) {
    ChainRecord record;
    const LossRecord loss = l2_loss(net.forward_chain(x, ForwardMode{}, record), y);
    net.backward_chain(l2_loss_backward(loss, loss.ones()), record, false, {});
    trainer.step(8);
    last = loss.mean();
  }

  CHECK(last < 1e-8);
  CHECK(layer->weight()->data().data<float>()[0] == doctest::Approx(3.0).epsilon(1e-3));
  CHECK(layer->bias()->data().data<float>()[0] == doctest::Approx(-1.0).epsilon(1e-3));
}

}  // namespace
}  // namespace glueball
