#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "glueball/buffer.h"
#include "glueball/layer.h"
#include "glueball/tensor.h"
#include "nn/chain_step.h"
#include "nn/packed_weights.h"

namespace glueball {

/// What the layer is to a chain: as its class declares it, Kind::other for a class that does not.
ChainStep chain_step_of(const Layer& layer);

/// The short way through a chain that nobody records: products and elementwise functions on bare
/// memory, without a Tensor between them.
///
/// What a small net needs most is less of everything else: checks of all layers come first, in one
/// loop, and whatever is out of the ordinary is left to the layers' own forward, which says what is
/// wrong, initializes, or packs weights. All within one ReadSection of the caller's.
class InferencePlan {
 public:
  /// Adds a layer after the last. One of Kind::other ends the short way.
  void add(const Layer& layer);
  /// What layer number `i` is to the chain.
  const ChainStep& layer(std::size_t i) const { return layers_[i]; }

  /// What one input finds of the short way: every layer's arrays, looked up once, so that a run
  /// goes on when others replace them.
  class Way {
   public:
    Way(const InferencePlan& plan, const Tensor& input, bool training);
    ~Way() {
      if (many_ != nullptr) many_->release();
    }
    Way(const Way&) = delete;
    Way& operator=(const Way&) = delete;

    std::int64_t units = 0;  ///< Of the output; 0 if the input can't go the short way.
    std::int64_t work = 0;   ///< Multiply-adds a row.

   private:
    friend class InferencePlan;
    struct Product {
      const Panels* panels;
      const void* bias;
    };
    Product* products_ = nullptr;
    std::array<Product, 16> few_;  // NOLINT(*-member-init): written before it is read
    Buffer* many_ = nullptr;       // in place of few_ for more
  };

  /// Multiply-adds a row, or -1 if a layer is of another kind or not initialized.
  std::int64_t work() const;

  /// Runs the layers on the input of `way`, which has units. `output` has the input's rows, and the
  /// units and dtype that the net gives.
  void run(const Way& way, const Tensor& input, const Tensor& output) const;

 private:
  template <class T>
  void run_as(const Way& way, const Tensor& input, const Tensor& output) const;

  std::vector<ChainStep> layers_;
  std::vector<ChainStep> steps_;  ///< Of those that do something outside training.
  std::size_t products_ = 0;
  bool is_plain_ = true;
  bool drops_ = false;  ///< has a layer that acts in training only
};

}  // namespace glueball
