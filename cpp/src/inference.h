#pragma once

#include <cstdint>
#include <vector>

#include "glueball/dense.h"
#include "glueball/layer.h"
#include "glueball/tensor.h"

namespace glueball {

/// The short way through a chain that nobody records: dense layers and activations on bare memory,
/// without a Tensor between them.
///
/// What a small net needs most is less of everything else: checks of all layers come first, in one
/// loop, and whatever is out of the ordinary is left to the layers' own forward, which says what is
/// wrong, initializes, or packs weights.
class InferencePlan {
 public:
  /// Tells of a layer behind the last. Layers of a kind that it doesn't know end the short way.
  void add(Layer& layer);

  /// What goes the short way: the units of the output, or 0 if it can't; and multiply-adds a row.
  struct Way {
    std::int64_t units = 0;
    std::int64_t work = 0;
  };
  Way way_for(const Tensor& input, bool training) const;

  /// Multiply-adds a row, or -1 if a layer is of another kind or not initialized.
  std::int64_t work() const;

  /// Runs the layers on an input that way_for() accepted. `output` has the input's rows, and the
  /// units and dtype that the net gives.
  void run(const Tensor& input, const Tensor& output) const;

 private:
  struct Step {
    const Dense* dense;  ///< null: an activation of its own
    ActivationFunction activation;
  };

  template <class T>
  void run_as(const Tensor& input, const Tensor& output) const;

  std::vector<Step> steps_;
  bool is_plain_ = true;
  bool drops_ = false;  ///< has a layer that acts in training only
};

}  // namespace glueball
