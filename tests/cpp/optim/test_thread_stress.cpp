#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "glueball/batch_norm.h"
#include "glueball/dense.h"
#include "glueball/dropout.h"
#include "glueball/error.h"
#include "glueball/sequential.h"
#include "glueball/trainer.h"

namespace glueball {
namespace {

constexpr std::int64_t units = 16;

/// What two threads share.
struct World {
  explicit World(unsigned seed) : x({seed % 3 == 0 ? 256 : 2, units}) {
    first = net.add<Dense>("dense0", units, Dense::Settings{});
    net.add<Dropout>("dropout0", 0.5);
    net.add<BatchNorm>("norm0");
    last = net.add<Dense>("dense1", units, Dense::Settings{});
    net.initialize(std::make_shared<Uniform>(0.1));
    if (seed % 2 == 0) net.prepare({1, units});
    x.fill(1.0);
    parameter = seed % 5 < 3 ? first->weight() : last->bias();
    trainer = std::make_unique<Trainer>(ParameterList(net),
                                        Optimizer(seed % 4 < 2 ? "adam" : "sgd", {1e-6}));
  }

  /// Values are of arrays of our own, all of which hold small numbers.
  void check(const Tensor& output) {
    if (output.dtype() != Dtype::float32) return;
    for (std::int64_t i = 0; i < output.size(); ++i) {
      if (!(std::abs(output.data<float>()[i]) < 1e6F)) wrong = true;
    }
  }

  Sequential net{"net"};
  std::shared_ptr<Dense> first;
  std::shared_ptr<Dense> last;
  std::shared_ptr<Parameter> parameter;
  std::unique_ptr<Trainer> trainer;
  Tensor x;
  Generator rng{1};
  std::atomic<bool> wrong{false};
};

void train(World& world) {
  ChainRecord record;
  const Tensor y = world.net.forward_chain(world.x, {true, &world.rng}, record);
  static_cast<void>(world.net.backward_chain(y, record, true, BackwardPass()));
  world.trainer->step(4);
}

using Operation = std::pair<const char*, std::function<void(World&)>>;

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = {
      {"forward", [](World& w) { w.check(w.net(w.x)); }},
      {"train", train},
      {"prepare", [](World& w) { w.net.prepare({4, units}); }},
      {"step", [](World& w) { w.trainer->step(4, true); }},
      {"update", [](World& w) { w.trainer->optimizer().update({w.parameter}); }},
      {"set_learning_rate",
       [](World& w) { w.trainer->set_learning_rate(w.trainer->learning_rate()); }},
      {"hyperparameters",
       [](World& w) {
         for (const auto& [name, value] : w.trainer->optimizer().hyperparameters()) {
           w.trainer->optimizer().set_hyperparameter(name, value);
         }
       }},
      {"state",
       [](World& w) {
         w.trainer->optimizer().set_state(*w.parameter, w.trainer->optimizer().state(*w.parameter));
       }},
      {"copy of an optimizer",
       [](World& w) { Optimizer(w.trainer->optimizer()).update({w.parameter}); }},
      {"data", [](World& w) { w.check(w.parameter->data()); }},
      {"data, written", [](World& w) { w.parameter->data().fill(0.01); }},
      {"grad", [](World& w) { static_cast<void>(w.parameter->grad().shape()); }},
      {"set_data", [](World& w) { w.parameter->set_data(Tensor(*w.parameter->shape())); }},
      {"zero_grad", [](World& w) { w.parameter->zero_grad(); }},
      {"initialize",
       [](World& w) {
         w.parameter->initialize(std::make_shared<Uniform>(0.1), nullptr, Generator(), true);
       }},
      {"finish_deferred", [](World& w) { w.parameter->finish_deferred(); }},
      {"grad_req",
       [](World& w) {
         for (const GradReq each : {GradReq::null, GradReq::add, GradReq::write}) {
           w.parameter->set_grad_req(each);
         }
       }},
      {"cast",
       [](World& w) {
         w.parameter->cast(Dtype::float64);
         w.parameter->cast(Dtype::float32);
       }},
      {"multipliers",
       [](World& w) {
         w.parameter->set_lr_mult(w.parameter->lr_mult());
         w.parameter->set_wd_mult(w.parameter->wd_mult());
       }},
      {"rounds_inference",
       [](World& w) { w.parameter->set_rounds_inference(!w.parameter->rounds_inference()); }},
      {"snapshot",
       [](World& w) { static_cast<void>(w.parameter->matches(w.parameter->snapshot())); }},
      {"look",
       [](World& w) {
         static_cast<void>(w.parameter->shape());
         static_cast<void>(w.parameter->state());
         static_cast<void>(w.parameter->has_grad());
       }},
      {"draw", [](World& w) { w.rng.normal(Tensor({300}), 0.0, 1.0); }},
      {"parameters of a net",
       [](World& w) {
         const ParameterList list(w.net);
         for (const auto& each : list.all()) static_cast<void>(each->version());
       }},
  };
  return all;
}

/// Runs an operation again and again; what it throws is of the library, and no fault.
void repeat(const Operation& operation, World& world, std::chrono::steady_clock::time_point end) {
  do {
    try {
      operation.second(world);
    } catch (const Error&) {
    }
  } while (std::chrono::steady_clock::now() < end);
}

// Of use under the sanitizers. GLUEBALL_STRESS_PAIR_SECONDS=1 is for a longer run.
TEST_CASE("any two operations may run beside each other") {
  const char* const asked = std::getenv("GLUEBALL_STRESS_PAIR_SECONDS");
  const std::chrono::duration<double> each(asked == nullptr ? 0.002 : std::atof(asked));
  unsigned seed = 18;
  for (std::size_t i = 0; i < operations().size(); ++i) {
    for (std::size_t j = i; j < operations().size(); ++j) {
      CAPTURE(operations()[i].first);
      CAPTURE(operations()[j].first);
      World world(++seed);
      const auto end = std::chrono::steady_clock::now() +
                       std::chrono::duration_cast<std::chrono::steady_clock::duration>(each);
      std::thread other([&] { repeat(operations()[j], world, end); });
      repeat(operations()[i], world, end);
      other.join();
      CHECK_FALSE(world.wrong);
    }
  }
}

}  // namespace
}  // namespace glueball
