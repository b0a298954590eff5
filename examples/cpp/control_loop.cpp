// A net in a control loop: one forward each step, with no allocation, and how long the steps took.
//   control_loop [steps]
// Exits with 1 if a step asked for memory. A pole on a cart is the plant; the policy is an
// untrained net, which takes the same time as a trained one.
#include <glueball/glueball.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <vector>

#include "count_allocations.h"

namespace {

using namespace glueball;
using Clock = std::chrono::steady_clock;

/// A pole of 1 m on a cart, by Barto, Sutton and Anderson, IEEE SMC 13, 1983; steps of 20 ms.
struct Plant {
  std::array<float, 4> state{0.0F, 0.0F, 0.05F, 0.0F};  // position, speed, angle, angular speed

  void step(float force) {
    const float sine = std::sin(state[2]);
    const float cosine = std::cos(state[2]);
    const float push = (force + 0.05F * state[3] * state[3] * sine) / 1.1F;
    const float turn =
        (9.8F * sine - cosine * push) / (0.5F * (4.0F / 3.0F - 0.1F * cosine * cosine / 1.1F));
    const float slide = push - 0.05F * turn * cosine / 1.1F;
    state[0] += 0.02F * state[1];
    state[1] += 0.02F * slide;
    state[2] += 0.02F * state[3];
    state[3] += 0.02F * turn;
    if (std::abs(state[0]) > 2.4F || std::abs(state[2]) > 0.21F) *this = Plant();  // begin again
  }
};

/// Counts of latencies: bucket i holds those from 2^i to 2^(i+1) nanoseconds.
class Histogram {
 public:
  void add(std::int64_t nanoseconds) {
    std::size_t bucket = 0;
    while (bucket + 1 < counts_.size() && nanoseconds >> (bucket + 1) != 0) ++bucket;
    ++counts_[bucket];
    ++total_;
    worst_ = std::max(worst_, nanoseconds);
  }

  void print() const {
    std::int64_t below = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) continue;
      below += counts_[i];
      std::printf("%10lld ns to %10lld ns: %9lld steps, %9.4f %% up to here\n", 1LL << i,
                  (1LL << (i + 1)) - 1, static_cast<long long>(counts_[i]),
                  100.0 * static_cast<double>(below) / static_cast<double>(total_));
    }
    std::printf("worst: %lld ns\n", static_cast<long long>(worst_));
  }

 private:
  std::array<std::int64_t, 40> counts_{};
  std::int64_t total_ = 0;
  std::int64_t worst_ = 0;
};

int run(std::int64_t steps) {
  Sequential policy("policy");
  Dense::Settings hidden;
  hidden.activation = ActivationKind::tanh;
  policy.add<Dense>("dense0", 64, hidden);
  policy.add<Dense>("dense1", 64, hidden);
  policy.add<Dense>("dense2", 1);
  policy.initialize(std::make_shared<Xavier>(), /*seed=*/0);

  Plant plant;
  float force = 0.0F;
  // Views of this function's own memory: made once, read and written in every step.
  const Tensor input = Tensor::borrow(plant.state.data(), {1, 4});
  const Tensor output = Tensor::borrow(&force, {1, 1});
  policy.forward_into(input, output);  // the first call makes the weights, and memory for the rest

  Histogram latencies;
  const std::int64_t before = allocations();
  for (std::int64_t step = 0; step < steps; ++step) {
    const Clock::time_point start = Clock::now();
    policy.forward_into(input, output);
    const Clock::duration taken = Clock::now() - start;
    latencies.add(std::chrono::duration_cast<std::chrono::nanoseconds>(taken).count());
    plant.step(10.0F * force);
  }
  const std::int64_t asked = allocations() - before;

  latencies.print();
  std::printf("allocations in %lld steps: %lld\n", static_cast<long long>(steps),
              static_cast<long long>(asked));
  return asked == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count > 1 ? std::atoll(arguments[1]) : 100'000);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
