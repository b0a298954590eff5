#pragma once

#include <functional>
#include <vector>

#include "nets.h"

namespace bench {

/// Something to time, and what it has computed so far: all competitors must agree on that.
struct Run {
  std::function<void()> call;
  std::function<std::vector<float>()> result;
};

/// One way of running the nets. Each is in a file of its own.
struct Competitor {
  const char* name;
  /// Runs what comes next on so many threads; false if it can't.
  bool (*set_threads)(int threads);
  /// The net forward on its batch; the result is its output.
  Run (*forward)(const Net& net);
  /// A step of training as in bench/peers/base.py; the result is the first layer's weight.
  Run (*train)(const Net& net, float rate);
};

extern const Competitor glueball_competitor;
extern const Competitor eigen_competitor;

}  // namespace bench
